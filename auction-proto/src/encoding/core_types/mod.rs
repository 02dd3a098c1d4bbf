//! Forms of the core's types on the wire and in the journal.
//!
//! A form is a separate definition, so that neither the core's type nor the bytes freeze the other: the compiler
//! compares the form with the core's type and reports a difference, and only the form determines the bytes. Fields
//! are written in the order of the form. The number of a variant is its position in the form, written beside it and
//! checked by the compiler; a shipped form never changes, and a new variant goes to its end.

/// Defines a form: `struct TheForm: CoreType = "path of the core's type" { fields }`, or an `enum` whose variants are
/// preceded by their numbers. `#[serde(default)]` lets JSON omit a field; in the binary form every field is present.
macro_rules! form {
    (struct $form:ident: $type:ident = $path:literal { $($(#[$attribute:meta])* $field:ident: $of:ty),* $(,)? }) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(remote = $path, deny_unknown_fields)]
        struct $form {
            $(#[serde(with = "crate::encoding::wire")] $(#[$attribute])* $field: $of,)*
        }
        $crate::encoding::core_types::form!(@wire $form: $type);
        #[cfg(feature = "schema")]
        $crate::encoding::schema::shaped_struct!($type, Some(stringify!($type)), {
            $($(#[$attribute])* $field: $of),*
        });
    };
    (enum $form:ident: $type:ident = $path:literal {
        $($number:literal = $variant:ident $(($of:ty))? $({ $($field:ident: $fof:ty),* $(,)? })?),* $(,)?
    }) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(remote = $path, rename_all = "snake_case", deny_unknown_fields)]
        enum $form {
            $($variant $((#[serde(with = "crate::encoding::wire")] $of))?
                $({ $(#[serde(with = "crate::encoding::wire")] $field: $fof),* })?,)*
        }
        $crate::encoding::core_types::form!(@wire $form: $type);
        $crate::encoding::core_types::in_order!($($number),*);
        #[cfg(feature = "schema")]
        $crate::encoding::schema::shaped_enum!($type, {
            $($number = $variant $(($of))? $({ $($field: $fof),* })?),*
        });
    };
    (@wire $form:ident: $type:ident) => {
        impl $crate::encoding::wire::Wire for $type {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $form::serialize(self, to)
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $form::deserialize($crate::encoding::wire::Named(from))
            }
        }
    };
}

/// Checks at compile time that the written numbers are the positions of their variants.
macro_rules! in_order {
    ($($number:literal),*) => {
        const _: () = {
            let numbers: &[usize] = &[$($number),*];
            let mut place = 0;
            while place < numbers.len() {
                assert!(numbers[place] == place, "a variant's number is its place");
                place += 1;
            }
        };
    };
}

pub(crate) use {form, in_order};

mod account;
mod asset;
mod terms;
mod lot;
mod event;
mod reply;
mod command;
mod own;
mod day;
