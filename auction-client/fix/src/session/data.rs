//! Market data and reference data: requests, subscriptions, and their updates.

use std::collections::{BTreeMap, BTreeSet};

use auction_core::{Lot, LotId, Symbol, Terms};
use tokio::sync::mpsc;

use super::Session;
use crate::dictionary::{self as tag, Version};
use crate::limits::SUBSCRIPTIONS_MAX;
use crate::market::{Change, View};
use crate::market_data::{
    Entries, TradingStatus, Wanted, changes, entries, is_offered, security_status, snapshot,
    trading_status,
};
use crate::orders::OutMessage;
use crate::request::{
    Instrument, MarketDataRequest, SecurityListRequest, SecurityStatusRequest, Subscribe,
    TradingSessionRequest,
};

/// Stocks in one security list message; further ones follow in another.
const LIST_FRAGMENT: usize = 100;

/// Subscriptions of a client. Lots that changed wait here until the connection has room: a slow client gets the newest
/// state, and never a backlog.
pub struct Subscriptions {
    version: Version,
    books: BTreeMap<String, BookSubscription>,
    statuses: BTreeMap<String, StatusSubscription>,
    sessions: BTreeMap<String, &'static str>,
    changed: BTreeSet<LotId>,
    session_changed: bool,
}

struct BookSubscription {
    instruments: Vec<Instrument>,
    wanted: Wanted,
    is_full_refresh: bool,
    /// The entries as the client has them, by lot.
    sent: BTreeMap<LotId, Entries>,
}

struct StatusSubscription {
    instrument: Instrument,
    sent: BTreeMap<LotId, TradingStatus>,
}

impl Subscriptions {
    pub fn new(version: Version) -> Self {
        Self {
            version,
            books: BTreeMap::new(),
            statuses: BTreeMap::new(),
            sessions: BTreeMap::new(),
            changed: BTreeSet::new(),
            session_changed: false,
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.version);
    }

    fn len(&self) -> usize {
        self.books.len() + self.statuses.len() + self.sessions.len()
    }

    fn is_full(&self) -> bool {
        self.len() >= SUBSCRIPTIONS_MAX
    }
}

impl Session {
    pub(super) fn market_data(&mut self, request: MarketDataRequest) {
        let MarketDataRequest {
            request,
            subscribe,
            depth,
            is_full_refresh,
            entry_types,
            instruments,
        } = request;
        if subscribe == Subscribe::Stop {
            if self.subscriptions.books.remove(&request).is_none() {
                self.reject_data(
                    &request,
                    '1',
                    "there is no subscription with this MDReqID (262)",
                );
            }
            return;
        }
        let version = self.config.version;
        if self.subscriptions.books.contains_key(&request) {
            return self.reject_data(&request, '1', "this MDReqID (262) is subscribed already");
        }
        if subscribe == Subscribe::Updates && self.subscriptions.is_full() {
            let text = format!("a session has at most {SUBSCRIPTIONS_MAX} subscriptions");
            return self.reject_data(&request, '2', &text);
        }
        let unknown = entry_types
            .iter()
            .find(|entry_type| !is_offered(**entry_type, version));
        if let Some(unknown) = unknown {
            let text = format!(
                "the entry type (269) {unknown} is not offered in {}",
                version.name()
            );
            return self.reject_data(&request, '8', &text);
        }
        let missing = self
            .shared
            .feed
            .with(|view| first_missing(view, &instruments));
        if let Some(text) = missing {
            return self.reject_data(&request, '0', &text);
        }
        let mut subscription = BookSubscription {
            instruments,
            wanted: Wanted {
                entry_types,
                depth,
                version,
            },
            is_full_refresh,
            sent: BTreeMap::new(),
        };
        let messages = self.shared.feed.with(|view| {
            let lots = subscription.lots(view);
            let now = view.now();
            let snapshots = lots.into_iter().map(|lot| {
                let current = entries(lot, view, now, &subscription.wanted);
                let message = snapshot(lot, &current, Some(&request), version, now);
                subscription.sent.insert(lot.id, current);
                message
            });
            snapshots.collect::<Vec<_>>()
        });
        self.replies.extend(messages);
        if subscribe == Subscribe::Updates {
            self.subscriptions.books.insert(request, subscription);
        }
    }

