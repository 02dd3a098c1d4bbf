//! A signing market, and a follower that consists of a view alone.

use std::time::Duration;

use auction_core::{
    FeedSequence, Market, MarketId, Name, PublicEvent, Role, Sequence, Term, Timestamp, UserId,
};
use auction_proto::{
    BatchBuilder, Checkpoint, FeedEntry, SignedBatch, SignedSnapshot, SigningKey, SnapshotBytes,
    SnapshotPart, SnapshotStatement, StatementHead,
};

use super::super::*;

pub(super) const MARKET: MarketId = MarketId([7; 16]);

pub(super) fn key() -> SigningKey {
    SigningKey::new(&[42; 32])
}

pub(super) fn pinned() -> PinnedMarket {
    PinnedMarket {
        market: MARKET,
        key: key().public(),
    }
}

/// Returns the market's time at a moment.
pub(super) fn time(at: Duration) -> Timestamp {
    let micros = u64::try_from(at.as_micros()).unwrap();
    Timestamp::from_micros(1_790_000_000_000_000 + micros).unwrap()
}

pub(super) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A market that signs its events.
pub(super) struct Maker {
    pub(super) market: Market,
    pub(super) term: Term,
    pub(super) key: SigningKey,
}

impl Maker {
    pub(super) fn new() -> Self {
        Self {
            market: Market::new(MARKET),
            term: Term(1),
            key: key(),
        }
    }

    fn head(&self, now: Duration) -> StatementHead {
        StatementHead {
            market: MARKET,
            term: self.term,
            time: time(now),
            checkpoint: Checkpoint {
                sequence: Sequence(1),
                chain: [1; 32],
                root: [2; 32],
            },
        }
    }

    /// Signs a batch of this many events; without events, a heartbeat.
    pub(super) fn batch(&mut self, now: Duration, events: usize) -> SignedBatch {
        let mut builder = BatchBuilder::new();
        for _ in 0..events {
            let user = self.market.users().len() + 1;
            let event = PublicEvent::UserRegistered {
                user: UserId(u32::try_from(user).unwrap()),
                name: Name::parse(&format!("u{user}")).unwrap(),
                role: Role::Trader,
            };
            let at = time(now);
            self.market.apply(at, &event).unwrap();
            builder.push(FeedEntry { at, event }).unwrap();
        }
        let (through, digest) = (self.market.feed_sequence(), self.market.digest());
        let statement = builder.statement(self.head(now), through, digest);
        SignedBatch::sign(&statement, &self.key)
    }

    pub(super) fn snapshot(&mut self, now: Duration) -> Snapshot {
        let parts: Vec<_> = SnapshotPart::of_market(&self.market)
            .map(|part| SnapshotBytes::of(&part))
            .collect();
        let StatementHead {
            market,
            term,
            time,
            checkpoint,
        } = self.head(now);
        let hashes: Vec<_> = parts.iter().map(|(_, hash)| *hash).collect();
        let statement = SnapshotStatement {
            market,
            term,
            time,
            checkpoint,
            feed_sequence: self.market.feed_sequence(),
            digest: self.market.digest(),
            parts: hashes.try_into().unwrap(),
        };
        Snapshot {
            signed: SignedSnapshot::sign(&statement, &self.key),
            statement,
            parts: parts.into_iter().map(|(bytes, _)| bytes).collect(),
        }
    }
}

pub(super) fn bytes(batch: &SignedBatch) -> Vec<u8> {
    GossipMessage::of(batch.clone()).bytes.to_vec()
}

/// A follower that applies what its view emits. Other peers are numbers.
pub(super) struct Follower {
    pub(super) view: View<u32>,
    pub(super) market: Option<Market>,
    pub(super) standings: Vec<Status>,
    pub(super) frauds: usize,
    pub(super) cut: Vec<(u32, Misbehaviour)>,
    pub(super) asked: Vec<(u32, PeerRequest)>,
    pub(super) answers: Vec<PeerResponse>,
    pub(super) verdict: Option<Verdict>,
}

impl Follower {
    pub(super) fn new(peers: u32) -> Self {
        Self::at(Duration::ZERO, None, peers)
    }

    pub(super) fn at(now: Duration, wall_clock: Option<Timestamp>, peers: u32) -> Self {
        Self::with(
            View::new(Pin::Market(pinned()), now, wall_clock),
            now,
            peers,
        )
    }

    pub(super) fn with(view: View<u32>, now: Duration, peers: u32) -> Self {
        let mut follower = Self {
            view,
            market: None,
            standings: Vec::new(),
            frauds: 0,
            cut: Vec::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            verdict: None,
        };
        (0..peers).for_each(|peer| follower.put(now, Input::Joined(peer)));
        follower
    }

    pub(super) fn put(&mut self, now: Duration, input: Input<u32>) {
        for action in self.view.update(now, input) {
            match action {
                Action::Validate(verdict) => self.verdict = Some(verdict),
                Action::Publish(_) => {}
                Action::Request { peer, ask } => self.asked.push((peer, ask)),
                Action::Respond(answer) => self.answers.push(answer),
                Action::Ban { peer, because } => self.cut.push((peer, because)),
                Action::Emit(ViewUpdate::Snapshot(snapshot)) => {
                    self.market = Some(snapshot.market().unwrap());
                }
                // Folding fails at a gap, and compares the digest at the end.
                Action::Emit(ViewUpdate::Batch(batch)) => {
                    let market = self.market.as_mut().expect("a snapshot comes first");
                    let before = market.feed_sequence();
                    let new = batch.apply_to(market).unwrap().count();
                    assert_eq!(market.feed_sequence(), FeedSequence(before.0 + new as u64));
                }
                Action::Emit(ViewUpdate::Status(status)) => self.standings.push(status),
                Action::Emit(ViewUpdate::Equivocation { proof, conflict }) => {
                    let verified = proof.verify(MARKET, &key().public());
                    assert_eq!(verified, Ok(conflict));
                    self.frauds += 1;
                }
            }
        }
    }

    pub(super) fn hear(&mut self, now: Duration, from: u32, bytes: Vec<u8>) -> Verdict {
        self.put(now, Input::Gossip { from, bytes });
        self.verdict.take().expect("every message is judged")
    }

    pub(super) fn place(&self) -> u64 {
        self.market
            .as_ref()
            .map_or(0, |market| market.feed_sequence().0)
    }

    /// Answers all of this one's requests by `other`, until there are no more.
    pub(super) fn ask_of(&mut self, now: Duration, other: &mut Self) {
        while let Some((from, ask)) = self.asked.pop() {
            let market = MARKET;
            other.put(now, Input::Joined(99));
            other.put(
                now,
                Input::Request {
                    from: 99,
                    market,
                    ask,
                },
            );
            let answer = other.answers.pop().unwrap();
            let (_, read) = PeerRequest::decode(&ask.encode(Some(market))).unwrap();
            assert_eq!(read, ask);
            let answer = Some(PeerResponse::decode(&answer.encode()));
            self.put(now, Input::Response { from, ask, answer });
        }
    }
}
