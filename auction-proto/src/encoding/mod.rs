//! Encodings of single values, as bytes and as JSON: numbers, texts, lists, codes and the types of `auction-core`.

pub(crate) mod version;
pub(crate) mod kind;
pub(crate) mod wire;
pub(crate) mod code;
pub(crate) mod list;
pub(crate) mod text;
pub(crate) mod bytes;
pub(crate) mod secret;
#[cfg(feature = "schema")]
pub(crate) mod schema;
pub(crate) mod core_types;
pub(crate) mod codec;
pub(crate) mod body;
