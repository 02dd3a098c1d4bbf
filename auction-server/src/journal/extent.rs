//! About how far a journal reaches, so that reading it can be shown as it goes. For nothing else: what cannot be
//! found out is left out.

use std::path::Path;

use super::disk::{Access, Disk, DiskFile};
use super::frame::FrameView;
use super::segment::{list_segments, segment_path};

/// Zeros in a row that are taken for what is not written yet.
const UNWRITTEN_BYTES: u64 = 4096;

/// The segments of a journal, and about how many bytes are written in them.
#[derive(Clone, Debug, Default)]
pub struct Extent {
    /// The first record of each segment, and the bytes of those before it.
    segments: Vec<(u64, u64)>,
    total: u64,
}

impl Extent {
    /// Looks at the journal in `dir`, a few reads for each segment.
    #[must_use]
    pub fn of(disk: &dyn Disk, dir: &Path) -> Self {
        let mut extent = Self::default();
        for first in list_segments(disk, dir).unwrap_or_default() {
            let file = disk.open(&segment_path(dir, first), Access::Read).ok();
            extent.segments.push((first, extent.total));
            extent.total += file.and_then(|file| written(&*file)).unwrap_or(0);
        }
        extent
    }

    /// About how many bytes are written.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of them lie before this frame.
    #[must_use]
    pub fn before(&self, frame: &FrameView<'_>) -> u64 {
        let segment = self
            .segments
            .iter()
            .rfind(|(first, _)| *first <= frame.first);
        let before = segment.map_or(0, |(_, before)| before + frame.offset);
        before.min(self.total)
    }
}

/// Where a file's zeros begin: frames lie one behind another, and nothing behind them.
fn written(file: &dyn DiskFile) -> Option<u64> {
    let (mut begun, mut end) = (0, file.len().ok()? / UNWRITTEN_BYTES);
    let mut bytes = [0; UNWRITTEN_BYTES as usize];
    while begun < end {
        let middle = begun + (end - begun) / 2;
        file.read_at(&mut bytes, middle * UNWRITTEN_BYTES).ok()?;
        if bytes.iter().all(|byte| *byte == 0) {
            end = middle;
        } else {
            begun = middle + 1;
        }
    }
    Some(begun * UNWRITTEN_BYTES)
}
