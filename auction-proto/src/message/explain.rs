//! Bytes of a connection explained, part by part: for people who look at what went over a wire.
//!
//! Passwords and tokens are not shown: where one stands, the JSON holds [`NOT_SHOWN`], and [`hides`] tells the
//! kinds whose bytes are not to be shown either.
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

/// What stands in JSON where a password or a token does.
pub const NOT_SHOWN: &str = "(not shown)";

/// Where the fields of a frame's header lie.
const LENGTH: Range<usize> = 0..4;
const KIND: Range<usize> = 4..6;
const REQUEST: Range<usize> = 6..HEADER_BYTES;

/// A stretch of bytes, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The stretch. For something wrong it can be empty: what is missing is missing there.
    pub at: Range<usize>,
    /// What it says.
    pub says: Says,
}

/// What a stretch of bytes says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// A client begins.
    Preface,
    /// A frame begins, and so many bytes follow in it.
    Length(usize),
    /// Its kind, known or not.
    Kind(Kind),
    /// The request that it is or answers.
    Request(RequestId),
    /// The body of a kind, as JSON.
    Body(String),
    /// The body of a kind that is not known: whoever reads it skips it.
    Unknown,
    /// It is wrong.
    Wrong(Wrong),
}

/// What is wrong with bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// They end inside a frame.
    #[error("the bytes end here, and {missing} more belong to the frame")]
    Cut {
        /// How many are missing to the end of what has begun: the frame, or its length field.
        missing: usize,
    },
    /// This is no frame, and what follows cannot be told apart.
    #[error("this is no frame: {0}")]
    Frame(#[from] FrameError),
    /// A body is wrong; the next frame can be read.
    #[error(transparent)]
    Body(#[from] BodyFault),
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// It ends before, or inside, a value.
    #[error("the body ends here, and a value should follow or go on")]
    Ends,
    /// A number is longer than it need be, or too large for its field.
    #[error(
        "this number is longer than it need be, or too large for its field; a value has one encoding alone"
    )]
    Number,
    /// A value cannot be what it is.
    #[error("this value is out of range, or makes no sense where it stands")]
    Value,
    /// The body is whole, and something follows.
    #[error("the body is whole before this, and {bytes} more follow")]
    GoesOn {
        /// How many bytes.
        bytes: usize,
    },
}

/// Why a body is not explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// Its kind is not known.
    #[error("{0} is not known")]
    UnknownKind(Kind),
    /// It is wrong.
    #[error("byte {offset} of the body: {fault}")]
    Wrong {
        /// Where in the body, from 0.
        offset: usize,
        /// What.
        fault: BodyFault,
    },
}

/// Explains bytes that begin with a preface or a frame: one connection's, one way. What they say ends where a frame
/// is cut off, or where no frame is; else the parts lie one behind another and cover all of it but the sound beginning
/// of a wrong body.
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

/// The body of a kind as JSON, without its secrets.
///
/// # Errors
/// [`Unexplained`] says at which byte.
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

/// Whether bodies of a kind can hold a password or a token: then their bytes are not to be shown. A kind that is
/// not known here is nothing that was asked for here.
#[must_use]
pub fn hides(kind: Kind) -> bool {
    [Kind::REGISTER, Kind::LOGIN, Kind::RESUME, Kind::LOGGED_IN].contains(&kind)
}

/// Explains the frame that begins at a byte, and gives where the next one does.
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
    // Only a client's kind has the lower limit; one that is not there can be either's.
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

/// What stands in place of a token until the JSON is made, which has bytes as digits.
fn no_token() -> Token {
    Token::new([0; 32])
}

/// A message's JSON is an object of one entry, its body.
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
