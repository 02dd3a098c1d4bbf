//! Inputs and effects of the screen's state.

use std::time::Duration;

use auction_client::{
    ActivityEntry, AllCancelled, BidPlaced, CancelOrder, History, LoggedIn, PlaceDayOrder,
    PlaceOrder, PublishProfit, ReplaceDayOrder, ReplaceOrder, RequestError, Secret, Trades, Update,
};
use auction_core::{
    AccountEvent, DayReply, LotId, Name, OrderId, Role, StandingDayOrder, StandingLead,
    StandingOrder, Timestamp, WinningThreshold,
};
use ratatui::crossterm::event::KeyEvent;

use crate::commands::bid::Offer;

/// An input.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// An update of the market, which the view includes already.
    Feed(Update),
    /// The answer to a request.
    Answer(RequestKind, Result<Response, RequestError>),
    /// A new state of the user's account, which replaces the previous one.
    AccountState(Vec<StandingOrder>, Vec<StandingLead>, Vec<StandingDayOrder>),
    /// A page of the user's earlier activity; true for the last page.
    Activity(Vec<ActivityEntry>, bool),
    /// The server cannot list the user's earlier activity.
    NoActivity,
    /// An event of the user's account.
    Account(Timestamp, AccountEvent),
    /// The logged-in user, remembered from before.
    Identity(Option<Identity>),
    /// Time has passed; with the duration of the latest round trip.
    Tick(Duration),
    /// The screen is about to be drawn, with this many rows for lots.
    Frame { rows: usize },
}

/// An effect to be carried out.
#[derive(Debug)]
pub enum Effect {
    /// Send a request to the market, and pass the answer back.
    Send(Request),
    /// Another market is at the address now: connect again.
    Reconnect,
    /// Ring the terminal's bell.
    Ring,
    /// Leave the screen.
    Leave,
}

/// The logged-in user.
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

/// A request to the market.
#[derive(Clone, Debug)]
pub enum Request {
    Bid(LotId, Offer),
    Place(PlaceOrder),
    Replace(ReplaceOrder),
    Cancel(CancelOrder),
    PlaceDay(PlaceDayOrder),
    ReplaceDay(ReplaceDayOrder),
    /// Cancel all of the user's orders on a trading day.
    CancelAll(LotId),
    Profit(PublishProfit),
    /// An auctioneer's action on a lot.
    Manage(LotId, Manage),
    LogIn(Name, Secret),
    /// Create an account, and log in.
    Register(Name, Secret),
    LogOut,
    History(LotId),
    /// The trades of a trading day after a number.
    Trades(LotId, u64),
    LeastWinning(LotId),
}

/// An action of an auctioneer on a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manage {
    Halt,
    Resume,
    Close,
    Cancel,
}

/// Kind of a request, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestKind {
    Bid(LotId, Offer),
    Place(PlaceOrder),
    Replace(ReplaceOrder),
    Cancel(CancelOrder),
    PlaceDay(PlaceDayOrder),
    ReplaceDay(ReplaceDayOrder),
    CancelAll(LotId),
    Profit(PublishProfit),
    Manage(LotId, Manage),
    LogIn,
    LogOut,
    History(LotId),
    Trades(LotId),
    LeastWinning(LotId),
}

/// An answer to a request.
#[derive(Debug)]
pub enum Response {
    Done,
    Bid(BidPlaced),
    Placed(OrderId),
    /// The result of an order on a trading day, at once.
    DayOrder(DayReply),
    AllCancelled(AllCancelled),
    Trades(Box<Trades>),
    /// The logged-in user.
    LoggedIn(Identity),
    /// The login failed because the session cannot be remembered; with the reason.
    NotRemembered(String),
    History(Box<History>),
    LeastWinning(WinningThreshold),
}

impl Request {
    pub fn asked(&self) -> RequestKind {
        match self {
            Self::Bid(lot, offer) => RequestKind::Bid(*lot, *offer),
            Self::Place(order) => RequestKind::Place(order.clone()),
            Self::Replace(order) => RequestKind::Replace(order.clone()),
            Self::Cancel(order) => RequestKind::Cancel(order.clone()),
            Self::PlaceDay(order) => RequestKind::PlaceDay(order.clone()),
            Self::ReplaceDay(order) => RequestKind::ReplaceDay(order.clone()),
            Self::CancelAll(lot) => RequestKind::CancelAll(*lot),
            Self::Profit(profit) => RequestKind::Profit(profit.clone()),
            Self::Manage(lot, manage) => RequestKind::Manage(*lot, *manage),
            Self::LogIn(..) | Self::Register(..) => RequestKind::LogIn,
            Self::LogOut => RequestKind::LogOut,
            Self::History(lot) => RequestKind::History(*lot),
            Self::Trades(lot, _) => RequestKind::Trades(*lot),
            Self::LeastWinning(lot) => RequestKind::LeastWinning(*lot),
        }
    }
}

/// Connection of the screen to the market.
#[derive(Clone, Debug, Default)]
pub enum Connection {
    #[default]
    Live,
    /// Lost at a time of the server's clock; with the start of the next attempt.
    Lost {
        since: Timestamp,
        next_try: Timestamp,
    },
}
