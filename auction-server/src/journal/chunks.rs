//! Large files beside the appends are written in small pieces, each synced by itself: a disk does one thing after
//! another, and the sync of an append waits for what came before it.

use std::io;
use std::thread;
use std::time::Duration;

use super::disk::DiskFile;

/// The size of a piece: it keeps a disk busy for a few tenths of a millisecond.
pub(super) const CHUNK_BYTES: usize = 128 << 10;

/// Writes `bytes` from `offset` on, durably, and rests for `pause` between two pieces.
pub(super) fn write_in_chunks(
    file: &dyn DiskFile,
    bytes: &[u8],
    offset: u64,
    pause: Duration,
) -> io::Result<()> {
    let mut at = offset;
    for piece in bytes.chunks(CHUNK_BYTES) {
        if at > offset {
            thread::sleep(pause);
        }
        file.write_at(piece, at)?;
        file.sync_data()?;
        at += piece.len() as u64;
    }
    Ok(())
}
