//! Events and state of a user's account, sent to that user only.

use auction_core::{
    AccountEvent, Asset, DayOrder, FillRole, LapseReason, LotId, OrderId, Price, Quantity,
    SessionId, Side, Span, StandingLead, StandingOrder, TraderLimits,
};

form!(struct StandingOrderForm: StandingOrder = "auction_core::StandingOrder" {
    lot: LotId,
    order: OrderId,
    side: Side,
    quantity: Quantity,
    limit: Option<Price>,
});

form!(struct StandingLeadForm: StandingLead = "auction_core::StandingLead" {
    lot: LotId,
    offer: Price,
});

form!(enum AccountEventForm: AccountEvent = "auction_core::AccountEvent" {
    0 = OrderPlaced(StandingOrder),
    1 = OrderReplaced { lot: LotId, order: OrderId, quantity: Quantity, limit: Option<Price> },
    2 = OrderCancelled { lot: LotId, order: OrderId },
    3 = Leads(StandingLead),
    4 = Outbid { lot: LotId, price: Price },
    5 = OrderFilled { lot: LotId, order: OrderId, filled: u64, pays: Option<Price> },
    6 = OrderLapsed { lot: LotId, order: OrderId },
    7 = Won { lot: LotId, price: Price },
    8 = Unsold { lot: LotId },
    9 = DeadManSet { session: SessionId, grace: Option<Span> },
    10 = DeadManFired { session: SessionId },
    11 = SessionOpened { session: SessionId },
    12 = SessionClosed { session: SessionId },
    13 = Suspended,
    14 = Reinstated,
    15 = Deposited { asset: Asset },
    16 = Withdrawn { asset: Asset },
    17 = DayOrderAccepted { lot: LotId, order: OrderId, content: DayOrder },
    18 = DayOrderReplaced {
        lot: LotId, order: OrderId, quantity: Quantity, limit: Option<Price>, keeps_place: bool,
    },
    19 = DayOrderParked { lot: LotId, order: OrderId, open: Quantity },
    20 = DayOrderRests { lot: LotId, order: OrderId, open: Quantity },
    21 = DayOrderFilled {
        lot: LotId, order: OrderId, trade: u64, price: Price, quantity: Quantity, role: FillRole, left: u64,
    },
    22 = DayOrdersDecremented {
        lot: LotId, resting: OrderId, incoming: OrderId, quantity: Quantity, resting_left: u64, incoming_left: u64,
    },
    23 = DayOrderLapsed { lot: LotId, order: OrderId, quantity: Quantity, because: LapseReason },
    24 = OrderKept { lot: LotId, order: OrderId },
    25 = AllCancelled { lot: Option<LotId>, cancelled: u32, kept: u32, more: bool },
    26 = LimitsSet { limits: Option<TraderLimits> },
});
