//! Messages of the hub: batches, heartbeats, indicatives and snapshots, each encoded once.

use std::sync::Arc;

use auction_core::{FeedSequence, Market, MarketId, PublicEvent, Symbol, Term};
use auction_proto::{Feed, FeedEntry, Heartbeat, Indicative, SnapshotPart};

use crate::platform::clock::Clock;
use crate::platform::encoding::Encoded;

/// Upper estimate of the JSON bytes per byte of a frame.
const JSON_BYTES_A_BYTE: usize = 6;

/// A message to all watchers.
#[derive(Debug)]
pub enum FeedMessage {
    /// The next batch of public events.
    Batch(FeedBatch),
    /// The time, and the digest to compare the watcher's own state with.
    Heartbeat(HeartbeatMessage),
    /// Result that an uncross of a call auction would have now. It has no position in the feed.
    Indicative(IndicativeMessage),
}

/// Result that an uncross of a call auction would have.
#[derive(Debug)]
pub struct IndicativeMessage {
    /// Feed position from which on a watcher may know of it.
    pub place: FeedSequence,
    /// Stock of the lot, for watchers of some stocks.
    pub symbol: Symbol,
    /// The result.
    pub indicative: Indicative,
    /// The encoded message.
    pub encoded: Encoded,
}

/// A heartbeat.
#[derive(Debug)]
pub struct HeartbeatMessage {
    /// The market.
    pub market: MarketId,
    /// Term of the leader.
    pub term: Term,
    /// Feed position that it names.
    pub feed_sequence: FeedSequence,
    /// The encoded message.
    pub encoded: Encoded,
}

/// One batch of public events.
#[derive(Debug)]
pub struct FeedBatch {
    /// The batch, for projections within the server.
    pub feed: Feed,
    /// Stock that each event concerns; `None` for a user's. For watchers of some stocks.
    pub symbols: Vec<Option<Symbol>>,
    /// The encoded message.
    pub encoded: Encoded,
}

/// The durable market, in parts that are encoded once for all requests.
#[derive(Debug)]
pub struct Snapshot {
    /// Position of the last public event that is included.
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

    /// Returns the size of its frames in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(Encoded::bytes).sum()
    }
}

impl FeedMessage {
    /// Returns the encoded message.
    #[must_use]
    pub fn encoded(&self) -> &Encoded {
        match self {
            Self::Batch(batch) => &batch.encoded,
            Self::Heartbeat(heartbeat_message) => &heartbeat_message.encoded,
            Self::Indicative(indicated) => &indicated.encoded,
        }
    }

    /// Returns its maximum size in memory, including its JSON in case a client needs that.
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

/// Returns the heartbeat for the current state of the market.
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

/// Returns the stock that an event concerns.
pub(super) fn symbol_of(market: &Market, event: &PublicEvent) -> Option<Symbol> {
    match event {
        PublicEvent::StockListed(listing) => Some(listing.symbol),
        PublicEvent::ProfitPublished { symbol, .. } => Some(*symbol),
        other => market.lot(other.lot()?).map(|lot| lot.symbol),
    }
}
