//! Frames: length, kind, request number, body; and the preface that a client sends before the first.

use alloc::vec::Vec;

use auction_core::RequestId;

use crate::encoding::body::Body;
use crate::encoding::codec;
use crate::encoding::kind::Kind;
use crate::limits::FRAME_BYTES_MAX;

/// What a client sends first, before its first frame. Its first byte is no letter, no `{` and not TLS's, so
/// that one port can speak to all.
pub const PREFACE: [u8; 4] = [0xa5, b'U', b'C', b'T'];

/// Bytes before the body: length, kind and request number.
pub const HEADER_BYTES: usize = 14;

/// Bytes of the length field, which it does not count.
const LENGTH_BYTES: usize = 4;
/// The smallest number in a length field: a frame without body.
const LENGTH_MIN: usize = HEADER_BYTES - LENGTH_BYTES;
const WHOLE: &str = "a whole frame has a header";
/// What a decoder keeps of its buffer when a long frame is done.
const BUFFER_KEPT_BYTES: usize = 16 * 1024;

/// A frame in someone's buffer.
///
/// ```text
/// offset  bytes
///      0      4  length of all that follows, little-endian: at least 10
///      4      2  kind, little-endian
///      6      8  request number, little-endian; 0 in what the server says of its own accord
///     14         body
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The kind, known or not.
    pub kind: Kind,
    /// The number of the request that it is, or answers.
    pub request: RequestId,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Why bytes are no frames. What follows them cannot be read: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first bytes are not the preface.
    #[error(
        "the connection begins with byte {found:#04x} at {offset}; expected the preface a5 55 43 54"
    )]
    Preface {
        /// Which byte of the preface, from 0.
        offset: usize,
        /// What was there.
        found: u8,
    },
    /// The length field names more than can be.
    #[error("a frame of {length} bytes; at most {most} can be")]
    TooLong {
        /// What the field names.
        length: usize,
        /// The limit.
        most: usize,
    },
    /// The length field names less than kind and request number take.
    #[error("a frame of {length} bytes; at least {LENGTH_MIN} must be")]
    TooShort {
        /// What the field names.
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
    // Field by field, as they are read: a load that spans several stores waits for all of them.
    header[..4].copy_from_slice(&length.to_le_bytes());
    header[4..6].copy_from_slice(&B::KIND.0.to_le_bytes());
    header[6..].copy_from_slice(&request.0.to_le_bytes());
}

impl<'a> Frame<'a> {
    /// Splits a whole frame from the beginning of `input`, which then begins behind it; `None` when it is not whole yet.
    /// `length_max` is what its length field may name at most.
    ///
    /// # Errors
    /// [`FrameError`] as soon as the length field shows that it is no frame.
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

/// How many bytes the frame at the beginning of `input` takes, its length field included, when that is there.
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

/// Finds frames in bytes that come split anywhere. It waits for nothing and reads nothing itself, so that it
/// serves any transport.
///
/// A frame that lies whole in the input is handed out where it lies; only one that is split is put together
/// in a buffer, which never holds more than that one and grows only with bytes that have come.
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
    /// How many bytes of the preface are yet to come.
    preface_left: usize,
    /// The beginning of a frame whose end has not come, or a frame that was handed out.
    buffer: Vec<u8>,
    handed_out: bool,
}

impl FrameDecoder {
    /// A decoder for frames whose length field names at most `length_max`: what a client reads.
    #[must_use]
    pub fn new(length_max: usize) -> Self {
        Self {
            length_max,
            preface_left: 0,
            buffer: Vec::new(),
            handed_out: false,
        }
    }

    /// The same behind a preface: what a server reads.
    #[must_use]
    pub fn after_preface(length_max: usize) -> Self {
        Self {
            preface_left: PREFACE.len(),
            ..Self::new(length_max)
        }
    }

    /// The next frame of the bytes that came before and of `input`, which moves on. `None`: all of `input` was
    /// taken, and the next frame is not whole yet.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are no frames. The decoder is of no more use then.
    #[inline]
    pub fn next_frame<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'s>>, FrameError> {
        // Nearly always one lies whole in the input, and nothing before it.
        if self.preface_left == 0
            && self.buffer.is_empty()
            && let Some(frame) = Frame::split_from(input, self.length_max)?
        {
            return Ok(Some(frame));
        }
        self.next_split(input)
    }

    /// The next frame, of which the beginning may have come before.
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

    /// Whether a frame has begun whose end has not come: at the end of a connection it was cut off.
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

    /// Moves bytes from the input until the buffer holds `length`.
    fn fill_to(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.buffer.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.buffer.extend_from_slice(taken);
        *input = rest;
    }
}
