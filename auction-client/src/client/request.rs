//! Requests that a server answers, each with the type of its answer and whether it can be repeated safely.

use auction_core::{
    BidReply, DayReply, FeedSequence, LotId, Market, OrderId, OwnOrder, Reply, SessionId, UserId,
    WinningThreshold,
};
use auction_proto::{
    Accepted, Activity, AddDevice, Balance, Bid, BidMaximum, CancelAll, CancelLot, CancelOrder,
    ChangePassword, ClientMessage, CloseLot, CloseSession, Deposit, Devices, Done, Envelope,
    ExtendLot, GetActivity, GetBalance, GetCheckpoint, GetHistory, GetLeastWinning, GetLots,
    GetMarketKey, GetOrders, GetPeers, GetReceipt, GetSealingKey, GetSnapshot, GetTrades, HaltAll,
    HaltLot, History, Kind, ListDevices, ListSessions, LoggedIn, Login, Logout, Lots, MarketKey,
    MovePhase, OfferPeer, OpenLot, PeerOffered, Peers, PlaceDayOrder, PlaceOrder, PublishProfit,
    Receipt, Register, ReinstateUser, ReplaceDayOrder, ReplaceOrder, Resume, ResumeAll, ResumeLot,
    SealedAnswer, SealingKey, ServerMessage, Sessions, SetDeadMan, SetLimits, SignedCheckpoint,
    SuspendUser, Trades, Withdraw,
};

pub(crate) use sealed::Answer;

/// A request: a message of the protocol that the server answers.
pub trait Request: Into<ClientMessage> + sealed::ParseAnswer<Self::Answer> {
    /// Type of the server's answer.
    type Answer;
}

/// Condition for sending a request again after its connection was lost before the answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Never: repeating could carry it out twice.
    Never,
    /// Always: it only reads or greets, so repeating is harmless.
    Always,
    /// As long as its session lives, because the session remembers its id.
    InSession,
}

/// Outcome of an accepted bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidPlaced {
    /// The bidder's position in the lot.
    pub bid: BidReply,
    /// Place of the feed from which on the bid is public.
    pub feed_sequence: FeedSequence,
    /// Tells whether it was done just now or by an earlier copy of the same request.
    pub done: Done,
}

/// Outcome of a cancel-all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllCancelled {
    /// Number of orders that were cancelled.
    pub cancelled: u32,
    /// Number of orders that cannot be cancelled now.
    pub kept: u32,
    /// True if there are more orders: ask again.
    pub more: bool,
}

fn day_reply(accepted: &Accepted) -> Option<DayReply> {
    match accepted.reply {
        Reply::DayOrder(reply) => Some(reply),
        _ => None,
    }
}

/// Returns when a message can be sent again. Every message is listed, so that the compiler asks about a new one.
pub(crate) fn repeat(message: &ClientMessage) -> Repeat {
    match message {
        // A second account of the name would be refused, a second login opens a second session, and the old password of a
        // second change is wrong.
        ClientMessage::Register(_) | ClientMessage::Login(_) | ClientMessage::ChangePassword(_) => {
            Repeat::Never
        }
        ClientMessage::Hello(_)
        | ClientMessage::Resume(_)
        | ClientMessage::Watch(_)
        | ClientMessage::WatchSymbols(_)
        | ClientMessage::GetSnapshot(_)
        | ClientMessage::GetHistory(_)
        | ClientMessage::GetTrades(_)
        | ClientMessage::GetMarketKey(_)
        | ClientMessage::WatchSigned(_)
        | ClientMessage::GetCheckpoint(_)
        | ClientMessage::GetSealingKey(_)
        // Its content is carried out once, however often and by whom it is sent.
        | ClientMessage::Envelope(_)
        | ClientMessage::OfferPeer(_)
        | ClientMessage::GetPeers(_)
        | ClientMessage::GetLots(_)
        | ClientMessage::Ping(_) => Repeat::Always,
        ClientMessage::Logout(_)
        | ClientMessage::ListSessions(_)
        | ClientMessage::CloseSession(_)
        | ClientMessage::Bid(_)
        | ClientMessage::BidMaximum(_)
        | ClientMessage::PublishProfit(_)
        | ClientMessage::OpenLot(_)
        | ClientMessage::ExtendLot(_)
        | ClientMessage::CloseLot(_)
        | ClientMessage::CancelLot(_)
        | ClientMessage::HaltLot(_)
        | ClientMessage::ResumeLot(_)
        | ClientMessage::SuspendUser(_)
        | ClientMessage::ReinstateUser(_)
        | ClientMessage::PlaceOrder(_)
        | ClientMessage::ReplaceOrder(_)
        | ClientMessage::CancelOrder(_)
        | ClientMessage::GetLeastWinning(_)
        | ClientMessage::WatchAccount(_)
        | ClientMessage::SetDeadMan(_)
        | ClientMessage::Deposit(_)
        | ClientMessage::Withdraw(_)
        | ClientMessage::GetBalance(_)
        | ClientMessage::GetOrders(_)
        | ClientMessage::GetActivity(_)
        | ClientMessage::GetReceipt(_)
        | ClientMessage::AddDevice(_)
        | ClientMessage::PlaceDayOrder(_)
        | ClientMessage::ReplaceDayOrder(_)
        | ClientMessage::CancelAll(_)
        | ClientMessage::MovePhase(_)
        | ClientMessage::HaltAll(_)
        | ClientMessage::ResumeAll(_)
        | ClientMessage::SetLimits(_)
        | ClientMessage::ListDevices(_) => Repeat::InSession,
    }
}

