//! Messages whose bytes and JSON are kept for ever, each under a name.

#[path = "signed.rs"]
pub mod signed;
#[path = "device.rs"]
pub mod device;
#[path = "peers.rs"]
pub mod peers;
#[path = "activity.rs"]
pub mod activity;
#[path = "lots.rs"]
pub mod lots;
#[path = "accounts.rs"]
pub mod accounts;
#[path = "day.rs"]
pub mod day;

use auction_core::clearing::call::Cross;
use auction_core::{
    AccountEvent, AccountMode, AllocatedBy, Amount, Asset, BidAccepted, BidReply, Book, BookDepth,
    BookShown, CallBook, CallTerms, Candidates, Collar, Digest, DutchBook, DutchTerms,
    EndCommitment, EnglishBook, EnglishTerms, ExtensionCause, FeedSequence, Indicative, LadderStep,
    Listing, Lot, LotId, LotOpened, MarginalPriority, MarketId, Name, NoCrossBecause, OpenedBid,
    OrderId, OrderState, Outcome, OwnOrder, Phase, Price, Profit, PublicEvent, Quantity, Quote,
    RandomEnd, Reject, Reply, RequestId, ReserveStatus, Role, SealedBook, SealedPricing,
    SealedTerms, SecurityCode, SessionId, Side, SoftClose, SoftCloseMode, SoldBy, Span,
    StandingLead, StandingOrder, Steps, Stock, Symbol, Taken, Term, Terms, Timestamp, UniformBook,
    UniformPricing, UniformTerms, UnsoldBecause, UserId, WinningThreshold,
};
use auction_proto::{
    Accepted, Account, AccountEntry, AccountFeed, Balance, Bid, BidMaximum, CancelLot, CancelOrder,
    ClientMessage, CloseLot, CloseSession, Code, DeadManOf, Deposit, Done, ExtendLot, Feed,
    FeedEntry, FilteredFeed, Follows, GetBalance, GetHistory, GetLeastWinning, GetOrders,
    GetSnapshot, Goodbye, HaltLot, Heartbeat, Hello, History, HistoryBid, List, ListSessions,
    ListedHolding, ListedSession, LoggedIn, Login, Logout, OpenLot, Orders, Ping, PlaceOrder, Pong,
    PublishProfit, Refused, Register, ReinstateUser, ReplaceOrder, Resume, ResumeLot, ResumePoint,
    Resumed, Resync, ResyncBecause, Secret, ServerMessage, Sessions, SetDeadMan, SnapshotPart,
    SnapshotUser, SuspendUser, Text, Token, Watch, WatchAccount, WatchSymbols, Welcome, Withdraw,
};

pub const MARKET: MarketId = MarketId([
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
]);

/// 2026-11-22 13:00 UTC.
pub fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_795_352_400 + secs)
}

pub fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

pub fn listing() -> Listing {
    Listing {
        symbol: symbol("AAPL"),
        security: SecurityCode::parse("01954").unwrap(),
        price: price("1.30"),
        profit: Profit::parse("-12.5").unwrap(),
    }
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).unwrap()
}

pub fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

pub fn cash(text: &str) -> Asset {
    Asset::Cash(amount(text))
}

pub fn shares(shares: u64) -> Asset {
    Asset::Shares {
        symbol: symbol("AAPL"),
        quantity: Quantity::new(shares).unwrap(),
    }
}

fn secret() -> Secret {
    Secret::new("correct horse".into()).unwrap()
}

