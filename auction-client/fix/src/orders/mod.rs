//! Orders of one session: a fold of entries that the order log keeps, and the decisions that make the next entries.
//!
//! A decision changes nothing; [`Orders::apply`] does, for new entries and for those of the log alike. Reports are
//! numbered, and kept until the session has taken them: a client that was away gets them with its next logon.

mod day_content;
mod accept;
mod answer;
mod day;
mod events;
mod report;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use auction_core::{AccountEvent, LotId, OrderId, Price, Quantity, Side, Symbol, Timestamp};
use serde::{Deserialize, Serialize};

pub use accept::{Refusal, accept, time_in_force_of_day};
pub use answer::{Answer, Failure};
pub use day::DayChange;
pub use day_content::{AtOnce, DayPart, DayTrade, Value};
pub use report::{OutMessage, StatusRequest};

use crate::dictionary::Version;
use crate::limits::CLOSED_ORDERS_KEPT;
use crate::request::{OrderType, Scope};

/// Number of an order within its session: that of the request that placed it.
pub type Key = u64;

const SPARE_KEYS: Key = 1 << 63;

/// Content of an order on a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub lot: LotId,
    pub symbol: Symbol,
    pub side: Side,
    pub quantity: Quantity,
    pub order_type: OrderType,
    pub price: Option<Price>,
    pub time_in_force: Option<char>,
    /// True for an order of a book or a sealed bid, false for an open bid and a hidden maximum.
    pub is_order: bool,
    /// Present for an order of a trading day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<DayPart>,
}

/// State of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    PendingNew,
    New,
    Filled,
    Cancelled,
    Expired,
    Rejected,
    /// It has ended, and what it traded last is not known.
    Done,
}

impl Status {
    /// Returns true while the market can still change the order.
    pub fn is_live(self) -> bool {
        matches!(self, Self::PendingNew | Self::New)
    }
}

/// An order of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub key: Key,
    /// All its `ClOrdID`s, the current one last.
    pub cl_ord_ids: Vec<String>,
    pub content: Content,
    pub status: Status,
    /// The market's number of it, for an order that is no open bid.
    pub place: Option<OrderId>,
    pub filled: u64,
    pub average: Option<Price>,
    /// Sum of the trades of an order of a day.
    #[serde(default, skip_serializing_if = "Value::is_zero")]
    pub value: Value,
    /// Outcome of the acceptance of an order of a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<AtOnce>,
}

/// A request to the market, kept before it is sent: after a restart it is sent again under its number, so that it is
/// carried out once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The request's number in the market's session.
    pub request: u64,
    /// The market's session.
    pub session: u64,
    /// `None`: a cancel that no message of its own asked for.
    pub cl_ord_id: Option<String>,
    pub action: Action,
}

/// Effect of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Place(Content),
    Replace { key: Key, content: Content },
    Cancel { key: Key },
}

/// A message to the client about its orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub number: u64,
    pub at: Timestamp,
    pub body: Body,
}

/// Content of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    Execution(Box<Execution>),
    CancelReject(CancelReject),
    MassCancel(MassCancelled),
}

/// Reason of an execution report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exec {
    New,
    Rejected,
    Replaced,
    Cancelled,
    Expired,
    Restated,
    /// It has ended; how is not known.
    Done,
    Trade {
        quantity: u64,
        price: Price,
    },
}

/// An execution report: the order after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    pub exec: Exec,
    pub order: Order,
    /// `ClOrdID` that the request named as the original.
    pub orig_cl_ord_id: Option<String>,
    /// `OrdRejReason`.
    pub reason: Option<u32>,
    pub text: Option<String>,
    /// `ExecRestatementReason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restatement: Option<u32>,
    /// The trade of an order of a day, if a single one is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_trade: Option<DayTrade>,
}

/// An order cancel reject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReject {
    pub cl_ord_id: String,
    pub orig_cl_ord_id: String,
    /// `None`: there is no such order.
    pub order: Option<Order>,
    pub is_replace: bool,
    /// `CxlRejReason`.
    pub reason: u32,
    pub text: String,
}

