//! Reading one frame, and telling a torn tail from damage.
//!
//! Frame n + 1 is not written before the sync of frame n has returned. So when no whole frame stands where
//! the next one should begin, there are two cases. If the header of a later frame stands anywhere after,
//! this frame was synced once and is damaged now. If none does, this frame may be one whose sync never
//! returned: nobody was told of it, and its remains, in any order the disk wrote them, are a torn tail.

use super::error::JournalError;
use super::frame::{FRAME_ALIGN, FRAME_HEADER_BYTES, FrameHeader};
use super::key::Key;
use super::segment::Segment;

/// What stands where a frame should begin.
pub(super) enum Found {
    /// A whole frame; its bytes are in the buffer.
    Frame(FrameHeader),
    /// Zeros, or the end of the segment: nothing was written here, or it is lost.
    Nothing,
    /// Bytes that are no whole frame.
    Remains,
}

/// Reads the frame at `offset`; its body goes to `body`.
pub(super) fn read_frame(
    segment: &Segment,
    offset: u64,
    key: &Key,
    body: &mut Vec<u8>,
) -> Result<Found, JournalError> {
    let room = segment.header.bytes - offset;
    if room < FRAME_HEADER_BYTES as u64 {
        return Ok(Found::Nothing);
    }
    let mut header = [0; FRAME_HEADER_BYTES];
    segment.read_at(&mut header, offset)?;
    if all_zero(&header) {
        return Ok(Found::Nothing);
    }
    let Some(header) = FrameHeader::decode(&header, key).filter(|header| header.length <= room)
    else {
        return Ok(Found::Remains);
    };
    body.resize(header.body_length(), 0);
    segment.read_at(body, offset + FRAME_HEADER_BYTES as u64)?;
    if header.matches(body, key) {
        Ok(Found::Frame(header))
    } else {
        Ok(Found::Remains)
    }
}

/// What stands in a segment after its last whole frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    /// Whether the header of a later frame is there.
    pub later_frame: bool,
    /// Where the last byte that is not zero ends; `None` when all are zero.
    pub written_to: Option<u64>,
}

const WINDOW_BYTES: usize = 1 << 20;
const ALIGN: usize = FRAME_ALIGN as usize;

/// Looks through the segment from `offset` on, for a header of a frame that begins after record `expected`.
///
/// A header is enough, its frame need not be whole: it is keyed, so a writer of this journal wrote it, and
/// not before the frame with `expected` was synced. Earlier records don't count: a client may have been
/// shown the bytes of those.
pub(super) fn scan_rest(
    segment: &Segment,
    offset: u64,
    expected: u64,
    key: &Key,
) -> Result<Rest, JournalError> {
    let end = segment.header.bytes;
    let mut rest = Rest::default();
    let mut window = vec![0; WINDOW_BYTES];
    let mut at = offset;
    while at < end {
        let length = (end - at).min(WINDOW_BYTES as u64) as usize;
        let window = &mut window[..length];
        segment.read_at(window, at)?;
        if let Some(last) = last_nonzero(window) {
            rest.written_to = Some(at + last as u64 + 1);
            rest.later_frame |= has_later_frame(window, expected, key);
        }
        if at + length as u64 == end {
            break;
        }
        // Windows overlap by almost a header, so that each header lies whole in one of them.
        at += (length - (FRAME_HEADER_BYTES - ALIGN)) as u64;
    }
    Ok(rest)
}

fn has_later_frame(window: &[u8], expected: u64, key: &Key) -> bool {
    let last_start = window.len().saturating_sub(FRAME_HEADER_BYTES - 1);
    (0..last_start).step_by(ALIGN).any(|start| {
        let header = FrameHeader::decode(&window[start..start + FRAME_HEADER_BYTES], key);
        header.is_some_and(|header| header.first > expected)
    })
}

fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

fn last_nonzero(bytes: &[u8]) -> Option<usize> {
    // Whole chunks first: most of what is looked at is zero, and this is quick.
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(4096);
        if !all_zero(&bytes[start..end]) {
            return bytes[..end].iter().rposition(|&byte| byte != 0);
        }
        end = start;
    }
    None
}