/// Name, request number, message.
pub fn client() -> Vec<(&'static str, RequestId, ClientMessage)> {
    let (lot, closes_at) = (LotId(3), at(300));
    let hello = Hello {
        version_min: 1,
        version_max: 1,
        client: text("auction/0.1.0"),
    };
    let resume = ResumePoint {
        market: MARKET,
        feed_sequence: FeedSequence(1_000),
    };
    let banded = Terms::English(EnglishTerms {
        steps: Steps::banded(),
        buy_now: Some(price("50")),
        soft_close: SoftClose {
            mode: SoftCloseMode::Reset,
            extend_within: Span::from_secs(30),
            extend_by: Span::from_secs(60),
            extensions_max: Some(5),
        },
    });
    let messages: Vec<(_, ClientMessage)> = vec![
        ("hello", hello.into()),
        (
            "register",
            Register {
                name: name("mia"),
                password: secret(),
            }
            .into(),
        ),
        (
            "login",
            Login {
                name: name("mia"),
                password: secret(),
            }
            .into(),
        ),
        (
            "resume",
            Resume {
                token: Token::new([0xab; 32]),
            }
            .into(),
        ),
        ("logout", Logout {}.into()),
        ("list_sessions", ListSessions {}.into()),
        (
            "close_session",
            CloseSession {
                session: SessionId(300),
            }
            .into(),
        ),
        (
            "bid",
            Bid {
                lot,
                price: price("1.40"),
            }
            .into(),
        ),
        (
            "bid_greatest",
            Bid {
                lot: LotId(u32::MAX),
                price: Price::MAX,
            }
            .into(),
        ),
        (
            "bid_maximum",
            BidMaximum {
                lot,
                maximum: price("12.50"),
            }
            .into(),
        ),
        (
            "publish_profit",
            PublishProfit {
                symbol: symbol("BRK.B"),
                security: SecurityCode::parse("00091").unwrap(),
                profit: Profit::parse("-0.0001").unwrap(),
            }
            .into(),
        ),
        (
            "open_lot",
            OpenLot {
                symbol: symbol("AAPL"),
                quantity: Quantity::ONE,
                opens_at: None,
                closes_at,
                terms: Terms::English(EnglishTerms::default()),
                reserve: None,
            }
            .into(),
        ),
        (
            "open_lot_with_all_terms",
            OpenLot {
                symbol: symbol("AAPL"),
                quantity: Quantity::new(1_000_000).unwrap(),
                opens_at: None,
                closes_at,
                terms: banded,
                reserve: Some(price("20")),
            }
            .into(),
        ),
        ("extend_lot", ExtendLot { lot, closes_at }.into()),
        ("watch", Watch { resume: None }.into()),
        (
            "watch_from",
            Watch {
                resume: Some(resume),
            }
            .into(),
        ),
        ("get_snapshot", GetSnapshot {}.into()),
        ("get_history", GetHistory { lot, limit: 50 }.into()),
        ("ping", Ping { client_time: at(0) }.into()),
        (
            "watch_symbols",
            WatchSymbols {
                symbols: vec![symbol("AAPL"), symbol("BRK.B")].try_into().unwrap(),
                resume: None,
            }
            .into(),
        ),
        (
            "open_dutch_lot",
            scheduled(Terms::Dutch(DutchTerms {
                start: price("100"),
                step: price("1"),
                interval: Span::from_secs(10),
                floor: price("50"),
            }))
            .into(),
        ),
        (
            "open_sealed_lot",
            scheduled(Terms::Sealed(SealedTerms {
                pricing: SealedPricing::SecondPrice,
            }))
            .into(),
        ),
        (
            "open_uniform_lot",
            scheduled(Terms::Uniform(UniformTerms {
                pricing: UniformPricing::PayAsBid,
                priority: MarginalPriority::ProRata,
                bids_max: 10,
            }))
            .into(),
        ),
        ("close_lot", CloseLot { lot }.into()),
        ("cancel_lot", CancelLot { lot }.into()),
        ("halt_lot", HaltLot { lot }.into()),
        ("resume_lot", ResumeLot { lot }.into()),
        ("suspend_user", SuspendUser { user: UserId(2) }.into()),
        ("reinstate_user", ReinstateUser { user: UserId(2) }.into()),
        (
            "place_order",
            PlaceOrder {
                lot,
                side: Side::Buy,
                quantity: Quantity::new(500).unwrap(),
                limit: Some(price("12.50")),
            }
            .into(),
        ),
        (
            "place_order_without_limit",
            PlaceOrder {
                lot,
                side: Side::Sell,
                quantity: Quantity::new(500).unwrap(),
                limit: None,
            }
            .into(),
        ),
        (
            "replace_order",
            ReplaceOrder {
                lot,
                order: OrderId(2),
                quantity: Quantity::new(400).unwrap(),
                limit: Some(price("12.60")),
            }
            .into(),
        ),
        (
            "cancel_order",
            CancelOrder {
                lot,
                order: OrderId(2),
            }
            .into(),
        ),
        ("get_least_winning", GetLeastWinning { lot }.into()),
        ("watch_account", WatchAccount {}.into()),
        (
            "set_dead_man",
            SetDeadMan {
                grace: Some(Span::from_secs(10)),
            }
            .into(),
        ),
        ("clear_dead_man", SetDeadMan { grace: None }.into()),
        (
            "deposit",
            Deposit {
                user: UserId(2),
                asset: cash("1000.00"),
            }
            .into(),
        ),
        (
            "deposit_shares",
            Deposit {
                user: UserId(2),
                asset: shares(500),
            }
            .into(),
        ),
        (
            "withdraw",
            Withdraw {
                user: UserId(2),
                asset: cash("12.5"),
            }
            .into(),
        ),
        (
            "get_balance",
            GetBalance {
                user: None,
                after: None,
            }
            .into(),
        ),
        (
            "get_balance_of",
            GetBalance {
                user: Some(UserId(2)),
                after: Some(symbol("AAPL")),
            }
            .into(),
        ),
        ("open_call_lot", scheduled(Terms::Call(call_terms())).into()),
        ("get_orders", GetOrders { lot }.into()),
    ];
    (1..)
        .zip(
            messages
                .into_iter()
                .chain(signed::client())
                .chain(device::client()),
        )
        .map(|(request, (name, message))| (name, RequestId(request), message))
        .chain(peers::client())
        .chain(activity::client())
        .chain(lots::client())
        .chain(accounts::client())
        .chain(day::client())
        .collect()
}

