//! What a client sees of the feed: all of it, or what is about some stocks. Both are derived from the same
//! batches, so that both name the same places.

use auction_core::{FeedSequence, RequestId, Symbol};
use auction_proto::{FeedEntry, FilteredFeed, List, ServerMessage, SnapshotPart};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Channel;
use crate::platform::encoding::Encoded;
use crate::projections::feed::{FeedBatch, FeedMessage};

/// A client's view of the feed.
pub(super) struct FeedFilter {
    /// The stocks; `None`: all.
    symbols: Option<Vec<Symbol>>,
    /// The place up to which the client was told everything that it sees.
    told: FeedSequence,
}

impl FeedFilter {
    /// All of the feed.
    pub(super) fn all() -> Self {
        Self {
            symbols: None,
            told: FeedSequence(0),
        }
    }

    /// What is about these stocks, and all users.
    pub(super) fn of(symbols: Vec<Symbol>) -> Self {
        Self {
            symbols: Some(symbols),
            told: FeedSequence(0),
        }
    }

    /// Whether it is all of the feed.
    pub(super) fn is_all(&self) -> bool {
        self.symbols.is_none()
    }

    /// Begins at a place.
    pub(super) fn begin(&mut self, at: FeedSequence) {
        self.told = at;
    }

    /// Shows a part of a snapshot.
    pub(super) fn write_part<S>(&self, request: RequestId, part: &Encoded, channel: &mut Channel<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Some(symbols) = &self.symbols else {
            return channel.push_shared(request, part);
        };
        let ServerMessage::SnapshotPart(part) = part.message() else {
            unreachable!("a snapshot has no other parts")
        };
        let stocks = part.stocks.into_iter();
        let stocks = stocks.filter(|stock| symbols.contains(&stock.listing.symbol));
        let lots = part.lots.into_iter();
        let lots = lots.filter(|lot| symbols.contains(&lot.symbol));
        let part = SnapshotPart {
            stocks: fewer(stocks),
            lots: fewer(lots),
            ..part
        };
        channel.push(request, &part);
    }

    /// Shows what was published. A batch without anything to see is not sent: what is sent next, at the latest
    /// before a heartbeat, tells that nothing was in between.
    pub(super) fn write<S>(&mut self, published: &FeedMessage, channel: &mut Channel<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Some(symbols) = &self.symbols else {
            return channel.push_shared(RequestId(0), published.encoded());
        };
        match published {
            FeedMessage::Batch(batch) => {
                let entries: Vec<_> = seen(batch, symbols).collect();
                if !entries.is_empty() {
                    channel.push(RequestId(0), &self.filtered(batch, entries));
                    self.told = batch.feed.through;
                }
            }
            FeedMessage::Heartbeat(heartbeat_message) => {
                if self.told < heartbeat_message.feed_sequence {
                    let nothing = FilteredFeed {
                        market: heartbeat_message.market,
                        term: heartbeat_message.term,
                        after: self.told,
                        through: heartbeat_message.feed_sequence,
                        entries: List::default(),
                    };
                    channel.push(RequestId(0), &nothing);
                    self.told = heartbeat_message.feed_sequence;
                }
                channel.push_shared(RequestId(0), &heartbeat_message.encoded);
            }
            FeedMessage::Indicative(indicated) => {
                if symbols.contains(&indicated.symbol) {
                    channel.push_shared(RequestId(0), &indicated.encoded);
                }
            }
        }
    }

    fn filtered(&self, batch: &FeedBatch, entries: Vec<FeedEntry>) -> FilteredFeed {
        FilteredFeed {
            market: batch.feed.market,
            term: batch.feed.term,
            after: self.told,
            through: batch.feed.through,
            entries: fewer(entries.into_iter()),
        }
    }
}

fn seen(batch: &FeedBatch, symbols: &[Symbol]) -> impl Iterator<Item = FeedEntry> {
    let entries = batch.feed.entries.iter().zip(&batch.symbols);
    let seen = entries.filter(|(_, about)| about.is_none_or(|about| symbols.contains(&about)));
    seen.map(|(entry, _)| entry.clone())
}

fn fewer<T, const MAX: usize>(elements: impl Iterator<Item = T>) -> List<T, MAX> {
    List::new(elements.collect()).expect("no more than there were")
}
