//! The public market as the gateway follows it: the newest state for decisions, and its changes for subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use auction_client::{Client, Indicative, ServerClock, Update, Watch};
use auction_core::{Lot, LotId, Market, Outcome, Price, PublicEvent, Stock, Symbol, Timestamp};
use tokio::sync::broadcast;

use crate::limits::{CHANGES_BEHIND_MAX, TRADES_BEHIND_MAX};
use crate::orders::Refusal;
use crate::request::Instrument;

/// A change that subscribers look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The lot, its book or its indicative result changed.
    Lot(LotId),
    /// Anything may have changed: the market was read again.
    Everything,
    /// The connection to the market was lost or is restored.
    Connection,
}

/// The market as it is known.
pub struct View {
    /// A fold beside that of the watch: copying the lots of each change would cost as much as their books are long.
    market: Market,
    by_symbol: BTreeMap<Symbol, Vec<LotId>>,
    /// The last trades of each day.
    trades: BTreeMap<LotId, VecDeque<LastTrade>>,
    indicatives: BTreeMap<LotId, Indicative>,
    clock: Option<ServerClock>,
    pub is_connected: bool,
}

/// A trade of a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastTrade {
    pub number: u64,
    pub price: Price,
    pub quantity: u64,
}

/// Handle to the followed market.
#[derive(Clone)]
pub struct MarketFeed {
    view: Arc<RwLock<View>>,
    changes: broadcast::Sender<Change>,
}

impl View {
    pub fn lot(&self, lot: LotId) -> Option<&Lot> {
        self.market.lot(lot)
    }

    pub fn stocks(&self) -> impl Iterator<Item = &Stock> {
        self.market.stocks()
    }

    pub fn open_lots(&self) -> usize {
        self.market.open_lots()
    }

    /// Returns the time since which the whole market is halted.
    pub fn halted_since(&self) -> Option<Timestamp> {
        self.market.halted_since()
    }

    /// Returns the last trades of a day, the oldest first.
    pub fn trades(&self, lot: LotId) -> impl Iterator<Item = LastTrade> {
        self.trades.get(&lot).into_iter().flatten().copied()
    }

    pub fn indicative(&self, lot: LotId) -> Option<&Indicative> {
        self.indicatives.get(&lot)
    }