/// An order mass cancel report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassCancelled {
    pub cl_ord_id: String,
    pub kind: String,
    pub symbol: Option<Symbol>,
    /// Number of orders that are being cancelled; `None`: refused.
    pub affected: Option<u64>,
    pub text: Option<String>,
}

/// An entry of the order log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// Written before its request is sent, and synced.
    Intent(Intent),
    /// Answers a request, or follows from what the market did.
    Report {
        report: Report,
        /// Request that it answers.
        answers: Option<u64>,
    },
    /// A request that ended without a report.
    Done { request: u64 },
    /// Reports up to this number were handed to the session's store.
    Sent { number: u64 },
    /// An order as it was when the log was compacted.
    Kept(Order),
    /// A report that the session had not taken when the log was compacted. Its effect is in what was kept.
    Unsent(Report),
    /// The number of the last report when the log was compacted.
    Reports { last: u64 },
}

/// Orders of a session.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    orders: BTreeMap<Key, Order>,
    by_cl_ord_id: HashMap<String, Key>,
    by_place: BTreeMap<(LotId, OrderId), Key>,
    /// The live bid on each lot that takes open bids.
    bids: BTreeMap<LotId, Key>,
    /// Requests without an answer.
    pending: BTreeMap<u64, Intent>,
    /// Reports that the session has not taken.
    unsent: VecDeque<Report>,
    reports: u64,
    /// Closed orders, in the order of their end.
    closed: VecDeque<Key>,
    /// Events of lots on which an order waits for its answer, which names its number.
    held: Vec<(Timestamp, AccountEvent)>,
    /// Requests whose end a task of this process waits for.
    in_process: BTreeSet<u64>,
    /// Requests that were refused because their session had ended.
    detached: BTreeSet<u64>,
    doubts: day::Doubts,
}

