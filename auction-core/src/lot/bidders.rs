//! Users who have bid on a lot: a set that is counted, and checked at every bid.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::UserId;

/// Users are numbered from 1 without gaps, so that 64 of them share a word. One block of them is stored inline; their
/// number is in the public part of the lot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Bidders {
    /// Bit `n` of block `b` is user `64 b + n`.
    OfOneBlock { block: u32, users: u64 },
    /// Users of each block.
    // Boxed, so that the hidden part of a lot fits a cache line.
    #[expect(clippy::box_collection, reason = "a map of its own is three words")]
    OfMany(Box<BTreeMap<u32, u64>>),
}

impl Default for Bidders {
    fn default() -> Self {
        Self::OfOneBlock { block: 0, users: 0 }
    }
}

impl Bidders {
    #[inline]
    pub(super) fn contains(&self, bidder: UserId) -> bool {
        let (block, bit) = place(bidder);
        let users = match self {
            Self::OfOneBlock { block: own, users } if *own == block => *users,
            Self::OfOneBlock { .. } => 0,
            Self::OfMany(blocks) => blocks.get(&block).copied().unwrap_or(0),
        };
        users & bit != 0
    }

    /// Adds a user; `false`: they were in already.
    #[inline(always)]
    pub(super) fn insert(&mut self, bidder: UserId) -> bool {
        let (block, bit) = place(bidder);
        let users = match self {
            Self::OfOneBlock { block: own, users } if *own == block => users,
            _ => self.other_block(block),
        };
        let is_new = *users & bit == 0;
        *users |= bit;
        is_new
    }

    /// Returns the users of a block that is not the inline one.
    // Out of line: a bid on most lots does not need it.
    #[cold]
    fn other_block(&mut self, block: u32) -> &mut u64 {
        match *self {
            Self::OfOneBlock { users: 0, .. } => *self = Self::OfOneBlock { block, users: 0 },
            Self::OfOneBlock { block, users } => {
                *self = Self::OfMany(Box::new(BTreeMap::from([(block, users)])));
            }
            Self::OfMany(_) => {}
        }
        match self {
            Self::OfOneBlock { users, .. } => users,
            Self::OfMany(blocks) => blocks.entry(block).or_default(),
        }
    }
}

#[inline(always)]
fn place(user: UserId) -> (u32, u64) {
    (user.0 / u64::BITS, 1 << (user.0 % u64::BITS))
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #![proptest_config(crate::property_config())]

        #[test]
        fn bidders_are_counted_once_in_whatever_order_they_come(
            users in proptest::collection::vec(0..400_u32, 0..if cfg!(miri) { 10 } else { 80 }),
        ) {
            let mut bidders = Bidders::default();
            let mut expected = BTreeSet::new();
            for user in users {
                let is_new = expected.insert(user);
                proptest::prop_assert_eq!(bidders.contains(UserId(user)), !is_new);
                proptest::prop_assert_eq!(bidders.insert(UserId(user)), is_new);
            }
            for user in 0..400 {
                proptest::prop_assert_eq!(bidders.contains(UserId(user)), expected.contains(&user));
            }
        }
    }
}
