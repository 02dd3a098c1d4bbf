//! The levels of one side: its prices, and at each the queue of its orders.

use alloc::vec::Vec;

use super::arena::{Arena, Link, NONE};
use super::sorted::{Cursor, Sorted};
use crate::clearing::call::Rank;

/// Entries of the smallest table of recent levels.
const RECENT_MIN: usize = 64;
/// Entries of the largest one.
const RECENT_MAX: usize = 1 << 16;
/// Entries of the table for each level.
const RECENT_PER_LEVEL: usize = 4;

/// The orders at one price, in a list from the oldest to the latest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) rank: Rank,
    /// Shares of all its orders.
    pub(super) open: u64,
    pub(super) head: u32,
    tail: u32,
    /// Number of its orders; zero: the level is free.
    pub(super) orders: u32,
    /// Of a free level the next free one.
    next_free: u32,
}

const _: () = assert!(size_of::<Level>() == 32);

/// One side of the book.
///
/// A price finds its level in a table by the lowest bits of its number of ticks: prices near each other never share
/// an entry, wherever the market moves. The table only remembers; a level that it has lost is found among
/// the [sorted](Sorted) ones.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    levels: Vec<Level>,
    free: u32,
    recent: Vec<u32>,
    sorted: Sorted,
    best: u32,
}

impl Levels {
    pub(super) fn new() -> Self {
        Self {
            levels: Vec::new(),
            free: NONE,
            recent: Vec::new(),
            sorted: Sorted::default(),
            best: NONE,
        }
    }

    #[inline]
    pub(super) fn level(&self, level: u32) -> &Level {
        &self.levels[level as usize]
    }

    /// The best level, or [`NONE`].
    #[inline]
    pub(super) fn best(&self) -> u32 {
        self.best
    }

    /// The best level's rank.
    #[inline]
    pub(super) fn best_rank(&self) -> Option<Rank> {
        self.levels.get(self.best as usize).map(|level| level.rank)
    }

    /// The start of a walk from the best level to worse ones.
    pub(super) fn best_first(&self) -> Cursor {
        self.sorted.best_first()
    }

    /// The next level of a walk.
    pub(super) fn next(&self, cursor: &mut Cursor) -> Option<u32> {
        cursor.next(&self.sorted)
    }

    /// Puts an order behind all others of its price, which is so many ticks.
    #[inline]
    pub(super) fn push(&mut self, arena: &mut Arena, slot: u32, rank: Rank, ticks: u64) {
        let number = self.find_or_add(rank, ticks);
        let level = &mut self.levels[number as usize];
        let tail = level.tail;
        level.tail = slot;
        level.orders += 1;
        let order = arena.slot_mut(slot);
        level.open += order.open;
        order.level = number;
        *arena.link_mut(slot) = Link {
            next: NONE,
            previous: tail,
        };
        if tail == NONE {
            level.head = slot;
        } else {
            arena.link_mut(tail).next = slot;
        }
    }

    /// Takes an order out of its queue, and its level away if it was the last.
    #[inline]
    pub(super) fn remove(&mut self, arena: &mut Arena, slot: u32) {
        let order = arena.slot(slot);
        let (number, open) = (order.level, order.open);
        let level = &mut self.levels[number as usize];
        level.open -= open;
        level.orders -= 1;
        if level.orders == 0 {
            self.remove_level(number);
            return;
        }
        let Link { next, previous } = arena.link(slot);
        if previous == NONE {
            level.head = next;
        } else {
            arena.link_mut(previous).next = next;
        }
        if next == NONE {
            level.tail = previous;
        } else {
            arena.link_mut(next).previous = previous;
        }
    }

    /// Counts shares that an order of a level has lost.
    #[inline]
    pub(super) fn reduce(&mut self, level: u32, shares: u64) {
        self.levels[level as usize].open -= shares;
    }

    #[inline]
    fn find_or_add(&mut self, rank: Rank, ticks: u64) -> u32 {
        let entry = self.entry(ticks);
        if let Some(number) = self.recent.get(entry)
            && let Some(level) = self.levels.get(*number as usize)
            && level.rank == rank
            && level.orders > 0
        {
            return *number;
        }
        let number = self.sorted.find(rank).unwrap_or_else(|| self.add(rank));
        // The table may have grown.
        let entry = self.entry(ticks);
        self.recent[entry] = number;
        number
    }

    fn entry(&self, ticks: u64) -> usize {
        // The table's length is a power of two, or zero: then no entry is there.
        ticks as usize & self.recent.len().wrapping_sub(1)
    }

    #[cold]
    fn add(&mut self, rank: Rank) -> u32 {
        let level = Level {
            rank,
            open: 0,
            head: NONE,
            tail: NONE,
            orders: 0,
            next_free: NONE,
        };
        let number = match self.free {
            NONE => {
                self.levels.push(level);
                self.grow_recent();
                self.levels.len() as u32 - 1
            }
            free => {
                self.free = self.levels[free as usize].next_free;
                self.levels[free as usize] = level;
                free
            }
        };
        self.sorted.insert(rank, number);
        if self.best_rank().is_none_or(|best| best < rank) {
            self.best = number;
        }
        number
    }

    fn remove_level(&mut self, number: u32) {
        let level = &mut self.levels[number as usize];
        level.next_free = self.free;
        self.free = number;
        self.sorted.remove(level.rank);
        if self.best == number {
            self.best = self.sorted.best();
        }
    }

    fn grow_recent(&mut self) {
        let entries = (RECENT_PER_LEVEL * self.levels.len()).next_power_of_two();
        let entries = entries.clamp(RECENT_MIN, RECENT_MAX);
        if entries > self.recent.len() {
            self.recent.clear();
            self.recent.resize(entries, NONE);
        }
    }
}
