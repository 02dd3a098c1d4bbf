//! What goes into the screen's state, and what comes out of it.

use std::time::Duration;

use auction_client::{
    ActivityEntry, BidPlaced, CancelOrder, History, LoggedIn, PlaceOrder, PublishProfit,
    ReplaceOrder, RequestError, Secret, Update,
};
use auction_core::{
    AccountEvent, LeastWinning, LotId, Name, OrderId, Role, StandingLead, StandingOrder, Timestamp,
};
use ratatui::crossterm::event::KeyEvent;

use crate::commands::bid::Offer;

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was put in from elsewhere.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// News of the market, which the view shows already.
    Feed(Update),
    /// What came of something that was asked.
    Answer(RequestKind, Result<Response, RequestError>),
    /// What stands of one's own account: it takes the place of what was known.
    AccountState(Vec<StandingOrder>, Vec<StandingLead>),
    /// A page of what the user did before, and whether it is the last.
    Activity(Vec<ActivityEntry>, bool),
    /// The server cannot tell what the user did before.
    NoActivity,
    /// Something happened to one's own account.
    Account(Timestamp, AccountEvent),
    /// Who one is: remembered from before.
    Identity(Option<Identity>),
    /// Time has gone by; so long took the latest round trip.
    Tick(Duration),
    /// The screen is about to be drawn, and has so many rows for lots.
    Frame { rows: usize },
}

/// Something that is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Send a request to the market, and give the answer back.
    Send(Request),
    /// Another market is at the address now: connect to it anew.
    Reconnect,
    /// Make the terminal call for attention.
    Ring,
    /// Leave the screen.
    Leave,
}

/// Who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: Name,
    pub role: Role,
}

impl Identity {
    pub fn of(logged_in: &LoggedIn) -> Self {
        Self {
            name: logged_in.name,
            role: logged_in.role,
        }
    }
}

/// What can be asked.
#[derive(Clone, Debug)]
pub enum Request {
    Bid(LotId, Offer),
    Place(PlaceOrder),
    Replace(ReplaceOrder),
    Cancel(CancelOrder),
    Profit(PublishProfit),
    /// What the auctioneer does with a lot.
    Manage(LotId, Manage),
    LogIn(Name, Secret),
    /// Make an account, and log in.
    Register(Name, Secret),
    LogOut,
    History(LotId),
    LeastWinning(LotId),
}

/// What the auctioneer can do with a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manage {
    Halt,
    Resume,
    Close,
    Cancel,
}

/// What was asked, without what is secret of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestKind {
    Bid(LotId, Offer),
    Place(PlaceOrder),
    Replace(ReplaceOrder),
    Cancel(CancelOrder),
    Profit(PublishProfit),
    Manage(LotId, Manage),
    LogIn,
    LogOut,
    History(LotId),
    LeastWinning(LotId),
}

/// What was answered.
#[derive(Debug)]
pub enum Response {
    Done,
    Bid(BidPlaced),
    Placed(OrderId),
    /// The user who is logged in now.
    LoggedIn(Identity),
    /// Nobody is logged in, because the session cannot be remembered, with the reason.
    NotRemembered(String),
    History(Box<History>),
    LeastWinning(LeastWinning),
}

impl Request {
    pub fn asked(&self) -> RequestKind {
        match self {
            Self::Bid(lot, offer) => RequestKind::Bid(*lot, *offer),
            Self::Place(order) => RequestKind::Place(order.clone()),
            Self::Replace(order) => RequestKind::Replace(order.clone()),
            Self::Cancel(order) => RequestKind::Cancel(order.clone()),
            Self::Profit(profit) => RequestKind::Profit(profit.clone()),
            Self::Manage(lot, manage) => RequestKind::Manage(*lot, *manage),
            Self::LogIn(..) | Self::Register(..) => RequestKind::LogIn,
            Self::LogOut => RequestKind::LogOut,
            Self::History(lot) => RequestKind::History(*lot),
            Self::LeastWinning(lot) => RequestKind::LeastWinning(*lot),
        }
    }
}

/// How the screen stands with the market.
#[derive(Clone, Debug, Default)]
pub enum Connection {
    #[default]
    Live,
    /// It was lost at a moment of the server's time; the next try begins at another.
    Lost {
        since: Timestamp,
        next_try: Timestamp,
    },
}
