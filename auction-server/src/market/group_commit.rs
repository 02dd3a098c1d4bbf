//! Decide, apply, make durable, tell: one batch at a time.
//!
//! [`GroupCommit`] owns the engine and the log. What it decides is in memory ahead of the disk until
//! [`commit`](GroupCommit::commit) returns; only then may anyone hear of it. That is why the committed events come
//! from there and from nowhere else.

use std::io;

use auction_core::{
    Caller, Command, Engine, Event, Executed, FeedSequence, PrivateEvent, PublicEvent, Record,
    Reject, Reply, Sequence, Timestamp,
};
use auction_proto::encode_record;

use crate::journal::{Batch, Log};

/// How many records one batch holds at most.
pub const BATCH_RECORDS_MAX: u32 = 4_096;
/// A batch of so many bytes is committed before more is decided: many large lots can close at one moment. A record
/// that opens all sealed bids of a lot has at most three million bytes, so that a frame of the journal has room for
/// it behind these.
const BATCH_BYTES_FULL: usize = 4 << 20;

/// The engine, its log, and the batch at hand.
pub struct GroupCommit {
    engine: Engine,
    log: Box<dyn Log + Send>,
    batch: Pending,
    /// Where each command's record is made.
    record: Record,
}

/// What was decided and is not durable yet.
#[derive(Default)]
struct Pending {
    first: u64,
    count: u32,
    public: Vec<u8>,
    private: Vec<u8>,
    committed: Committed,
}

/// What has become durable: everyone may know.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// The last durable record.
    pub sequence: Sequence,
    /// What happened, and when, in order. The private events are for the market's own projections alone.
    pub events: Vec<(Timestamp, Event)>,
}

impl Committed {
    /// The private events, in order.
    pub fn private(&self) -> impl Iterator<Item = (Timestamp, &PrivateEvent)> {
        self.events.iter().filter_map(|(at, event)| match event {
            Event::Private(event) => Some((*at, event)),
            Event::Public(_) => None,
        })
    }

    /// The public events, in order.
    pub fn public(&self) -> impl Iterator<Item = (Timestamp, &PublicEvent)> {
        self.events.iter().filter_map(|(at, event)| match event {
            Event::Public(event) => Some((*at, event)),
            Event::Private(_) => None,
        })
    }
}

/// What came of a command, to be told once the batch is durable.
pub type Decision = Result<Done, Reject>;

/// What came of a command that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// From this place of the feed on, everyone sees what came of it.
    pub feed_sequence: FeedSequence,
    /// What the one who asked is told.
    pub reply: Reply,
    /// When it was done.
    pub novelty: Novelty,
}

/// Whether a request was done just now, or had been done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// It was done in this batch.
    New,
    /// It was done before: this is what came of it then.
    Repeated,
}

impl GroupCommit {
    /// An engine and a log that hold the same records.
    #[must_use]
    pub fn new(engine: Engine, log: Box<dyn Log + Send>) -> Self {
        let mut group_commit = Self {
            engine,
            log,
            batch: Pending::default(),
            record: Record::default(),
        };
        group_commit.begin();
        group_commit
    }

    /// The engine: ahead of the disk while a batch is pending, so show nothing of it then.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many records wait to become durable.
    #[must_use]
    pub fn pending(&self) -> u32 {
        self.batch.count
    }

