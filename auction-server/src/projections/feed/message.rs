//! What the hub tells: batches, heartbeats, indicatives and snapshots, each encoded once.

use std::sync::Arc;

use auction_core::{FeedSequence, Market, MarketId, PublicEvent, Symbol, Term};
use auction_proto::{Feed, FeedEntry, Heartbeat, Indicative, SnapshotPart};

use crate::platform::clock::Clock;
use crate::platform::encoding::Encoded;

/// How many bytes of JSON a byte of a frame becomes, at most or nearly so.
const JSON_BYTES_A_BYTE: usize = 6;

/// What everyone who watches is given.
#[derive(Debug)]
pub enum FeedMessage {
    /// The next batch of public events.
    Batch(FeedBatch),
    /// The time, and the digest to compare one's own fold with.
    Heartbeat(HeartbeatMessage),
    /// What an uncross of a call auction now would give. It has no place in the feed.
    Indicative(IndicativeMessage),
}

/// What an uncross of a call auction would give.
#[derive(Debug)]
pub struct IndicativeMessage {
    /// Who has the feed up to this place can know of it.
    pub place: FeedSequence,
    /// The lot's stock, for those who watch some stocks.
    pub symbol: Symbol,
    /// What it would give.
    pub indicative: Indicative,
    /// As it is sent.
    pub encoded: Encoded,
}

/// A sign of life.
#[derive(Debug)]
pub struct HeartbeatMessage {
    /// The market.
    pub market: MarketId,
    /// Who leads it.
    pub term: Term,
    /// The place that it names.
    pub feed_sequence: FeedSequence,
    /// As it is sent.
    pub encoded: Encoded,
}

/// One batch of public events.
#[derive(Debug)]
pub struct FeedBatch {
    /// The batch, for projections within the server.
    pub feed: Feed,
    /// The stock that each event is about; none for a user's. For those who watch some stocks.
    pub symbols: Vec<Option<Symbol>>,
    /// As it is sent.
    pub encoded: Encoded,
}

/// The market as it is durable, in parts that are encoded once, however many ask.
#[derive(Debug)]
pub struct Snapshot {
    /// The place of the last public event that is in.
    pub feed_sequence: FeedSequence,
    /// The parts.
    pub parts: Vec<Encoded>,
}

impl Snapshot {
    pub(super) fn of(market: &Market) -> Self {
        let parts = SnapshotPart::of_market(market);
        Self {
            feed_sequence: market.feed_sequence(),
            parts: parts.map(|part| Encoded::new(&part)).collect(),
        }
    }

    /// How many bytes its frames take.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(Encoded::bytes).sum()
    }
}

impl FeedMessage {
    /// As it is sent.
    #[must_use]
    pub fn encoded(&self) -> &Encoded {
        match self {
            Self::Batch(batch) => &batch.encoded,
            Self::Heartbeat(heartbeat_message) => &heartbeat_message.encoded,
            Self::Indicative(indicated) => &indicated.encoded,
        }
    }

    /// What it takes in memory at most, its JSON included, should anyone ask for that.
    pub(super) fn bytes(&self) -> usize {
        let entries = match self {
            Self::Batch(batch) => {
                batch.feed.entries.len() * size_of::<(FeedEntry, Option<Symbol>)>()
            }
            Self::Heartbeat(_) | Self::Indicative(_) => 0,
        };
        self.encoded().bytes() * (1 + JSON_BYTES_A_BYTE) + entries + size_of::<Self>()
    }
}

/// The state of the market at this moment.
pub(super) fn heartbeat_message(
    market: &mut Market,
    term: Term,
    clock: &dyn Clock,
) -> Arc<FeedMessage> {
    let feed_sequence = market.feed_sequence();
    let heartbeat = Heartbeat {
        time: clock.now(),
        feed_sequence,
        digest: market.digest(),
    };
    Arc::new(FeedMessage::Heartbeat(HeartbeatMessage {
        market: market.id(),
        term,
        feed_sequence,
        encoded: Encoded::new(&heartbeat),
    }))
}

/// The stock that an event is about.
pub(super) fn symbol_of(market: &Market, event: &PublicEvent) -> Option<Symbol> {
    match event {
        PublicEvent::StockListed(listing) => Some(listing.symbol),
        PublicEvent::ProfitPublished { symbol, .. } => Some(*symbol),
        other => market.lot(other.lot()?).map(|lot| lot.symbol),
    }
}
