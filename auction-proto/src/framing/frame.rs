//! Frames: length, kind, request number, body; and the preface that a client sends before the first frame.

use alloc::vec::Vec;

use auction_core::RequestId;

use crate::encoding::body::Body;
use crate::encoding::codec;
use crate::encoding::kind::Kind;
use crate::limits::FRAME_BYTES_MAX;

/// First bytes that a client sends, before its first frame. The first of them is not a letter, not `{`, and not the
/// first byte of TLS, so that one port can serve all protocols.
pub const PREFACE: [u8; 4] = [0xa5, b'U', b'C', b'T'];

/// Bytes before the body: length, kind and request number.
pub const HEADER_BYTES: usize = 14;

/// Bytes of the length field, which the length itself does not count.
const LENGTH_BYTES: usize = 4;
/// The smallest number in a length field: a frame without body.
const LENGTH_MIN: usize = HEADER_BYTES - LENGTH_BYTES;
const WHOLE: &str = "a whole frame has a header";
/// Capacity that a decoder keeps after a long frame, in bytes.
const BUFFER_KEPT_BYTES: usize = 16 * 1024;

/// A frame that borrows its bytes.
///
/// ```text
/// offset  bytes
///      0      4  length of everything after it, little-endian: at least 10
///      4      2  kind, little-endian
///      6      8  request number, little-endian; 0 in a message that answers no request
///     14         body
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The kind, known or not.
    pub kind: Kind,
    /// Number of the request that this frame is or answers.
    pub request: RequestId,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Reason why bytes are not a valid frame. The bytes after them cannot be read: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first bytes are not the preface.
    #[error(
        "the connection begins with byte {found:#04x} at {offset}; expected the preface a5 55 43 54"
    )]
    Preface {
        /// Offset in the preface, from 0.
        offset: usize,
        /// The byte found there.
        found: u8,
    },
    /// The length field names more than the limit.
    #[error("a frame of {length} bytes; at most {most} can be")]
    TooLong {
        /// Length in the field.
        length: usize,
        /// The limit.
        most: usize,
    },
    /// The length field names less than kind and request number need.
    #[error("a frame of {length} bytes; at least {LENGTH_MIN} must be")]
    TooShort {
        /// Length in the field.
        length: usize,
    },
}

/// Appends the frame of a body. Allocates only when `out` must grow.
pub fn encode_frame<B: Body>(request: RequestId, body: &B, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    codec::append(body, out);
    let length = out.len() - start - LENGTH_BYTES;
    assert!(length <= FRAME_BYTES_MAX, "every body is bounded");
    let length = u32::try_from(length).expect("the limit fits the field");
    let header = out[start..].first_chunk_mut::<HEADER_BYTES>();
    let header = header.expect("it was appended before the body");
    // Written field by field, as it is read: a load that spans several stores waits for all of them.
    header[..4].copy_from_slice(&length.to_le_bytes());
    header[4..6].copy_from_slice(&B::KIND.0.to_le_bytes());
    header[6..].copy_from_slice(&request.0.to_le_bytes());
}

impl<'a> Frame<'a> {
    /// Splits a complete frame off the beginning of `input`; `None` when it is not complete yet. `length_max` is the
    /// limit of its length field.
    ///
    /// # Errors
    /// [`FrameError`] as soon as the length field shows that the bytes are not a frame.
    #[inline]
    pub fn split_from(input: &mut &'a [u8], length_max: usize) -> Result<Option<Self>, FrameError> {
        let Some(length) = frame_bytes(input, length_max)? else {
            return Ok(None);
        };
        let Some((frame, rest)) = input.split_at_checked(length) else {
            return Ok(None);
        };
        *input = rest;
        Ok(Some(Self::of_whole(frame)))
    }

    #[inline]
    fn of_whole(frame: &'a [u8]) -> Self {
        let (_, fields) = frame.split_at(LENGTH_BYTES);
        let (kind, fields) = fields.split_first_chunk().expect(WHOLE);
        let (request, body) = fields.split_first_chunk().expect(WHOLE);
        Self {
            kind: Kind(u16::from_le_bytes(*kind)),
            request: RequestId(u64::from_le_bytes(*request)),
            body,
        }
    }
}