impl Orders {
    /// Applies an entry.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Intent(intent) => self.intend(intent),
            Entry::Report { report, answers } => {
                if let Some(request) = answers {
                    self.over(*request);
                }
                if let Body::Execution(execution) = &report.body {
                    self.put(execution.order.clone());
                }
                if let Body::CancelReject(reject) = &report.body {
                    self.remember_id(
                        &reject.cl_ord_id,
                        reject.order.as_ref().map(|order| order.key),
                    );
                }
                self.reports = self.reports.max(report.number);
                self.unsent.push_back(report.clone());
            }
            Entry::Done { request } => self.over(*request),
            Entry::Sent { number } => {
                while self
                    .unsent
                    .front()
                    .is_some_and(|report| report.number <= *number)
                {
                    self.unsent.pop_front();
                }
            }
            Entry::Kept(order) => self.put(order.clone()),
            Entry::Unsent(report) => self.unsent.push_back(report.clone()),
            Entry::Reports { last } => self.reports = self.reports.max(*last),
        }
    }

    /// Returns the entries that make the same orders again.
    pub fn compacted(&self) -> Vec<Entry> {
        let closed = self.closed.iter().filter_map(|key| self.orders.get(key));
        let live = self.orders.values().filter(|order| order.status.is_live());
        let live = live.filter(|order| order.status != Status::PendingNew);
        let mut entries: Vec<_> = closed.chain(live).cloned().map(Entry::Kept).collect();
        entries.extend(self.pending.values().cloned().map(Entry::Intent));
        let last = self.reports;
        entries.push(Entry::Reports { last });
        entries.extend(self.unsent.iter().cloned().map(Entry::Unsent));
        entries
    }

    /// Numbers a report.
    pub fn report(&self, at: Timestamp, body: Body, answers: Option<u64>) -> Entry {
        let number = self.reports + 1;
        let report = Report { number, at, body };
        Entry::Report { report, answers }
    }

    /// Returns the number of the last report.
    pub fn last_report(&self) -> u64 {
        self.reports
    }

    pub fn unsent(&self) -> impl Iterator<Item = &Report> {
        self.unsent.iter()
    }

    pub fn pending(&self) -> impl Iterator<Item = &Intent> {
        self.pending.values()
    }

    pub fn order(&self, key: Key) -> Option<&Order> {
        self.orders.get(&key)
    }

    pub fn by_cl_ord_id(&self, id: &str) -> Option<&Order> {
        self.orders.get(self.by_cl_ord_id.get(id)?)
    }

    pub fn knows(&self, cl_ord_id: &str) -> bool {
        self.by_cl_ord_id.contains_key(cl_ord_id)
    }

    /// Returns the live orders that a mass request concerns.
    pub fn live(&self, scope: Scope) -> impl Iterator<Item = &Order> {
        let is_in = move |order: &&Order| {
            let content = &order.content;
            let is_of = |instrument: crate::request::Instrument| {
                content.symbol == instrument.symbol
                    && instrument.lot.is_none_or(|lot| lot == content.lot)
            };
            order.status.is_live()
                && scope.instrument.is_none_or(is_of)
                && scope.side.is_none_or(|side| side == content.side)
        };
        self.orders.values().filter(is_in)
    }

    /// Returns a key for an order that is no request of this session: numbers of requests are microseconds, far below.
    pub fn spare_key(&self) -> Key {
        SPARE_KEYS + self.reports + 1
    }

    /// Returns the lot of a request that waits.
    pub fn lot_of_request(&self, request: u64) -> Option<LotId> {
        match &self.pending.get(&request)?.action {
            Action::Place(content) | Action::Replace { content, .. } => Some(content.lot),
            Action::Cancel { key } => Some(self.order(*key)?.content.lot),
        }
    }

    /// Notes that a task waits for the end of a request.
    pub fn sent(&mut self, request: u64) {
        self.in_process.insert(request);
        self.detached.remove(&request);
    }

    /// Notes that a request was refused because its session had ended: it can be sent in another one.
    pub fn detach(&mut self, request: u64) {
        self.in_process.remove(&request);
        self.detached.insert(request);
    }

    pub fn is_detached(&self, request: u64) -> bool {
        self.detached.contains(&request)
    }

    /// Returns the requests that no task of this process waits for: those of an earlier process, and detached ones.
    pub fn waiting(&self) -> Vec<Intent> {
        let waiting = self
            .pending
            .values()
            .filter(|intent| !self.in_process.contains(&intent.request));
        waiting.cloned().collect()
    }

    /// Returns true if there is a live bid.
    pub fn has_bids(&self) -> bool {
        !self.bids.is_empty()
    }

    /// Returns true if a cancel or a replacement of the order waits for its answer.
    pub fn is_changing(&self, of: Key) -> bool {
        self.pending.values().any(|intent| match intent.action {
            Action::Replace { key, .. } | Action::Cancel { key } => key == of,
            Action::Place(_) => false,
        })
    }

    /// Makes an execution report of an order, as a message that answers a status request.
    pub fn status_message(
        order: &Order,
        version: Version,
        answer_to: StatusRequest<'_>,
    ) -> OutMessage {
        report::status(order, version, answer_to)
    }

    /// Makes the answer to a status request that names no order of this session.
    pub fn unknown_message(request: &crate::request::StatusOf) -> OutMessage {
        report::unknown(request)
    }

    /// Makes the answer to a mass status request that no order fits.
    pub fn no_orders_message(request: &str) -> OutMessage {
        report::no_orders(request)
    }

    fn over(&mut self, request: u64) {
        self.pending.remove(&request);
        self.in_process.remove(&request);
        self.detached.remove(&request);
        self.doubts.over(request);
    }

    fn intend(&mut self, intent: &Intent) {
        if let Action::Place(content) = &intent.action {
            let cl_ord_ids = intent.cl_ord_id.iter().cloned().collect();
            self.put(Order {
                key: intent.request,
                cl_ord_ids,
                content: content.clone(),
                status: Status::PendingNew,
                place: None,
                filled: 0,
                average: None,
                value: Value::default(),
                at_once: None,
            });
        } else if let (Some(id), Action::Replace { key, .. } | Action::Cancel { key }) =
            (&intent.cl_ord_id, &intent.action)
        {
            self.remember_id(id, Some(*key));
        }
        self.pending.insert(intent.request, intent.clone());
    }

    /// Puts an order in its new state.
    fn put(&mut self, order: Order) {
        let (key, lot) = (order.key, order.content.lot);
        for id in &order.cl_ord_ids {
            // The first order with an id keeps it: a refused order may name a used one.
            self.by_cl_ord_id.entry(id.clone()).or_insert(key);
        }
        if let Some(place) = order.place {
            self.by_place.insert((lot, place), key);
        }
        if !order.content.is_order {
            match order.status.is_live() {
                true if order.status == Status::New => drop(self.bids.insert(lot, key)),
                false if self.bids.get(&lot) == Some(&key) => drop(self.bids.remove(&lot)),
                _ => {}
            }
        }
        let was_live = self
            .orders
            .get(&key)
            .is_none_or(|before| before.status.is_live());
        let is_live = order.status.is_live();
        // An id of a refused change stays used.
        let mut order = order;
        if let Some(before) = self.orders.get(&key) {
            let lost = before
                .cl_ord_ids
                .iter()
                .filter(|id| !order.cl_ord_ids.contains(id));
            let lost: Vec<_> = lost.cloned().collect();
            order.cl_ord_ids.splice(0..0, lost);
        }
        self.orders.insert(key, order);
        if !is_live {
            self.doubts.ended(key);
        }
        if was_live && !is_live {
            self.closed.push_back(key);
            if self.closed.len() > CLOSED_ORDERS_KEPT
                && let Some(oldest) = self.closed.pop_front()
            {
                self.forget(oldest);
            }
        }
    }

    /// Remembers an id that a request about an order has used.
    fn remember_id(&mut self, id: &str, key: Option<Key>) {
        let Some(order) = key.and_then(|key| self.orders.get_mut(&key)) else {
            return;
        };
        if !order.cl_ord_ids.iter().any(|known| known == id) {
            order.cl_ord_ids.insert(0, id.to_owned());
        }
        self.by_cl_ord_id.entry(id.to_owned()).or_insert(order.key);
    }

    fn forget(&mut self, key: Key) {
        let Some(order) = self.orders.remove(&key) else {
            return;
        };
        if let Some(place) = order.place {
            self.by_place.remove(&(order.content.lot, place));
        }
        for id in &order.cl_ord_ids {
            if self.by_cl_ord_id.get(id) == Some(&key) {
                self.by_cl_ord_id.remove(id);
            }
        }
    }
}

