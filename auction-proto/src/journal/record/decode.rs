//! Reading records.

use alloc::vec::Vec;

use auction_core::{Event, Events, PrivateEvent, PublicEvent, Record, RequestId, SessionId};

use super::{LENGTH_BYTES, Opening, PublicRecord, RECORD_VERSION, RecordError, RecordedCommand};
use crate::encoding::codec::Reader;
use crate::encoding::wire::{Own, Wire};
use crate::limits::RECORD_EVENTS_MAX;

/// Reads the records of a batch, and checks each private part against its commitment. The iterator ends after an
/// error.
#[must_use]
pub fn decode_records<'a>(public: &'a [u8], private: &'a [u8]) -> Records<'a> {
    Records {
        public: decode_public_records(public),
        private: decode_openings(private),
        ended: false,
    }
}

/// Reads the public parts of the records of a batch. The iterator ends after an error.
#[must_use]
pub fn decode_public_records(public: &[u8]) -> PublicRecords<'_> {
    PublicRecords(Parts::new(public))
}

/// The records of a batch. See [`decode_records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    public: PublicRecords<'a>,
    private: Openings<'a>,
    ended: bool,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = match self.public.next() {
            Some(Ok(public)) => self.whole(public),
            Some(Err(error)) => Err(error),
            None => {
                self.ended = true;
                return match self.private.0.rest.len() {
                    0 => None,
                    bytes => Some(Err(RecordError::PrivateLeft { bytes })),
                };
            }
        };
        self.ended = record.is_err();
        Some(record)
    }
}

impl Records<'_> {
    fn whole(&mut self, public: PublicRecord) -> Result<Record, RecordError> {
        let opening = match public.commitment {
            None => None,
            Some(_) => self
                .private
                .next()
                .transpose()
                .map_err(|error| match error {
                    RecordError::Version { .. } => error,
                    _ => RecordError::PrivateMissing {
                        sequence: public.sequence,
                    },
                })?,
        };
        public.open(opening)
    }
}

impl PublicRecord {
    /// Combines the public part with the private part, if the record has one, to the complete record.
    ///
    /// # Errors
    /// [`RecordError`] when the private part is missing, does not match its commitment, or is invalid.
    pub fn open(self, opening: Option<Opening<'_>>) -> Result<Record, RecordError> {
        let Self {
            sequence,
            at,
            rules,
            asked,
            commitment,
            events,
        } = self;
        let malformed = RecordError::PrivateMalformed { sequence };
        let mut part = match (commitment, opening) {
            (None, None) => PrivatePart::default(),
            (None, Some(_)) => return Err(malformed),
            (Some(_), None) => return Err(RecordError::PrivateMissing { sequence }),
            (Some(committed), Some(opening)) => {
                if super::commitment(opening.salt, opening.part) != committed {
                    return Err(RecordError::Commitment { sequence });
                }
                PrivatePart::decode(opening.part, asked.is_none()).ok_or(malformed)?
            }
        };
        let asked = asked.or(part.asked.take()).ok_or(malformed)?;
        let mut private_events = part.events.into_iter();
        let mut whole = Events::new();
        for event in events {
            whole.push(match event {
                Some(event) => Event::Public(event),
                None => Event::Private(private_events.next().ok_or(malformed)?),
            });
        }
        if private_events.next().is_some() {
            return Err(malformed);
        }
        Ok(Record {
            sequence,
            at,
            rules,
            actor: asked.actor,
            request: asked.request,
            command: asked.command,
            events: whole,
        })
    }
}

/// Splits the private bytes of a batch: one opening for each of its records that has a private part. The iterator
/// ends after an error.
#[must_use]
pub fn decode_openings(private: &[u8]) -> Openings<'_> {
    Openings(Parts::new(private))
}

/// The private parts of a batch. See [`decode_openings`].
#[derive(Clone, Debug)]
pub struct Openings<'a>(Parts<'a>);

