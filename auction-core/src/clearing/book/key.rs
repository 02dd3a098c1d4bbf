//! The keys of resting orders.

use core::num::NonZeroU64;

/// Bits of a key that hold the slot; those above hold the place.
const SLOT_BITS: u32 = 22;

/// The greatest place in time: some 4.4 million million orders a book.
pub(super) const PLACE_MAX: u64 = (1 << (u64::BITS - SLOT_BITS)) - 1;

/// The key by which a resting order is cancelled and replaced, in constant time and without a search.
///
/// Keys rise with the place in time: of two orders at one price, the one with the lower key trades first. A key is
/// never given twice in a book, so that the key of an order that has left finds nothing. An order that
/// loses its place gets a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OrderKey(NonZeroU64);

impl OrderKey {
    /// A key as a number, for keeping it outside.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The key of a number that [`get`](Self::get) returned; `None` for zero.
    #[must_use]
    pub const fn from_raw(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// A small number that only this order has while it rests, below the most orders that the book has held at
    /// once: an index for what a caller keeps beside each order.
    #[must_use]
    pub const fn slot(self) -> u32 {
        (self.0.get() & ((1 << SLOT_BITS) - 1)) as u32
    }

    /// A place of zero is no key.
    pub(super) fn new(place: u64, slot: u32) -> Option<Self> {
        debug_assert!(slot < 1 << SLOT_BITS && place <= PLACE_MAX);
        if place == 0 {
            return None;
        }
        Self::from_raw(place << SLOT_BITS | u64::from(slot))
    }

    pub(super) const fn place(self) -> u64 {
        self.0.get() >> SLOT_BITS
    }
}

impl core::fmt::Display for OrderKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

// Every slot of the largest book has its number.
const _: () = assert!(crate::limits::BOOK_ORDERS_MAX <= 1 << SLOT_BITS);
