//! Who has bid on a lot: a set of users that is counted, and asked at every bid.

use smallvec::SmallVec;

use crate::UserId;

/// Users are numbered from 1 without gaps, so that 64 of them share a word: most lots have one, in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Bidders {
    count: u32,
    /// Rising by block.
    words: SmallVec<[Word; 1]>,
}

/// Which of the users of a block are in: bit `n` of block `b` is user `64 b + n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Word {
    block: u32,
    users: u64,
}

impl Bidders {
    /// How many there are with `bidder`, who may be one of them already.
    #[inline(always)]
    pub(super) fn count_with(&self, bidder: UserId) -> u32 {
        self.count + u32::from(!self.contains(bidder))
    }

    #[inline(always)]
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    #[inline]
    pub(super) fn insert(&mut self, bidder: UserId) {
        let (block, bit) = place(bidder);
        match find(&self.words, block) {
            Ok(at) if self.words[at].users & bit != 0 => return,
            Ok(at) => self.words[at].users |= bit,
            Err(at) => self.words.insert(at, Word { block, users: bit }),
        }
        self.count += 1;
    }

    #[inline(always)]
    fn contains(&self, bidder: UserId) -> bool {
        let (block, bit) = place(bidder);
        match self.words.as_slice() {
            [only] if only.block == block => only.users & bit != 0,
            words => contains(words, block, bit),
        }
    }
}

// Out of the way of a bid on most lots. It cannot panic, so that it changes nothing for those around it.
#[inline(never)]
fn contains(words: &[Word], block: u32, bit: u64) -> bool {
    let word = find(words, block).ok().and_then(|at| words.get(at));
    word.is_some_and(|word| word.users & bit != 0)
}

#[inline]
fn find(words: &[Word], block: u32) -> Result<usize, usize> {
    match *words {
        [only] if only.block == block => Ok(0),
        ref words => words.binary_search_by_key(&block, |word| word.block),
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
                let with = expected.len() + usize::from(!expected.contains(&user));
                proptest::prop_assert_eq!(bidders.count_with(UserId(user)) as usize, with);
                bidders.insert(UserId(user));
                expected.insert(user);
                proptest::prop_assert_eq!(bidders.count as usize, expected.len());
            }
        }
    }
}
