//! The two encodings of the same messages, and a message that is encoded once however many are sent it.

use std::sync::OnceLock;

use auction_core::RequestId;
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{Body, Frame, HEADER_BYTES, ServerMessage, encode_frame, encode_line};

/// How a client and the server write messages to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Frames.
    Binary,
    /// Lines of JSON.
    Json,
}

impl Encoding {
    /// Appends a message.
    pub fn append<B: Body>(self, request: RequestId, body: &B, out: &mut Vec<u8>) {
        match self {
            Self::Binary => encode_frame(request, body, out),
            Self::Json => encode_line(request, body, out),
        }
    }
}

/// How every shared line of JSON begins: with a request number that is put in its place.
const LINE_START: &[u8] = b"{\"request\":\"0\"";

/// A message of the server for many. The frame is made at once; JSON when the first one asks for it.
#[derive(Debug)]
pub struct Encoded {
    frame: Vec<u8>,
    line: OnceLock<Vec<u8>>,
}

impl Encoded {
    /// Encodes a body.
    #[must_use]
    pub fn new<B: Body>(body: &B) -> Self {
        let mut frame = Vec::new();
        encode_frame(RequestId(0), body, &mut frame);
        Self {
            frame,
            line: OnceLock::new(),
        }
    }

    /// How many bytes the frame takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.frame.len()
    }

    /// The message itself.
    #[must_use]
    pub fn message(&self) -> ServerMessage {
        let frame = Frame::take(&mut &self.frame[..], FRAME_BYTES_MAX);
        let frame = frame.expect("a frame was made").expect("it is whole");
        ServerMessage::decode(frame.kind, frame.body).expect("a body was encoded")
    }

    /// As it is told to many at once: with 0 for the request.
    #[must_use]
    pub fn for_all(&self, encoding: Encoding) -> &[u8] {
        match encoding {
            Encoding::Binary => &self.frame,
            Encoding::Json => self.line(),
        }
    }

    fn line(&self) -> &[u8] {
        self.line.get_or_init(|| {
            let mut line = Vec::new();
            self.message().encode_json(RequestId(0), &mut line);
            line
        })
    }

    /// Appends it with a request number.
    pub fn append(&self, encoding: Encoding, request: RequestId, out: &mut Vec<u8>) {
        match encoding {
            Encoding::Binary => {
                let (head, body) = self.frame.split_at(HEADER_BYTES);
                out.extend_from_slice(&head[..HEADER_BYTES - size_of::<u64>()]);
                out.extend_from_slice(&request.0.to_le_bytes());
                out.extend_from_slice(body);
            }
            Encoding::Json => {
                let line = self.line();
                out.extend_from_slice(format!("{{\"request\":\"{request}\"").as_bytes());
                let rest = line.strip_prefix(LINE_START);
                out.extend_from_slice(rest.expect("the request stands first"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use auction_core::FeedSequence;
    use auction_proto::{Resumed, Resync, ResyncBecause};

    use super::*;

    #[test]
    fn a_shared_message_is_the_same_as_one_made_for_the_request() {
        for request in [RequestId(0), RequestId(7), RequestId(u64::MAX)] {
            for encoding in [Encoding::Binary, Encoding::Json] {
                let body = Resumed {
                    feed_sequence: FeedSequence(3),
                };
                let (mut shared, mut made) = (Vec::new(), Vec::new());
                let encoded = Encoded::new(&body);
                encoded.append(encoding, request, &mut shared);
                encoding.append(request, &body, &mut made);
                assert_eq!(shared, made);
                let is_for_all = encoded.for_all(encoding) == made;
                assert_eq!(is_for_all, request == RequestId(0));
            }
        }
        let resync = Resync {
            because: ResyncBecause::TooSlow,
        };
        assert_eq!(Encoded::new(&resync).message(), ServerMessage::from(resync));
    }
}
