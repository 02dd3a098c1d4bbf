//! Decisions of the market: public events, which make up the feed, and private ones, which stay in the journal.

use alloc::boxed::Box;
use alloc::vec::Vec;

use auction_core::{
    Access, AccountMode, Asset, BidAccepted, CorridorKind, Credential, DayHaltCause, DayOrder,
    EndCommitment, ExtensionCause, FillRole, LapseReason, Listing, LotId, LotOpened, Name,
    NewDevice, OpenedBid, OrderId, Outcome, PhaseBegan, Price, PrivateEvent, Profit, PublicEvent,
    Quantity, RandomEnd, ReserveStatus, Role, SessionId, Side, Span, Symbol, Terms, Timestamp,
    TokenHash, TraderLimits, UserId,
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
    16 = PhaseBegan(PhaseBegan),
    17 = PhaseExtended { lot: LotId, ends_at: Timestamp, cause: ExtensionCause },
    18 = PhaseMoved { lot: LotId, phase: u8, ends_at: Timestamp },
    19 = CallUncrossed { lot: LotId, outcome: Outcome, trade: Option<u64> },
    20 = OrderShown { lot: LotId, number: u64, side: Side, price: Price, open: Quantity },
    21 = OrderReduced { lot: LotId, number: u64, open: Quantity },
    22 = OrderGone { lot: LotId, number: u64 },
    23 = Traded {
        lot: LotId, number: u64, price: Price, quantity: Quantity, resting: u64, aggressor: Side,
    },
    24 = Interrupted { lot: LotId, price: Price, corridor: CorridorKind },
    25 = DayHalted { lot: LotId, cause: DayHaltCause },
    26 = MarketHalted,
    27 = MarketResumed,
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
    16 = DayOrderAccepted { lot: LotId, trader: UserId, order: OrderId, content: DayOrder },
    17 = DayOrderReplaced {
        lot: LotId, trader: UserId, order: OrderId, quantity: Quantity, limit: Option<Price>, keeps_place: bool,
    },
    18 = DayOrderParked { lot: LotId, trader: UserId, order: OrderId, open: Quantity },
    19 = DayOrderRests { lot: LotId, trader: UserId, order: OrderId, open: Quantity },
    20 = DayOrderFilled {
        lot: LotId, trader: UserId, order: OrderId, trade: u64, price: Price, quantity: Quantity, role: FillRole, left: u64,
    },
    21 = DayOrdersDecremented {
        lot: LotId, trader: UserId, resting: OrderId, incoming: OrderId, quantity: Quantity, resting_left: u64,
        incoming_left: u64,
    },
    22 = DayOrderLapsed { lot: LotId, trader: UserId, order: OrderId, quantity: Quantity, because: LapseReason },
    23 = OrderKept { lot: LotId, trader: UserId, order: OrderId },
    24 = AllCancelled { trader: UserId, lot: Option<LotId>, cancelled: u32, kept: u32, more: bool },
    25 = LimitsSet { trader: Option<UserId>, limits: Option<TraderLimits> },
    26 = AccessSet { user: UserId, access: Access },
});
