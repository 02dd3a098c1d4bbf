//! Tests of the fold: tables of what follows from what, and properties of the log.

use auction_core::{BidReply, Lot, OwnOrder, PublicEvent, StandingOrder, UserId};
use auction_core::{Listing, LotOpened, Market, MarketId, OrderState};
use auction_proto::{Code, Refused};
use proptest::prelude::*;

use super::*;
use crate::request::{Instrument, Terms};

const LOT: LotId = LotId(1);
const SESSION: u64 = 7;

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn shares(number: u64) -> Quantity {
    Quantity::new(number).unwrap()
}

fn content(quantity: u64, limit: &str) -> Content {
    Content {
        lot: LOT,
        symbol: Symbol::parse("CALL").unwrap(),
        side: Side::Buy,
        quantity: shares(quantity),
        order_type: OrderType::Limit,
        price: Some(price(limit)),
        time_in_force: None,
        is_order: true,
        day: None,
    }
}

fn bid(limit: &str) -> Content {
    Content {
        is_order: false,
        ..content(1, limit)
    }
}

/// Orders, and the log that made them.
#[derive(Default)]
struct Told {
    orders: Orders,
    log: Vec<Entry>,
}

impl Told {
    fn apply(&mut self, entry: Entry) {
        self.orders.apply(&entry);
        self.log.push(entry);
    }

    fn intend(&mut self, request: u64, id: Option<&str>, action: Action) {
        self.apply(Entry::Intent(Intent {
            request,
            session: SESSION,
            cl_ord_id: id.map(str::to_owned),
            action,
        }));
    }

    fn report(&mut self, bodies: Vec<Body>, answers: Option<u64>) -> Vec<String> {
        let mut said = Vec::new();
        for (place, body) in bodies.into_iter().enumerate() {
            let answers = answers.filter(|_| place == 0);
            let entry = self.orders.report(Timestamp::from_secs(1), body, answers);
            self.apply(entry);
            said.push(summary(self.orders.unsent().last().unwrap()));
        }
        said
    }

    fn answer(&mut self, request: u64, answer: Result<Answer, Failure>) -> Vec<String> {
        let bodies = self.orders.answered(request, &answer).unwrap_or_default();
        if bodies.is_empty() {
            self.apply(Entry::Done { request });
        }
        self.report(bodies, Some(request))
    }

    fn happened(&mut self, event: AccountEvent) -> Vec<String> {
        let consequence = self.orders.happened(Timestamp::from_secs(2), &event);
        self.report(consequence.reports, None)
    }

    fn place(&mut self, request: u64, id: &str, content: Content) -> Vec<String> {
        self.intend(request, Some(id), Action::Place(content));
        let number = u32::try_from(request).unwrap();
        self.answer(request, Ok(Answer::Placed(OrderId(number))))
    }
}

/// `ClOrdID`, `ExecType`, `OrdStatus`, `LeavesQty` and `CumQty`, or the reason of a cancel reject.
fn summary(report: &Report) -> String {
    let message = report.message(Version::Fix50, "S");
    let get = |tag| {
        let found = message.fields.iter().find(|(found, _)| *found == tag);
        found.map_or("", |(_, value)| value.as_str())
    };
    match message.kind {
        "8" => format!(
            "{} {}{} {}/{}",
            get(11),
            get(150),
            get(39),
            get(151),
            get(14)
        ),
        "9" => format!("{} refused {}", get(11), get(102)),
        kind => kind.to_owned(),
    }
}

fn refused(code: Code) -> Failure {
    Failure::Refused(Box::new(Refused::new(code, "no")))
}

fn cancelled(order: u32) -> AccountEvent {
    AccountEvent::OrderCancelled {
        lot: LOT,
        order: OrderId(order),
    }
}

