//! Decisions of the market: public events, which make up the feed, and private ones, which stay in the journal.

use alloc::boxed::Box;
use alloc::vec::Vec;

use auction_core::{
    AccountMode, Asset, BidAccepted, Credential, EndCommitment, ExtensionCause, Listing, LotId,
    LotOpened, Name, NewDevice, OpenedBid, OrderId, Outcome, Price, PrivateEvent, Profit,
    PublicEvent, Quantity, RandomEnd, ReserveStatus, Role, SessionId, Side, Span, Symbol, Terms,
    Timestamp, TokenHash, UserId,
};

form!(enum PublicEventForm: PublicEvent = "auction_core::PublicEvent" {
    0 = StockListed(Listing),
    1 = UserRegistered { user: UserId, name: Name, role: Role },
    2 = LotOpened(Box<LotOpened>),
    3 = BidAccepted(BidAccepted),
    4 = LotExtended { lot: LotId, closes_at: Timestamp, cause: ExtensionCause },
    5 = LotClosed { lot: LotId, outcome: Outcome },
    6 = ProfitPublished { symbol: Symbol, profit: Profit },
    7 = LotBegan { lot: LotId },
    8 = LotHalted { lot: LotId },
    9 = LotResumed { lot: LotId, opened_at: Timestamp, closes_at: Timestamp },
    10 = BiddersCounted { lot: LotId, bidders: u32 },
    11 = BidsOpened { lot: LotId, bids: Vec<OpenedBid> },
    12 = AccountsSet { mode: AccountMode },
    13 = ReferenceFixed { lot: LotId, reference: Price },
    14 = EndCommitted { lot: LotId, commitment: EndCommitment },
    15 = EndOpened { lot: LotId, end: RandomEnd },
    ; without { PhaseBegan(), PhaseExtended {}, PhaseMoved {}, CallUncrossed {}, OrderShown {}, OrderReduced {}, OrderGone {}, Traded {}, Interrupted {}, DayHalted {}, MarketHalted, MarketResumed }
});

form!(struct RandomEndForm: RandomEnd = "auction_core::RandomEnd" {
    before_close: Span,
    salt: [u8; 16],
});

form!(struct OpenedBidForm: OpenedBid = "auction_core::OpenedBid" {
    bidder: UserId,
    order: OrderId,
    price: Price,
    quantity: Quantity,
    filled: u64,
    pays: Option<Price>,
});

form!(struct LotOpenedForm: LotOpened = "auction_core::LotOpened" {
    lot: LotId,
    symbol: Symbol,
    quantity: Quantity,
    base_price: Price,
    opens_at: Option<Timestamp>,
    closes_at: Timestamp,
    terms: Terms,
    has_reserve: bool,
});

form!(struct BidAcceptedForm: BidAccepted = "auction_core::BidAccepted" {
    lot: LotId,
    bidder: UserId,
    amount: Option<Price>,
    leader: UserId,
    price: Price,
    least: Option<Price>,
    bidders: u32,
    reserve: ReserveStatus,
});

form!(enum ExtensionCauseForm: ExtensionCause = "auction_core::ExtensionCause" {
    0 = SoftClose,
    1 = Ordered,
    2 = Volatility,
    3 = MarketOrders,
});

form!(enum PrivateEventForm: PrivateEvent = "auction_core::PrivateEvent" {
    0 = CredentialSet { user: UserId, credential: Credential },
    1 = SessionOpened { session: SessionId, user: UserId, token_hash: TokenHash, expires_at: Timestamp },
    2 = SessionClosed { session: SessionId },
    3 = ReserveSet { lot: LotId, reserve: Price },
    4 = MaximumSet { lot: LotId, bidder: UserId, maximum: Price, leads: bool },
    5 = OrderPlaced {
        lot: LotId, trader: UserId, order: OrderId, side: Side, quantity: Quantity, limit: Option<Price>,
    },
    6 = OrderReplaced {
        lot: LotId, trader: UserId, order: OrderId, quantity: Quantity, limit: Option<Price>,
    },
    7 = OrderCancelled { lot: LotId, trader: UserId, order: OrderId },
    8 = UserSuspended { user: UserId },
    9 = UserReinstated { user: UserId },
    10 = DeadManSet { session: SessionId, user: UserId, grace: Option<Span> },
    11 = Deposited { user: UserId, asset: Asset },
    12 = Withdrawn { user: UserId, asset: Asset },
    13 = OrdersWithdrawn { lot: LotId, trader: UserId },
    14 = EndDrawn { lot: LotId, end: RandomEnd },
    15 = DeviceAdded { session: SessionId, user: UserId, device: Box<NewDevice> },
    ; without { DayOrderAccepted {}, DayOrderReplaced {}, DayOrderParked {}, DayOrderRests {}, DayOrderFilled {}, DayOrdersDecremented {}, DayOrderLapsed {}, OrderKept {}, AllCancelled {}, LimitsSet {} }
});