impl<'a> Iterator for Openings<'a> {
    type Item = Result<Opening<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let part = self.0.next()?;
        let opening = part.and_then(|(offset, part)| {
            let (salt, part) = part
                .split_first_chunk()
                .ok_or(RecordError::Truncated { offset })?;
            Ok(Opening { salt, part })
        });
        if opening.is_err() {
            self.0.rest = &[];
        }
        Some(opening)
    }
}

/// The public parts of a batch's records. See [`decode_public_records`].
#[derive(Clone, Debug)]
pub struct PublicRecords<'a>(Parts<'a>);

impl Iterator for PublicRecords<'_> {
    type Item = Result<PublicRecord, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.0.next()?.and_then(|(offset, part)| {
            decode_public_part(part).ok_or(RecordError::Malformed { offset })
        });
        if record.is_err() {
            self.0.rest = &[];
        }
        Some(record)
    }
}

pub(super) fn decode_public_part(part: &[u8]) -> Option<PublicRecord> {
    let mut from = Reader::new(part);
    let sequence = value(&mut from)?;
    let at = value(&mut from)?;
    let rules = value(&mut from)?;
    let is_hidden: bool = value(&mut from)?;
    let asked = if is_hidden {
        None
    } else {
        Some(decode_command(&mut from)?)
    };
    let commitment: Option<[u8; 32]> = value(&mut from)?;
    let events: Vec<Option<PublicEvent>> = decode_events(&mut from)?;
    from.finish().ok()?;
    // A record has one form: hidden fields are in the private part, every private part has a commitment, and there is
    // at least one event.
    let shows_hidden = asked
        .as_ref()
        .is_some_and(|asked| asked.command.is_hidden());
    let has_private_part = is_hidden || events.iter().any(Option::is_none);
    if shows_hidden || has_private_part != commitment.is_some() || events.is_empty() {
        return None;
    }
    Some(PublicRecord {
        sequence,
        at,
        rules,
        asked,
        commitment,
        events,
    })
}

#[derive(Default)]
struct PrivatePart {
    asked: Option<RecordedCommand>,
    events: Vec<PrivateEvent>,
}

impl PrivatePart {
    fn decode(part: &[u8], is_hidden: bool) -> Option<Self> {
        let mut from = Reader::new(part);
        let asked = if is_hidden {
            Some(decode_command(&mut from).filter(|asked| asked.command.is_hidden())?)
        } else {
            None
        };
        let events = decode_events(&mut from)?;
        from.finish().ok()?;
        Some(Self { asked, events })
    }
}

fn decode_command(from: &mut Reader<'_>) -> Option<RecordedCommand> {
    let actor = value(from)?;
    let request: Option<(Own<SessionId>, Own<RequestId>)> = from.value().ok()?;
    let command = value(from)?;
    Some(RecordedCommand {
        actor,
        request: request.map(|(session, request)| (session.0, request.0)),
        command,
    })
}

/// Reads a number and that many events. Memory grows with the bytes that have arrived, not with the number.
fn decode_events<T: Wire>(from: &mut Reader<'_>) -> Option<Vec<T>> {
    let count: u32 = value(from)?;
    if count as usize > RECORD_EVENTS_MAX {
        return None;
    }
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(value(from)?);
    }
    Some(events)
}

fn value<T: Wire>(from: &mut Reader<'_>) -> Option<T> {
    from.value::<Own<T>>().ok().map(|own| own.0)
}

/// A version, then byte strings, each preceded by its length.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
        }
    }

    fn advance(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        self.offset += count;
        Some(taken)
    }

    fn next_part(&mut self) -> Option<&'a [u8]> {
        let length = self.advance(LENGTH_BYTES)?;
        let length = u32::from_le_bytes(length.try_into().ok()?);
        self.advance(length as usize)
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<(usize, &'a [u8]), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        if self.offset == 0 {
            let found = self.rest[0];
            if found != RECORD_VERSION {
                self.rest = &[];
                return Some(Err(RecordError::Version { found }));
            }
            self.advance(1);
            return self.next();
        }
        let offset = self.offset;
        let part = self.next_part();
        if part.is_none() {
            self.rest = &[];
        }
        let part = part.ok_or(RecordError::Truncated { offset });
        Some(part.map(|part| (offset, part)))
    }
}
