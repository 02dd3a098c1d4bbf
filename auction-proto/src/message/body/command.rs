//! Requests of a user to the market. The session identifies the user; no field does.
//!
//! The number of the frame is the client's number of the request: it rises within the session. A request that is sent
//! again with the same number and the same body is done only once.

use auction_core::{
    Command, FeedSequence, LotId, Price, Profit, Quantity, Reply, SecurityCode, Symbol, Terms,
    Timestamp,
};

fields! {
    /// Bids openly: a new leader leads at this price. For traders.
    struct Bid = BID {
        /// The lot.
        lot: LotId,
        /// The price offered for each share.
        price: Price,
    }

    /// States a hidden maximum: the market bids for the trader up to it. For traders.
    struct BidMaximum = BID_MAXIMUM {
        /// The lot.
        lot: LotId,
        /// The highest price the trader accepts.
        maximum: Price,
    }

    /// Publishes the profit of the company's stock. For companies.
    struct PublishProfit = PUBLISH_PROFIT {
        /// The stock.
        symbol: Symbol,
        /// Its security code, so that a slip of the symbol hits no other stock.
        security: SecurityCode,
        /// The profit.
        profit: Profit,
    }

    /// Opens a lot of a listed stock. For auctioneers.
    struct OpenLot = OPEN_LOT {
        /// The stock.
        symbol: Symbol,
        /// Number of shares.
        quantity: Quantity,
        /// Time of its opening; nothing: now. JSON can leave it out.
        #[serde(default)]
        opens_at: Option<Timestamp>,
        /// Time of its close, exclusive.
        closes_at: Timestamp,
        /// The format, and its public terms.
        terms: Terms,
        /// Below this price the lot is not sold; hidden from everyone. JSON can leave it out.
        #[serde(default)]
        reserve: Option<Price>,
    }

    /// Moves the close of an open lot to a later time. For auctioneers.
    struct ExtendLot = EXTEND_LOT {
        /// The lot.
        lot: LotId,
        /// The new close.
        closes_at: Timestamp,
    }

    /// Answers a command that was accepted: it is durable.
    struct Accepted = ACCEPTED {
        /// Place of the feed from which on everyone sees the result. (The journal's own number is not sent: its gaps
        /// would reveal the hidden commands of others.)
        feed_sequence: FeedSequence,
        /// `Now` for a new command, `Before` for a repeated one.
        done: Done,
        /// The result.
        reply: Reply,
    }
}

choice! {
    /// Time at which an answered command was done.
    enum Done {
        /// Just now.
        0 = Now,
        /// Earlier, when the same request arrived first; the answer has the result of that time.
        1 = Before,
    }
}

impl From<Bid> for Command {
    fn from(body: Bid) -> Self {
        let Bid { lot, price } = body;
        Self::Bid { lot, price }
    }
}

impl From<BidMaximum> for Command {
    fn from(body: BidMaximum) -> Self {
        let BidMaximum { lot, maximum } = body;
        Self::BidMaximum { lot, maximum }
    }
}

impl From<PublishProfit> for Command {
    fn from(body: PublishProfit) -> Self {
        let PublishProfit {
            symbol,
            security,
            profit,
        } = body;
        Self::PublishProfit {
            symbol,
            security,
            profit,
        }
    }
}

impl From<OpenLot> for Command {
    fn from(body: OpenLot) -> Self {
        let OpenLot {
            symbol,
            quantity,
            opens_at,
            closes_at,
            terms,
            reserve,
        } = body;
        Self::OpenLot(
            auction_core::OpenLot {
                symbol,
                quantity,
                opens_at,
                closes_at,
                terms,
                reserve,
            }
            .into(),
        )
    }
}

impl From<ExtendLot> for Command {
    fn from(body: ExtendLot) -> Self {
        let ExtendLot { lot, closes_at } = body;
        Self::ExtendLot { lot, closes_at }
    }
}

impl From<super::CloseSession> for Command {
    fn from(body: super::CloseSession) -> Self {
        Self::CloseSession {
            session: body.session,
        }
    }
}
