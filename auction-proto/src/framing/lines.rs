//! Lines: separation of JSON messages in a stream of bytes.

use alloc::vec::Vec;

/// Capacity that a decoder keeps after a long line, in bytes.
const BUFFER_KEPT_BYTES: usize = 16 * 1024;

/// A line longer than the limit. It is not read to its end: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of more than {most} bytes")]
pub struct LineError {
    /// The limit.
    pub most: usize,
}

/// Finds lines in bytes that arrive split anywhere. It does no I/O itself.
///
/// A line that is complete in the input is returned in place; only a split line is assembled in a buffer, which
/// never holds more than that line. Empty lines are skipped.
///
/// ```
/// use auction_core::RequestId;
/// use auction_proto::{ClientMessage, LineDecoder, limits};
///
/// let mut decoder = LineDecoder::new(limits::REQUEST_BYTES_MAX);
/// let mut input = &b"{\"request\":\"7\",\"bid\":{\"lot\":3,\"price\":\"1,40\"}}\n"[..];
/// while let Some(line) = decoder.next_line(&mut input)? {
///     let error = ClientMessage::decode_json(line).unwrap_err();
///     assert_eq!(error.request(), RequestId(7));
///     assert!(error.to_string().starts_with("bid.price: \"1,40\" is not a decimal"), "{error}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    length_max: usize,
    /// The beginning of an incomplete line, or the line returned last.
    buffer: Vec<u8>,
    handed_out: bool,
}

impl LineDecoder {
    /// Creates a decoder of lines of at most `length_max` bytes, line ends not counted.
    #[must_use]
    pub fn new(length_max: usize) -> Self {
        Self {
            length_max,
            buffer: Vec::new(),
            handed_out: false,
        }
    }

    /// Returns the next line of the earlier bytes and of `input`, and advances `input`. `None`: all of `input` was
    /// consumed, and the next line is not complete yet.
    ///
    /// # Errors
    /// [`LineError`] as soon as a line is too long. The decoder cannot be used any more.
    pub fn next_line<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<&'s [u8]>, LineError> {
        loop {
            if self.handed_out {
                self.handed_out = false;
                self.buffer.clear();
                self.buffer.shrink_to(BUFFER_KEPT_BYTES);
            }
            let (part, rest) = match input.iter().position(|byte| *byte == b'\n') {
                Some(end) => (&input[..end], Some(&input[end + 1..])),
                None => (*input, None),
            };
            if self.buffer.len() + part.len() > self.length_max {
                return Err(LineError {
                    most: self.length_max,
                });
            }
            let Some(rest) = rest else {
                self.buffer.extend_from_slice(part);
                *input = &[];
                return Ok(None);
            };
            *input = rest;
            if self.buffer.is_empty() {
                if part.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(part));
            }
            self.buffer.extend_from_slice(part);
            self.handed_out = true;
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(&self.buffer));
        }
    }

    /// Returns true while a line is incomplete: at the end of a connection, this line was cut off.
    #[must_use]
    pub fn is_inside_line(&self) -> bool {
        !self.handed_out && !self.buffer.is_empty()
    }
}
