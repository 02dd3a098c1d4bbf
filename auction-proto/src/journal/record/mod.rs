//! Records as the journal stores them: a part that everyone may see, and a part that only the market sees.
//!
//! A record whose command is [hidden](Command::is_hidden), or that has private events, has a private part.
//! The public part then holds a commitment to it, the SHA-256 over a salt and the private part. A public copy
//! of the journal still verifies; a hidden part can be opened later by publishing salt and private part, and
//! cannot be guessed from the commitment without the salt.
//!
//! ```text
//! public bytes of a batch       1  version = 1
//!   for each record             4  length of its public part, u32 little-endian
//!                                  public part
//!
//! private bytes of a batch         nothing when no record has a private part, else
//!                               1  version = 1
//!   for each that has one       4  length of salt and private part, u32 little-endian
//!                              16  salt
//!                                  private part
//! ```
//!
//! Both parts are consecutive values in postcard:
//!
//! | public part | |
//! |---|---|
//! | sequence, time | varints |
//! | version of the rules | varint |
//! | hidden | `00`: actor, request and command follow; `01`: they are in the private part |
//! | actor, request, command | the request is `00`, or `01` and session and number as varints |
//! | commitment | `00`, or `01 20` and 32 bytes |
//! | number of events | varint |
//! | each event | `01` and the public event, or `00` in the place of a private event |
//!
//! | private part | |
//! |---|---|
//! | actor, request, command | when hidden |
//! | number of private events | varint |
//! | each private event | |
//!
//! `commitment = SHA-256("auction.private.1" ‖ salt ‖ private part)`

mod encode;
mod decode;
mod single;

use alloc::vec::Vec;

use auction_core::{Actor, Command, PublicEvent, RequestId, Sequence, SessionId, Timestamp};
use sha2::{Digest as _, Sha256};

pub use decode::{
    Openings, PublicRecords, Records, decode_openings, decode_public_records, decode_records,
};
pub use encode::{encode_record, has_private_part};
pub use single::{SingleRecord, leaves, single_record};

/// Version of the bytes; the first byte of each batch.
pub const RECORD_VERSION: u8 = 1;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

const LENGTH_BYTES: usize = 4;
const COMMITMENT_PURPOSE: &[u8] = b"auction.private.1";

/// Actor, request and command, as one part of a record contains them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCommand {
    /// The actor.
    pub actor: Actor,
    /// The session and the client's number of the request, for a request of a session.
    pub request: Option<(SessionId, RequestId)>,
    /// The command.
    pub command: Command,
}

/// Public part of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRecord {
    /// Place of the record in the journal.
    pub sequence: Sequence,
    /// Time of the decision.
    pub at: Timestamp,
    /// Version of the rules of the decision.
    pub rules: u16,
    /// Actor, request and command, unless they are hidden.
    pub asked: Option<RecordedCommand>,
    /// Commitment to the private part, if there is one.
    pub commitment: Option<[u8; 32]>,
    /// Events, in order; `None` in the place of a private event.
    pub events: Vec<Option<PublicEvent>>,
}

/// Salt and private part, which open a commitment: they show the hidden content, and prove that it was fixed when the
/// commitment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// Salt, which makes the commitment unguessable.
    pub salt: &'a [u8; SALT_BYTES],
    /// Private part.
    pub part: &'a [u8],
}

/// Reason why bytes are not valid records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes are of another version.
    #[error("the records are of version {found}; this program knows version {RECORD_VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The public bytes end inside a record.
    #[error("the public bytes end inside the record that begins at byte {offset}")]
    Truncated {
        /// Offset of the record in the public bytes.
        offset: usize,
    },
    /// A public part is invalid.
    #[error("the public part at byte {offset} is malformed")]
    Malformed {
        /// Offset of the record in the public bytes.
        offset: usize,
    },
    /// A private part is missing or cut off.
    #[error("the private part of record {sequence} is missing")]
    PrivateMissing {
        /// The record.
        sequence: Sequence,
    },
    /// A private part does not match its commitment.
    #[error("the private part of record {sequence} is not the one that its public part commits to")]
    Commitment {
        /// The record.
        sequence: Sequence,
    },
    /// A private part is invalid, or does not belong to its public part.
    #[error("the private part of record {sequence} is malformed")]
    PrivateMalformed {
        /// The record.
        sequence: Sequence,
    },
    /// Private bytes are left after the last record.
    #[error("{bytes} private bytes belong to no record")]
    PrivateLeft {
        /// Number of bytes left.
        bytes: usize,
    },
}

/// Commitment to a private part.
fn commitment(salt: &[u8; SALT_BYTES], private_part: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(COMMITMENT_PURPOSE);
    hash.update(salt);
    hash.update(private_part);
    hash.finalize().into()
}