    fn reject_data(&mut self, request: &str, reason: char, text: &str) {
        let message = OutMessage::new("Y")
            .with(tag::MD_REQ_ID, request)
            .with(tag::MD_REQ_REJ_REASON, reason.to_string())
            .with(tag::TEXT, text);
        self.replies.push_back(message);
    }

    pub(super) fn security_list(&mut self, request: &SecurityListRequest) {
        let list = self.shared.feed.with(|view| listed(view, request.symbol));
        let total = list.len();
        let fragments = list.chunks(LIST_FRAGMENT);
        let last = fragments.len().saturating_sub(1);
        let header = |place: usize| {
            OutMessage::new("y")
                .with(tag::SECURITY_REQ_ID, request.request.as_str())
                .with(
                    tag::SECURITY_RESPONSE_ID,
                    format!("{}-{}", request.request, place + 1),
                )
        };
        if total == 0 {
            let message = header(0).with(tag::SECURITY_REQUEST_RESULT, "2");
            self.replies.push_back(message);
            return;
        }
        for (place, fragment) in fragments.enumerate() {
            let mut message = header(place)
                .with(tag::SECURITY_REQUEST_RESULT, "0")
                .with(tag::TOT_NO_RELATED_SYM, total.to_string())
                .with(tag::LAST_FRAGMENT, if place == last { "Y" } else { "N" })
                .with(tag::NO_RELATED_SYM, fragment.len().to_string());
            for (symbol, lot, text) in fragment {
                message.put(tag::SYMBOL, symbol.as_str());
                if let Some(lot) = lot {
                    message.put(tag::SECURITY_ID, lot.to_string());
                    message.put(tag::SECURITY_ID_SOURCE, "8");
                }
                message.put(tag::TEXT, text.as_str());
            }
            self.replies.push_back(message);
        }
    }

    pub(super) fn security_status(&mut self, request: SecurityStatusRequest) {
        let SecurityStatusRequest {
            request,
            instrument,
            subscribe,
        } = request;
        if subscribe == Subscribe::Stop {
            self.subscriptions.statuses.remove(&request);
            return;
        }
        let version = self.config.version;
        let mut subscription = StatusSubscription {
            instrument,
            sent: BTreeMap::new(),
        };
        let (messages, unknown) = self.shared.feed.with(|view| {
            let now = view.now();
            let lots = lots_of(view, &[instrument]);
            let messages = lots.into_iter().map(|lot| {
                let status = trading_status(lot, view.halted_since(), version, now);
                let message = security_status(lot, &status, &request, false, now);
                subscription.sent.insert(lot.id, status);
                message
            });
            let messages: Vec<_> = messages.collect();
            (messages, first_missing(view, &[instrument]))
        });
        if messages.is_empty() {
            let text =
                unknown.unwrap_or_else(|| format!("there is no lot of {}", instrument.symbol));
            let message = OutMessage::new("f")
                .with(tag::SECURITY_STATUS_REQ_ID, request.as_str())
                .with(tag::SYMBOL, instrument.symbol.as_str())
                .with(tag::SECURITY_TRADING_STATUS, "20")
                .with(tag::TEXT, text);
            self.replies.push_back(message);
        }
        self.replies.extend(messages);
        if subscribe == Subscribe::Updates && !self.subscriptions.is_full() {
            self.subscriptions.statuses.insert(request, subscription);
        }
    }

