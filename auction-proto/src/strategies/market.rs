//! Lots, stocks and public events.

use alloc::boxed::Box;

use auction_core::limits::{SPAN_MAX_MICROS, STEP_BANDS_MAX};
use auction_core::{
    BidAccepted, Book, EnglishBook, EnglishTerms, ExtensionCause, Listing, Lot, LotOpened, Outcome,
    Phase, Price, PublicEvent, ReserveStatus, SoftClose, SoftCloseMode, SoldBy, Span, StepBand,
    Steps, Stock, Terms, UnsoldBecause,
};
use proptest::collection::btree_set;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::value::{
    lot_id, maybe_price, name, number, price, profit, quantity, role, security, small, symbol,
    timestamp, user_id,
};

pub(super) fn listing() -> BoxedStrategy<Listing> {
    (symbol(), security(), price(), profit())
        .prop_map(|(symbol, security, price, profit)| Listing {
            symbol,
            security,
            price,
            profit,
        })
        .boxed()
}

/// Any stock.
pub fn stock() -> BoxedStrategy<Stock> {
    (listing(), profit())
        .prop_map(|(listing, profit)| Stock { listing, profit })
        .boxed()
}

pub(super) fn terms() -> BoxedStrategy<Terms> {
    (steps(), maybe_price(), soft_close())
        .prop_map(|(steps, buy_now, soft_close)| {
            Terms::English(EnglishTerms {
                steps,
                buy_now,
                soft_close,
            })
        })
        .boxed()
}

fn steps() -> BoxedStrategy<Steps> {
    let units = || 1..=auction_core::limits::PRICE_MAX;
    let table = |most| {
        (btree_set(units(), 0..most), btree_set(units(), most)).prop_map(|(froms, steps)| {
            let froms = core::iter::once(0).chain(froms);
            let price = |units| Price::from_units(units).expect("in range");
            let bands = froms.zip(steps).map(|(from, step)| StepBand {
                from: price(from),
                step: price(step),
            });
            Steps::new(&bands.collect::<alloc::vec::Vec<_>>()).expect("both rise")
        })
    };
    prop_oneof![8 => table(2), 1 => table(STEP_BANDS_MAX)].boxed()
}

fn soft_close() -> BoxedStrategy<SoftClose> {
    let span =
        || number(SPAN_MAX_MICROS).prop_map(|span| Span::from_micros(span).expect("in range"));
    let mode = select(&[SoftCloseMode::Add, SoftCloseMode::Reset][..]);
    (mode, span(), span(), option::of(small()))
        .prop_map(
            |(mode, extend_within, extend_by, extensions_max)| SoftClose {
                mode,
                extend_within,
                extend_by,
                extensions_max,
            },
        )
        .boxed()
}

fn reserve_status() -> BoxedStrategy<ReserveStatus> {
    select(
        &[
            ReserveStatus::None,
            ReserveStatus::NotMet,
            ReserveStatus::Met,
        ][..],
    )
    .boxed()
}

fn outcome() -> BoxedStrategy<Outcome> {
    let by = select(&[SoldBy::HighestBid, SoldBy::BuyNow][..]);
    let because = select(&[UnsoldBecause::NoBids, UnsoldBecause::ReserveNotMet][..]);
    prop_oneof![
        (user_id(), price(), by, maybe_price()).prop_map(|(winner, price, by, runner_up)| {
            Outcome::Sold {
                winner,
                price,
                by,
                runner_up,
            }
        }),
        (because, maybe_price())
            .prop_map(|(because, highest)| Outcome::Unsold { because, highest }),
    ]
    .boxed()
}

/// Any lot.
pub fn lot() -> BoxedStrategy<Lot> {
    let phase = prop_oneof![
        Just(Phase::Open),
        (timestamp(), outcome()).prop_map(|(at, outcome)| Phase::Closed { at, outcome }),
    ];
    let names = (lot_id(), symbol(), quantity(), price());
    let times = (timestamp(), timestamp(), small());
    (names, times, terms(), phase, book())
        .prop_map(|(names, times, terms, phase, book)| {
            let (id, symbol, quantity, base_price) = names;
            let (opened_at, closes_at, extensions) = times;
            Lot {
                id,
                symbol,
                quantity,
                base_price,
                opened_at,
                closes_at,
                extensions,
                terms,
                phase,
                book,
            }
        })
        .boxed()
}

fn book() -> BoxedStrategy<Book> {
    let prices = (maybe_price(), option::of(user_id()), maybe_price());
    (prices, small(), small(), reserve_status())
        .prop_map(|(prices, bids, bidders, reserve)| {
            let (price, leader, least) = prices;
            Book::English(EnglishBook {
                price,
                leader,
                least,
                bids,
                bidders,
                reserve,
            })
        })
        .boxed()
}

/// Any public event.
pub fn public_event() -> BoxedStrategy<PublicEvent> {
    let cause = select(&[ExtensionCause::SoftClose, ExtensionCause::Ordered][..]);
    prop_oneof![
        listing().prop_map(PublicEvent::StockListed),
        (user_id(), name(), role()).prop_map(|(user, name, role)| PublicEvent::UserRegistered {
            user,
            name,
            role
        }),
        lot_opened().prop_map(|opened| PublicEvent::LotOpened(Box::new(opened))),
        bid_accepted().prop_map(PublicEvent::BidAccepted),
        (lot_id(), timestamp(), cause).prop_map(|(lot, closes_at, cause)| {
            PublicEvent::LotExtended {
                lot,
                closes_at,
                cause,
            }
        }),
        (lot_id(), outcome()).prop_map(|(lot, outcome)| PublicEvent::LotClosed { lot, outcome }),
        (symbol(), profit())
            .prop_map(|(symbol, profit)| PublicEvent::ProfitPublished { symbol, profit }),
    ]
    .boxed()
}

fn lot_opened() -> BoxedStrategy<LotOpened> {
    let names = (lot_id(), symbol(), quantity(), price());
    (names, timestamp(), terms(), any::<bool>())
        .prop_map(|(names, closes_at, terms, has_reserve)| {
            let (lot, symbol, quantity, base_price) = names;
            LotOpened {
                lot,
                symbol,
                quantity,
                base_price,
                closes_at,
                terms,
                has_reserve,
            }
        })
        .boxed()
}

fn bid_accepted() -> BoxedStrategy<BidAccepted> {
    let bid = (lot_id(), user_id(), maybe_price());
    let standing = (user_id(), price(), maybe_price(), small(), reserve_status());
    (bid, standing)
        .prop_map(|(bid, standing)| {
            let (lot, bidder, amount) = bid;
            let (leader, price, least, bidders, reserve) = standing;
            BidAccepted {
                lot,
                bidder,
                amount,
                leader,
                price,
                least,
                bidders,
                reserve,
            }
        })
        .boxed()
}