pub(crate) mod sealed {
    use super::{Kind, Market, ServerMessage};

    /// Raw answer to a request.
    #[derive(Debug)]
    pub enum Answer {
        /// A single message.
        Message(ServerMessage),
        /// A snapshot, assembled.
        Market(Box<Market>),
    }

    /// Conversion of a raw answer.
    pub trait ParseAnswer<T> {
        /// Returns the typed answer, or the kind of the message that came instead.
        fn parse(answer: Answer) -> Result<T, Kind>;
    }
}

macro_rules! requests {
    ($($request:ident => $answer:ty, $parse:expr;)*) => {$(
        impl sealed::ParseAnswer<$answer> for $request {
            fn parse(answer: Answer) -> Result<$answer, Kind> {
                let parse: fn(Answer) -> Result<$answer, Kind> = $parse;
                parse(answer)
            }
        }

        impl Request for $request {
            type Answer = $answer;
        }
    )*};
}

requests! {
    Register => UserId, |answer| accepted(answer, |accepted| match accepted.reply {
        Reply::Registered(user) => Some(user),
        _ => None,
    });
    Login => LoggedIn, logged_in;
    Resume => LoggedIn, logged_in;
    Logout => (), |answer| accepted(answer, |_| Some(()));
    ListSessions => Sessions, |answer| match answer {
        Answer::Message(ServerMessage::Sessions(sessions)) => Ok(sessions),
        other => Err(other.kind()),
    };
    ChangePassword => (), |answer| accepted(answer, |_| Some(()));
    CloseSession => (), |answer| accepted(answer, |_| Some(()));
    Bid => BidPlaced, |answer| accepted(answer, BidPlaced::of);
    BidMaximum => BidPlaced, |answer| accepted(answer, BidPlaced::of);
    PublishProfit => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    OpenLot => LotId, |answer| accepted(answer, |accepted| match accepted.reply {
        Reply::LotOpened(lot) => Some(lot),
        _ => None,
    });
    ExtendLot => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    CloseLot => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    CancelLot => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    HaltLot => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    ResumeLot => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    SuspendUser => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    ReinstateUser => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    ReplaceOrder => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    CancelOrder => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    SetDeadMan => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    PlaceOrder => OrderId, |answer| accepted(answer, |accepted| match accepted.reply {
        Reply::OrderPlaced(order) => Some(order),
        _ => None,
    });
    GetLeastWinning => WinningThreshold, |answer| match answer {
        Answer::Message(ServerMessage::LeastWinning(answer)) => Ok(answer.least),
        other => Err(other.kind()),
    };
    Deposit => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    Withdraw => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    GetBalance => Balance, |answer| match answer {
        Answer::Message(ServerMessage::Balance(balance)) => Ok(balance),
        other => Err(other.kind()),
    };
    PlaceDayOrder => DayReply, |answer| accepted(answer, day_reply);
    ReplaceDayOrder => DayReply, |answer| accepted(answer, day_reply);
    CancelAll => AllCancelled, |answer| accepted(answer, |accepted| match accepted.reply {
        Reply::AllCancelled { cancelled, kept, more } => Some(AllCancelled { cancelled, kept, more }),
        _ => None,
    });
    MovePhase => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    HaltAll => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    ResumeAll => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    SetLimits => Accepted, |answer| accepted(answer, |accepted| Some(accepted.clone()));
    GetTrades => Trades, |answer| match answer {
        Answer::Message(ServerMessage::Trades(trades)) => Ok(trades),
        other => Err(other.kind()),
    };
    GetActivity => Activity, |answer| match answer {
        Answer::Message(ServerMessage::Activity(activity)) => Ok(activity),
        other => Err(other.kind()),
    };
    GetLots => Lots, |answer| match answer {
        Answer::Message(ServerMessage::Lots(lots)) => Ok(lots),
        other => Err(other.kind()),
    };
    GetOrders => Vec<OwnOrder>, |answer| match answer {
        Answer::Message(ServerMessage::Orders(answer)) => Ok(answer.orders.into_vec()),
        other => Err(other.kind()),
    };
    GetSnapshot => Market, |answer| match answer {
        Answer::Market(market) => Ok(*market),
        other => Err(other.kind()),
    };
    GetHistory => History, |answer| match answer {
        Answer::Message(ServerMessage::History(history)) => Ok(history),
        other => Err(other.kind()),
    };
    GetMarketKey => MarketKey, |answer| match answer {
        Answer::Message(ServerMessage::MarketKey(key)) => Ok(key),
        other => Err(other.kind()),
    };
    GetCheckpoint => SignedCheckpoint, |answer| match answer {
        Answer::Message(ServerMessage::SignedCheckpoint(checkpoint)) => Ok(checkpoint),
        other => Err(other.kind()),
    };
    OfferPeer => PeerOffered, |answer| match answer {
        Answer::Message(ServerMessage::PeerOffered(offered)) => Ok(offered),
        other => Err(other.kind()),
    };
    GetPeers => Peers, |answer| match answer {
        Answer::Message(ServerMessage::Peers(peers)) => Ok(peers),
        other => Err(other.kind()),
    };
    GetReceipt => Receipt, |answer| match answer {
        Answer::Message(ServerMessage::Receipt(receipt)) => Ok(receipt),
        other => Err(other.kind()),
    };
    AddDevice => SessionId, |answer| accepted(answer, |accepted| match accepted.reply {
        Reply::SessionOpened(device) => Some(device),
        _ => None,
    });
    ListDevices => Devices, |answer| match answer {
        Answer::Message(ServerMessage::Devices(devices)) => Ok(devices),
        other => Err(other.kind()),
    };
    GetSealingKey => SealingKey, |answer| match answer {
        Answer::Message(ServerMessage::SealingKey(key)) => Ok(key),
        other => Err(other.kind()),
    };
    Envelope => SealedAnswer, |answer| match answer {
        Answer::Message(ServerMessage::SealedAnswer(answer)) => Ok(answer),
        other => Err(other.kind()),
    };
}

impl Answer {
    fn kind(&self) -> Kind {
        match self {
            Self::Message(message) => message.kind(),
            Self::Market(_) => Kind::SNAPSHOT_PART,
        }
    }
}

impl BidPlaced {
    /// Returns the outcome, if it is one of an accepted bid.
    #[must_use]
    pub fn of(accepted: &Accepted) -> Option<Self> {
        let Reply::Bid(bid) = accepted.reply else {
            return None;
        };
        Some(Self {
            bid,
            feed_sequence: accepted.feed_sequence,
            done: accepted.done,
        })
    }
}

fn accepted<T>(answer: Answer, take: impl FnOnce(&Accepted) -> Option<T>) -> Result<T, Kind> {
    match &answer {
        Answer::Message(ServerMessage::Accepted(accepted)) => take(accepted).ok_or(Kind::ACCEPTED),
        other => Err(other.kind()),
    }
}

fn logged_in(answer: Answer) -> Result<LoggedIn, Kind> {
    match answer {
        Answer::Message(ServerMessage::LoggedIn(logged_in)) => Ok(logged_in),
        other => Err(other.kind()),
    }
}