#[test]
fn an_order_is_reported_from_its_placing_to_its_end() {
    let mut told = Told::default();
    assert_eq!(told.place(1, "a", content(10, "5")), ["a 00 10/0"]);
    told.intend(
        2,
        Some("b"),
        Action::Replace {
            key: 1,
            content: content(8, "6"),
        },
    );
    assert_eq!(told.answer(2, Ok(Answer::Done)), ["b 50 8/0"]);
    assert_eq!(told.orders.by_cl_ord_id("a").unwrap().cl_ord_id(), "b");
    told.intend(3, Some("c"), Action::Cancel { key: 1 });
    assert_eq!(
        told.answer(3, Err(refused(Code::NO_CANCEL_NOW))),
        ["c refused 0"]
    );
    let own = |state| OwnOrder {
        order: OrderId(1),
        side: Side::Buy,
        quantity: shares(8),
        limit: Some(price("6")),
        state,
    };
    assert_eq!(told.orders.compared(LOT, &[own(OrderState::Live)]), []);
    let closed = OrderState::Closed {
        filled: 3,
        price: Some(price("5.5")),
    };
    let bodies = told.orders.compared(LOT, &[own(closed)]);
    assert_eq!(told.report(bodies, None), ["b F1 5/3", "b CC 0/3"]);
    assert_eq!(
        told.orders.compared(LOT, &[own(closed)]),
        [],
        "reported once"
    );
    assert!(told.orders.knows("a") && told.orders.knows("c"));
}

#[test]
fn an_event_that_comes_before_the_answer_waits_for_it() {
    let mut told = Told::default();
    told.intend(1, Some("a"), Action::Place(content(10, "5")));
    assert_eq!(told.happened(cancelled(1)), [""; 0]);
    assert_eq!(
        told.answer(1, Ok(Answer::Placed(OrderId(1)))),
        ["a 00 10/0"]
    );
    let released = told.orders.released();
    assert_eq!(released.len(), 1);
    assert_eq!(told.happened(released[0].1), ["a 44 0/0"]);
}

#[test]
fn a_cancel_in_flight_reports_the_end_and_the_event_does_not() {
    let mut told = Told::default();
    told.place(1, "a", content(10, "5"));
    told.intend(2, Some("b"), Action::Cancel { key: 1 });
    assert_eq!(told.happened(cancelled(1)), [""; 0]);
    assert_eq!(told.answer(2, Ok(Answer::Done)), ["b 44 0/0"]);
    assert_eq!(told.happened(cancelled(1)), [""; 0]);
    // The other way round, with a cancel that nobody asked for.
    told.place(3, "c", content(10, "5"));
    told.intend(4, None, Action::Cancel { key: 3 });
    assert_eq!(told.answer(4, Ok(Answer::Done)), ["c 44 0/0"]);
    assert_eq!(told.happened(cancelled(3)), [""; 0]);
}

#[test]
fn a_trader_has_one_bid_on_a_lot() {
    let mut told = Told::default();
    let reply = |leads, price| {
        Ok(Answer::Bid(BidReply {
            lot: LOT,
            leads,
            price,
            extended_to: None,
            bought: false,
        }))
    };
    told.intend(1, Some("a"), Action::Place(bid("5")));
    assert_eq!(told.answer(1, reply(true, Some(price("5")))), ["a 00 1/0"]);
    told.intend(2, Some("b"), Action::Place(bid("7")));
    assert_eq!(told.answer(2, reply(true, None)), ["a 44 0/0", "b 00 1/0"]);
    assert_eq!(
        told.happened(AccountEvent::Outbid {
            lot: LOT,
            price: price("8")
        }),
        ["b 44 0/0"]
    );
    told.intend(3, Some("c"), Action::Place(bid("9")));
    assert_eq!(
        told.answer(3, reply(false, Some(price("9.01")))),
        ["c 00 1/0", "c 44 0/0"]
    );
    assert_eq!(
        told.happened(AccountEvent::Won {
            lot: LOT,
            price: price("9")
        }),
        [""; 0]
    );
    told.intend(4, Some("d"), Action::Place(bid("10")));
    told.answer(4, reply(true, None));
    // The event of the bid before comes late: it says nothing of this one.
    let outbid_at = |at| AccountEvent::Outbid {
        lot: LOT,
        price: price(at),
    };
    assert_eq!(told.happened(outbid_at("9.01")), [""; 0]);
    assert_eq!(told.happened(outbid_at("9.9999")), [""; 0]);
    assert_eq!(
        told.happened(AccountEvent::Won {
            lot: LOT,
            price: price("9.02")
        }),
        ["d F2 0/1"]
    );
}

