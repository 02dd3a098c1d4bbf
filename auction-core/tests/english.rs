//! The English auction's worked cases, according to the rules.

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Event, Executed, Listing, LotId, MarketId,
    Name, OpenLot, Outcome, Price, Profit, PublicEvent, Quantity, Registration, Reject, Role,
    SecurityCode, SoftClose, SoftCloseMode, SoldBy, Span, Steps, Symbol, Terms, Timestamp, UserId,
};

const A: UserId = UserId(1);
const B: UserId = UserId(2);
const C: UserId = UserId(3);
const D: UserId = UserId(4);
const LOT: LotId = LotId(1);

struct Table {
    engine: Engine,
}

/// Terms of a lot whose first least bid is `first`.
struct Setup {
    first: &'static str,
    step: &'static str,
    reserve: Option<&'static str>,
    buy_now: Option<&'static str>,
    soft_close: SoftClose,
    quantity: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            first: "10",
            step: "1",
            reserve: None,
            buy_now: None,
            soft_close: SoftClose::default(),
            quantity: 1,
        }
    }
}

impl Table {
    fn new(setup: Setup) -> Self {
        let mut engine = Engine::new(MarketId([7; 16]));
        let start = Timestamp::from_secs(0);
        let base = price(setup.first).units() - price(setup.step).units();
        let symbol = Symbol::parse("AAPL").unwrap();
        let listing = Listing {
            symbol,
            security: SecurityCode::parse("01954").unwrap(),
            price: Price::from_units(base).unwrap(),
            profit: Profit::default(),
        };
        let open = OpenLot {
            symbol,
            quantity: Quantity::new(setup.quantity).unwrap(),
            opens_at: None,
            closes_at: Timestamp::from_secs(300),
            terms: Terms::English(EnglishTerms {
                steps: Steps::flat(price(setup.step)).unwrap(),
                buy_now: setup.buy_now.map(price),
                soft_close: setup.soft_close,
            }),
            reserve: setup.reserve.map(price),
        };
        let mut commands = vec![Command::ListStock(listing)];
        commands.extend(["anna", "bert", "cleo", "dora"].map(|name| {
            Command::Register(Box::new(Registration {
                name: Name::parse(name).unwrap(),
                role: Role::Trader,
                credential: Credential::new(b"").unwrap(),
            }))
        }));
        commands.push(Command::OpenLot(Box::new(open)));
        for command in commands {
            engine.execute(start, Caller::Operator, command).unwrap();
        }
        Self { engine }
    }

    fn offer(&mut self, micros: u64, user: UserId, command: Command) -> Result<(), Reject> {
        let now = Timestamp::from_micros(micros).unwrap();
        while self.engine.advance(now, || [7; 32]).is_some() {}
        self.engine
            .execute(now, Caller::User(user), command)
            .map(|_| ())
    }

    fn plain_at(&mut self, micros: u64, user: UserId, amount: &str) -> Result<(), Reject> {
        self.offer(
            micros,
            user,
            Command::Bid {
                lot: LOT,
                price: price(amount),
            },
        )
    }

    fn plain(&mut self, user: UserId, amount: &str) -> Result<(), Reject> {
        self.plain_at(1_000_000, user, amount)
    }

    fn max(&mut self, user: UserId, amount: &str) -> Result<(), Reject> {
        self.offer(
            1_000_000,
            user,
            Command::BidMaximum {
                lot: LOT,
                maximum: price(amount),
            },
        )
    }

    fn stands(&self, leader: UserId, amount: &str) {
        let lot = self.engine.market().lot(LOT).unwrap();
        assert_eq!(
            (lot.leader(), lot.price()),
            (Some(leader), Some(price(amount)))
        );
    }

    fn least(&self) -> Option<Price> {
        self.engine.market().lot(LOT).unwrap().least_bid()
    }

