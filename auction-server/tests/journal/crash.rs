//! Power fails, disks fail and fill up: what was acknowledged is there.

use std::io;
use std::path::Path;

use auction_server::testing::journal::{
    Journal, JournalError, Log, Options, Position, Prepare, Reader, SnapshotStore, TailState,
};
use proptest::prelude::*;

use crate::faulty_disk::{Fault, FaultyDisk};
use crate::workload::{Owned, options};

const DIR: &str = "journal";
/// How many ways to fail are tried for each operation.
const SEEDS: u64 = 16;

/// What the outside world knows of a journal: what it was told, and what it is waiting for.
struct Ledger {
    disk: FaultyDisk,
    options: Options,
    seed: u64,
    acknowledged: Vec<Owned>,
    /// Sent and never answered: may be there or not.
    unanswered: Option<Owned>,
}

impl Ledger {
    fn new(seed: u64) -> Self {
        let (acknowledged, unanswered) = (Vec::new(), None);
        Self {
            disk: FaultyDisk::new(seed),
            options: options(),
            seed,
            acknowledged,
            unanswered,
        }
    }

    fn last(&self) -> u64 {
        self.acknowledged.last().map_or(0, Owned::last)
    }

    /// Opens as a server does, from the newest snapshot, and checks everything it is given.
    fn open(&mut self) -> Result<Journal, JournalError> {
        let disk = self.disk.shared();
        let newest = SnapshotStore::new(disk.clone(), Path::new(DIR)).newest_valid()?;
        assert!(
            newest.skipped.is_empty(),
            "a crash damages no snapshot: {:?}",
            newest.skipped
        );
        let from = newest.snapshot.map(|snapshot| {
            assert_eq!(
                snapshot.payload,
                snapshot_of(snapshot.position),
                "a snapshot as it was saved"
            );
            snapshot.position
        });
        let start = from.map_or(0, |from| from.sequence);
        let mut frames = Vec::new();
        let opened = Journal::open(disk, Path::new(DIR), self.options.clone(), from, |frame| {
            frames.push(Owned::from(frame.to_owned_frame()));
            Ok(())
        });
        let (journal, recovery) = opened?;

        // Now it is told, so whether the unanswered batch is there is settled for good.
        if frames.last().is_some() && frames.last() == self.unanswered.as_ref() {
            self.acknowledged.extend(self.unanswered.take());
        }
        self.unanswered = None;
        let expected = self.acknowledged.iter().filter(|batch| batch.first > start);
        assert!(
            frames.iter().eq(expected),
            "what was acknowledged, once, unchanged, in order"
        );
        assert_eq!(recovery.last_sequence, self.last());
        self.check_tail();
        Ok(journal)
    }

    /// A start leaves nothing behind the last frame.
    fn check_tail(&self) {
        // A copy: the helper thread may be about to fail this disk.
        let disk = self.disk.copy().shared();
        let mut reader = Reader::open(disk, Path::new(DIR)).unwrap();
        reader.seek(self.last() + 1);
        assert!(reader.next().unwrap().is_none());
        assert_eq!(reader.tail_state().unwrap(), TailState::Clean);
    }

    fn append(&mut self, journal: &mut Journal, public: usize, private: usize) -> io::Result<()> {
        // Other bytes at each attempt, so that a batch that comes back from the dead is noticed.
        let salt = self.seed ^ self.disk.operations();
        let first = self.last() + 1;
        let batch = Owned::new(first, 1 + (first % 3) as u32, public, private, salt);
        let result = journal.append(&batch.batch());
        if result.is_ok() {
            self.acknowledged.push(batch);
        } else {
            self.unanswered = Some(batch);
        }
        result
    }

    fn save(&self, journal: &Journal) -> Result<(), JournalError> {
        let store = SnapshotStore::new(self.disk.shared(), Path::new(DIR));
        store.save(journal.position(), &snapshot_of(journal.position()))
    }

    /// A server's life: it opens, appends, saves a snapshot half way, and ends at the first error.
    fn live(&mut self, appends: usize) -> Result<(), Box<dyn std::error::Error>> {
        let mut journal = self.open()?;
        for index in 0..appends {
            if let Err(error) = self.append(&mut journal, 200 + (index % 5) * 380, index * 13) {
                let unanswered = self.unanswered.clone();
                self.disk.cancel_plan();
                assert!(
                    self.append(&mut journal, 1, 0).is_err(),
                    "nothing after a failure"
                );
                self.unanswered = unanswered;
                return Err(error.into());
            }
            if index == appends / 2 && self.save(&journal).is_err() {
                // Said, and tried again another time.
                self.disk.cancel_plan();
            }
        }
        Ok(())
    }
}

fn snapshot_of(position: Position) -> Vec<u8> {
    format!("all that happened until {position:?}. ")
        .repeat(12)
        .into_bytes()
}

