//! The levels of one side in the order of their prices.

use alloc::vec::Vec;

use super::arena::NONE;
use crate::clearing::call::Rank;

/// Most levels of a run. An insertion moves at most as many; a new run is needed after half as many.
const RUN_LEVELS_MAX: usize = 128;

/// Levels sorted by willingness, the best last, in runs of neighbours.
///
/// A level that comes or goes moves the rest of its run; only a run that is full or nearly empty moves the list
/// of runs. The best level is the last of the last run, so that coming and going at the touch moves nothing. Runs
/// that are no longer needed are kept for later: in the steady state nothing is allocated.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    /// The least rank of each run, and the run. Lower ranks than the first belong to the first.
    directory: Vec<(Rank, u32)>,
    runs: Vec<Run>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Run {
    len: usize,
    ranks: [Rank; RUN_LEVELS_MAX],
    levels: [u32; RUN_LEVELS_MAX],
}

/// A place among the sorted levels, for going from the best to worse ones.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    /// Number of runs at this one and below.
    runs: usize,
    /// Number of levels of the run at this one and below.
    levels: usize,
}

impl Run {
    const EMPTY: Self = Self {
        len: 0,
        ranks: [Rank::MARKET; RUN_LEVELS_MAX],
        levels: [NONE; RUN_LEVELS_MAX],
    };

    fn place(&self, rank: Rank) -> Result<usize, usize> {
        self.ranks[..self.len].binary_search(&rank)
    }

    fn insert(&mut self, place: usize, rank: Rank, level: u32) {
        self.ranks.copy_within(place..self.len, place + 1);
        self.levels.copy_within(place..self.len, place + 1);
        self.ranks[place] = rank;
        self.levels[place] = level;
        self.len += 1;
    }

    fn remove(&mut self, place: usize) {
        self.ranks.copy_within(place + 1..self.len, place);
        self.levels.copy_within(place + 1..self.len, place);
        self.len -= 1;
    }

    /// Appends a part of another run, whose ranks are higher.
    fn append(&mut self, other: &Self, part: core::ops::Range<usize>) {
        let end = self.len + part.len();
        self.ranks[self.len..end].copy_from_slice(&other.ranks[part.clone()]);
        self.levels[self.len..end].copy_from_slice(&other.levels[part]);
        self.len = end;
    }
}

impl Sorted {
    /// The best level, or [`NONE`].
    pub(super) fn best(&self) -> u32 {
        self.best_first().next(self).unwrap_or(NONE)
    }

    /// The level of a rank, or `None` when no level has this rank.
    pub(super) fn find(&self, rank: Rank) -> Option<u32> {
        let (_, run) = *self.directory.get(self.run_of(rank))?;
        let run = &self.runs[run as usize];
        let place = run.place(rank).ok()?;
        Some(run.levels[place])
    }

    /// Adds a level whose rank is not there.
    pub(super) fn insert(&mut self, rank: Rank, level: u32) {
        if self.directory.is_empty() {
            let run = self.new_run();
            self.directory.push((rank, run));
        }
        let mut number = self.run_of(rank);
        if self.run(number).len == RUN_LEVELS_MAX {
            self.split(number);
            number = self.run_of(rank);
        }
        let run = self.run_mut(number);
        let place = run.place(rank).expect_err("a level is added once");
        run.insert(place, rank, level);
    }

    /// Takes the level of a rank out.
    pub(super) fn remove(&mut self, rank: Rank) {
        let number = self.run_of(rank);
        let run = self.run_mut(number);
        let place = run.place(rank).expect("a level is taken out once");
        run.remove(place);
        if run.len == 0 {
            let (_, run) = self.directory.remove(number);
            self.free.push(run);
            return;
        }
        if run.len <= RUN_LEVELS_MAX / 4 {
            self.join(number);
            if let Some(below) = number.checked_sub(1) {
                self.join(below);
            }
        }
    }

    /// The start of a walk from the best level to worse ones.
    pub(super) fn best_first(&self) -> Cursor {
        Cursor::at_end_of(self, self.directory.len())
    }

    fn run(&self, number: usize) -> &Run {
        &self.runs[self.directory[number].1 as usize]
    }

    fn run_mut(&mut self, number: usize) -> &mut Run {
        &mut self.runs[self.directory[number].1 as usize]
    }

    /// The number of the run where a rank belongs.
    fn run_of(&self, rank: Rank) -> usize {
        let above = self.directory.partition_point(|(from, _)| *from <= rank);
        above.saturating_sub(1)
    }

    fn new_run(&mut self) -> u32 {
        let run = self.free.pop().unwrap_or_else(|| {
            self.runs.push(Run::EMPTY);
            self.runs.len() as u32 - 1
        });
        self.runs[run as usize].len = 0;
        run
    }

    /// Moves the better half of a run to a new one.
    fn split(&mut self, number: usize) {
        let upper = self.new_run();
        let lower = self.directory[number].1;
        let [lower, new] = self
            .runs
            .get_disjoint_mut([lower as usize, upper as usize])
            .expect("a new run is another one");
        let half = RUN_LEVELS_MAX / 2;
        new.append(lower, half..lower.len);
        lower.len = half;
        let from = new.ranks[0];
        self.directory.insert(number + 1, (from, upper));
    }

    /// Joins a run with the next better one if together they are half full at most.
    fn join(&mut self, number: usize) {
        let Some((_, upper)) = self.directory.get(number + 1).copied() else {
            return;
        };
        let lower = self.directory[number].1;
        let [lower, other] = self
            .runs
            .get_disjoint_mut([lower as usize, upper as usize])
            .expect("neighbours are two");
        if lower.len + other.len <= RUN_LEVELS_MAX / 2 {
            lower.append(other, 0..other.len);
            self.directory.remove(number + 1);
            self.free.push(upper);
        }
    }
}

impl Cursor {
    fn at_end_of(sorted: &Sorted, runs: usize) -> Self {
        let levels = runs.checked_sub(1).map_or(0, |run| sorted.run(run).len);
        Self { runs, levels }
    }

    /// The next worse level.
    pub(super) fn next(&mut self, sorted: &Sorted) -> Option<u32> {
        let run = sorted.run(self.runs.checked_sub(1)?);
        let level = run.levels[self.levels - 1];
        self.levels -= 1;
        if self.levels == 0 {
            *self = Self::at_end_of(sorted, self.runs - 1);
        }
        Some(level)
    }
}
