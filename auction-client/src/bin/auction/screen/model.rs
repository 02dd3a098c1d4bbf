//! The state of the screen. Only [`update`](super::update::update) changes it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use auction_client::Indicative;
use auction_core::{LotId, MarketId, Name, OrderId, Price, Timestamp};

use super::form::Form;
use super::list::List;
use crate::commands::order::Order;
use crate::output::countdown::Countdowns;
use crate::screen::bid_history::BidHistories;
use crate::screen::day::Days;
use crate::screen::events::{Connection, Identity};

/// Maximum number of lines of the log; older ones are dropped.
pub const LOG_LINES_MAX: usize = 1_000;
/// Maximum number of unseen notices; beyond it, the oldest are only in the log.
pub const NOTICES_MAX: usize = 100;

/// Length of the time of day at the beginning of an event line.
const TIME_BYTES: usize = "13:00:00Z".len();

#[derive(Debug)]
pub struct Model {
    /// The server as the user named it.
    pub server: String,
    pub market: MarketId,
    pub me: Option<Identity>,
    /// Name of the user logged in before.
    pub name_before: Option<Name>,
    pub connection: Connection,
    pub round_trip: Duration,
    /// Numbers of columns and rows of the terminal.
    pub size: (u16, u16),
    pub page: Page,
    pub list: List,
    pub form: Option<Form>,
    /// First visible line of the help; `None`: the help is closed.
    pub help: Option<u16>,
    /// Number of lines that the log is scrolled back, or the bids of a lot.
    pub scrolled: usize,
    pub bid_histories: BidHistories,
    /// Trading days, with the user's live orders on them.
    pub days: Days,
    /// Indicative results of call auctions.
    pub indicatives: BTreeMap<LotId, Indicative>,
    /// Lots that the user leads.
    pub led: BTreeSet<LotId>,
    /// State of loading the user's earlier activity.
    pub known: Known,
    /// Lots that the user has bid on, as far as known.
    pub mine: BTreeSet<LotId>,
    /// The user's orders, as far as known.
    pub orders: BTreeMap<LotId, BTreeMap<OrderId, OwnOrder>>,
    /// The user's maxima for lots that they lead, as far as known.
    pub offers: BTreeMap<LotId, Price>,
    /// The user's latest bid or maximum on lots of open bids.
    pub bids: BTreeMap<LotId, Price>,
    /// The least winning bids of closed lots.
    pub least_winning: BTreeMap<LotId, String>,
    /// Unseen notices, the newest last.
    pub notices: Vec<Notice>,
    /// Result of the user's last action.
    pub said: Option<Entry>,
    /// The lot that `said` reports the user to lead; `said` is removed when that is no longer true.
    pub said_to_lead: Option<LotId>,
    pub log: VecDeque<Entry>,
    pub countdowns: Countdowns,
    /// Second of the server's time in the last frame.
    pub second: u64,
    /// Time of the last sorting of the lots.
    pub arranged_at: Timestamp,
    /// True if the last frame is out of date.
    pub dirty: bool,
}

/// State of loading the user's earlier activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// Loading: what is missing may still come.
    #[default]
    Loading,
    All,
    /// The server cannot list it.
    Never,
}

/// The page on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    Lots,
    Lot(LotId),
    Log,
}

/// An order of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnOrder {
    pub order: Order,
    pub state: OrderState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    Live,
    /// Its lot has closed, and it traded this many shares at this price; without a price, it traded none, or all pay
    /// the lot's price.
    Filled(u64, Option<Price>),
}

/// A message that stays on the screen until the user confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub lot: LotId,
    pub kind: NoticeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The user has bid, and someone else leads.
    Outbid,
    /// The lot has closed, and the user has won it or a part of it.
    Won,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub tone: Tone,
    pub text: String,
}

/// Kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Usual,
    Good,
    Alarm,
}

impl Model {
    /// Creates the initial screen of a market.
    pub fn new(server: String, market: MarketId, size: (u16, u16)) -> Self {
        let list = List {
            stale: true,
            ..List::default()
        };
        Self {
            server,
            market,
            me: None,
            name_before: None,
            connection: Connection::Live,
            round_trip: Duration::ZERO,
            size,
            page: Page::Lots,
            list,
            form: None,
            help: None,
            scrolled: 0,
            bid_histories: BidHistories::default(),
            days: Days::default(),
            indicatives: BTreeMap::new(),
            led: BTreeSet::new(),
            known: Known::Loading,
            mine: BTreeSet::new(),
            orders: BTreeMap::new(),
            offers: BTreeMap::new(),
            bids: BTreeMap::new(),
            least_winning: BTreeMap::new(),
            notices: Vec::new(),
            said: None,
            said_to_lead: None,
            log: VecDeque::new(),
            countdowns: Countdowns::default(),
            second: 0,
            arranged_at: Timestamp::default(),
            dirty: true,
        }
    }

    /// Returns the user's name.
    pub fn own(&self) -> Option<Name> {
        self.me.map(|me| me.name)
    }

    /// Returns the lot that keys refer to: the open one, else the chosen one.
    pub fn lot_in_hand(&self) -> Option<LotId> {
        match self.page {
            Page::Lot(lot) => Some(lot),
            Page::Lots => self.list.chosen,
            Page::Log => None,
        }
    }

    /// Returns the latest lot on which the user is outbid.
    pub fn outbid(&self) -> Option<LotId> {
        let outbid = |notice: &&Notice| notice.kind == NoticeKind::Outbid;
        self.notices
            .iter()
            .rev()
            .find(outbid)
            .map(|notice| notice.lot)
    }

    /// Adds a line to the log.
    pub fn log(&mut self, at: Timestamp, tone: Tone, text: String) {
        if self.log.len() >= LOG_LINES_MAX {
            self.log.pop_front();
        }
        self.log.push_back(Entry { at, tone, text });
        if self.page == Page::Log && self.scrolled > 0 {
            // Keep the visible lines in place.
            self.scrolled += 1;
        }
    }

    /// Adds a line that begins with its time to the log.
    pub fn log_line(&mut self, at: Timestamp, tone: Tone, line: String) {
        let text = line.get(TIME_BYTES..).unwrap_or(&line).trim_start();
        self.log(at, tone, text.to_owned());
    }

    /// Reports the result of the user's last action.
    pub fn report(&mut self, at: Timestamp, tone: Tone, text: String) {
        self.log(at, tone, text.clone());
        self.said_to_lead = None;
        self.said = Some(Entry { at, tone, text });
    }

    /// Adds a notice, replacing an older one about the lot.
    pub fn notify(&mut self, lot: LotId, kind: NoticeKind) {
        self.seen(lot);
        if self.notices.len() >= NOTICES_MAX {
            self.notices.remove(0);
        }
        self.notices.push(Notice { lot, kind });
    }

    /// Removes the report that the user leads a lot.
    pub fn unsay_lead(&mut self, lot: LotId) {
        if self.said_to_lead == Some(lot) {
            self.said = None;
            self.said_to_lead = None;
        }
    }

    /// Removes the notice about a lot.
    pub fn seen(&mut self, lot: LotId) {
        self.notices.retain(|notice| notice.lot != lot);
    }
}
