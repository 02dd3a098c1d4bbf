//! Explanation of a connection's bytes, part by part, for people who inspect recorded traffic.
//!
//! Passwords and tokens are not shown: the JSON contains [`NOT_SHOWN`] in their place, and [`hides`] returns true for
//! the kinds whose bytes must not be shown either.
//!
//! ```
//! use auction_proto::explain::{Says, Wrong, explain};
//!
//! let bytes = [13, 0, 0, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0xb0, 0x6d];
//! let parts = explain(&bytes);
//! assert_eq!(parts[3].at, 14..17);
//! assert_eq!(parts[3].says, Says::Body(r#"{"lot":3,"price":"1.40"}"#.into()));
//!
//! let parts = explain(&bytes[..16]);
//! assert_eq!(parts[3].says, Says::Wrong(Wrong::Cut { missing: 1 }));
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use auction_core::RequestId;
use postcard::Error;
use serde::Serialize;

use crate::encoding::codec::Stopped;
use crate::encoding::kind::{Kind, Sender};
use crate::encoding::secret::{Secret, Token};
use crate::framing::frame::{FrameError, HEADER_BYTES, PREFACE};
use crate::limits::{FRAME_BYTES_MAX, REQUEST_BYTES_MAX};
use crate::message::{ClientMessage, ServerMessage};

/// Text in the JSON in place of a password or a token.
pub const NOT_SHOWN: &str = "(not shown)";

/// Offsets of the fields of a frame's header.
const LENGTH: Range<usize> = 0..4;
const KIND: Range<usize> = 4..6;
const REQUEST: Range<usize> = 6..HEADER_BYTES;

/// A range of bytes, and its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The range. For an error it can be empty: bytes are missing at this offset.
    pub at: Range<usize>,
    /// The meaning.
    pub says: Says,
}

/// Meaning of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The preface of a client.
    Preface,
    /// The length field of a frame: number of bytes after it in the frame.
    Length(usize),
    /// The frame's kind, known or not.
    Kind(Kind),
    /// The number of the request that the frame is or answers.
    Request(RequestId),
    /// The body of a kind, as JSON.
    Body(String),
    /// The body of an unknown kind; readers skip it.
    Unknown,
    /// An error.
    Wrong(Wrong),
}

/// Error in the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The bytes end inside a frame.
    #[error("the bytes end here, and {missing} more belong to the frame")]
    Cut {
        /// Number of bytes missing to the end of the current element: the frame, or its length field.
        missing: usize,
    },
    /// The bytes are not a frame, and those after them cannot be separated.
    #[error("this is no frame: {0}")]
    Frame(#[from] FrameError),
    /// A body is invalid; the next frame can be read.
    #[error(transparent)]
    Body(#[from] BodyFault),
}

/// Error in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// The body ends before or inside a value.
    #[error("the body ends here, and a value should follow or go on")]
    Ends,
    /// A number has an overlong encoding, or is too large for its field.
    #[error(
        "this number is longer than it need be, or too large for its field; a value has one encoding alone"
    )]
    Number,
    /// A value is invalid.
    #[error("this value is out of range, or makes no sense where it stands")]
    Value,
    /// Bytes follow the complete body.
    #[error("the body is whole before this, and {bytes} more follow")]
    GoesOn {
        /// Number of surplus bytes.
        bytes: usize,
    },
}

/// Reason why a body is not explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// The kind is not known.
    #[error("{0} is not known")]
    UnknownKind(Kind),
    /// The body is invalid.
    #[error("byte {offset} of the body: {fault}")]
    Wrong {
        /// Offset in the body, from 0.
        offset: usize,
        /// Cause.
        fault: BodyFault,
    },
}

/// Explains bytes that begin with a preface or a frame: those of one connection in one direction. The explanation
/// ends where a frame is cut off or where the bytes are not a frame; otherwise the parts are consecutive and cover
/// all bytes, except the valid beginning of an invalid body.
#[must_use]
pub fn explain(bytes: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let next = if bytes[at..].starts_with(&PREFACE) {
            parts.push(Part {
                at: at..at + PREFACE.len(),
                says: Says::Preface,
            });
            Some(at + PREFACE.len())
        } else {
            explain_frame(bytes, at, &mut parts)
        };
        let Some(next) = next else { break };
        at = next;
    }
    parts
}

/// Returns the body of a kind as JSON, without its secrets.
///
/// # Errors
/// [`Unexplained`] names the byte.
pub fn explain_body(kind: Kind, body: &[u8]) -> Result<String, Unexplained> {
    let (read, stopped) = match kind.sender() {
        Sender::Client => (
            ClientMessage::decode(kind, body).map(client_json),
            ClientMessage::stopped(kind, body),
        ),
        Sender::Server => (
            ServerMessage::decode(kind, body).map(server_json),
            ServerMessage::stopped(kind, body),
        ),
        Sender::Nobody => return Err(Unexplained::UnknownKind(kind)),
    };
    let stopped = stopped.map(|Stopped { at, error }| Unexplained::Wrong {
        offset: at,
        fault: match error {
            Error::DeserializeUnexpectedEnd => BodyFault::Ends,
            Error::DeserializeBadVarint => BodyFault::Number,
            Error::DeserializeBadEncoding => BodyFault::GoesOn {
                bytes: body.len() - at,
            },
            _ => BodyFault::Value,
        },
    });
    read.map_err(|_| stopped.unwrap_or(Unexplained::UnknownKind(kind)))
}