    pub(super) fn trading_session(&mut self, request: TradingSessionRequest) {
        if request.subscribe == Subscribe::Stop {
            self.subscriptions.sessions.remove(&request.request);
            return;
        }
        let (status, text) = self.session_status();
        let message = trading_session_status(&request.request, status, &text, false);
        self.replies.push_back(message);
        if request.subscribe == Subscribe::Updates && !self.subscriptions.is_full() {
            self.subscriptions.sessions.insert(request.request, status);
        }
    }

    fn session_status(&self) -> (&'static str, String) {
        self.shared
            .feed
            .with(|view| match (view.is_connected, view.open_lots()) {
                (true, _) if view.halted_since().is_some() => {
                    ("1", "the whole market is halted".to_owned())
                }
                (false, _) => (
                    "0",
                    "the gateway has no connection to the market".to_owned(),
                ),
                (true, 0) => ("3", "no lot is open".to_owned()),
                (true, open) => ("2", format!("{open} lots have not closed")),
            })
    }

    /// Notes what subscriptions have to look at.
    pub(super) fn changed(&mut self, change: &Change) {
        let subscriptions = &mut self.subscriptions;
        if subscriptions.len() == 0 {
            return;
        }
        match change {
            Change::Lot(lot) => drop(subscriptions.changed.insert(*lot)),
            Change::Everything => {
                let lots = self
                    .shared
                    .feed
                    .with(|view| view.lots().map(|lot| lot.id).collect::<Vec<_>>());
                subscriptions.changed.extend(lots);
            }
            Change::Connection => {}
        }
        subscriptions.session_changed = true;
    }

    /// The price of a Dutch lot falls, and a no-cancel window begins, without an event.
    pub(super) fn ticked(&mut self) {
        if self.subscriptions.len() == 0 {
            return;
        }
        let timed = self.shared.feed.with(|view| {
            let timed = view.lots().filter(|lot| {
                !lot.is_closed() && matches!(lot.terms, Terms::Dutch(_) | Terms::Call(_))
            });
            timed.map(|lot| lot.id).collect::<Vec<_>>()
        });
        self.subscriptions.changed.extend(timed);
    }

    /// Sends the newest state of what changed, while there is room.
    pub(super) fn flush_data(&mut self, outbox: &mpsc::Sender<(OutMessage, u64)>) {
        let version = self.config.version;
        while let Some(lot) = self.subscriptions.changed.first().copied() {
            let needed = self.subscriptions.books.len() + self.subscriptions.statuses.len();
            if outbox.capacity() <= needed {
                return;
            }
            self.subscriptions.changed.remove(&lot);
            let subscriptions = &mut self.subscriptions;
            let messages = self
                .shared
                .feed
                .with(|view| updates(view, lot, subscriptions, version));
            for message in messages {
                // There is room: this task alone sends.
                let _ = outbox.try_send((message, 0));
            }
        }
        if std::mem::take(&mut self.subscriptions.session_changed) {
            let (status, text) = self.session_status();
            for (request, sent) in &mut self.subscriptions.sessions {
                if *sent != status {
                    *sent = status;
                    let _ =
                        outbox.try_send((trading_session_status(request, status, &text, true), 0));
                }
            }
        }
    }
}

impl BookSubscription {
    fn lots<'v>(&self, view: &'v View) -> Vec<&'v Lot> {
        lots_of(view, &self.instruments)
    }

    fn concerns(&self, lot: &Lot) -> bool {
        self.instruments
            .iter()
            .any(|instrument| concerns(*instrument, lot))
    }
}

fn concerns(instrument: Instrument, lot: &Lot) -> bool {
    instrument.symbol == lot.symbol && instrument.lot.is_none_or(|named| named == lot.id)
}

