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
use crate::screen::events::{Connection, Identity};

/// Most lines of the log; older ones are let go.
pub const LOG_LINES_MAX: usize = 1_000;
/// Most notices that wait to be seen; of more, the oldest are only in the log.
pub const NOTICES_MAX: usize = 100;

/// How long the time of day is at the beginning of a line of news.
const TIME_BYTES: usize = "13:00:00Z".len();

#[derive(Debug)]
pub struct Model {
    /// The server as it was named.
    pub server: String,
    pub market: MarketId,
    pub me: Option<Identity>,
    /// Who was logged in before.
    pub name_before: Option<Name>,
    pub connection: Connection,
    pub round_trip: Duration,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub page: Page,
    pub list: List,
    pub form: Option<Form>,
    /// The first line of the help that is shown; `None`: the help is not open.
    pub help: Option<u16>,
    /// How far the log is scrolled back, in lines; the bids of a lot too.
    pub scrolled: usize,
    pub bid_histories: BidHistories,
    /// What an uncross of call auctions would give.
    pub indicatives: BTreeMap<LotId, Indicative>,
    /// Lots that one leads.
    pub led: BTreeSet<LotId>,
    /// Whether the server has told all that the user did before.
    pub known: Known,
    /// Lots that one has bid on, as far as is known.
    pub mine: BTreeSet<LotId>,
    /// One's orders, as far as they are known.
    pub orders: BTreeMap<LotId, BTreeMap<OrderId, OwnOrder>>,
    /// The highest that one has offered for lots that one leads, as far as it is known.
    pub offers: BTreeMap<LotId, Price>,
    /// The user's latest bid or maximum on lots of open bids.
    pub bids: BTreeMap<LotId, Price>,
    /// What it would have taken to win lots that have closed.
    pub least_winning: BTreeMap<LotId, String>,
    /// What must be seen, the newest last.
    pub notices: Vec<Notice>,
    /// What came of what one did last.
    pub said: Option<Entry>,
    /// The lot that `said` says the user leads; it is taken down when that is no longer so.
    pub said_to_lead: Option<LotId>,
    pub log: VecDeque<Entry>,
    pub countdowns: Countdowns,
    /// The second of the server's time that was drawn last.
    pub second: u64,
    /// When the lots were last put in order.
    pub arranged_at: Timestamp,
    /// Whether what is drawn is no longer what is so.
    pub dirty: bool,
}

/// How much of what the user did before is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// It has not all come: nothing can be said not to be there.
    #[default]
    Loading,
    All,
    /// The server cannot tell it.
    Never,
}

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    Lots,
    Lot(LotId),
    Log,
}

/// An order of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnOrder {
    pub order: Order,
    pub state: OrderState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    Live,
    /// Its lot has closed, and it traded so many shares at this price; no price: it traded none, or all pay the lot's.
    Filled(u64, Option<Price>),
}

/// Something that stays on the screen until it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub lot: LotId,
    pub kind: NoticeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Someone else leads where one has bid.
    Outbid,
    /// The lot has closed, and one has won it or a part of it.
    Won,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub tone: Tone,
    pub text: String,
}

/// How a line sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Usual,
    Good,
    Alarm,
}

impl Model {
    /// The screen of a market at the beginning.
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

    /// One's own name.
    pub fn own(&self) -> Option<Name> {
        self.me.map(|me| me.name)
    }

    /// The lot that keys are about: the one that is open, else the chosen one.
    pub fn lot_in_hand(&self) -> Option<LotId> {
        match self.page {
            Page::Lot(lot) => Some(lot),
            Page::Lots => self.list.chosen,
            Page::Log => None,
        }
    }

    /// The latest lot where one is outbid.
    pub fn outbid(&self) -> Option<LotId> {
        let outbid = |notice: &&Notice| notice.kind == NoticeKind::Outbid;
        self.notices
            .iter()
            .rev()
            .find(outbid)
            .map(|notice| notice.lot)
    }

    /// Puts a line into the log.
    pub fn log(&mut self, at: Timestamp, tone: Tone, text: String) {
        if self.log.len() >= LOG_LINES_MAX {
            self.log.pop_front();
        }
        self.log.push_back(Entry { at, tone, text });
        if self.page == Page::Log && self.scrolled > 0 {
            // What one reads stays where it is.
            self.scrolled += 1;
        }
    }

    /// Puts a line into the log that begins with its time.
    pub fn log_line(&mut self, at: Timestamp, tone: Tone, line: String) {
        let text = line.get(TIME_BYTES..).unwrap_or(&line).trim_start();
        self.log(at, tone, text.to_owned());
    }

    /// Tells what came of what one did.
    pub fn report(&mut self, at: Timestamp, tone: Tone, text: String) {
        self.log(at, tone, text.clone());
        self.said_to_lead = None;
        self.said = Some(Entry { at, tone, text });
    }

    /// Puts up a notice, in the place of an older one about the lot.
    pub fn notify(&mut self, lot: LotId, kind: NoticeKind) {
        self.seen(lot);
        if self.notices.len() >= NOTICES_MAX {
            self.notices.remove(0);
        }
        self.notices.push(Notice { lot, kind });
    }

    /// The user no longer leads a lot: it is not said any more.
    pub fn unsay_lead(&mut self, lot: LotId) {
        if self.said_to_lead == Some(lot) {
            self.said = None;
            self.said_to_lead = None;
        }
    }

    /// Takes the notice about a lot down.
    pub fn seen(&mut self, lot: LotId) {
        self.notices.retain(|notice| notice.lot != lot);
    }
}