    fn closes_at(&self) -> u64 {
        self.engine.market().lot(LOT).unwrap().closes_at.micros() / 1_000_000
    }
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

#[test]
fn with_two_maxima_the_price_is_one_step_above_the_lower() {
    let mut lot = Table::new(Setup {
        first: "3",
        ..Setup::default()
    });
    lot.max(A, "7").unwrap();
    lot.stands(A, "3");
    lot.max(B, "6").unwrap();
    lot.stands(A, "7");

    let mut lot = Table::new(Setup::default());
    lot.max(A, "11").unwrap();
    lot.stands(A, "10");
    lot.max(B, "11.02").unwrap();
    lot.stands(B, "11.02");

    let mut lot = Table::new(Setup::default());
    lot.max(A, "12.50").unwrap();
    lot.max(B, "15").unwrap();
    lot.stands(B, "13.50");

    let mut lot = Table::new(Setup {
        step: "5",
        ..Setup::default()
    });
    lot.max(A, "100").unwrap();
    lot.max(B, "101").unwrap();
    lot.stands(B, "101");
}

#[test]
fn of_equal_maxima_the_first_leads_at_it() {
    let mut lot = Table::new(Setup {
        first: "100",
        step: "100",
        ..Setup::default()
    });
    lot.max(A, "5000").unwrap();
    lot.max(B, "5000").unwrap();
    lot.stands(A, "5000");
    assert_eq!(lot.least(), Some(price("5100")));
}

#[test]
fn plain_bids_lead_at_their_amount_and_once_beaten_are_maxima() {
    let mut lot = Table::new(Setup::default());
    lot.max(B, "30").unwrap();
    lot.stands(B, "10");
    lot.plain(A, "20").unwrap();
    lot.stands(B, "21");
    lot.plain(C, "30").unwrap();
    lot.stands(B, "30");
    lot.plain(A, "35").unwrap();
    lot.stands(A, "35");
    assert_eq!(
        lot.max(A, "35"),
        Err(Reject::MaximumTooLow {
            least: price("35.0001")
        })
    );
    lot.max(A, "50").unwrap();
    lot.stands(A, "35");
    lot.max(D, "40").unwrap();
    lot.stands(A, "41");
    assert_eq!(lot.plain(A, "45"), Err(Reject::AlreadyLeading));
}

#[test]
fn a_maximum_that_reaches_the_reserve_lifts_the_price_to_it() {
    let mut lot = Table::new(Setup {
        reserve: Some("50"),
        ..Setup::default()
    });
    lot.max(A, "40").unwrap();
    lot.stands(A, "10");
    lot.max(B, "45").unwrap();
    lot.stands(B, "41");
    lot.max(B, "48").unwrap();
    lot.stands(B, "41");
    lot.max(B, "60").unwrap();
    lot.stands(B, "50");
    assert_eq!(
        lot.plain(C, "50.50"),
        Err(Reject::BidTooLow { least: price("51") })
    );
    lot.max(C, "51").unwrap();
    lot.stands(B, "52");
    lot.max(A, "59.50").unwrap();
    lot.stands(B, "60");
    lot.max(A, "61").unwrap();
    lot.stands(A, "61");
}

#[test]
fn a_plain_buy_now_bid_wins_at_once_even_below_the_next_step() {
    let setup = Setup {
        step: "5",
        reserve: Some("50"),
        buy_now: Some("50"),
        ..Setup::default()
    };
    let mut lot = Table::new(setup);
    lot.plain(A, "49").unwrap();
    lot.stands(A, "49");
    assert_eq!(lot.least(), Some(price("50")));
    assert_eq!(
        lot.plain(B, "49.99"),
        Err(Reject::BidTooLow { least: price("50") })
    );
    lot.plain(B, "50").unwrap();
    let outcome = lot.engine.market().lot(LOT).unwrap().outcome();
    let expected = Outcome::Sold {
        winner: B,
        price: price("50"),
        by: SoldBy::BuyNow,
        runner_up: Some(price("49")),
    };
    assert_eq!(outcome, Some(expected));
    assert!(matches!(lot.plain(A, "60"), Err(Reject::LotClosed { .. })));
}

#[test]
fn without_a_reserve_the_first_bid_ends_buy_now() {
    let mut lot = Table::new(Setup {
        buy_now: Some("12"),
        ..Setup::default()
    });
    lot.plain(A, "10").unwrap();
    lot.plain(B, "20").unwrap();
    lot.stands(B, "20");
}

#[test]
fn add_moves_the_close_once_a_bid_comes_within_the_last_minute() {
    let mut lot = Table::new(Setup::default());
    lot.plain_at(239_999_999, A, "10").unwrap();
    assert_eq!(lot.closes_at(), 300);
    lot.plain_at(250_000_000, B, "11").unwrap();
    assert_eq!(lot.closes_at(), 360);
    lot.plain_at(251_000_000, A, "12").unwrap();
    assert_eq!(lot.closes_at(), 360);

    let mut lot = Table::new(Setup::default());
    lot.plain_at(240_000_000, A, "10").unwrap();
    assert_eq!(lot.closes_at(), 360);
}

#[test]
fn reset_moves_the_close_to_a_minute_from_the_bid_up_to_a_limit() {
    let reset = SoftClose {
        mode: SoftCloseMode::Reset,
        extend_within: Span::from_secs(60),
        extend_by: Span::from_secs(60),
        extensions_max: Some(1),
    };
    let mut lot = Table::new(Setup {
        soft_close: reset,
        ..Setup::default()
    });
    lot.plain_at(240_000_000, A, "10").unwrap();
    assert_eq!(lot.closes_at(), 300);
    lot.plain_at(250_000_000, B, "11").unwrap();
    assert_eq!(lot.closes_at(), 310);
    lot.plain_at(309_000_000, A, "12").unwrap();
    assert_eq!(lot.closes_at(), 310);
    assert!(matches!(
        lot.plain_at(310_000_000, B, "13"),
        Err(Reject::LotClosed { .. })
    ));
    let outcome = lot.engine.market().lot(LOT).unwrap().outcome();
    assert!(matches!(outcome, Some(Outcome::Sold { winner: A, .. })));
}

#[test]
fn a_leaders_raise_extends_if_it_lifts_the_price_to_the_reserve() {
    let late = 250_000_000;
    let mut lot = Table::new(Setup {
        reserve: Some("50"),
        ..Setup::default()
    });
    lot.plain(A, "10").unwrap();
    let raise = |maximum| Command::BidMaximum {
        lot: LOT,
        maximum: price(maximum),
    };
    lot.offer(late, A, raise("49")).unwrap();
    assert_eq!(lot.closes_at(), 300);
    lot.offer(late, A, raise("50")).unwrap();
    lot.stands(A, "50");
    assert_eq!(lot.closes_at(), 360);
}

#[test]
fn a_leaders_raise_out_of_a_tie_does_not_extend() {
    let mut lot = Table::new(Setup::default());
    lot.max(A, "30").unwrap();
    lot.max(B, "30").unwrap();
    lot.stands(A, "30");
    let raise = Command::BidMaximum {
        lot: LOT,
        maximum: price("50"),
    };
    lot.offer(250_000_000, A, raise).unwrap();
    lot.stands(A, "31");
    assert_eq!(lot.closes_at(), 300);
}

#[test]
fn a_refusal_names_the_buy_now_price_where_no_step_is_left() {
    // The ceiling of amounts over 10^12 shares: the greatest price is 100.
    let mut lot = Table::new(Setup {
        first: "60",
        step: "60",
        reserve: Some("90"),
        buy_now: Some("100"),
        quantity: 1_000_000_000_000,
        ..Setup::default()
    });
    lot.plain(A, "60").unwrap();
    assert_eq!(lot.least(), Some(price("100")));
    let least = price("100");
    assert_eq!(lot.plain(B, "70"), Err(Reject::BidTooLow { least }));
    assert_eq!(lot.max(B, "100"), Err(Reject::NoHigherBid));
    lot.plain(B, "100").unwrap();
}

#[test]
fn at_the_greatest_price_only_the_leader_can_raise() {
    // 10^18 / 10^6 shares: the ceiling of amounts bounds the price of a share.
    let greatest = "100000000";
    let mut lot = Table::new(Setup {
        quantity: 1_000_000,
        ..Setup::default()
    });
    lot.plain(A, "99999999.50").unwrap();
    assert_eq!(lot.least(), None);
    assert_eq!(lot.plain(B, greatest), Err(Reject::NoHigherBid));
    assert_eq!(
        lot.max(A, "100000000.01"),
        Err(Reject::PriceTooHigh {
            greatest: price(greatest)
        })
    );
    lot.max(A, greatest).unwrap();
    assert_eq!(lot.max(A, greatest), Err(Reject::NoHigherBid));
}

#[test]
fn a_raise_that_moves_nothing_says_nothing_in_public() {
    let mut lot = Table::new(Setup::default());
    lot.plain(A, "10").unwrap();
    let before = lot.engine.market().clone();
    let raise = Command::BidMaximum {
        lot: LOT,
        maximum: price("99"),
    };
    let executed = lot
        .engine
        .execute(Timestamp::from_secs(2), Caller::User(A), raise)
        .unwrap();
    let Executed::Decided(record) = executed else {
        panic!("a new request is decided")
    };
    assert!(
        record
            .events
            .iter()
            .all(|event| matches!(event, Event::Private(_)))
    );
    assert_eq!(*lot.engine.market(), before);
}

#[test]
fn closing_below_the_reserve_sells_nothing() {
    let mut lot = Table::new(Setup {
        reserve: Some("50"),
        ..Setup::default()
    });
    lot.plain(A, "40").unwrap();
    let record = lot
        .engine
        .advance(Timestamp::from_secs(300), || [7; 32])
        .unwrap();
    let closed = record.public_events().next().unwrap();
    let PublicEvent::LotClosed {
        outcome: Outcome::Unsold { highest, .. },
        ..
    } = closed
    else {
        panic!("{closed:?}")
    };
    assert_eq!(*highest, Some(price("40")));
}
