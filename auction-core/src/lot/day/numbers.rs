//! Index by number, of shown orders and of traders: a hash table with open addressing, which nothing iterates.

use alloc::vec;
use alloc::vec::Vec;

/// Positions by number. The numbers themselves are kept once, beside the positions: the table holds their last 32 bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// A power of two of places, at most half of them taken.
    places: Vec<Place>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Last 32 bits of the number.
    low: u32,
    position: u32,
}

impl Place {
    /// A place that is not taken.
    const FREE: Self = Self {
        low: 0,
        position: u32::MAX,
    };

    fn is_free(&self) -> bool {
        self.position == u32::MAX
    }
}

const PLACES_MIN: usize = 16;

impl Numbers {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Finds the position of a number; `number_at` returns the whole number at a position.
    pub(super) fn find(&self, number: u64, number_at: impl Fn(u32) -> u64) -> Option<u32> {
        let low = number as u32;
        let fits = |place: Place| place.low == low && number_at(place.position) == number;
        let index = self.place_where(low, fits)?;
        Some(self.places[index].position)
    }

    /// Adds a position whose number is not there.
    pub(super) fn insert(&mut self, number: u64, position: u32) {
        if 2 * (self.len + 1) > self.places.len() {
            let size = (2 * self.places.len()).max(PLACES_MIN);
            let before = core::mem::replace(&mut self.places, vec![Place::FREE; size]);
            for place in before.into_iter().filter(|place| !place.is_free()) {
                self.put(place);
            }
        }
        let low = number as u32;
        self.put(Place { low, position });
        self.len += 1;
    }

    /// Removes a position and its number, which are there.
    pub(super) fn remove(&mut self, number: u64, position: u32) {
        let found = self.place_where(number as u32, |place| place.position == position);
        let Some(mut hole) = found else {
            return;
        };
        self.len -= 1;
        // Those behind it move up, so that each is found without a gap from its home.
        let mut index = hole;
        loop {
            index = self.after(index);
            let place = self.places[index];
            if place.is_free() {
                break;
            }
            let home = self.home(place.low);
            let distance = |from: usize| index.wrapping_sub(from) & (self.places.len() - 1);
            if distance(home) >= distance(hole) {
                self.places[hole] = place;
                hole = index;
            }
        }
        self.places[hole] = Place::FREE;
    }

    fn place_where(&self, low: u32, fits: impl Fn(Place) -> bool) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut index = self.home(low);
        while !self.places[index].is_free() {
            if fits(self.places[index]) {
                return Some(index);
            }
            index = self.after(index);
        }
        None
    }

    fn put(&mut self, place: Place) {
        let mut index = self.home(place.low);
        while !self.places[index].is_free() {
            index = self.after(index);
        }
        self.places[index] = place;
    }

    /// Place at which the search for a number begins: numbers that follow each other are spread evenly (Knuth, The Art
    /// of Computer Programming 3, 6.4: Fibonacci hashing).
    fn home(&self, low: u32) -> usize {
        let bits = self.places.len().trailing_zeros();
        (u64::from(low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }

    fn after(&self, index: usize) -> usize {
        (index + 1) & (self.places.len() - 1)
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
        for _ in 0..if cfg!(miri) { 300 } else { 20_000 } {
            scatter ^= scatter << 13;
            scatter ^= scatter >> 7;
            scatter ^= scatter << 17;
            // Few numbers at first, so that many are removed and come again.
            // Some differ in their first 32 bits alone.
            let number = scatter % 300 + (scatter >> 40) % 2 * (1 << 32);
            held.push(number);
            let number_at = |at: u32| held[at as usize];
            assert_eq!(numbers.find(number, number_at), map.get(&number).copied());
            if let Some(position) = map.remove(&number) {
                numbers.remove(number, position);
            } else {
                let position = held.len() as u32 - 1;
                map.insert(number, position);
                numbers.insert(number, position);
            }
            assert_eq!(numbers.len(), map.len());
        }
        for (number, position) in &map {
            let found = numbers.find(*number, |at| held[at as usize]);
            assert_eq!(found, Some(*position));
        }
    }
}