    /// Whether the batch is to be committed before more is decided: a frame of the journal holds so much.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.batch.count >= BATCH_RECORDS_MAX
            || self.batch.public.len() + self.batch.private.len() >= BATCH_BYTES_FULL
    }

    /// Decides what is due at `now`, until the batch is full. `true`: there may be more, for the next batch.
    pub fn advance(&mut self, now: Timestamp) -> bool {
        while !self.is_full() {
            let Some(mut record) = self.engine.advance(now, rand::random) else {
                return false;
            };
            self.batch.push(&mut record);
        }
        true
    }

    /// Decides a command. Tell nobody before [`commit`](Self::commit): also a rejection tells of what is not
    /// durable yet.
    pub fn decide(&mut self, now: Timestamp, caller: Caller, command: Command) -> Decision {
        let record = &mut self.record;
        let executed = self.engine.execute_into(now, caller, command, record)?;
        let reply = executed.reply();
        let novelty = match executed {
            Executed::Decided(record) => {
                self.batch.push(record);
                Novelty::New
            }
            Executed::Repeated { .. } => Novelty::Repeated,
        };
        Ok(Done {
            feed_sequence: self.engine.market().feed_sequence(),
            reply,
            novelty,
        })
    }

    /// Whether all that was told still holds.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), with the same end.
    pub fn check(&mut self) -> io::Result<()> {
        self.log.check()
    }

    /// What came of a command of a session, if it was done and is remembered; nothing is decided. Tell nobody before
    /// [`commit`](Self::commit).
    #[must_use]
    pub fn recall(&self, caller: Caller, command: &Command) -> Option<Decision> {
        let Caller::Session { session, request } = caller else {
            return None;
        };
        let Some(asking) = self.engine.roster().session(session) else {
            return Some(Err(Reject::SessionClosed { session }));
        };
        let recalled = asking.recall(request, command).transpose()?;
        Some(recalled.map(|(_, reply)| Done {
            feed_sequence: self.engine.market().feed_sequence(),
            reply,
            novelty: Novelty::Repeated,
        }))
    }

    /// Makes the batch durable, and gives what may be told now.
    ///
    /// # Errors
    /// When the log fails. Memory is ahead of the disk then: the process must end.
    pub fn commit(&mut self) -> io::Result<Committed> {
        if self.batch.count > 0 {
            self.log.append(&Batch {
                first: self.batch.first,
                count: self.batch.count,
                public: &self.batch.public,
                private: &self.batch.private,
            })?;
            if let Some(why) = self.log.early_warning() {
                tracing::warn!(%why, "the journal's next segment could not be made: make room soon");
            }
        }
        let mut committed = std::mem::take(&mut self.batch.committed);
        committed.sequence = self.engine.sequence();
        self.begin();
        Ok(committed)
    }

    fn begin(&mut self) {
        self.batch.first = self.engine.sequence().next().0;
        self.batch.count = 0;
        self.batch.public.clear();
        self.batch.private.clear();
    }
}

impl Pending {
    /// Takes a record, whose events move on from here; a lone bid is copied, so that the next one is written over it.
    fn push(&mut self, record: &mut Record) {
        let salt = rand::random();
        encode_record(record, &salt, &mut self.public, &mut self.private);
        self.count += 1;
        let at = record.at;
        if let [Event::Public(PublicEvent::BidAccepted(bid))] = *record.events {
            let bid = Event::Public(PublicEvent::BidAccepted(bid));
            self.committed.events.push((at, bid));
        } else {
            let events = record.events.drain(..).map(|event| (at, event));
            self.committed.events.extend(events);
        }
    }
}

#[cfg(test)]
mod tests {
    use auction_core::limits::{
        BIDS_OPENED_MAX, QUANTITY_MAX, SEALED_BIDS_MAX, TIMESTAMP_MAX_MICROS,
    };
    use auction_core::{
        Actor, AllocatedBy, LotId, OpenedBid, OrderId, Outcome, Price, Quantity, UserId,
    };
    use auction_proto::limits::RECORD_EVENTS_MAX;

    use super::*;
    use crate::journal::FRAME_BYTES_MAX;

    /// The close of a lot with as many sealed bids as it can have, each of the longest values.
    fn largest_close() -> Record {
        let lot = LotId(u32::MAX);
        let bid = OpenedBid {
            bidder: UserId(u32::MAX),
            order: OrderId(u32::MAX),
            price: Price::MAX,
            quantity: Quantity::new(QUANTITY_MAX).unwrap(),
            filled: u64::MAX,
            pays: Some(Price::MAX),
        };
        let bids = vec![bid; BIDS_OPENED_MAX];
        let opened = PublicEvent::BidsOpened { lot, bids };
        let closed = PublicEvent::LotClosed {
            lot,
            outcome: Outcome::Allocated {
                sold: u64::MAX,
                buyers: u32::MAX,
                lowest: Price::MAX,
                by: AllocatedBy::ProRata,
                highest_rejected: Some(Price::MAX),
            },
        };
        let events = std::iter::repeat_n(opened, SEALED_BIDS_MAX.div_ceil(BIDS_OPENED_MAX));
        Record {
            sequence: Sequence(u64::MAX),
            at: Timestamp::from_micros(TIMESTAMP_MAX_MICROS).unwrap(),
            rules: u16::MAX,
            actor: Actor::User(UserId(u32::MAX)),
            request: None,
            command: Command::CloseLot { lot },
            events: events.chain([closed]).map(Event::Public).collect(),
        }
    }

    #[test]
    fn the_largest_record_behind_a_batch_that_is_almost_full_fits_a_frame_of_the_journal() {
        let record = largest_close();
        assert!(record.events.len() <= RECORD_EVENTS_MAX);
        let (mut public, mut private) = (Vec::new(), Vec::new());
        encode_record(&record, &[0xff; 16], &mut public, &mut private);
        let most = (BATCH_BYTES_FULL + public.len() + private.len()) as u64;
        // A frame's own header is far less than what is left.
        assert!(most + 64 * 1_024 < FRAME_BYTES_MAX, "{most}");
    }
}
