//! Writing records.

use alloc::vec::Vec;

use auction_core::{Event, PrivateEvent, Record};

use super::{LENGTH_BYTES, RECORD_VERSION, SALT_BYTES, commitment};
use crate::encoding::codec;
use crate::encoding::wire::{Ref, Wire};
use crate::limits::RECORD_EVENTS_MAX;

/// Appends a record to the public and the private bytes of a batch, both of which are empty before the first record.
/// The salt is used when the record has a private part: draw a random one for each record, otherwise the hidden
/// content can be guessed. Allocates only when the bytes must grow.
///
/// # Panics
/// For a record of more than [`RECORD_EVENTS_MAX`] events.
pub fn encode_record(
    record: &Record,
    salt: &[u8; SALT_BYTES],
    public: &mut Vec<u8>,
    private: &mut Vec<u8>,
) {
    let events = record.events.len();
    assert!(events <= RECORD_EVENTS_MAX, "events are bounded");
    let is_hidden = record.command.is_hidden();
    let commitment = has_private_part(record).then(|| append_private_part(record, salt, private));

    let start = begin(public);
    append(&record.sequence, public);
    append(&record.at, public);
    append(&record.rules, public);
    append(&is_hidden, public);
    if !is_hidden {
        append_asked(record, public);
    }
    append(&commitment, public);
    append(&count(events), public);
    for event in &record.events {
        let event = match event {
            Event::Public(event) => Some(Ref(event)),
            Event::Private(_) => None,
        };
        codec::append(&event, public);
    }
    end(start, public);
}

/// Returns true if the record has a private part.
#[must_use]
pub fn has_private_part(record: &Record) -> bool {
    record.command.is_hidden() || private_events(record).next().is_some()
}

fn append_private_part(
    record: &Record,
    salt: &[u8; SALT_BYTES],
    private: &mut Vec<u8>,
) -> [u8; 32] {
    let start = begin(private);
    private.extend_from_slice(salt);
    let part = private.len();
    if record.command.is_hidden() {
        append_asked(record, private);
    }
    append(&count(private_events(record).count()), private);
    for event in private_events(record) {
        append(event, private);
    }
    end(start, private);
    commitment(salt, &private[part..])
}

fn append_asked(record: &Record, out: &mut Vec<u8>) {
    append(&record.actor, out);
    let request = record.request.as_ref();
    let request = request.map(|(session, request)| (Ref(session), Ref(request)));
    codec::append(&request, out);
    append(&record.command, out);
}

fn private_events(record: &Record) -> impl Iterator<Item = &PrivateEvent> {
    record.events.iter().filter_map(|event| match event {
        Event::Public(_) => None,
        Event::Private(event) => Some(event),
    })
}

fn append<T: Wire>(value: &T, out: &mut Vec<u8>) {
    codec::append(&Ref(value), out);
}

fn count(events: usize) -> u32 {
    u32::try_from(events).expect("events are bounded")
}

/// Begins the bytes of a record, and of the batch if it is the first record.
fn begin(out: &mut Vec<u8>) -> usize {
    if out.is_empty() {
        out.push(RECORD_VERSION);
    }
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    start
}

/// Ends the bytes of a record by writing their length.
fn end(start: usize, out: &mut [u8]) {
    let length = out.len() - start - LENGTH_BYTES;
    let length = u32::try_from(length).expect("a record takes less than 4 GiB");
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
}