    /// Returns all lots of a stock, the oldest first.
    pub fn lots_of(&self, symbol: Symbol) -> impl Iterator<Item = &Lot> {
        let lots = self.by_symbol.get(&symbol).map_or(&[][..], Vec::as_slice);
        lots.iter().filter_map(|lot| self.market.lot(*lot))
    }

    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.market.lots().iter()
    }

    /// Returns the market's time.
    pub fn now(&self) -> Timestamp {
        self.clock
            .map_or_else(Timestamp::default, |clock| clock.now())
    }

    /// Finds the lot that an instrument names: by its number, else the only lot of the stock that has not closed, else its
    /// newest closed one.
    pub fn find(&self, instrument: Instrument) -> Result<&Lot, Refusal> {
        let unknown = |text: String| Refusal::new(Refusal::UNKNOWN_SYMBOL, text);
        let symbol = instrument.symbol;
        if let Some(number) = instrument.lot {
            let lot = self.lot(number).filter(|lot| lot.symbol == symbol);
            return lot.ok_or_else(|| {
                unknown(format!("unknown_lot: there is no lot {number} of {symbol}"))
            });
        }
        let mut open: Vec<&Lot> = self
            .lots_of(symbol)
            .filter(|lot| !lot.is_closed())
            .collect();
        match (open.len(), open.pop()) {
            (1, Some(lot)) => Ok(lot),
            (0, _) => {
                let newest = self.lots_of(symbol).last();
                newest
                    .ok_or_else(|| unknown(format!("unknown_symbol: there is no lot of {symbol}")))
            }
            _ => {
                let numbers: Vec<_> = self
                    .lots_of(symbol)
                    .filter(|lot| !lot.is_closed())
                    .map(|lot| lot.id.to_string())
                    .collect();
                let numbers = numbers.join(", ");
                Err(unknown(format!(
                    "{symbol} has several open lots: name one in SecurityID (48), with 22=8: {numbers}"
                )))
            }
        }
    }

    fn replace(&mut self, market: &Market) {
        self.market = market.clone();
        self.by_symbol.clear();
        for lot in market.lots() {
            self.by_symbol.entry(lot.symbol).or_default().push(lot.id);
        }
        // Those that were missed are not known.
        self.trades.clear();
        self.indicatives
            .retain(|lot, _| market.lot(*lot).is_some_and(|lot| !lot.is_closed()));
    }

    fn apply(&mut self, at: Timestamp, market: &Market, event: &PublicEvent) -> Option<Change> {
        if let Err(error) = self.market.apply(at, event) {
            tracing::error!(%error, "an event does not follow; the market is read again");
            self.replace(market);
            return Some(Change::Everything);
        }
        self.note_trade(event);
        let Some(number) = event.lot() else {
            return matches!(
                event,
                PublicEvent::StockListed(_)
                    | PublicEvent::MarketHalted
                    | PublicEvent::MarketResumed
            )
            .then_some(Change::Everything);
        };
        let lot = self.market.lot(number)?;
        let of_stock = self.by_symbol.entry(lot.symbol).or_default();
        if of_stock.last().is_none_or(|last| *last < number) {
            of_stock.push(number);
        }
        if lot.is_closed() {
            self.indicatives.remove(&number);
        }
        Some(Change::Lot(number))
    }

    fn note_trade(&mut self, event: &PublicEvent) {
        let (lot, trade) = match *event {
            PublicEvent::Traded {
                lot,
                number,
                price,
                quantity,
                ..
            } => {
                let quantity = quantity.get();
                let trade = LastTrade {
                    number,
                    price,
                    quantity,
                };
                (lot, trade)
            }
            PublicEvent::CallUncrossed {
                lot,
                outcome: Outcome::Crossed { price, volume, .. },
                trade: Some(number),
            } => {
                let quantity = volume;
                let trade = LastTrade {
                    number,
                    price,
                    quantity,
                };
                (lot, trade)
            }
            _ => return,
        };
        let trades = self.trades.entry(lot).or_default();
        if trades.len() == TRADES_BEHIND_MAX {
            trades.pop_front();
        }
        trades.push_back(trade);
    }
}

impl MarketFeed {
    /// Follows the market of a client from now on.
    pub async fn follow(client: &Client) -> Result<Self, auction_client::ConnectionError> {
        let watch = client.watch().await?;
        let (changes, _) = broadcast::channel(CHANGES_BEHIND_MAX);
        let mut view = View {
            market: Market::new(watch.market().id()),
            by_symbol: BTreeMap::new(),
            trades: BTreeMap::new(),
            indicatives: BTreeMap::new(),
            clock: Some(watch.clock()),
            is_connected: true,
        };
        view.replace(watch.market());
        let view = Arc::new(RwLock::new(view));
        let feed = Self { view, changes };
        tokio::spawn(feed.clone().run(watch));
        Ok(feed)
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Calls `read` with what is known now.
    pub fn with<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn run(self, mut watch: Watch) {
        loop {
            let update = watch.next().await;
            let change = {
                let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
                view.clock = Some(watch.clock());
                match update {
                    Update::Event { at, event, .. } => view.apply(at, watch.market(), &event),
                    Update::Indicative(indicative) => {
                        let lot = indicative.lot;
                        view.indicatives.insert(lot, indicative);
                        Some(Change::Lot(lot))
                    }
                    Update::Snapshot => {
                        view.is_connected = true;
                        view.replace(watch.market());
                        Some(Change::Everything)
                    }
                    Update::Live => {
                        view.is_connected = true;
                        Some(Change::Connection)
                    }
                    Update::Reconnecting { because, wait } => {
                        tracing::warn!(%because, ?wait, "no connection to the market");
                        let was = std::mem::replace(&mut view.is_connected, false);
                        was.then_some(Change::Connection)
                    }
                    Update::Gap(gap) => {
                        tracing::warn!(%gap, "the feed has a gap; a snapshot follows");
                        None
                    }
                    Update::Equivocation(_) => None,
                }
            };
            if let Some(change) = change {
                // Nobody may be subscribed.
                let _ = self.changes.send(change);
            }
        }
    }
}