/// Returns true if bodies of this kind can contain a password or a token: their bytes must not be shown. False for an
/// unknown kind: no request of this version has it.
#[must_use]
pub fn hides(kind: Kind) -> bool {
    [
        Kind::REGISTER,
        Kind::LOGIN,
        Kind::RESUME,
        Kind::LOGGED_IN,
        Kind::CHANGE_PASSWORD,
    ]
    .contains(&kind)
}

/// Explains the frame that begins at `start`, and returns the start of the next one.
fn explain_frame(bytes: &[u8], start: usize, parts: &mut Vec<Part>) -> Option<usize> {
    let frame = &bytes[start..];
    let mut say = |at: Range<usize>, says: Says| {
        let at = start + at.start..start + at.end;
        parts.push(Part { at, says });
    };
    let cut = |missing: usize| Says::Wrong(Wrong::Cut { missing });
    let Some(length) = frame.first_chunk::<4>() else {
        say(0..frame.len(), cut(LENGTH.end - frame.len()));
        return None;
    };
    let length = u32::from_le_bytes(*length) as usize;
    let end = LENGTH.end + length;
    let missing = end.saturating_sub(frame.len());
    let kind = frame.get(KIND);
    let kind = kind.map(|kind| Kind(u16::from_le_bytes([kind[0], kind[1]])));
    // Only the kinds of a client have the lower limit; an incomplete kind can belong to either side.
    let most = match kind.map(Kind::sender) {
        Some(Sender::Client) => REQUEST_BYTES_MAX,
        _ => FRAME_BYTES_MAX,
    };
    let wrong = if end < HEADER_BYTES {
        Some(FrameError::TooShort { length })
    } else {
        (length > most).then_some(FrameError::TooLong { length, most })
    };
    if let Some(wrong) = wrong {
        say(LENGTH, Says::Wrong(wrong.into()));
        return None;
    }
    say(LENGTH, Says::Length(length));
    let Some(kind) = kind else {
        say(LENGTH.end..frame.len(), cut(missing));
        return None;
    };
    say(KIND, Says::Kind(kind));
    let Some(request) = frame.get(REQUEST) else {
        say(KIND.end..frame.len(), cut(missing));
        return None;
    };
    let request = u64::from_le_bytes(request.try_into().expect("it is as long"));
    say(REQUEST, Says::Request(RequestId(request)));
    let Some(body) = frame.get(HEADER_BYTES..end) else {
        say(HEADER_BYTES..frame.len(), cut(missing));
        return None;
    };
    match explain_body(kind, body) {
        Ok(json) => say(HEADER_BYTES..end, Says::Body(json)),
        Err(Unexplained::UnknownKind(_)) => say(HEADER_BYTES..end, Says::Unknown),
        Err(Unexplained::Wrong { offset, fault }) => {
            say(HEADER_BYTES + offset..end, Says::Wrong(fault.into()));
        }
    }
    Some(start + end)
}

fn client_json(mut message: ClientMessage) -> String {
    let no_password = || Secret::new(NOT_SHOWN.into()).expect("it is as long as a password");
    match &mut message {
        ClientMessage::Register(register) => register.password = no_password(),
        ClientMessage::Login(login) => login.password = no_password(),
        ClientMessage::ChangePassword(change) => {
            (change.old, change.new) = (no_password(), no_password());
        }
        ClientMessage::Resume(resume) => resume.token = no_token(),
        _ => {}
    }
    body_json(&message)
}

fn server_json(mut message: ServerMessage) -> String {
    if let ServerMessage::LoggedIn(logged_in) = &mut message {
        logged_in.token = logged_in.token.take().map(|_| no_token());
    }
    body_json(&message)
}

/// Placeholder for a token until the JSON is written, because the JSON shows bytes as digits.
fn no_token() -> Token {
    Token::new([0; 32])
}

/// Extracts the body from a message's JSON, which is an object with this one entry.
fn body_json(message: &impl Serialize) -> String {
    let json = serde_json::to_string(message).expect("every message can be encoded");
    let body = json
        .split_once(':')
        .and_then(|(_, body)| body.strip_suffix('}'));
    let body = body.expect("a message has a name and a body");
    let digits = "0".repeat(64);
    let token = |shown: &str| alloc::format!("\"token\":\"{shown}\"");
    body.replacen(&token(&digits), &token(NOT_SHOWN), 1)
}
