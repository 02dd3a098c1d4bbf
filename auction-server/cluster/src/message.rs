//! Messages as they are published and records as they are read back.

use std::fmt;

/// SHA-256 of a message's bytes, as they are published.
pub type Content = [u8; 32];

/// Random number of a process, drawn at its start: two runs of one node are two writers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Writer(pub u128);

/// Subjects of the stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// Frames of the journal, one message each.
    Log,
    /// Term records: each ends the leadership before it.
    Term,
}

/// Identity of a message, unique to its content; sent as `Nats-Msg-Id`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId {
    /// Process that published it.
    pub writer: Writer,
    /// Term of the writer; for a term record, the term that it opens.
    pub term: u64,
    /// Sequence of the stream at which it was proposed.
    pub sequence: u64,
    /// Hash of its bytes.
    pub content: Content,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}-{}-", self.writer.0, self.term, self.sequence)?;
        self.content
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Message with the conditions under which the stream may store it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Subject that it is published on.
    pub subject: Subject,
    /// Identity; its sequence less one is the expected last sequence of the stream.
    pub id: MessageId,
    /// Expected last sequence of [`Subject::Term`]; 0 before the first term record.
    pub term_at: u64,
}

/// Record that was read from the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Sequence of the stream, from 1.
    pub sequence: u64,
    /// Subject that it was stored under.
    pub subject: Subject,
    /// Writer in its body.
    pub writer: Writer,
    /// Term in its body.
    pub term: u64,
    /// Hash of its bytes, computed by the reader.
    pub content: Content,
}

impl Record {
    /// Returns true when the record is this very message.
    #[must_use]
    pub fn is(&self, message: &Message) -> bool {
        let id = MessageId {
            writer: self.writer,
            term: self.term,
            sequence: self.sequence,
            content: self.content,
        };
        self.subject == message.subject && id == message.id
    }
}

/// Last confirmed record of the local journal, which the stream must still hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Witness {
    /// Sequence of the stream.
    pub sequence: u64,
    /// Hash of the record's bytes.
    pub content: Content,
}