/// Number of bytes of the frame at the beginning of `input`, including its length field; `None` while the length
/// field is incomplete.
#[inline]
fn frame_bytes(input: &[u8], length_max: usize) -> Result<Option<usize>, FrameError> {
    let Some(length) = input.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length > length_max {
        return Err(FrameError::TooLong {
            length,
            most: length_max,
        });
    }
    if length < LENGTH_MIN {
        return Err(FrameError::TooShort { length });
    }
    Ok(Some(LENGTH_BYTES + length))
}

/// Finds frames in bytes that arrive split anywhere. It does no I/O itself, so that it
/// works with any transport.
///
/// A frame that is complete in the input is returned in place; only a split frame is assembled in a buffer,
/// which never holds more than that frame and grows only with bytes that have arrived.
///
/// ```
/// use auction_proto::{Bid, ClientMessage, FrameDecoder, limits, encode_frame};
/// use auction_core::{LotId, Price, RequestId};
///
/// let bid = Bid { lot: LotId(3), price: Price::parse("1.40")? };
/// let mut bytes = Vec::new();
/// encode_frame(RequestId(7), &bid, &mut bytes);
///
/// let mut decoder = FrameDecoder::new(limits::REQUEST_BYTES_MAX);
/// let mut input = &bytes[..];
/// while let Some(frame) = decoder.next_frame(&mut input)? {
///     let message = ClientMessage::decode(frame.kind, frame.body)?;
///     assert_eq!(message, ClientMessage::Bid(bid.clone()));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FrameDecoder {
    length_max: usize,
    /// Number of bytes of the preface that have not arrived.
    preface_left: usize,
    /// The beginning of an incomplete frame, or the frame returned last.
    buffer: Vec<u8>,
    handed_out: bool,
}

impl FrameDecoder {
    /// Creates a decoder of frames whose length field names at most `length_max`, for use in a client.
    #[must_use]
    pub fn new(length_max: usize) -> Self {
        Self {
            length_max,
            preface_left: 0,
            buffer: Vec::new(),
            handed_out: false,
        }
    }

    /// Creates a decoder that expects the preface first, for use in a server.
    #[must_use]
    pub fn after_preface(length_max: usize) -> Self {
        Self {
            preface_left: PREFACE.len(),
            ..Self::new(length_max)
        }
    }

    /// Returns the next frame of the earlier bytes and of `input`, and advances `input`. `None`: all of `input` was
    /// consumed, and the next frame is not complete yet.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are not frames. The decoder cannot be used any more.
    #[inline]
    pub fn next_frame<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'s>>, FrameError> {
        // The usual case: one frame lies complete in the input, and nothing is buffered.
        if self.preface_left == 0
            && self.buffer.is_empty()
            && let Some(frame) = Frame::split_from(input, self.length_max)?
        {
            return Ok(Some(frame));
        }
        self.next_split(input)
    }

    /// Returns the next frame, part of which may have arrived earlier.
    fn next_split<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'s>>, FrameError> {
        self.skip_preface(input)?;
        if self.handed_out {
            self.handed_out = false;
            self.buffer.clear();
            self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        }
        if self.buffer.is_empty()
            && let Some(frame) = Frame::split_from(input, self.length_max)?
        {
            return Ok(Some(frame));
        }
        self.fill_to(LENGTH_BYTES, input);
        let Some(whole) = frame_bytes(&self.buffer, self.length_max)? else {
            return Ok(None);
        };
        self.fill_to(whole, input);
        if self.buffer.len() < whole {
            return Ok(None);
        }
        self.handed_out = true;
        Ok(Some(Frame::of_whole(&self.buffer)))
    }

    /// Returns true while a frame is incomplete: at the end of a connection, this frame was cut off.
    #[must_use]
    pub fn is_inside_frame(&self) -> bool {
        !self.handed_out && !self.buffer.is_empty()
    }

    fn skip_preface(&mut self, input: &mut &[u8]) -> Result<(), FrameError> {
        while self.preface_left > 0
            && let Some((found, rest)) = input.split_first()
        {
            let offset = PREFACE.len() - self.preface_left;
            if *found != PREFACE[offset] {
                return Err(FrameError::Preface {
                    offset,
                    found: *found,
                });
            }
            self.preface_left -= 1;
            *input = rest;
        }
        Ok(())
    }

    /// Moves bytes from the input until the buffer contains `length`.
    fn fill_to(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.buffer.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.buffer.extend_from_slice(taken);
        *input = rest;
    }
}