#[test]
fn reasons_are_the_nearest_of_fix() {
    for (code, order, cancel) in [
        (Code::UNKNOWN_LOT, "1", "99"),
        (Code::LOT_CLOSED, "2", "0"),
        (Code::LOT_HALTED, "2", "99"),
        (Code::INSUFFICIENT_FUNDS, "3", "99"),
        (Code::OFF_ROUND_LOT, "13", "99"),
        (Code::LIMIT_NEEDED, "11", "99"),
        (Code::BUSY, "0", "99"),
        (Code::UNKNOWN_ORDER, "99", "1"),
        (Code::NO_CANCEL_NOW, "99", "0"),
        (Code(1999), "99", "99"),
    ] {
        let mut told = Told::default();
        told.intend(1, Some("a"), Action::Place(content(10, "5")));
        told.answer(1, Err(refused(code)));
        let message = told
            .orders
            .unsent()
            .last()
            .unwrap()
            .message(Version::Fix50, "S");
        let find = |message: &OutMessage, tag| {
            let found = message.fields.iter().find(|(found, _)| *found == tag);
            found.unwrap().1.clone()
        };
        assert_eq!(find(&message, 103), order, "{code}");
        assert_eq!(find(&message, 58), format!("{code}: no"));
        told.place(2, "b", content(10, "5"));
        told.intend(3, Some("c"), Action::Cancel { key: 2 });
        told.answer(3, Err(refused(code)));
        let message = told
            .orders
            .unsent()
            .last()
            .unwrap()
            .message(Version::Fix50, "S");
        assert_eq!(find(&message, 102), cancel, "{code}");
    }
}

#[test]
fn closed_orders_are_forgotten_in_the_order_of_their_end() {
    let mut told = Orders::default();
    for key in 1..=CLOSED_ORDERS_KEPT as u64 + 1 {
        told.put(Order {
            key,
            cl_ord_ids: vec![key.to_string()],
            content: content(1, "5"),
            status: Status::Rejected,
            place: None,
            filled: 0,
            average: None,
            value: Value::default(),
            at_once: None,
        });
    }
    assert!(!told.knows("1") && told.knows("2"));
    assert_eq!(told.orders.len(), CLOSED_ORDERS_KEPT);
}

/// Lots of each format, all open.
fn lots() -> Vec<Lot> {
    use auction_core::{CallTerms, DutchTerms, EnglishTerms, SealedPricing, SealedTerms};

    let mut market = Market::new(MarketId([1; 16]));
    let at = Timestamp::from_secs(1);
    let symbol = Symbol::parse("CALL").unwrap();
    let listing = Listing::new(symbol, "1".parse().unwrap(), price("1"));
    market
        .apply(at, &PublicEvent::StockListed(listing))
        .unwrap();
    let terms: [auction_core::Terms; 4] = [
        EnglishTerms::default().into(),
        CallTerms::default().into(),
        SealedTerms {
            pricing: SealedPricing::FirstPrice,
        }
        .into(),
        DutchTerms {
            start: price("9"),
            step: price("1"),
            interval: auction_core::Span::from_secs(1),
            floor: price("1"),
        }
        .into(),
    ];
    for (number, terms) in (1..).zip(terms) {
        let opened = LotOpened {
            lot: LotId(number),
            symbol,
            quantity: shares(10),
            base_price: price("1"),
            opens_at: None,
            closes_at: Timestamp::from_secs(100),
            terms,
            has_reserve: false,
        };
        market
            .apply(at, &PublicEvent::LotOpened(Box::new(opened)))
            .unwrap();
    }
    market.lots().to_vec()
}

