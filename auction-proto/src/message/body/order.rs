//! Hidden orders: sealed bids, and the orders of a call auction.

use auction_core::{Command, LotId, OrderId, OwnOrder, Price, Quantity, Side};

use crate::encoding::list::List;
use crate::limits::ORDERS_LISTED_MAX;

fields! {
    /// Places a hidden order on a lot that takes them. For traders. The answer has the order's number.
    struct PlaceOrder = PLACE_ORDER {
        /// The lot.
        lot: LotId,
        /// Buys or sells.
        side: Side,
        /// Number of shares.
        quantity: Quantity,
        /// The worst price it accepts for each share; nothing: any. JSON can leave it out.
        #[serde(default)]
        limit: Option<Price>,
    }

    /// Replaces an order of the user; its number stays. For traders.
    struct ReplaceOrder = REPLACE_ORDER {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Number of shares from now on.
        quantity: Quantity,
        /// The worst price it accepts from now on; nothing: any. JSON can leave it out.
        #[serde(default)]
        limit: Option<Price>,
    }

    /// Cancels an order of the user. For traders.
    struct CancelOrder = CANCEL_ORDER {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    }

    /// Asks for the least bid that would have won a closed lot for the user. Answered by [`LeastWinning`].
    struct GetLeastWinning = GET_LEAST_WINNING {
        /// The lot.
        lot: LotId,
    }

    /// Answers [`GetLeastWinning`], for the user who asked alone.
    struct LeastWinning = LEAST_WINNING {
        /// The lot.
        lot: LotId,
        /// The least bid that would have won, with the same bids of everyone else.
        least: auction_core::WinningThreshold,
    }

    /// Asks for the user's own orders on a lot, before and after its close. For traders. Answered by [`Orders`].
    struct GetOrders = GET_ORDERS {
        /// The lot.
        lot: LotId,
    }

    /// Answers [`GetOrders`], for the user who asked alone.
    struct Orders = ORDERS {
        /// The lot.
        lot: LotId,
        /// The orders that are open, or were at the close, by number, each with its result.
        orders: List<OwnOrder, ORDERS_LISTED_MAX>,
    }
}

impl From<PlaceOrder> for Command {
    fn from(body: PlaceOrder) -> Self {
        let PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        } = body;
        Self::PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        }
    }
}

impl From<ReplaceOrder> for Command {
    fn from(body: ReplaceOrder) -> Self {
        let ReplaceOrder {
            lot,
            order,
            quantity,
            limit,
        } = body;
        Self::ReplaceOrder {
            lot,
            order,
            quantity,
            limit,
        }
    }
}

impl From<CancelOrder> for Command {
    fn from(body: CancelOrder) -> Self {
        let CancelOrder { lot, order } = body;
        Self::CancelOrder { lot, order }
    }
}