impl Order {
    /// Returns the current `ClOrdID`.
    pub fn cl_ord_id(&self) -> &str {
        self.cl_ord_ids.last().map_or("NONE", String::as_str)
    }

    /// Returns the `OrderID`: lot and number, or lot and request of a bid; `NONE` before the market has numbered it.
    pub fn order_id(&self) -> String {
        match (self.place, self.content.is_order, self.status) {
            (Some(place), ..) => format!("{}-{place}", self.content.lot),
            (None, false, status) if !matches!(status, Status::PendingNew | Status::Rejected) => {
                format!("{}-B{}", self.content.lot, self.key)
            }
            _ => "NONE".to_owned(),
        }
    }

    /// Returns the shares that can still trade.
    pub fn leaves(&self) -> u64 {
        match self.status.is_live() {
            true => self.content.quantity.get().saturating_sub(self.filled),
            false => 0,
        }
    }

    fn execution(&self, exec: Exec, status: Status) -> Execution {
        let mut order = self.clone();
        order.status = status;
        Execution {
            exec,
            order,
            orig_cl_ord_id: None,
            reason: None,
            text: None,
            restatement: None,
            day_trade: None,
        }
    }
}

impl Execution {
    fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    fn body(self) -> Body {
        Body::Execution(Box::new(self))
    }
}

#[cfg(test)]
mod tests;