#[test]
fn each_format_takes_its_types_and_times() {
    // English, call, sealed, Dutch.
    for (order_type, side, time, version, taken) in [
        (OrderType::Limit, Side::Buy, None, Version::Fix50, "ECSD"),
        (
            OrderType::Limit,
            Side::Buy,
            Some('0'),
            Version::Fix44,
            "ECSD",
        ),
        (OrderType::Limit, Side::Sell, None, Version::Fix50, "C"),
        (OrderType::Market, Side::Buy, None, Version::Fix50, "C"),
        (
            OrderType::Market,
            Side::Sell,
            Some('2'),
            Version::Fix50,
            "C",
        ),
        (OrderType::Limit, Side::Buy, Some('7'), Version::Fix44, "C"),
        (OrderType::Limit, Side::Buy, Some('B'), Version::Fix50, "CS"),
        (OrderType::Limit, Side::Buy, Some('B'), Version::Fix44, ""),
        (OrderType::Pegged, Side::Buy, None, Version::Fix50, "E"),
        (OrderType::Limit, Side::Buy, Some('1'), Version::Fix50, ""),
        (OrderType::Limit, Side::Buy, Some('3'), Version::Fix50, ""),
        (OrderType::Limit, Side::Buy, Some('4'), Version::Fix50, ""),
        (OrderType::Limit, Side::Buy, Some('6'), Version::Fix50, ""),
    ] {
        let terms = Terms {
            instrument: Instrument {
                symbol: Symbol::parse("CALL").unwrap(),
                lot: None,
            },
            side,
            quantity: shares(10),
            order_type,
            price: Some(price("5")).filter(|_| order_type != OrderType::Market),
            time_in_force: time,
            expires_at: None,
            post_only: false,
            self_trade: auction_core::SelfTrade::Refuse,
        };
        let names = "ECSD".chars().zip(lots());
        let found = names.filter(|(_, lot)| accept(&terms, lot, version).is_ok());
        let found: String = found.map(|(name, _)| name).collect();
        assert_eq!(found, taken, "{order_type:?} {side:?} {time:?} {version:?}");
    }
}

/// A step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Place(u64),
    Replace(u64),
    Cancel(u64),
    Answer(u64, bool),
    Cancelled(u32),
    Sent(u64),
    Bid,
    Won,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..9_u64).prop_map(Step::Place),
        (1..9_u64).prop_map(Step::Replace),
        (1..9_u64).prop_map(Step::Cancel),
        (1..40_u64, any::<bool>()).prop_map(|(request, is_done)| Step::Answer(request, is_done)),
        (1..20_u32).prop_map(Step::Cancelled),
        (1..40_u64).prop_map(Step::Sent),
        Just(Step::Bid),
        Just(Step::Won),
    ]
}

fn take(told: &mut Told, request: u64, step: &Step) {
    let id = format!("id{request}");
    let live = |told: &Told, key: u64| {
        let order = told
            .orders
            .orders
            .values()
            .nth(usize::try_from(key).unwrap());
        let order = order.filter(|order| order.status == Status::New && order.content.is_order);
        order
            .map(|order| order.key)
            .filter(|key| !told.orders.is_changing(*key))
    };
    match step {
        Step::Place(quantity) => {
            told.intend(request, Some(&id), Action::Place(content(*quantity, "5")))
        }
        Step::Replace(key) => {
            if let Some(key) = live(told, *key) {
                let content = content(key % 5 + 1, "6");
                told.intend(request, Some(&id), Action::Replace { key, content });
            }
        }
        Step::Cancel(key) => {
            if let Some(key) = live(told, *key) {
                told.intend(
                    request,
                    Some(&id).filter(|_| key % 2 == 0).map(|id| &**id),
                    Action::Cancel { key },
                );
            }
        }
        Step::Answer(request, is_done) => {
            let Some(intent) = told.orders.pending.get(request) else {
                return;
            };
            let answer = match &intent.action {
                Action::Place(content) if content.is_order => {
                    Answer::Placed(OrderId(u32::try_from(*request).unwrap()))
                }
                Action::Place(_) => Answer::Bid(BidReply {
                    lot: LOT,
                    leads: true,
                    price: None,
                    extended_to: None,
                    bought: false,
                }),
                _ => Answer::Done,
            };
            let answer = if *is_done {
                Ok(answer)
            } else {
                Err(refused(Code::LOT_CLOSED))
            };
            told.answer(*request, answer);
            for (_, event) in told.orders.released() {
                told.happened(event);
            }
        }
        Step::Cancelled(order) => drop(told.happened(cancelled(*order))),
        Step::Sent(number) => told.apply(Entry::Sent { number: *number }),
        Step::Bid => told.intend(request, Some(&id), Action::Place(bid("5"))),
        Step::Won => {
            let price = price("5");
            told.happened(AccountEvent::Won { lot: LOT, price });
        }
    }
}

