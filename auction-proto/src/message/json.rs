//! Messages as JSON: an object with the request number, and the body under the name of its kind.
//!
//! ```json
//! {"request":"7","bid":{"lot":3,"price":"1.40"}}
//! ```
//!
//! The messages and numbers are the same as in frames, and reading is as strict: both entries must be present, each
//! once, in any order, and no other. A message of a server that answers no request carries request `"0"`. Over TCP a message
//! is a line ([`LineDecoder`](crate::LineDecoder)); over WebSocket it is a text message.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;

use auction_core::RequestId;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Track;

use crate::encoding::body::Body;
use crate::encoding::code::Code;
use crate::encoding::kind::Kind;
use crate::encoding::wire::{Own, read_text};

/// Name of the entry that holds the request number.
const REQUEST: &str = "request";
/// Maximum number of characters of an unknown name that the error repeats.
const NAME_CHARS_SHOWN: usize = 32;

/// Reason why a text is not a valid message. Only this text is affected: the messages after it can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The message's kind is not known, or not sent by this side.
    #[error("{name:?} is not known here")]
    UnknownKind {
        /// The request number, if it could be read; else 0.
        request: RequestId,
        /// The name found in place of a kind.
        name: String,
    },
    /// The text is not JSON, or does not have the form of its kind.
    #[error("{path}{}{problem}", if path.is_empty() { "" } else { ": " })]
    Malformed {
        /// The request number, if it could be read; else 0.
        request: RequestId,
        /// Path of the field: `bid.price`, `watch_symbols.symbols[2]`; empty for the message itself.
        path: String,
        /// Description of the error, and of what would be valid.
        problem: String,
    },
}

impl JsonError {
    /// Returns the request number of the message, if it could be read; else 0.
    #[must_use]
    pub fn request(&self) -> RequestId {
        match self {
            Self::UnknownKind { request, .. } | Self::Malformed { request, .. } => *request,
        }
    }

    /// Returns the code for refusing the message.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownKind { .. } => Code::UNKNOWN_KIND,
            Self::Malformed { .. } => Code::MALFORMED,
        }
    }
}

/// Appends a body as a line of JSON with its request number, including the line end. The request number comes first.
pub fn encode_line<B: Body>(request: RequestId, body: &B, out: &mut Vec<u8>) {
    let name = B::KIND.name().expect("every body has a kind with a name");
    out.extend_from_slice(format!("{{\"{REQUEST}\":\"{request}\",\"{name}\":").as_bytes());
    let json = serde_json::to_vec(body).expect("every body can be encoded");
    out.extend_from_slice(&json);
    out.extend_from_slice(b"}\n");
}

/// Messages of one side.
pub(crate) trait Kinds: Sized {
    /// Returns true if this side sends the kind.
    fn has(kind: Kind) -> bool;

    /// Reads the value of an entry whose name is the kind's.
    fn from_entry<'de, A: MapAccess<'de>>(kind: Kind, entries: &mut A) -> Result<Self, A::Error>;
}

/// Reads one message, which must be all of `text`.
pub(crate) fn decode_line<M: Kinds>(text: &[u8]) -> Result<(RequestId, M), JsonError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut track = Track::new();
    let read = Envelope::deserialize(serde_path_to_error::Deserializer::new(
        &mut json, &mut track,
    ));
    let problem = match read {
        Ok(Envelope(request, message)) => match json.end() {
            Ok(()) => return Ok((request, message)),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    // The error may have occurred before the request number: the text is read again only to find it.
    let Skimmed { request, unknown } = Skimmed::of::<M>(text);
    if let Some(name) = unknown {
        return Err(JsonError::UnknownKind { request, name });
    }
    // The path ends in `?` at the end of the text, and is `.` for the message itself.
    let path = track.path().to_string();
    let path = String::from(path.trim_end_matches(['?', '.']));
    Err(JsonError::Malformed {
        request,
        path,
        problem,
    })
}

/// A message and its request number.
struct Envelope<M>(RequestId, M);

impl<'de, M: Kinds> Deserialize<'de> for Envelope<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(EnvelopeVisitor(PhantomData))
    }
}

struct EnvelopeVisitor<M>(PhantomData<M>);

impl<'de, M: Kinds> Visitor<'de> for EnvelopeVisitor<M> {
    type Value = Envelope<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message such as {\"request\":\"7\",\"bid\":{\"lot\":3,\"price\":\"1.40\"}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let (mut request, mut message) = (None, None);
        while let Some(key) = entries.next_key()? {
            match key {
                Key::Request if request.is_some() => {
                    return Err(A::Error::duplicate_field(REQUEST));
                }
                Key::Request => request = Some(entries.next_value::<Own<RequestId>>()?.0),
                Key::Kind(_) if message.is_some() => {
                    return Err(A::Error::custom("a message is of one kind"));
                }
                Key::Kind(kind) => message = Some(M::from_entry(kind, &mut entries)?),
                Key::Unknown(name) => return Err(A::Error::unknown_field(&name, &[REQUEST])),
            }
        }
        let request = request.ok_or_else(|| A::Error::missing_field(REQUEST))?;
        let message = message.ok_or_else(|| {
            A::Error::custom("the kind is missing; expected for example \"bid\" beside \"request\"")
        })?;
        Ok(Envelope(request, message))
    }
}

/// Name of an entry of a message.
enum Key {
    Request,
    Kind(Kind),
    Unknown(String),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_text(from, "the name of a kind", |name| {
            let is_named = |kind: &&Kind| kind.name() == Some(name);
            Ok::<_, Infallible>(match Kind::ALL.iter().find(is_named) {
                Some(kind) => Self::Kind(*kind),
                None if name == REQUEST => Self::Request,
                None => Self::Unknown(name.chars().take(NAME_CHARS_SHOWN).collect()),
            })
        })
    }
}

/// Information that can be read from an invalid message.
#[derive(Default)]
struct Skimmed {
    request: RequestId,
    /// The first name that is not a kind's.
    unknown: Option<String>,
}

impl Skimmed {
    fn of<M: Kinds>(text: &[u8]) -> Self {
        struct Skim<'a, M>(&'a mut Skimmed, PhantomData<M>);

        impl<'de, M: Kinds> Visitor<'de> for Skim<'_, M> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
                while let Some(key) = entries.next_key()? {
                    let unknown = match key {
                        Key::Request => {
                            self.0.request = entries.next_value::<Own<RequestId>>()?.0;
                            continue;
                        }
                        Key::Kind(kind) if M::has(kind) => None,
                        Key::Kind(kind) => kind.name().map(String::from),
                        Key::Unknown(name) => Some(name),
                    };
                    self.0.unknown = self.0.unknown.take().or(unknown);
                    entries.next_value::<IgnoredAny>()?;
                }
                Ok(())
            }
        }

        let mut skimmed = Self::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        // If the text is not JSON, the values found before the error are kept.
        let _ = (&mut json).deserialize_map(Skim::<M>(&mut skimmed, PhantomData));
        skimmed
    }
}
