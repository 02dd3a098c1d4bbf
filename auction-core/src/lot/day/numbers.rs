//! Index of shown orders by public number: a hash table with open addressing, which nothing iterates.

use alloc::vec;
use alloc::vec::Vec;

/// Positions by number. The numbers themselves are kept once, beside the positions: each method gets them from
/// `number_at`.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// A power of two of places, at most half of them taken.
    places: Vec<u32>,
    len: usize,
}

/// A place that is not taken.
const FREE: u32 = u32::MAX;
const PLACES_MIN: usize = 16;

impl Numbers {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn find(&self, number: u64, number_at: impl Fn(u32) -> u64) -> Option<u32> {
        let place = self.place_of(number, number_at)?;
        Some(self.places[place])
    }

    /// Adds a position whose number is not there.
    pub(super) fn insert(&mut self, position: u32, number_at: impl Fn(u32) -> u64) {
        if 2 * (self.len + 1) > self.places.len() {
            let size = (2 * self.places.len()).max(PLACES_MIN);
            let before = core::mem::replace(&mut self.places, vec![FREE; size]);
            for position in before.into_iter().filter(|position| *position != FREE) {
                self.put(position, number_at(position));
            }
        }
        self.put(position, number_at(position));
        self.len += 1;
    }

    pub(super) fn remove(&mut self, number: u64, number_at: impl Fn(u32) -> u64) {
        let Some(mut hole) = self.place_of(number, &number_at) else {
            return;
        };
        self.len -= 1;
        // Those behind it move up, so that each is found without a gap from its home.
        let mut place = hole;
        loop {
            place = self.after(place);
            let position = self.places[place];
            if position == FREE {
                break;
            }
            let home = self.home(number_at(position));
            let distance = |from: usize| place.wrapping_sub(from) & (self.places.len() - 1);
            if distance(home) >= distance(hole) {
                self.places[hole] = position;
                hole = place;
            }
        }
        self.places[hole] = FREE;
    }

    fn place_of(&self, number: u64, number_at: impl Fn(u32) -> u64) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut place = self.home(number);
        while self.places[place] != FREE {
            if number_at(self.places[place]) == number {
                return Some(place);
            }
            place = self.after(place);
        }
        None
    }

    fn put(&mut self, position: u32, number: u64) {
        let mut place = self.home(number);
        while self.places[place] != FREE {
            place = self.after(place);
        }
        self.places[place] = position;
    }

    /// Place at which the search for a number begins: numbers that follow each other are spread evenly (Knuth, The Art
    /// of Computer Programming 3, 6.4: Fibonacci hashing).
    fn home(&self, number: u64) -> usize {
        let bits = self.places.len().trailing_zeros();
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use super::Numbers;

    #[test]
    fn finds_what_a_map_finds() {
        let mut numbers = Numbers::default();
        let mut map = BTreeMap::new();
        // Position n holds the number of the n-th step.
        let mut held: Vec<u64> = Vec::new();
        let mut scatter = 1_u64;
        for _ in 0..20_000 {
            scatter ^= scatter << 13;
            scatter ^= scatter >> 7;
            scatter ^= scatter << 17;
            // Few numbers at first, so that many are removed and come again.
            let number = scatter % 300;
            held.push(number);
            let number_at = |at: u32| held[at as usize];
            assert_eq!(numbers.find(number, number_at), map.get(&number).copied());
            if map.remove(&number).is_some() {
                numbers.remove(number, number_at);
            } else {
                let position = held.len() as u32 - 1;
                map.insert(number, position);
                numbers.insert(position, number_at);
            }
            assert_eq!(numbers.len(), map.len());
        }
        for (number, position) in &map {
            let found = numbers.find(*number, |at| held[at as usize]);
            assert_eq!(found, Some(*position));
        }
    }
}