/// Three lives, with `fault` in operation `at` and, for some seeds, another later.
fn three_lives(at: u64, fault: Fault, seed: u64) -> u64 {
    let mut ledger = Ledger::new(seed);
    ledger.disk.plan(at, fault);
    for life in 0..3 {
        let failed = ledger.live(9).is_err();
        // A process that dies of an error is started again with or without a loss of power between.
        if failed && fault == Fault::PowerOff || (seed + life).is_multiple_of(2) {
            ledger.disk.power_loss();
        }
        if failed && seed.is_multiple_of(3) {
            let second = if seed.is_multiple_of(2) {
                Fault::PowerOff
            } else {
                Fault::Error
            };
            ledger.disk.plan(seed / 3 + at % 7, second);
        }
    }
    let operations = ledger.disk.operations();
    ledger.disk.power_loss();
    drop(ledger.open().expect("a whole disk opens"));
    ledger.disk.power_loss();
    ledger.live(9).expect("a whole disk goes on");
    ledger.disk.power_loss();
    drop(ledger.open().expect("a whole disk opens"));
    operations
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_fails() {
    let operations = three_lives(u64::MAX / 2, Fault::PowerOff, 1);
    assert!(
        operations > 100,
        "the script rolls segments and saves snapshots: {operations}"
    );
    for at in 0..operations {
        for seed in 0..SEEDS {
            three_lives(at, Fault::PowerOff, seed);
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_whichever_operation_fails() {
    let operations = three_lives(u64::MAX / 2, Fault::Error, 1);
    for at in 0..operations {
        for seed in 0..SEEDS {
            three_lives(at, Fault::Error, seed);
        }
    }
}

#[test]
fn the_helper_thread_changes_nothing_of_that() {
    for seed in 0..300 {
        let mut ledger = Ledger::new(seed);
        ledger.options.prepare = Prepare::Background;
        let fault = if seed.is_multiple_of(2) {
            Fault::PowerOff
        } else {
            Fault::Error
        };
        ledger.disk.plan(seed % 100, fault);
        for _ in 0..3 {
            let _ = ledger.live(9);
            ledger.disk.power_loss();
        }
        ledger.live(9).expect("a whole disk goes on");
    }
}

#[test]
fn a_full_disk_stops_it_and_room_starts_it_with_everything() {
    for capacity in (0..60_000).step_by(509) {
        let mut ledger = Ledger::new(capacity as u64);
        ledger.disk.set_capacity(capacity);
        let mut stopped = false;
        for _ in 0..3 {
            stopped |= ledger.live(15).is_err();
            if capacity.is_multiple_of(2) {
                ledger.disk.power_loss();
            }
        }
        assert!(
            stopped || capacity > 30_000,
            "{capacity} bytes were never full"
        );
        ledger.disk.set_capacity(usize::MAX);
        ledger.live(9).expect("there is room");
        ledger.disk.power_loss();
        drop(ledger.open().expect("there is room"));
    }
}

/// One thing that happens to a server or its disk.
#[derive(Clone, Debug)]
enum Happening {
    Append { public: usize, private: usize },
    Save,
    Restart,
    PowerLoss,
    Fault(u64, bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (0..2500usize, 0..200usize).prop_map(|(public, private)| Happening::Append { public, private }),
        1 => (8_000..20_000usize).prop_map(|public| Happening::Append { public, private: 0 }),
        2 => Just(Happening::Save),
        1 => Just(Happening::Restart),
        1 => Just(Happening::PowerLoss),
        2 => (0..12u64, any::<bool>()).prop_map(|(count, power)| Happening::Fault(count, power)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_acknowledged_is_lost(
        seed: u64,
        happenings in proptest::collection::vec(happening(), 1..60),
    ) {
        let mut ledger = Ledger::new(seed);
        let mut journal = None;
        for happening in happenings {
            let running = match &mut journal {
                Some(running) => running,
                None => match ledger.open() {
                    Ok(opened) => journal.insert(opened),
                    Err(error) => {
                        prop_assert!(matches!(error, JournalError::Io { .. }), "{error}");
                        ledger.disk.power_loss();
                        continue;
                    }
                },
            };
            match happening {
                Happening::Append { public, private } => {
                    if ledger.append(running, public, private).is_err() {
                        journal = None;
                    }
                }
                Happening::Save => drop(ledger.save(running)),
                Happening::Restart => journal = None,
                Happening::PowerLoss => {
                    journal = None;
                    ledger.disk.power_loss();
                }
                Happening::Fault(count, power) => {
                    ledger.disk.plan(count, if power { Fault::PowerOff } else { Fault::Error });
                }
            }
        }
        drop(journal);
        ledger.disk.power_loss();
        drop(ledger.open().expect("a whole disk opens"));
    }
}