proptest! {
    /// The log, read again after a restart, and its compacted form make the same orders; no order ends twice, and what is
    /// open and what is filled never exceed the order.
    #[test]
    fn the_log_makes_the_same_orders_again(steps in prop::collection::vec(step(), 0..60)) {
        let mut told = Told::default();
        for (request, step) in (1..).zip(&steps) {
            take(&mut told, request, step);
        }
        let mut again = Orders::default();
        for entry in &told.log {
            let text = serde_json::to_string(entry).unwrap();
            again.apply(&serde_json::from_str(&text).unwrap());
        }
        prop_assert_eq!(&again.orders, &told.orders.orders);
        prop_assert_eq!(again.compacted(), told.orders.compacted());
        let mut compact = Orders::default();
        for entry in told.orders.compacted() {
            compact.apply(&entry);
        }
        prop_assert_eq!(compact.compacted(), told.orders.compacted());
        prop_assert_eq!(&compact.orders, &told.orders.orders);
        prop_assert_eq!(compact.bids, told.orders.bids);
        prop_assert_eq!(compact.by_place, told.orders.by_place);

        let mut ended = BTreeSet::new();
        for entry in &told.log {
            if let Entry::Report { report: Report { body: Body::Execution(execution), .. }, .. } = entry {
                let order = &execution.order;
                prop_assert!(order.leaves() + order.filled <= order.content.quantity.get());
                prop_assert!(!ended.contains(&order.key), "a report after the end: {execution:?}");
                if !order.status.is_live() {
                    ended.insert(order.key);
                }
            }
        }
    }

    /// An order of FIX, read, kept and reported, loses nothing.
    #[test]
    fn an_order_comes_back_as_it_was_sent(units in 1..=9_999_999_999_999_u64, quantity in 1..=1_000_000_000_000_u64, is_sell: bool, has_price: bool) {
        let limit = Price::from_units(units).unwrap();
        let mut text = format!("11=id|55=CALL|54={}|60=20260309-14:30:00|38={quantity}|", if is_sell { "2" } else { "1" });
        text += &if has_price { format!("40=2|44={limit}|") } else { "40=1|".to_owned() };
        let fields: Vec<(u32, &[u8])> = text.split_terminator('|').map(|field| {
            let (tag, value) = field.split_once('=').unwrap();
            (tag.parse().unwrap(), value.as_bytes())
        }).collect();
        let message = crate::reader::read("D", Version::Fix50, &fields).unwrap().unwrap();
        let crate::request::Request::New(new) = crate::request::typed(&message).unwrap() else { panic!() };
        let content = accept(&new.terms, &lots()[1], Version::Fix50).unwrap();
        prop_assert_eq!((content.quantity.get(), content.price), (quantity, has_price.then_some(limit)));
        let mut told = Told::default();
        told.place(1, "id", content);
        let message = told.orders.unsent().last().unwrap().message(Version::Fix50, "S");
        for (tag, value) in &fields {
            if *tag != 60 {
                let said = message.fields.iter().find(|(found, _)| found == tag);
                prop_assert_eq!(said.map(|(_, value)| value.as_bytes()), Some(*value), "{}", tag);
            }
        }
    }
}

#[test]
fn a_bid_is_outbid_at_its_own_price_too() {
    let mut told = Told::default();
    told.intend(1, Some("a"), Action::Place(bid("10")));
    let reply = BidReply {
        lot: LOT,
        leads: true,
        price: None,
        extended_to: None,
        bought: false,
    };
    told.answer(1, Ok(Answer::Bid(reply)));
    // Another trader's maximum of the same price was there before.
    let price = price("10");
    let outbid = AccountEvent::Outbid { lot: LOT, price };
    assert_eq!(told.happened(outbid), ["a 44 0/0"]);
}

/// Orders in the account of a drop copy.
#[test]
fn standing_orders_are_known_by_their_place() {
    let mut told = Told::default();
    told.place(4, "a", content(10, "5"));
    let standing = StandingOrder {
        lot: LOT,
        order: OrderId(4),
        side: Side::Buy,
        quantity: shares(10),
        limit: Some(price("5")),
    };
    assert!(told.orders.has_placed(standing.lot, standing.order));
    assert!(!told.orders.has_placed(standing.lot, OrderId(5)));
    assert_eq!(told.orders.bid_compared(&lots()[0], UserId(1)), None);
}
