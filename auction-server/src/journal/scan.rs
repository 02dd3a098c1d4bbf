//! Reads one frame, and distinguishes a torn tail from damage.
//!
//! Frame n + 1 is not written before the sync of frame n has returned. So when there is no whole frame at the offset of
//! the next one, there are two cases. If there is a header of a later frame anywhere after it, this frame was synced
//! once and is damaged now. If not, this may be a frame whose sync never returned: it was never acknowledged, and its
//! remains, in whatever order the disk wrote them, are a torn tail.

use super::error::JournalError;
use super::frame::{FRAME_ALIGN, FRAME_HEADER_BYTES, FrameHeader};
use super::key::Key;
use super::segment::Segment;

/// Result of reading at the offset of a frame.
pub(super) enum Found {
    /// A whole frame; its bytes are in the buffer.
    Frame(FrameHeader),
    /// Zeros, or the end of the segment: nothing was written here, or it is lost.
    Nothing,
    /// Bytes that are not a whole frame.
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

/// The bytes of a segment after its last whole frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    /// True if there is a header of a later frame.
    pub later_frame: bool,
    /// Offset of the end of the last byte that is not zero; `None` when all are zero.
    pub written_to: Option<u64>,
}

const WINDOW_BYTES: usize = 1 << 20;
const ALIGN: usize = FRAME_ALIGN as usize;

/// Searches the segment from `offset` on for the header of a frame that begins after record `expected`.
///
/// A header is enough, even without its whole frame: it is keyed, so a writer of this journal wrote it, and not before
/// the frame with `expected` was synced. Earlier records don't count: a client may have seen their bytes.
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
        // Windows overlap by almost a header, so that each header lies entirely in one of them.
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
    // Whole chunks first: most of the bytes are zero, and this is fast.
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
