//! A list that never exceeds its limit, and for which a claimed length alone never reserves much memory.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use auction_core::limits::{BIDS_OPENED_MAX, DEPTH_LEVELS_MAX, STEP_BANDS_MAX};
use auction_core::{OpenedBid, Quote, StepBand, Steps};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};

use crate::encoding::wire::{Own, Ref, Wire};

/// Maximum memory reserved for a list before its elements have arrived, in bytes. The rest is allocated as they
/// arrive.
const RESERVED_BYTES_MAX: usize = 4_096;

/// At most `MAX` elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

/// More elements than a list can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list of {found}, and at most {most} can be")]
pub struct TooMany {
    /// Number of elements found.
    pub found: usize,
    /// Maximum number of elements.
    pub most: usize,
}

impl<T, const MAX: usize> List<T, MAX> {
    /// Creates a list of elements.
    ///
    /// # Errors
    /// [`TooMany`] for more than `MAX`.
    pub fn new(elements: Vec<T>) -> Result<Self, TooMany> {
        let found = elements.len();
        if found <= MAX {
            Ok(Self(elements))
        } else {
            Err(TooMany { found, most: MAX })
        }
    }

    /// The elements.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for List<T, MAX> {
    type Error = TooMany;

    fn try_from(elements: Vec<T>) -> Result<Self, TooMany> {
        Self::new(elements)
    }
}

impl<T, const MAX: usize> IntoIterator for List<T, MAX> {
    type Item = T;
    type IntoIter = alloc::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Wire, const MAX: usize> Wire for List<T, MAX> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(&self.0, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Elements(PhantomData))
    }
}

/// Bids that one event opens.
impl Wire for Vec<OpenedBid> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        List::<OpenedBid, BIDS_OPENED_MAX>::read(from).map(List::into_vec)
    }
}

/// One side of an open book, as far as it is published.
impl Wire for Vec<Quote> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        List::<Quote, DEPTH_LEVELS_MAX>::read(from).map(List::into_vec)
    }
}

/// A step table: a list of bands, the lowest first.
impl Wire for Steps {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(self.bands(), to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bands = List::<StepBand, STEP_BANDS_MAX>::read(from)?;
        Self::new(&bands).map_err(D::Error::custom)
    }
}

pub(crate) fn write_list<T: Wire, S: Serializer>(list: &[T], to: S) -> Result<S::Ok, S::Error> {
    let mut sequence = to.serialize_seq(Some(list.len()))?;
    for element in list {
        sequence.serialize_element(&Ref(element))?;
    }
    sequence.end()
}

struct Elements<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Wire, const MAX: usize> Visitor<'de> for Elements<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        // Elements of size 0 would let six bytes claim four billion of them.
        const { assert!(size_of::<T>() > 0) };
        let claimed = from.size_hint().unwrap_or(0);
        if claimed > MAX {
            return Err(A::Error::invalid_length(claimed, &self));
        }
        let mut elements = Vec::with_capacity(claimed.min(RESERVED_BYTES_MAX / size_of::<T>()));
        while let Some(Own(element)) = from.next_element()? {
            if elements.len() == MAX {
                return Err(A::Error::invalid_length(MAX + 1, &self));
            }
            elements.push(element);
        }
        Ok(List(elements))
    }
}
