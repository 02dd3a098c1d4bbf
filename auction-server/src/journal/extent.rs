//! Approximate length of a journal, to show the progress of reading it, and for nothing else: values that cannot be
//! determined are left out.

use std::path::Path;

use super::disk::{Access, Disk, DiskFile};
use super::frame::FrameView;
use super::segment::{list_segments, segment_path};

/// Length of a run of zeros that is taken for the unwritten part.
const UNWRITTEN_BYTES: u64 = 4096;

/// The segments of a journal, and approximately how many bytes are written in them.
#[derive(Clone, Debug, Default)]
pub struct Extent {
    /// The first record of each segment, and the number of bytes in the segments before it.
    segments: Vec<(u64, u64)>,
    total: u64,
}

impl Extent {
    /// Examines the journal in `dir`, with a few reads per segment.
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

    /// Approximate number of written bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Number of written bytes before this frame.
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

/// Offset at which a file's zeros begin: frames follow each other without gaps, with only zeros after them.
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