fn scheduled(terms: Terms) -> OpenLot {
    OpenLot {
        symbol: symbol("AAPL"),
        quantity: Quantity::new(100).unwrap(),
        opens_at: Some(at(60)),
        closes_at: at(300),
        terms,
        reserve: None,
    }
}

/// Name, request number, message.
pub fn server() -> Vec<(&'static str, RequestId, ServerMessage)> {
    let answers = [
        connection(),
        sessions(),
        accepted(),
        refused(),
        history(),
        orders(),
        opened(),
        balance(),
        signed::answers(),
        device::answers(),
    ]
    .concat();
    let answers = (1..)
        .zip(answers)
        .map(|(request, (name, message))| (name, RequestId(request), message));
    let unasked = feed()
        .into_iter()
        .chain(indicatives())
        .chain(signed::feed())
        .map(|(name, message)| (name, RequestId(0), message));
    answers
        .chain(unasked)
        .chain(peers::answers())
        .chain(activity::answers())
        .chain(lots::answers())
        .chain(day::answers())
        .collect()
}

type Named = (&'static str, ServerMessage);

fn connection() -> Vec<Named> {
    let welcome = Welcome {
        version: 1,
        market: MARKET,
        term: Term(1),
        time: at(0),
        server: text("auction-server/0.1.0"),
        heartbeat_ms: 5_000,
    };
    let pong = Pong {
        client_time: at(0),
        server_time: at(1),
    };
    vec![
        ("welcome", welcome.into()),
        ("pong", pong.into()),
        (
            "resumed",
            Resumed {
                feed_sequence: FeedSequence(1_000),
            }
            .into(),
        ),
    ]
}

fn sessions() -> Vec<Named> {
    let logged_in = |token, role, last_request| LoggedIn {
        session: SessionId(300),
        token,
        user: UserId(2),
        name: name("mia"),
        role,
        last_request: RequestId(last_request),
        expires_at: at(86_400),
    };
    let listed = |session, current| ListedSession {
        session: SessionId(session),
        opened_at: at(0),
        expires_at: at(86_400),
        current,
    };
    let sessions = vec![listed(299, false), listed(300, true)]
        .try_into()
        .unwrap();
    let token = Some(Token::new([0xab; 32]));
    vec![
        ("logged_in", logged_in(token, Role::Trader, 0).into()),
        (
            "logged_in_again",
            logged_in(None, Role::Company(symbol("AAPL")), 41).into(),
        ),
        ("sessions", Sessions { sessions }.into()),
    ]
}

fn accepted() -> Vec<Named> {
    let accepted = |done, reply| Accepted {
        feed_sequence: FeedSequence(1_001),
        done,
        reply,
    };
    let bid = BidReply {
        lot: LotId(3),
        leads: true,
        price: Some(price("1.40")),
        extended_to: None,
        bought: false,
    };
    let late = BidReply {
        leads: false,
        extended_to: Some(at(360)),
        ..bid
    };
    let raised = BidReply { price: None, ..bid };
    let bought = BidReply {
        bought: true,
        ..bid
    };
    vec![
        ("accepted_done", accepted(Done::Now, Reply::Done).into()),
        (
            "accepted_registered",
            accepted(Done::Now, Reply::Registered(UserId(2))).into(),
        ),
        (
            "accepted_session",
            accepted(Done::Now, Reply::SessionOpened(SessionId(300))).into(),
        ),
        (
            "accepted_lot",
            accepted(Done::Now, Reply::LotOpened(LotId(3))).into(),
        ),
        ("accepted_bid", accepted(Done::Now, Reply::Bid(bid)).into()),
        (
            "accepted_bid_before",
            accepted(Done::Before, Reply::Bid(late)).into(),
        ),
        (
            "accepted_raise",
            accepted(Done::Now, Reply::Bid(raised)).into(),
        ),
        (
            "accepted_buy",
            accepted(Done::Now, Reply::Bid(bought)).into(),
        ),
    ]
}

fn refused() -> Vec<Named> {
    let too_low = Refused::from(Reject::BidTooLow {
        least: price("1.41"),
    });
    let closed = Refused::from(Reject::LotClosed {
        lot: LotId(3),
        closed_at: at(300),
    });
    let security = listing().security;
    let wrong = Refused::from(Reject::WrongSecurity {
        symbol: symbol("AAPL"),
        security,
    });
    vec![
        ("refused_bid_too_low", too_low.into()),
        ("refused_lot_closed", closed.into()),
        ("refused_wrong_security", wrong.into()),
        (
            "refused_not_logged_in",
            Refused::new(Code::NOT_LOGGED_IN, "log in first").into(),
        ),
        (
            "refused_unknown_code",
            Refused::new(Code(1_999), "of a later version").into(),
        ),
    ]
}

fn history() -> Vec<Named> {
    let bid = |feed_sequence, secs, amount: Option<&str>, shown| HistoryBid {
        feed_sequence: FeedSequence(feed_sequence),
        at: at(secs),
        bidder: UserId(2),
        amount: amount.map(price),
        price: price(shown),
        leader: UserId(1),
    };
    let bids = vec![bid(17, 5, Some("1.40"), "1.40"), bid(18, 6, None, "1.50")];
    let history = History {
        lot: LotId(3),
        total: 4,
        bids: bids.try_into().unwrap(),
        opened: Vec::new().try_into().unwrap(),
    };
    let part = |index, follows, users, stocks, lots| SnapshotPart {
        market: MARKET,
        index,
        follows,
        feed_sequence: FeedSequence(1_000),
        at: at(0),
        accounts: AccountMode::Funds,
        users: Vec::try_into(users).unwrap(),
        stocks: Vec::try_into(stocks).unwrap(),
        lots: Vec::try_into(lots).unwrap(),
    };
    let user = |user, text, role| SnapshotUser {
        user: UserId(user),
        name: name(text),
        role,
    };
    let users = vec![
        user(1, "apple", Role::Company(symbol("AAPL"))),
        user(2, "mia", Role::Trader),
        user(3, "gavel", Role::Auctioneer),
    ];
    let stock = Stock {
        listing: listing(),
        profit: Profit::parse("9800").unwrap(),
        last_uncross: Some(price("1.35")),
    };
    let whole = part(0, Follows::Nothing, users, vec![stock], lots());
    let empty = part(0, Follows::More, vec![], vec![], vec![]);
    vec![
        ("history", history.into()),
        ("snapshot_part", whole.into()),
        ("snapshot_part_empty", empty.into()),
    ]
}

fn orders() -> Vec<Named> {
    let least = |least| auction_proto::LeastWinning {
        lot: LotId(3),
        least,
    };
    vec![
        (
            "accepted_order",
            Accepted {
                feed_sequence: FeedSequence(1_001),
                done: Done::Now,
                reply: Reply::OrderPlaced(OrderId(2)),
            }
            .into(),
        ),
        (
            "least_winning",
            least(WinningThreshold::Bid(price("1.41"))).into(),
        ),
        (
            "least_winning_at_least",
            least(WinningThreshold::AtLeast(price("1.41"))).into(),
        ),
        (
            "least_winning_nothing",
            least(WinningThreshold::Nothing).into(),
        ),
        ("account", account().into()),
        ("account_feed", account_feed().into()),
        ("orders", own_orders().into()),
    ]
}

fn call_terms() -> CallTerms {
    CallTerms {
        tick: price("0.05"),
        book: BookShown::Open,
        collar: Some(Collar {
            absolute: price("0.50"),
            basis_points: 1_000,
        }),
        extensions_max: 2,
        market_extension: true,
        extend_by: Span::from_secs(60),
        random_end: Span::from_secs(15),
        no_cancel: Some(Span::from_secs(30)),
    }
}

fn own_orders() -> Orders {
    let order = |order, side, limit: Option<&str>, state| OwnOrder {
        order: OrderId(order),
        side,
        quantity: Quantity::new(500).unwrap(),
        limit: limit.map(price),
        state,
    };
    let closed = |filled, price| OrderState::Closed { filled, price };
    Orders {
        lot: LotId(3),
        orders: vec![
            order(1, Side::Buy, Some("12.50"), OrderState::Live),
            order(2, Side::Sell, None, closed(400, Some(price("12.40")))),
            order(4, Side::Buy, Some("12.30"), closed(0, None)),
        ]
        .try_into()
        .unwrap(),
    }
}

fn quote(limit: &str, quantity: u64) -> Quote {
    Quote {
        price: price(limit),
        quantity,
    }
}

fn crossed() -> Outcome {
    Outcome::Crossed {
        price: price("12.40"),
        volume: 900,
        surplus: -100,
        by: LadderStep::Surplus,
        candidates: Some(Candidates {
            lowest: price("12.35"),
            highest: price("12.40"),
        }),
        traders: 7,
    }
}

fn no_cross() -> Outcome {
    Outcome::NoCross {
        because: NoCrossBecause::NothingCrosses,
        best_buy: Some(quote("12.30", 500)),
        best_sell: None,
    }
}

pub fn random_end() -> RandomEnd {
    RandomEnd {
        before_close: Span::from_micros(12_345_678).unwrap(),
        salt: [0x77; 16],
    }
}

/// Messages without a place in the feed's sequence.
fn indicatives() -> Vec<Named> {
    let indicative = |indicative, depth| auction_proto::Indicative {
        lot: LotId(3),
        at: at(7),
        indicative,
        depth,
    };
    let cross = Indicative::Cross(Cross {
        price: price("12.40"),
        volume: 900,
        surplus: -100,
        decided_by: LadderStep::Surplus,
    });
    let depth = BookDepth {
        market_buy: 0,
        market_sell: 500,
        buys: vec![quote("12.50", 900), quote("12.30", 500)],
        sells: vec![quote("12.35", 500)],
    };
    let apart = Indicative::NoCross {
        best_buy: Some(quote("12.30", 500)),
        best_sell: None,
    };
    vec![
        ("indicative", indicative(cross, None).into()),
        (
            "indicative_of_open_book",
            indicative(cross, Some(depth)).into(),
        ),
        ("indicative_no_cross", indicative(apart, None).into()),
    ]
}

fn account() -> Account {
    Account {
        index: 0,
        follows: Follows::Nothing,
        dead_men: List::new(vec![DeadManOf {
            session: SessionId(7),
            grace: Span::from_secs(10),
        }])
        .unwrap(),
        leads: List::new(vec![StandingLead {
            lot: LotId(3),
            offer: price("1.40"),
        }])
        .unwrap(),
        orders: List::new(vec![standing_order()]).unwrap(),
    }
}

fn standing_order() -> StandingOrder {
    StandingOrder {
        lot: LotId(4),
        order: OrderId(1),
        side: Side::Buy,
        quantity: Quantity::new(500).unwrap(),
        limit: Some(price("12.50")),
    }
}

/// Every event, in the order of their numbers.
fn account_feed() -> AccountFeed {
    let (lot, order, session) = (LotId(4), OrderId(1), SessionId(7));
    let (quantity, limit) = (Quantity::new(400).unwrap(), Some(price("12.60")));
    let events = [
        AccountEvent::OrderPlaced(standing_order()),
        AccountEvent::OrderReplaced {
            lot,
            order,
            quantity,
            limit,
        },
        AccountEvent::OrderCancelled { lot, order },
        AccountEvent::Leads(StandingLead {
            lot: LotId(3),
            offer: price("1.40"),
        }),
        AccountEvent::Outbid {
            lot: LotId(3),
            price: price("1.41"),
        },
        AccountEvent::OrderFilled {
            lot,
            order,
            filled: 300,
            pays: limit,
        },
        AccountEvent::OrderLapsed { lot, order },
        AccountEvent::Won {
            lot: LotId(3),
            price: price("1.40"),
        },
        AccountEvent::Unsold { lot: LotId(3) },
        AccountEvent::DeadManSet {
            session,
            grace: Some(Span::from_secs(10)),
        },
        AccountEvent::DeadManFired { session },
        AccountEvent::SessionOpened { session },
        AccountEvent::SessionClosed { session },
        AccountEvent::Suspended,
        AccountEvent::Reinstated,
        AccountEvent::Deposited {
            asset: cash("1000"),
        },
        AccountEvent::Withdrawn { asset: shares(500) },
    ];
    let entries = events.map(|event| AccountEntry { at: at(7), event });
    AccountFeed {
        entries: List::new(entries.into()).unwrap(),
    }
}

fn balance() -> Vec<Named> {
    let holding = ListedHolding {
        symbol: symbol("AAPL"),
        shares: 500,
        reserved: 120,
    };
    let balance = Balance {
        user: UserId(2),
        cash: amount("1000"),
        reserved: amount("140.0001"),
        holdings: vec![holding].try_into().unwrap(),
        follows: Follows::Nothing,
    };
    let funds = Refused::from(Reject::InsufficientFunds {
        needed: amount("1400"),
        available: amount("859.9999"),
    });
    let shares = Refused::from(Reject::InsufficientShares {
        symbol: symbol("AAPL"),
        needed: 500,
        available: 380,
    });
    vec![
        ("balance", balance.into()),
        ("refused_insufficient_funds", funds.into()),
        ("refused_insufficient_shares", shares.into()),
    ]
}

/// Open without a bid, open with bids, sold, unsold.
fn lots() -> Vec<Lot> {
    let lot = |id, phase, price: Option<&str>, reserve| Lot {
        id: LotId(id),
        symbol: symbol("AAPL"),
        quantity: Quantity::ONE,
        base_price: self::price("1.30"),
        opened_at: at(0),
        closes_at: at(300),
        extensions: 1,
        terms: Terms::English(EnglishTerms::default()),
        phase,
        halted_since: None,
        book: Book::English(EnglishBook {
            price: price.map(self::price),
            leader: price.map(|_| UserId(2)),
            least: Some(self::price("1.41")),
            bids: 2,
            bidders: 1,
            reserve,
        }),
    };
    let closed = |outcome| Phase::Closed {
        at: at(300),
        outcome,
    };
    vec![
        lot(1, Phase::Open, None, ReserveStatus::None),
        lot(2, Phase::Open, Some("1.40"), ReserveStatus::NotMet),
        lot(3, closed(sold()), Some("1.40"), ReserveStatus::Met),
        lot(4, closed(unsold()), None, ReserveStatus::None),
        Lot {
            terms: Terms::Dutch(DutchTerms {
                start: price("100"),
                step: price("1"),
                interval: Span::from_secs(10),
                floor: price("50"),
            }),
            book: Book::Dutch(DutchBook {
                taken: Some(Taken {
                    bidder: UserId(2),
                    price: price("98"),
                }),
            }),
            ..lot(5, closed(taken()), None, ReserveStatus::None)
        },
        Lot {
            terms: Terms::Sealed(SealedTerms {
                pricing: SealedPricing::FirstPrice,
            }),
            halted_since: Some(at(5)),
            book: Book::Sealed(SealedBook {
                bidders: 2,
                has_reserve: true,
            }),
            ..lot(6, Phase::Open, None, ReserveStatus::None)
        },
        Lot {
            terms: Terms::Uniform(UniformTerms {
                pricing: UniformPricing::Uniform,
                priority: MarginalPriority::Time,
                bids_max: 10,
            }),
            book: Book::Uniform(UniformBook {
                bidders: 0,
                has_reserve: false,
            }),
            ..lot(7, Phase::Scheduled, None, ReserveStatus::None)
        },
        Lot {
            terms: Terms::Call(call_terms()),
            book: Book::Call(CallBook {
                traders: 7,
                reference: Some(price("12.35")),
                market_extended: true,
                end: Some(EndCommitment([0xce; 32])),
            }),
            ..lot(8, Phase::Open, None, ReserveStatus::None)
        },
        Lot {
            terms: Terms::Call(CallTerms::default()),
            book: Book::Call(CallBook::default()),
            ..lot(9, closed(crossed()), None, ReserveStatus::None)
        },
    ]
}

fn sold() -> Outcome {
    Outcome::Sold {
        winner: UserId(2),
        price: price("1.40"),
        by: SoldBy::HighestBid,
        runner_up: Some(price("1.35")),
    }
}

fn taken() -> Outcome {
    Outcome::Sold {
        winner: UserId(2),
        price: price("98"),
        by: SoldBy::FirstTake,
        runner_up: None,
    }
}

pub fn allocated() -> Outcome {
    Outcome::Allocated {
        sold: 1_000_000,
        buyers: 3,
        lowest: price("0.0006"),
        by: AllocatedBy::Time,
        highest_rejected: Some(price("0.0005")),
    }
}

fn unsold() -> Outcome {
    Outcome::Unsold {
        because: UnsoldBecause::NoBids,
        highest: None,
    }
}

fn feed() -> Vec<Named> {
    let feed = |event| {
        let entry = FeedEntry { at: at(7), event };
        let feed = Feed::of_commit(MARKET, Term(1), FeedSequence(1_000), [entry]);
        ServerMessage::from(feed[0].clone())
    };
    let heartbeat = Heartbeat {
        time: at(5),
        feed_sequence: FeedSequence(1_000),
        digest: Digest([0xcd; 32]),
    };
    let goodbye = Goodbye {
        code: Code::SHUTTING_DOWN,
        message: text("the server is ending; come back"),
    };
    let registered = PublicEvent::UserRegistered {
        user: UserId(2),
        name: name("mia"),
        role: Role::Trader,
    };
    let profit = PublicEvent::ProfitPublished {
        symbol: symbol("AAPL"),
        profit: Profit::parse("9800").unwrap(),
    };
    let lot = LotId(3);
    let extended_by = |cause| PublicEvent::LotExtended {
        lot,
        closes_at: at(360),
        cause,
    };
    let moved = extended_by(ExtensionCause::Ordered);
    let closed = |outcome| PublicEvent::LotClosed { lot, outcome };
    let bought = Outcome::Sold {
        winner: UserId(2),
        price: price("50"),
        by: SoldBy::BuyNow,
        runner_up: None,
    };
    let not_met = Outcome::Unsold {
        because: UnsoldBecause::ReserveNotMet,
        highest: Some(price("1.40")),
    };
    let filtered = FilteredFeed {
        market: MARKET,
        term: Term(1),
        after: FeedSequence(1_000),
        through: FeedSequence(1_005),
        entries: vec![FeedEntry {
            at: at(7),
            event: PublicEvent::BidAccepted(bid_accepted(Some("1.40"))),
        }]
        .try_into()
        .unwrap(),
    };
    vec![
        ("heartbeat", heartbeat.into()),
        ("goodbye", goodbye.into()),
        (
            "feed_stock_listed",
            feed(PublicEvent::StockListed(listing())),
        ),
        ("feed_user_registered", feed(registered)),
        (
            "feed_lot_opened",
            feed(PublicEvent::LotOpened(Box::new(lot_opened()))),
        ),
        (
            "feed_bid",
            feed(PublicEvent::BidAccepted(bid_accepted(Some("1.40")))),
        ),
        (
            "feed_bid_hidden",
            feed(PublicEvent::BidAccepted(bid_accepted(None))),
        ),
        (
            "feed_lot_extended",
            feed(extended_by(ExtensionCause::SoftClose)),
        ),
        ("feed_lot_moved", feed(moved)),
        ("feed_lot_sold", feed(closed(sold()))),
        ("feed_lot_bought", feed(closed(bought))),
        ("feed_lot_unsold", feed(closed(unsold()))),
        ("feed_lot_reserve_not_met", feed(closed(not_met))),
        ("feed_profit_published", feed(profit)),
        ("feed_lot_began", feed(PublicEvent::LotBegan { lot })),
        ("feed_lot_halted", feed(PublicEvent::LotHalted { lot })),
        (
            "feed_lot_resumed",
            feed(PublicEvent::LotResumed {
                lot,
                opened_at: at(40),
                closes_at: at(340),
            }),
        ),
        (
            "feed_bidders_counted",
            feed(PublicEvent::BiddersCounted { lot, bidders: 2 }),
        ),
        ("feed_bids_opened", feed(bids_opened())),
        ("feed_lot_taken", feed(closed(taken()))),
        ("feed_lot_allocated", feed(closed(allocated()))),
        (
            "feed_accounts_set",
            feed(PublicEvent::AccountsSet {
                mode: AccountMode::Funds,
            }),
        ),
        ("feed_lot_crossed", feed(closed(crossed()))),
        ("feed_lot_no_cross", feed(closed(no_cross()))),
        (
            "feed_reference_fixed",
            feed(PublicEvent::ReferenceFixed {
                lot,
                reference: price("12.35"),
            }),
        ),
        (
            "feed_end_committed",
            feed(PublicEvent::EndCommitted {
                lot,
                commitment: random_end().commitment(lot),
            }),
        ),
        (
            "feed_end_opened",
            feed(PublicEvent::EndOpened {
                lot,
                end: random_end(),
            }),
        ),
        (
            "feed_lot_extended_for_volatility",
            feed(extended_by(ExtensionCause::Volatility)),
        ),
        (
            "feed_lot_extended_for_market_orders",
            feed(extended_by(ExtensionCause::MarketOrders)),
        ),
        ("filtered_feed", filtered.into()),
        (
            "resync",
            Resync {
                because: ResyncBecause::TooLongAgo,
            }
            .into(),
        ),
    ]
}

pub fn lot_opened() -> LotOpened {
    LotOpened {
        lot: LotId(3),
        symbol: symbol("AAPL"),
        quantity: Quantity::ONE,
        base_price: price("1.30"),
        opens_at: None,
        closes_at: at(300),
        terms: Terms::English(EnglishTerms::default()),
        has_reserve: true,
    }
}

pub fn bids_opened() -> PublicEvent {
    let bid = |bidder, order, offered, filled, pays: Option<&str>| OpenedBid {
        bidder: UserId(bidder),
        order: OrderId(order),
        price: price(offered),
        quantity: Quantity::new(500).unwrap(),
        filled,
        pays: pays.map(price),
    };
    PublicEvent::BidsOpened {
        lot: LotId(3),
        bids: vec![
            bid(2, 1, "12.50", 500, Some("12.50")),
            bid(4, 3, "9.00", 0, None),
        ],
    }
}

pub fn bid_accepted(amount: Option<&str>) -> BidAccepted {
    BidAccepted {
        lot: LotId(3),
        bidder: UserId(2),
        amount: amount.map(price),
        leader: UserId(2),
        price: price("1.40"),
        least: Some(price("1.41")),
        bidders: 2,
        reserve: ReserveStatus::NotMet,
    }
}

fn opened() -> Vec<Named> {
    let opened = |bidder, quantity, filled, pays: Option<&str>| OpenedBid {
        bidder: UserId(bidder),
        order: OrderId(1),
        price: price("12"),
        quantity: Quantity::new(quantity).unwrap(),
        filled,
        pays: pays.map(price),
    };
    let opened = vec![opened(1, 60, 60, Some("10")), opened(2, 50, 0, None)];
    let opened_history = History {
        lot: LotId(4),
        total: 2,
        bids: Vec::new().try_into().unwrap(),
        opened: opened.try_into().unwrap(),
    };
    vec![("history_opened", opened_history.into())]
}
