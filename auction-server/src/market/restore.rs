//! From the data folder to an engine: the newest snapshot and the records after it.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auction_core::{Engine, MarketId, ReplayError, SNAPSHOT_VERSION, Snapshot, Timestamp};
use auction_proto::decode_records;
use tokio::sync::watch;

use crate::config::data_dir::DataDir;
use crate::journal::{
    Disk, Durability, FrameView, Journal, JournalError, NewJournal, Options, Position, Reader,
    Recovery, SnapshotStore, VisitError,
};
use crate::platform::low_priority;
use crate::platform::progress::{Progress, ReadProgress};

/// After so many records a new snapshot is made.
pub const SNAPSHOT_RECORDS: u64 = 100_000;
/// Pause before a snapshot for which there was no file descriptor is tried again.
const SNAPSHOT_PAUSE: Duration = Duration::from_secs(1);

/// A market as the data folder holds it.
pub struct RestoredMarket {
    /// The engine, with every durable record in it.
    pub engine: Engine,
    /// The journal, locked and fit to be appended to.
    pub journal: Journal,
    /// What was found.
    pub recovery: Recovery,
    /// Where the snapshot stood from which the engine began; 0 without one.
    pub snapshot: u64,
    /// What the operator should know: snapshots passed over, and why.
    pub warnings: Vec<String>,
}

