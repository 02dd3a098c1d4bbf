//! A small market for tests: events, and markets built from them.

use auction_core::{
    BidAccepted, Listing, LotId, LotOpened, Market, MarketId, Name, Outcome, Price, PublicEvent,
    Quantity, ReserveStatus, Role, Terms, Timestamp, UnsoldBecause, UserId,
};

/// Start time: 2026-10-30 13:00 UTC.
const START: u64 = 1_793_365_200;

pub const UNSOLD: Outcome = Outcome::Unsold {
    because: UnsoldBecause::NoBids,
    highest: None,
};

/// Returns the time this many seconds after the start. Lots close after 300.
pub fn after(seconds: u64) -> Timestamp {
    Timestamp::from_secs(START + seconds)
}

pub fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

/// Returns a market after these events, all at the start.
pub fn market(events: impl IntoIterator<Item = PublicEvent>) -> Market {
    let mut market = Market::new(MarketId([1; 16]));
    for event in events {
        market.apply(after(0), &event).unwrap();
    }
    market
}

/// Lists a stock at 1.39, with a profit of 9800.
pub fn listed(symbol: &str) -> PublicEvent {
    PublicEvent::StockListed(Listing {
        symbol: symbol.parse().unwrap(),
        security: "01954".parse().unwrap(),
        price: price("1.39"),
        profit: "9800".parse().unwrap(),
    })
}

pub fn user(user: u32, name: &str) -> PublicEvent {
    let (user, name) = (UserId(user), Name::parse(name).unwrap());
    PublicEvent::UserRegistered {
        user,
        name,
        role: Role::Trader,
    }
}

/// Opens a lot; those of BRK.B have a reserve.
pub fn opened(lot: u32, symbol: &str) -> PublicEvent {
    PublicEvent::LotOpened(Box::new(LotOpened {
        lot: LotId(lot),
        symbol: symbol.parse().unwrap(),
        quantity: Quantity::ONE,
        base_price: price("1.39"),
        opens_at: None,
        closes_at: after(300),
        terms: Terms::English(Default::default()),
        has_reserve: symbol == "BRK.B",
    }))
}

/// A bid on lot 1: the bidder, the amount, the leader with their price afterwards, and the least bid.
pub fn bid(bidder: u32, amount: Option<&str>, leader: u32, now: &str, least: &str) -> PublicEvent {
    PublicEvent::BidAccepted(BidAccepted {
        lot: LotId(1),
        bidder: UserId(bidder),
        amount: amount.map(price),
        leader: UserId(leader),
        price: price(now),
        least: Some(price(least)),
        bidders: 2,
        reserve: ReserveStatus::None,
    })
}

pub fn closed(lot: u32, outcome: Outcome) -> PublicEvent {
    PublicEvent::LotClosed {
        lot: LotId(lot),
        outcome,
    }
}
