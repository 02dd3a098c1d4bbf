//! What the disk asks for a bid, whoever writes it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::histogram::Times;

/// What a lone bid takes in the journal: a frame's header and a record, rounded up.
const BYTES: usize = 192;
/// Zeros that are written ahead, for as many syncs as fit.
pub const WRITTEN_AHEAD: usize = 64 << 20;

/// What a sync costs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The file grows with each.
    Growing,
    /// It was filled with zeros and synced before.
    WrittenAhead,
}

/// Appends and syncs, one after another, for so long.
pub fn bare_syncs(folder: &Path, writing: Writing, for_long: Duration) -> io::Result<Times> {
    let path = folder.join("bare");
    let mut times = Times::new();
    let bytes = [7; BYTES];
    let mut out = File::create(&path)?;
    if writing == Writing::WrittenAhead {
        out.write_all(&vec![0; WRITTEN_AHEAD])?;
        out.sync_all()?;
    }
    let (begun, mut at) = (Instant::now(), 0);
    while begun.elapsed() < for_long && at + BYTES <= WRITTEN_AHEAD {
        let start = Instant::now();
        out.write_all_at(&bytes, at as u64)?;
        out.sync_data()?;
        times.add(start.elapsed());
        at += BYTES;
    }
    fs::remove_file(&path)?;
    Ok(times)
}
