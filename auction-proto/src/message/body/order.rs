//! Hidden orders: sealed bids, and the orders of a call auction.

use auction_core::{Command, LotId, OrderId, OwnOrder, Price, Quantity, Side};

use crate::encoding::list::List;
use crate::limits::ORDERS_LISTED_MAX;

fields! {
    /// Places a hidden order on a lot that takes them. For traders. The answer tells the order's number.
    struct PlaceOrder = PLACE_ORDER {
        /// The lot.
        lot: LotId,
        /// Whether it buys or sells.
        side: Side,
        /// How many shares.
        quantity: Quantity,
        /// The worst price it accepts for each share; nothing: any. JSON can leave it out.
        #[serde(default)]
        limit: Option<Price>,
    }

    /// Replaces an order of one's own; its number stays. For traders.
    struct ReplaceOrder = REPLACE_ORDER {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// How many shares from now on.
        quantity: Quantity,
        /// The worst price it accepts from now on; nothing: any. JSON can leave it out.
        #[serde(default)]
        limit: Option<Price>,
    }

    /// Takes an order of one's own back. For traders.
    struct CancelOrder = CANCEL_ORDER {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    }

    /// Asks what one would have needed to win a lot that has closed. Answered by [`LeastWinning`].
    struct GetLeastWinning = GET_LEAST_WINNING {
        /// The lot.
        lot: LotId,
    }

    /// Answers [`GetLeastWinning`], for the one who asked alone.
    struct LeastWinning = LEAST_WINNING {
        /// The lot.
        lot: LotId,
        /// What it would have taken, everyone else having done what they did.
        least: auction_core::WinningThreshold,
    }

    /// Asks for one's own orders on a lot, before and after its close. For traders. Answered by [`Orders`].
    struct GetOrders = GET_ORDERS {
        /// The lot.
        lot: LotId,
    }

    /// Answers [`GetOrders`], for the one who asked alone.
    struct Orders = ORDERS {
        /// The lot.
        lot: LotId,
        /// The orders that stand or stood at the close, by number, and what each got.
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