fn updates(
    view: &View,
    lot: LotId,
    subscriptions: &mut Subscriptions,
    version: Version,
) -> Vec<OutMessage> {
    let Some(lot) = view.lot(lot) else {
        return Vec::new();
    };
    let now = view.now();
    let mut messages = Vec::new();
    for (request, book) in &mut subscriptions.books {
        if !book.concerns(lot) {
            continue;
        }
        let current = entries(lot, view, now, &book.wanted);
        match book.sent.get(&lot.id) {
            Some(before) if *before == current => continue,
            Some(before) if !book.is_full_refresh => {
                messages.extend(changes(lot, before, &current, request))
            }
            _ => messages.push(snapshot(lot, &current, Some(request), version, now)),
        }
        book.sent.insert(lot.id, current);
    }
    for (request, status) in &mut subscriptions.statuses {
        let current = trading_status(lot, view.halted_since(), version, now);
        if concerns(status.instrument, lot) && status.sent.get(&lot.id) != Some(&current) {
            messages.push(security_status(lot, &current, request, true, now));
            status.sent.insert(lot.id, current);
        }
    }
    messages
}

/// Returns the lots of some instruments: those named, else the lots of the stock that have not closed, else its newest.
fn lots_of<'v>(view: &'v View, instruments: &[Instrument]) -> Vec<&'v Lot> {
    let mut lots: BTreeMap<LotId, &Lot> = BTreeMap::new();
    for instrument in instruments {
        let all = view
            .lots_of(instrument.symbol)
            .filter(|lot| concerns(*instrument, lot));
        let all: Vec<_> = all.collect();
        let open = all
            .iter()
            .filter(|lot| !lot.is_closed() || instrument.lot.is_some());
        let before = lots.len();
        lots.extend(open.map(|lot| (lot.id, *lot)));
        if lots.len() == before {
            lots.extend(all.last().map(|lot| (lot.id, *lot)));
        }
    }
    lots.into_values().collect()
}

/// Returns why an instrument is not known, if one is not.
fn first_missing(view: &View, instruments: &[Instrument]) -> Option<String> {
    instruments.iter().find_map(|instrument| {
        let is_listed = view
            .stocks()
            .any(|stock| stock.listing.symbol == instrument.symbol);
        if !is_listed {
            return Some(format!(
                "unknown_symbol: {} is not listed",
                instrument.symbol
            ));
        }
        let has_lot = view
            .lots_of(instrument.symbol)
            .any(|lot| concerns(*instrument, lot));
        match instrument.lot {
            Some(lot) if !has_lot => Some(format!(
                "unknown_lot: there is no lot {lot} of {}",
                instrument.symbol
            )),
            _ => None,
        }
    })
}

/// Returns the lots that have not closed, by stock, and after them the stocks without one.
fn listed(view: &View, symbol: Option<Symbol>) -> Vec<(Symbol, Option<LotId>, String)> {
    let mut list = Vec::new();
    let wanted = view
        .stocks()
        .filter(|stock| symbol.is_none_or(|symbol| symbol == stock.listing.symbol));
    for stock in wanted {
        let symbol = stock.listing.symbol;
        let open = view.lots_of(symbol).filter(|lot| !lot.is_closed());
        let before = list.len();
        for lot in open {
            let format = lot.terms.format();
            let text = format!(
                "lot {}: {format} of {} shares; closes at {}",
                lot.id, lot.quantity, lot.closes_at
            );
            list.push((symbol, Some(lot.id), text));
        }
        if list.len() == before {
            list.push((
                symbol,
                None,
                format!("no open lot; base price {}", stock.listing.price),
            ));
        }
    }
    list.sort_by_key(|(_, lot, _)| lot.is_none());
    list
}

fn trading_session_status(request: &str, status: &str, text: &str, is_update: bool) -> OutMessage {
    OutMessage::new("h")
        .with(tag::TRAD_SES_REQ_ID, request)
        .with(tag::TRADING_SESSION_ID, "1")
        .with(tag::TRAD_SES_METHOD, "1")
        .with(tag::TRAD_SES_MODE, "2")
        .with(
            tag::UNSOLICITED_INDICATOR,
            if is_update { "Y" } else { "N" },
        )
        .with(tag::TRAD_SES_STATUS, status)
        .with(tag::TEXT, text)
}
