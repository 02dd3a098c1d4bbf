//! State machine of one node: standby, candidate, leader, stopped.

use std::{error::Error, fmt};

use crate::{Content, Message, MessageId, Record, Subject, Witness, Writer};

/// Work for the shell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "the shell carries out each action"]
pub enum Action {
    /// Publish exactly this message, with the bytes that belong to its content; a resend has the identical bytes.
    Publish(Message),
    /// Read the record at this sequence with `STREAM.MSG.GET`; a direct get can be stale.
    Read(u64),
    /// Release what was held back for this message: it is in the log for good.
    Confirm(Confirmed),
    /// Replay this record next, as a standby: another writer's record is at the place of the term record.
    Follow(Record),
    /// End the process: answer nothing that was not confirmed, say the alarm.
    Stop(Alarm),
    /// Nothing to do: the answer belongs to no message in flight.
    Nothing,
}

/// Message that the log holds for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirmed {
    /// Frame of the journal: its replies and its feed may go out.
    Frame(MessageId),
    /// Term record: this node leads, and all records before it are the whole history.
    Leads(MessageId),
}

/// Reason to end the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// Another record took the place of this leader's frame: memory is ahead of the log.
    Deposed {
        /// Record that is there.
        by: Record,
    },
    /// A record arrived out of order.
    Gap {
        /// Sequence that follows what was replayed.
        expected: u64,
        /// Sequence of the record.
        found: u64,
    },
    /// A record that no leader of this term may have written.
    Breach(Record),
    /// The stream holds another record than the local journal has confirmed.
    Differs {
        /// Sequence of the stream.
        sequence: u64,
    },
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alarm::Deposed { by } => write!(
                f,
                "another node leads since term {} (record {}): this process ends; start it again, and it will stand by",
                by.term, by.sequence
            ),
            Alarm::Gap { expected, found } => write!(
                f,
                "the stream gave record {found} where {expected} follows: start again; if it repeats, records of the \
                 stream were deleted"
            ),
            Alarm::Breach(record) => write!(
                f,
                "record {} of term {} is not by the leader of that term: stop every node and compare their journals",
                record.sequence, record.term
            ),
            Alarm::Differs { sequence } => write!(
                f,
                "record {sequence} of the stream is not the one that this node's journal confirmed: the stream was \
                 made again or is another market's; nothing is published until a person has compared both"
            ),
        }
    }
}

/// Reason why a frame was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProposeError {
    /// A message is in flight: gather the next frame meanwhile.
    Busy,
    /// This node does not lead.
    NotLeading,
    /// The process is ending.
    Stopped,
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProposeError::Busy => "a message is in flight: gather until it is confirmed",
            ProposeError::NotLeading => "this node does not lead: send commands to the leader",
            ProposeError::Stopped => "this node was stopped: start it again, and it will stand by",
        })
    }
}

impl Error for ProposeError {}

/// Reason why a takeover was not begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TakeOverError {
    /// The node is a candidate or leads already, or was stopped.
    NotStandby,
    /// The stream has not yet shown all that the local journal confirmed.
    BehindWitness {
        /// Last sequence that was replayed.
        replayed: u64,
        /// Sequence that the journal has confirmed.
        confirmed: u64,
    },
}

impl fmt::Display for TakeOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TakeOverError::NotStandby => f.write_str("only a standby can take over"),
            TakeOverError::BehindWitness {
                replayed,
                confirmed,
            } => write!(
                f,
                "the stream ends at {replayed} and this node's journal confirmed {confirmed}: wait for the stream's \
                 servers; if all are up, the stream was cut short and must not be led"
            ),
        }
    }
}

impl Error for TakeOverError {}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Standby,
    Candidate(Message),
    Idle,
    Publishing(Message),
    Stopped(Alarm),
}

/// Leader in force, as the last term record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Leader {
    writer: Writer,
    term: u64,
    at: u64,
}

/// One node of the cluster, as its own process sees it.
#[derive(Clone, Debug)]
pub struct Member {
    writer: Writer,
    role: Role,
    /// Last sequence that was replayed or confirmed.
    head: u64,
    leader: Option<Leader>,
    witness: Option<Witness>,
}

impl Member {
    /// Starts as a standby before the stream's first record. `witness` is the last confirmed record of the local journal.
    #[must_use]
    pub fn new(writer: Writer, witness: Option<Witness>) -> Self {
        Self {
            writer,
            role: Role::Standby,
            head: 0,
            leader: None,
            witness,
        }
    }

