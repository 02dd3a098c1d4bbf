//! Transfer of a market: as a snapshot in parts, and by its feed.

use auction_core::limits::{PRICE_MAX, PROFIT_MAX, QUANTITY_MAX, SPAN_MAX_MICROS};
use auction_core::{
    EnglishTerms, FeedSequence, FoldError, Listing, LotId, LotOpened, Market, MarketId, Name,
    Price, Profit, PublicEvent, Quantity, RequestId, Role, SecurityCode, SoftClose, SoftCloseMode,
    Span, StepBand, Steps, Symbol, Term, Terms, Timestamp, UserId,
};
use auction_proto::{
    Feed, FeedEntry, FeedError, Follows, HEADER_BYTES, ServerMessage, SnapshotAssembler,
    SnapshotError, SnapshotPart, limits,
};

const MARKET: MarketId = MarketId([5; 16]);
const AT: Timestamp = Timestamp::from_secs(1_800_000_000);

fn symbol(number: u32) -> Symbol {
    Symbol::parse(&format!("A{number:07}")).unwrap()
}

fn listed(number: u32) -> PublicEvent {
    PublicEvent::StockListed(Listing {
        symbol: symbol(number),
        security: SecurityCode::parse(&format!("S{number:015}")).unwrap(),
        price: Price::MAX,
        profit: Profit::from_units(-PROFIT_MAX).unwrap(),
    })
}

fn registered(user: u32) -> PublicEvent {
    PublicEvent::UserRegistered {
        user: UserId(user),
        name: Name::parse(&format!("u{user:031}")).unwrap(),
        role: Role::Company(symbol(0)),
    }
}

/// A lot with every value at its maximum length.
fn opened(lot: u32) -> PublicEvent {
    let band = |place: u64| StepBand {
        from: Price::from_units(if place == 0 {
            0
        } else {
            PRICE_MAX - 40 + place
        })
        .unwrap(),
        step: Price::from_units(PRICE_MAX - 40 + place).unwrap(),
    };
    let span = Span::from_micros(SPAN_MAX_MICROS).unwrap();
    PublicEvent::LotOpened(Box::new(LotOpened {
        lot: LotId(lot),
        symbol: symbol(0),
        quantity: Quantity::new(QUANTITY_MAX).unwrap(),
        base_price: Price::MAX,
        opens_at: None,
        closes_at: AT,
        terms: Terms::English(EnglishTerms {
            steps: Steps::new(&(0..32).map(band).collect::<Vec<_>>()).unwrap(),
            buy_now: Some(Price::MAX),
            soft_close: SoftClose {
                mode: SoftCloseMode::Reset,
                extend_within: span,
                extend_by: span,
                extensions_max: Some(u32::MAX),
            },
        }),
        has_reserve: true,
    }))
}

fn market(users: u32, stocks: u32, lots: u32) -> Market {
    let mut market = Market::new(MARKET);
    let events = (0..stocks)
        .map(listed)
        .chain((1..=users).map(registered))
        .chain((1..=lots).map(opened));
    for event in events {
        market.apply(AT, &event).unwrap();
    }
    market
}

/// Encodes and decodes a message.
fn sent<T: Into<ServerMessage>>(message: T) -> ServerMessage {
    let mut bytes = Vec::new();
    let message = message.into();
    message.encode(RequestId(7), &mut bytes);
    ServerMessage::decode(message.kind(), &bytes[HEADER_BYTES..]).unwrap()
}

fn assemble(
    parts: impl IntoIterator<Item = SnapshotPart>,
) -> Result<Option<Market>, SnapshotError> {
    let mut assembler = SnapshotAssembler::new();
    let mut market = None;
    for part in parts {
        assert!(market.is_none(), "parts came behind the last");
        let ServerMessage::SnapshotPart(part) = sent(part) else {
            panic!("a part comes back as one");
        };
        market = assembler.add(part)?;
    }
    Ok(market)
}

#[test]
fn a_market_comes_back_from_its_parts_whatever_fills_them() {
    let (users, stocks, lots) = (
        u32::try_from(limits::PART_USERS_MAX).unwrap(),
        u32::try_from(limits::PART_STOCKS_MAX).unwrap(),
        u32::try_from(limits::PART_LOTS_MAX).unwrap(),
    );
    let cases = [
        (0, 0, 0, 1),
        (1, 1, 1, 1),
        (users, stocks, lots, 1),
        (users + 1, 1, 1, 2),
        (1, stocks + 1, 1, 2),
        (1, 1, lots + 1, 2),
        (2 * users, 1, 2 * lots + 1, 3),
    ];
    for (users, stocks, lots, parts) in cases {
        let mut market = market(users, stocks, lots);
        let sent: Vec<_> = SnapshotPart::of_market(&market).collect();
        assert_eq!(sent.len(), parts);
        assert!(
            sent[..parts - 1]
                .iter()
                .all(|part| part.follows == Follows::More)
        );
        let mut copy = assemble(sent).unwrap().expect("the last part was there");
        assert_eq!(copy, market);
        assert_eq!(copy.digest(), market.digest());
    }
}

