//! Relaxed durability: a loss of power takes back the end of what was acknowledged and nothing before it, and is never
//! taken for damage; damage still is.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use auction_server::testing::journal::disk::Access;
use auction_server::testing::journal::{Durability, Journal, JournalError, Log, Options, Recovery};

use crate::faulty_disk::FaultyDisk;
use crate::workload::{Owned, options};

const DIR: &str = "journal";
const SEEDS: u64 = 64;

fn open(
    disk: &FaultyDisk,
    durability: Durability,
) -> Result<(Journal, Recovery, Vec<Owned>), JournalError> {
    let options = Options {
        durability,
        ..options()
    };
    let mut frames = Vec::new();
    let opened = Journal::open(disk.shared(), Path::new(DIR), options, None, |frame| {
        frames.push(Owned::from(frame.to_owned_frame()));
        Ok(())
    });
    opened.map(|(journal, recovery)| (journal, recovery, frames))
}

/// Appends batches behind `acknowledged`, over several segments.
fn append(journal: &mut Journal, acknowledged: &mut Vec<Owned>, count: usize, seed: u64) {
    for index in 0..count {
        let first = acknowledged.last().map_or(0, Owned::last) + 1;
        let batch = Owned::new(
            first,
            1 + (first % 3) as u32,
            150 + index % 7 * 300,
            index * 11,
            seed,
        );
        journal.append(&batch.batch()).unwrap();
        acknowledged.push(batch);
    }
}

#[test]
fn a_loss_of_power_leaves_the_beginning_of_what_was_acknowledged_and_no_hole() {
    for seed in 0..SEEDS {
        let disk = FaultyDisk::new(seed);
        let (mut journal, ..) = open(&disk, Durability::Relaxed).unwrap();
        let mut acknowledged = Vec::new();
        append(
            &mut journal,
            &mut acknowledged,
            5 + seed as usize % 20,
            seed,
        );
        let crashed = disk.copy();
        crashed.power_loss();

        let then = if seed % 2 == 0 {
            Durability::Relaxed
        } else {
            Durability::Strict
        };
        let (mut journal, recovery, frames) = open(&crashed, then).unwrap();
        assert!(recovery.was_relaxed);
        assert!(acknowledged.starts_with(&frames), "seed {seed}");
        // What is appended from there on stays, as if nothing had been behind it.
        let mut acknowledged = frames;
        append(&mut journal, &mut acknowledged, 3, !seed);
        drop(journal);
        crashed.power_loss();
        let (_, recovery, frames) = open(&crashed, Durability::Strict).unwrap();
        assert_eq!(frames, acknowledged, "seed {seed}");
        assert_eq!(recovery.was_relaxed, then == Durability::Relaxed);
    }
}

#[test]
fn a_crash_of_the_process_takes_nothing_back() {
    let disk = FaultyDisk::new(1);
    let (mut journal, ..) = open(&disk, Durability::Relaxed).unwrap();
    let mut acknowledged = Vec::new();
    append(&mut journal, &mut acknowledged, 12, 1);
    // What was written is with the system, whoever wrote it.
    let killed = disk.copy();
    let (_, _, frames) = open(&killed, Durability::Relaxed).unwrap();
    assert_eq!(frames, acknowledged);
}

#[test]
fn what_was_synced_is_damage_when_it_is_gone() {
    let disk = FaultyDisk::new(2);
    let (mut journal, ..) = open(&disk, Durability::Relaxed).unwrap();
    let mut acknowledged = Vec::new();
    append(&mut journal, &mut acknowledged, 3, 2);
    // Its end syncs all of it, and marks it.
    drop(journal);
    let path = Path::new(DIR).join("00000000000000000001.seg");
    let file = disk.shared().open(&path, Access::ReadWrite).unwrap();
    file.write_at(&[0; 64], 4_096).unwrap();
    file.sync_data().unwrap();
    for durability in [Durability::Relaxed, Durability::Strict] {
        let Err(JournalError::Damaged { .. }) = open(&disk, durability).map(drop) else {
            panic!("what was synced is not given up");
        };
    }
}

#[test]
fn once_it_is_strict_again_a_hole_is_damage() {
    let disk = FaultyDisk::new(3);
    let (mut journal, ..) = open(&disk, Durability::Relaxed).unwrap();
    let mut acknowledged = Vec::new();
    append(&mut journal, &mut acknowledged, 2, 3);
    drop(journal);
    let (journal, recovery, _) = open(&disk, Durability::Strict).unwrap();
    assert!(recovery.was_relaxed);
    drop(journal);
    let (_, recovery, _) = open(&disk, Durability::Strict).unwrap();
    assert!(!recovery.was_relaxed, "the mark is gone");
}

#[test]
fn a_sync_that_fails_after_the_acknowledgement_is_said_though_nothing_more_is_appended() {
    let disk = FaultyDisk::new(4);
    let (mut journal, ..) = open(&disk, Durability::Relaxed).unwrap();
    let batch = Owned::new(1, 1, 150, 0, 4);
    disk.fail_syncs();
    journal.append(&batch.batch()).unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while journal.check().is_ok() {
        assert!(
            Instant::now() < patience,
            "the sync that failed is not said"
        );
        thread::yield_now();
    }
    journal
        .append(&Owned::new(2, 1, 150, 0, 4).batch())
        .unwrap_err();
}
