//! Pure protocol that lets a market outlive its machine: a leader, its standbys and a replicated log.
//!
//! The log is a stream of NATS JetStream with three replicas. Its publishes are conditional: each names the sequence it
//! expects to be the last, and the last sequence of the subject `.term`. This crate decides what to publish, what to
//! resend, what to read and when to stop; it has no I/O, no clock and no threads. The shell carries out each [`Action`]
//! and hands the result back.
//!
//! The rules, in the order in which they protect:
//!
//! 1. **One message in flight.** The server compares the stream's last sequence alone, so a pipelined chain of
//!    expectations continues behind a new leader's record: [`Member::propose`] answers [`ProposeError::Busy`] meanwhile.
//! 2. **An id names its content.** On three replicas a known id is answered before the expectation is checked;
//!    a [`MessageId`] holds writer, term, sequence and content, so that the answer can only be about the same message.
//! 3. **An unknown outcome is resent identically**, and nothing else meanwhile. A refusal is no verdict either, because the
//!    refused sequence may belong to a proposal that vanishes: the record at that place decides.
//! 4. **The acknowledgement of the term record is the only proof of the whole history.** A lease is liveness alone.
#![forbid(unsafe_code)]

mod message;

mod member;

pub use member::{Action, Alarm, Confirmed, Member, ProposeError, TakeOverError};
pub use message::{Content, Message, MessageId, Record, Subject, Witness, Writer};