    /// Last sequence that was replayed or confirmed.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Term in force as far as this node has read; 0 before the first term record.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.leader.map_or(0, |leader| leader.term)
    }

    /// Returns true while this node leads as far as it knows; only a confirmation proves it.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Idle | Role::Publishing(_))
    }

    /// Reason for which the node was stopped.
    #[must_use]
    pub fn alarm(&self) -> Option<Alarm> {
        match self.role {
            Role::Stopped(alarm) => Some(alarm),
            _ => None,
        }
    }

    /// Replays the next record as a standby; returns false when it belongs to no replay (the node is not a standby).
    ///
    /// # Errors
    /// The alarm with which the process ends: the record is out of order, by no leader, or not what the journal confirmed.
    pub fn replay(&mut self, record: &Record) -> Result<bool, Alarm> {
        match self.role {
            Role::Standby => {}
            Role::Stopped(alarm) => return Err(alarm),
            Role::Candidate(_) | Role::Idle | Role::Publishing(_) => return Ok(false),
        }
        let expected = self.head + 1;
        if record.sequence != expected {
            return Err(self.stop(Alarm::Gap {
                expected,
                found: record.sequence,
            }));
        }
        if self
            .witness
            .is_some_and(|seen| seen.sequence == record.sequence && seen.content != record.content)
        {
            return Err(self.stop(Alarm::Differs {
                sequence: record.sequence,
            }));
        }
        let follows = match record.subject {
            Subject::Term => self.term().checked_add(1) == Some(record.term),
            Subject::Log => self
                .leader
                .is_some_and(|now| now.term == record.term && now.writer == record.writer),
        };
        // A record of this process is confirmed or found at its place, never replayed.
        if !follows || record.writer == self.writer {
            return Err(self.stop(Alarm::Breach(*record)));
        }
        if record.subject == Subject::Term {
            self.leader = Some(Leader {
                writer: record.writer,
                term: record.term,
                at: record.sequence,
            });
        }
        self.head = record.sequence;
        Ok(true)
    }

    /// Begins a takeover behind what was replayed. `content` is the hash of the term record for `self.term() + 1`.
    ///
    /// # Errors
    /// The node is no standby, or the stream shows less than the local journal confirmed.
    pub fn take_over(&mut self, content: Content) -> Result<Action, TakeOverError> {
        if self.role != Role::Standby {
            return Err(TakeOverError::NotStandby);
        }
        if let Some(seen) = self.witness.filter(|seen| seen.sequence > self.head) {
            return Err(TakeOverError::BehindWitness {
                replayed: self.head,
                confirmed: seen.sequence,
            });
        }
        let message = self.message(Subject::Term, self.term() + 1, content);
        self.role = Role::Candidate(message);
        Ok(Action::Publish(message))
    }

    /// Publishes the next frame of the journal.
    ///
    /// # Errors
    /// Refused while a message is in flight, and where this node does not lead.
    pub fn propose(&mut self, content: Content) -> Result<Action, ProposeError> {
        match self.role {
            Role::Idle => {}
            // A second message behind one without an outcome would be stored behind a new leader's term record.
            Role::Publishing(_) => return Err(ProposeError::Busy),
            Role::Standby | Role::Candidate(_) => return Err(ProposeError::NotLeading),
            Role::Stopped(_) => return Err(ProposeError::Stopped),
        }
        let message = self.message(Subject::Log, self.term(), content);
        self.role = Role::Publishing(message);
        Ok(Action::Publish(message))
    }

    /// Takes the acknowledgement of `id`, which says the sequence of the stored record (a duplicate's too).
    pub fn on_acknowledged(&mut self, id: &MessageId, sequence: u64) -> Action {
        match self.in_flight() {
            Some(message) if message.id == *id && sequence == id.sequence => self.confirm(message),
            // An acknowledgement of another place says nothing about this one.
            Some(message) if message.id == *id => Action::Read(id.sequence),
            _ => Action::Nothing,
        }
    }

    /// Takes error 10071 for `id`. It is no verdict: the last sequence counts proposals that may vanish.
    pub fn on_refused(&mut self, id: &MessageId) -> Action {
        match self.in_flight() {
            Some(message) if message.id == *id => Action::Read(id.sequence),
            _ => Action::Nothing,
        }
    }

    /// Takes any other outcome for `id`: a timeout, a cut, no responders, 503, 10158, 10164. The message goes again.
    pub fn on_unknown(&mut self, id: &MessageId) -> Action {
        match self.in_flight() {
            Some(message) if message.id == *id => Action::Publish(message),
            _ => Action::Nothing,
        }
    }

    /// Takes the result of [`Action::Read`]; `None` when nothing is at `sequence`, or the read failed.
    pub fn on_read(&mut self, sequence: u64, record: Option<Record>) -> Action {
        let Some(message) = self
            .in_flight()
            .filter(|message| message.id.sequence == sequence)
        else {
            return Action::Nothing;
        };
        match record {
            Some(record) if record.is(&message) => self.confirm(message),
            Some(record) if record.sequence != sequence => Action::Read(sequence),
            // The place is taken for good, so the own message can never land there: it is safe to let it go.
            Some(record) if message.subject == Subject::Term => {
                self.role = Role::Standby;
                Action::Follow(record)
            }
            Some(record) => Action::Stop(self.stop(Alarm::Deposed { by: record })),
            None => Action::Publish(message),
        }
    }

    fn in_flight(&self) -> Option<Message> {
        match self.role {
            Role::Candidate(message) | Role::Publishing(message) => Some(message),
            Role::Standby | Role::Idle | Role::Stopped(_) => None,
        }
    }

    fn message(&self, subject: Subject, term: u64, content: Content) -> Message {
        let id = MessageId {
            writer: self.writer,
            term,
            sequence: self.head + 1,
            content,
        };
        Message {
            subject,
            id,
            term_at: self.leader.map_or(0, |leader| leader.at),
        }
    }

    fn confirm(&mut self, message: Message) -> Action {
        let id = message.id;
        self.head = id.sequence;
        self.role = Role::Idle;
        match message.subject {
            Subject::Log => Action::Confirm(Confirmed::Frame(id)),
            Subject::Term => {
                self.leader = Some(Leader {
                    writer: self.writer,
                    term: id.term,
                    at: id.sequence,
                });
                Action::Confirm(Confirmed::Leads(id))
            }
        }
    }

    fn stop(&mut self, alarm: Alarm) -> Alarm {
        self.role = Role::Stopped(alarm);
        alarm
    }
}