/// Opens the market in a data folder, or makes a new one there. `on_progress` is told how far it has come, now and then.
///
/// # Errors
/// [`JournalError`] names the file and the byte.
pub fn open(
    disk: Arc<dyn Disk>,
    data: &DataDir,
    durability: Durability,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<RestoredMarket, JournalError> {
    let folder = data.journal();
    let newest = SnapshotStore::new(disk.clone(), &folder).newest_valid()?;
    let mut warnings: Vec<String> = newest.skipped.iter().map(|s| s.why.to_string()).collect();

    let mut begun = None;
    if let Some(snapshot) = newest.snapshot {
        match decode_snapshot(&snapshot.payload) {
            Ok(engine) => begun = Some((engine, snapshot.position)),
            Err(why) => warnings.push(format!(
                "the snapshot at record {} is not used: {why}; the journal is read from its beginning",
                snapshot.position.sequence
            )),
        }
    }
    let from = begun.as_ref().map(|(_, position)| *position);
    let mut engine = begun.map(|(engine, _)| engine);
    let options = Options {
        durability,
        ..Options::new(NewJournal::random())
    };
    let mut replayed = Vec::new();
    let mut reading = ReadProgress::new(&*disk, &folder, on_progress);
    let (journal, recovery) = Journal::open(disk, &folder, options, from, |frame| {
        reading.frame(frame);
        let market = MarketId(frame.market);
        let engine = engine.get_or_insert_with(|| Engine::new(market));
        replay(engine, frame, &mut replayed)
    })?;
    reading.end();
    let engine = engine.unwrap_or_else(|| Engine::new(MarketId(recovery.market)));
    let snapshot = from.map_or(0, |position| position.sequence);
    Ok(RestoredMarket {
        engine,
        journal,
        recovery,
        snapshot,
        warnings,
    })
}

/// Makes snapshots, off the sequencer: by a second engine, from what lies in the journal, so that a million
/// lots don't stall a bid. `milestones` is the last durable record, told now and then: no commit wakes this thread.
/// Ends when the sequencer has.
///
/// # Errors
/// When the system has no thread to give.
pub fn keep_snapshots(
    disk: Arc<dyn Disk>,
    data: &DataDir,
    last: u64,
    milestones: watch::Receiver<u64>,
) -> std::io::Result<JoinHandle<()>> {
    let folder = data.journal();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    low_priority::spawn("snapshots", move || {
        let mut milestones = milestones;
        let mut last = last;
        let mut waits = false;
        loop {
            let due = last + SNAPSHOT_RECORDS;
            if runtime
                .block_on(milestones.wait_for(|sequence| *sequence >= due))
                .is_err()
            {
                return;
            }
            let sequence = *milestones.borrow();
            match make_snapshot(&disk, &folder, sequence) {
                Ok(position) => {
                    tracing::info!(sequence = position.sequence, "snapshot made");
                    last = position.sequence;
                    waits = false;
                }
                Err(why) if why.is_out_of_descriptors() => {
                    if !waits {
                        tracing::warn!(%why, "no snapshot was made; it is tried again");
                    }
                    waits = true;
                    thread::sleep(SNAPSHOT_PAUSE);
                    if milestones.has_changed().is_err() {
                        return;
                    }
                }
                Err(why) => {
                    tracing::warn!(%why, "no snapshot was made; the next start reads more of the journal");
                    last = sequence;
                }
            }
        }
    })
}

/// Makes a snapshot of the market as it was after the last frame that ends at or before `durable`.
///
/// # Errors
/// [`JournalError`]; nothing is lost then but time at the next start.
pub fn make_snapshot(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    durable: u64,
) -> Result<Position, JournalError> {
    let store = SnapshotStore::new(disk.clone(), folder);
    let mut reader = Reader::open(disk.clone(), folder)?;
    let before = store.newest_valid()?.snapshot;
    let mut engine = before
        .as_ref()
        .and_then(|snapshot| decode_snapshot(&snapshot.payload).ok());
    let mut position = match (&engine, before) {
        (Some(_), Some(snapshot)) => Some(snapshot.position),
        _ => None,
    };
    reader.seek(position.map_or(1, |position| position.sequence + 1));
    let mut replayed = Vec::new();
    while let Some(frame) = reader.next_view()? {
        // Beyond what is durable nothing may be kept: a crash can still take it back.
        if frame.last() > durable {
            break;
        }
        let engine = engine.get_or_insert_with(|| Engine::new(MarketId(frame.market)));
        replay(engine, &frame, &mut replayed).map_err(|source| JournalError::Refused {
            file: frame.file.to_owned(),
            offset: frame.offset,
            first: frame.first,
            source,
        })?;
        position = Some(frame.position());
    }
    let (Some(engine), Some(position)) = (engine, position) else {
        return Err(JournalError::SegmentMissing {
            path: folder.to_owned(),
            sequence: 1,
        });
    };
    // A snapshot that reaches beyond the journal would be refused.
    reader.sync()?;
    store.save(position, &payload(&engine))?;
    Ok(position)
}

/// Returns the time of the journal's last record, also beside a running server; [`Timestamp::default`] for a journal
/// without records. Reads the last segment alone.
///
/// # Errors
/// [`JournalError`] names the file and the byte.
pub fn last_record_at(disk: Arc<dyn Disk>, folder: &Path) -> Result<Timestamp, JournalError> {
    let mut reader = Reader::open(disk, folder)?;
    // No frame is wanted: this goes to the end.
    reader.seek(u64::MAX);
    let none = reader.next_view()?.is_none();
    debug_assert!(none, "no journal has so many records");
    let last = reader.position().map_or(0, |position| position.sequence);
    reader.seek(last);
    let Some(frame) = reader.next_view()? else {
        return Ok(Timestamp::default());
    };
    let last = decode_records(frame.public, frame.private).last();
    match last.transpose() {
        Ok(last) => Ok(last.map_or_else(Timestamp::default, |record| record.at)),
        Err(source) => Err(JournalError::Refused {
            file: frame.file.to_owned(),
            offset: frame.offset,
            first: frame.first,
            source: source.into(),
        }),
    }
}

/// Takes the records of a frame.
fn replay(
    engine: &mut Engine,
    frame: &FrameView<'_>,
    buffer: &mut Vec<auction_core::Record>,
) -> Result<(), VisitError> {
    buffer.clear();
    for record in decode_records(frame.public, frame.private) {
        buffer.push(record?);
    }
    for record in buffer.iter() {
        engine.replay(record)?;
    }
    if engine.sequence().0 == frame.last() {
        Ok(())
    } else {
        let (found, expected) = (engine.sequence(), auction_core::Sequence(frame.last()));
        Err(ReplayError::OutOfSequence { found, expected }.into())
    }
}

/// The version of the form, and the core's own snapshot as postcard.
fn payload(engine: &Engine) -> Vec<u8> {
    let version = SNAPSHOT_VERSION.to_le_bytes().to_vec();
    postcard::to_extend(&engine.snapshot(), version)
        .expect("a snapshot has no part that cannot be written")
}

fn decode_snapshot(payload: &[u8]) -> Result<Engine, String> {
    let (version, body) = payload.split_first_chunk().ok_or("it is empty")?;
    let version = u16::from_le_bytes(*version);
    if version != SNAPSHOT_VERSION {
        return Err(format!(
            "its form is {version}, and this program's is {SNAPSHOT_VERSION}"
        ));
    }
    let snapshot: Snapshot = postcard::from_bytes(body).map_err(|error| error.to_string())?;
    Engine::restore(snapshot).map_err(|error| error.to_string())
}
