//! Commands and their actors, as the journal stores them. No message contains one: each request of a client is a
//! message of its own.

use alloc::boxed::Box;

use auction_core::{
    Access, AccountMode, Actor, Asset, Command, CredentialChange, DayOrder, Listing, LotId,
    NewDevice, NewSession, OpenLot, OrderId, Price, Profit, Quantity, Registration, SecurityCode,
    Seed, SessionId, Side, Span, Symbol, Timestamp, TraderLimits, UserId,
};

form!(enum ActorForm: Actor = "auction_core::Actor" {
    0 = Clock,
    1 = Operator,
    2 = User(UserId),
});

form!(enum CommandForm: Command = "auction_core::Command" {
    0 = ListStock(Listing),
    1 = OpenLot(Box<OpenLot>),
    2 = ExtendLot { lot: LotId, closes_at: Timestamp },
    3 = CloseDue { lot: LotId },
    4 = Register(Box<Registration>),
    5 = OpenSession(Box<NewSession>),
    6 = CloseSession { session: SessionId },
    7 = Bid { lot: LotId, price: Price },
    8 = BidMaximum { lot: LotId, maximum: Price },
    9 = PublishProfit { symbol: Symbol, security: SecurityCode, profit: Profit },
    10 = OpenDue { lot: LotId },
    11 = CloseLot { lot: LotId },
    12 = CancelLot { lot: LotId },
    13 = HaltLot { lot: LotId },
    14 = ResumeLot { lot: LotId },
    15 = SuspendUser { user: UserId },
    16 = ReinstateUser { user: UserId },
    17 = PlaceOrder { lot: LotId, side: Side, quantity: Quantity, limit: Option<Price> },
    18 = ReplaceOrder { lot: LotId, order: OrderId, quantity: Quantity, limit: Option<Price> },
    19 = CancelOrder { lot: LotId, order: OrderId },
    20 = SetDeadMan { session: SessionId, grace: Option<Span> },
    21 = SetAccounts { mode: AccountMode },
    22 = Deposit { user: UserId, asset: Asset },
    23 = Withdraw { user: UserId, asset: Asset },
    24 = DrawEnd { lot: LotId, seed: Seed },
    25 = AddDevice(Box<NewDevice>),
    26 = PlaceDayOrder { lot: LotId, order: DayOrder },
    27 = ReplaceDayOrder {
        lot: LotId, order: OrderId, quantity: Quantity, limit: Option<Price>, believed: Option<Quantity>,
    },
    28 = CancelAll { trader: Option<UserId>, lot: Option<LotId> },
    29 = MovePhase { lot: LotId, phase: u8, ends_at: Timestamp },
    30 = HaltAll,
    31 = ResumeAll,
    32 = SetLimits { trader: Option<UserId>, limits: Option<TraderLimits> },
    33 = SetCredential(Box<CredentialChange>),
    34 = SetAccess { user: UserId, access: Access },
});