#[test]
fn a_part_with_as_much_as_it_can_hold_fits_a_frame() {
    let most = |most| u32::try_from(most).unwrap();
    let market = market(
        most(limits::PART_USERS_MAX),
        most(limits::PART_STOCKS_MAX),
        most(limits::PART_LOTS_MAX),
    );
    let part = SnapshotPart::of_market(&market).next().unwrap();
    let mut bytes = Vec::new();
    ServerMessage::from(part).encode(RequestId(u64::MAX), &mut bytes);
    assert!(bytes.len() < limits::FRAME_BYTES_MAX, "{}", bytes.len());
}

#[test]
fn a_feed_with_as_much_as_it_can_hold_fits_a_frame() {
    let entry = FeedEntry {
        at: AT,
        event: opened(u32::MAX),
    };
    let entries = std::iter::repeat_n(entry, limits::FEED_ENTRIES_MAX);
    let feed = Feed::of_commit(MARKET, Term(u64::MAX), FeedSequence(u64::MAX / 2), entries);
    let [feed] = <[Feed; 1]>::try_from(feed).unwrap();
    let mut bytes = Vec::new();
    ServerMessage::from(feed).encode(RequestId(u64::MAX), &mut bytes);
    assert!(bytes.len() < limits::FRAME_BYTES_MAX, "{}", bytes.len());
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let lots = u32::try_from(limits::PART_LOTS_MAX).unwrap();
    let parts: Vec<_> = SnapshotPart::of_market(&market(2, 2, 2 * lots + 1)).collect();
    let changed = |change: fn(&mut Vec<SnapshotPart>)| {
        let mut parts = parts.clone();
        change(&mut parts);
        assemble(parts)
    };
    let out_of_place = |found, expected| SnapshotError::OutOfPlace { found, expected };
    let cases = [
        (
            changed(|parts| {
                parts.remove(0);
            }),
            out_of_place(1, 0),
        ),
        (
            changed(|parts| {
                parts.remove(1);
            }),
            out_of_place(2, 1),
        ),
        (changed(|parts| parts.swap(1, 2)), out_of_place(2, 1)),
        (
            changed(|parts| parts[1].feed_sequence = FeedSequence(1)),
            SnapshotError::OtherSnapshot { index: 1 },
        ),
        (
            changed(|parts| parts[2].market = MarketId([6; 16])),
            SnapshotError::OtherSnapshot { index: 2 },
        ),
        (
            changed(|parts| parts[1].users = parts[0].users.clone()),
            SnapshotError::OutOfOrder { index: 1 },
        ),
        (
            changed(|parts| parts[1].stocks = parts[0].stocks.clone()),
            SnapshotError::OutOfOrder { index: 1 },
        ),
        (
            changed(|parts| parts[1].lots = parts[0].lots.clone()),
            SnapshotError::Contradiction(FoldError::NotNext {
                what: "lot",
                number: 1,
                expected: u64::from(lots) + 1,
            }),
        ),
    ];
    for (result, error) in cases {
        assert_eq!(result, Err(error));
    }
}

#[test]
fn a_feed_brings_a_copy_to_where_the_market_stands() {
    let mut copy = Market::new(MARKET);
    let events = (0..3_000)
        .map(listed)
        .map(|event| FeedEntry { at: AT, event });
    let frames = Feed::of_commit(MARKET, Term(1), FeedSequence(0), events);
    assert_eq!(frames.len(), 3);
    for frame in frames {
        let ServerMessage::Feed(frame) = sent(frame) else {
            panic!("a feed comes back as one");
        };
        frame.apply_to(&mut copy).unwrap();
        assert_eq!(copy.feed_sequence(), frame.through);
    }
    assert_eq!(copy, market(0, 3_000, 0));
}

#[test]
fn a_commit_without_public_events_has_no_feed() {
    assert!(Feed::of_commit(MARKET, Term(1), FeedSequence(9), []).is_empty());
}

#[test]
fn a_feed_that_does_not_follow_leaves_the_market_as_it_is() {
    let feed = |after, through| Feed {
        market: MARKET,
        term: Term(1),
        after: FeedSequence(after),
        through: FeedSequence(through),
        entries: vec![FeedEntry {
            at: AT,
            event: listed(9),
        }]
        .try_into()
        .unwrap(),
    };
    let before = market(0, 2, 0);
    let at = FeedSequence(2);
    let gap = |after| FeedError::Gap {
        after: FeedSequence(after),
        at,
    };
    let other = Feed {
        market: MarketId([6; 16]),
        ..feed(2, 3)
    };
    let cases = [
        (feed(1, 2), gap(1)),
        (feed(3, 4), gap(3)),
        (
            feed(2, 4),
            FeedError::WrongEnd {
                through: FeedSequence(4),
                expected: FeedSequence(3),
            },
        ),
        (
            other,
            FeedError::OtherMarket {
                found: MarketId([6; 16]),
                expected: MARKET,
            },
        ),
    ];
    for (feed, error) in cases {
        let mut market = before.clone();
        assert_eq!(feed.apply_to(&mut market), Err(error));
        assert_eq!(market, before);
    }
    assert_eq!(feed(2, 3).apply_to(&mut before.clone()), Ok(()));
}
