//! Model of a replicated stream with conditional publishes, as nats-server 2.15 behaves with three replicas.

use std::collections::BTreeMap;

use auction_cluster::{Message, MessageId, Record, Subject};

/// Small generator (SplitMix64): a seed is a whole run.
pub struct Random(pub u64);

impl Random {
    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Answer to a publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Stored, or known as a duplicate, at this sequence.
    Acknowledged(u64),
    /// Error 10071.
    Refused,
    /// Timeout, cut or 10158.
    Unknown,
}

/// Stream with committed records and the proposals of its leader, which an election can drop.
pub struct Stream {
    /// Committed records.
    pub records: Vec<Record>,
    /// Accepted and not yet committed.
    pub proposals: Vec<Message>,
    ids: BTreeMap<String, Option<u64>>,
    name: fn(&MessageId) -> String,
    checks_term: bool,
}

impl Stream {
    /// Creates an empty stream; `name` makes the `Nats-Msg-Id`.
    pub fn new(name: fn(&MessageId) -> String) -> Self {
        Self {
            records: Vec::new(),
            proposals: Vec::new(),
            ids: BTreeMap::new(),
            name,
            checks_term: true,
        }
    }

    /// Ignores the expectation of the subject `.term`, so that a test has one defence alone.
    pub fn without_term_check(mut self) -> Self {
        self.checks_term = false;
        self
    }

    /// Takes a publish; `None` when it became a proposal, answered by [`Stream::commit`].
    pub fn publish(&mut self, message: &Message) -> Option<Answer> {
        // As on three replicas: the id is looked up before the expectations are.
        match self.ids.get(&(self.name)(&message.id)) {
            Some(Some(sequence)) => return Some(Answer::Acknowledged(*sequence)),
            Some(None) => return Some(Answer::Unknown),
            None => {}
        }
        let last = (self.records.len() + self.proposals.len()) as u64;
        if message.id.sequence != last + 1
            || self.checks_term && message.term_at != self.last_term()
        {
            return Some(Answer::Refused);
        }
        self.ids.insert((self.name)(&message.id), None);
        self.proposals.push(*message);
        None
    }

    /// Commits the oldest proposal.
    pub fn commit(&mut self) -> Option<(MessageId, Answer)> {
        if self.proposals.is_empty() {
            return None;
        }
        let Message { subject, id, .. } = self.proposals.remove(0);
        let sequence = self.records.len() as u64 + 1;
        let MessageId {
            writer,
            term,
            content,
            ..
        } = id;
        self.records.push(Record {
            sequence,
            subject,
            writer,
            term,
            content,
        });
        self.ids.insert((self.name)(&id), Some(sequence));
        Some((id, Answer::Acknowledged(sequence)))
    }

    /// Publishes and commits at once.
    pub fn store(&mut self, message: &Message) -> Answer {
        self.publish(message)
            .unwrap_or_else(|| self.commit().expect("just proposed").1)
    }

    /// Elects another leader: proposals that were not committed vanish, with their ids.
    pub fn elect(&mut self) {
        for message in self.proposals.drain(..) {
            self.ids.remove(&(self.name)(&message.id));
        }
    }

    /// Ends the window of known ids for what is committed.
    pub fn forget_ids(&mut self) {
        self.ids.retain(|_, sequence| sequence.is_none());
    }

    /// Reads a record.
    pub fn read(&self, sequence: u64) -> Option<Record> {
        self.records
            .get(usize::try_from(sequence).ok()?.checked_sub(1)?)
            .copied()
    }

    fn last_term(&self) -> u64 {
        let next = self.records.len() as u64 + 1;
        let proposed = self
            .proposals
            .iter()
            .rposition(|message| message.subject == Subject::Term);
        let stored = || {
            self.records
                .iter()
                .rfind(|record| record.subject == Subject::Term)
        };
        proposed.map_or_else(
            || stored().map_or(0, |record| record.sequence),
            |index| next + index as u64,
        )
    }
}
