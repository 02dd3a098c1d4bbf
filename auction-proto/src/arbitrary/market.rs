//! Lots, stocks and public events.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use auction_core::clearing::call::Cross;
use auction_core::limits::{BIDS_OPENED_MAX, DEPTH_LEVELS_MAX, STEP_BANDS_MAX};
use auction_core::{
    AllocatedBy, BidAccepted, Book, BookDepth, CallBook, Candidates, DutchBook, DutchTerms,
    EnglishBook, EnglishTerms, Indicative, LadderStep, Listing, Lot, LotOpened, MarginalPriority,
    NoCrossBecause, OpenedBid, OrderState, Outcome, OwnOrder, Phase, Price, PublicEvent, Quote,
    ReserveStatus, SealedBook, SealedPricing, SealedTerms, SoftClose, SoftCloseMode, SoldBy,
    StepBand, Steps, Stock, Taken, Terms, UniformBook, UniformPricing, UniformTerms, UnsoldBecause,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::day_terms::{self, call_terms, extension_cause};
use super::value::{
    account_mode, commitment, lot_id, maybe_price, name, number, order_id, price, profit, quantity,
    random_end, role, security, side, small, span, symbol, timestamp, user_id,
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
    (listing(), profit(), maybe_price())
        .prop_map(|(listing, profit, last_uncross)| Stock {
            listing,
            profit,
            last_uncross,
        })
        .boxed()
}

pub(super) fn terms() -> BoxedStrategy<Terms> {
    let english = (steps(), maybe_price(), soft_close());
    let dutch = (price(), price(), span(), price());
    let sealed = select(&[SealedPricing::FirstPrice, SealedPricing::SecondPrice][..]);
    let pricing = select(&[UniformPricing::Uniform, UniformPricing::PayAsBid][..]);
    let priority = select(&[MarginalPriority::Time, MarginalPriority::ProRata][..]);
    prop_oneof![
        english.prop_map(|(steps, buy_now, soft_close)| {
            Terms::English(EnglishTerms {
                steps,
                buy_now,
                soft_close,
            })
        }),
        dutch.prop_map(|(start, step, interval, floor)| {
            Terms::Dutch(DutchTerms {
                start,
                step,
                interval,
                floor,
            })
        }),
        sealed.prop_map(|pricing| Terms::Sealed(SealedTerms { pricing })),
        (pricing, priority, small()).prop_map(|(pricing, priority, bids_max)| {
            Terms::Uniform(UniformTerms {
                pricing,
                priority,
                bids_max,
            })
        }),
        call_terms().prop_map(Terms::Call),
        day_terms::terms().prop_map(|terms| Terms::Day(Box::new(terms))),
    ]
    .boxed()
}

fn quote() -> BoxedStrategy<Quote> {
    (price(), number(u64::MAX))
        .prop_map(|(price, quantity)| Quote { price, quantity })
        .boxed()
}

fn ladder_step() -> BoxedStrategy<LadderStep> {
    select(
        &[
            LadderStep::Market,
            LadderStep::Volume,
            LadderStep::Surplus,
            LadderStep::Pressure,
            LadderStep::Reference,
            LadderStep::Collar,
        ][..],
    )
    .boxed()
}

/// Any indicative result of an uncross.
pub(super) fn indicative() -> BoxedStrategy<Indicative> {
    let cross = (price(), number(u64::MAX), any::<i64>(), ladder_step());
    prop_oneof![
        cross.prop_map(|(price, volume, surplus, decided_by)| {
            Indicative::Cross(Cross {
                price,
                volume,
                surplus,
                decided_by,
            })
        }),
        (option::of(quote()), option::of(quote())).prop_map(|(best_buy, best_sell)| {
            Indicative::NoCross {
                best_buy,
                best_sell,
            }
        }),
    ]
    .boxed()
}

pub(super) fn depth() -> BoxedStrategy<BookDepth> {
    let quotes = || vec(quote(), 0..=DEPTH_LEVELS_MAX);
    (number(u64::MAX), number(u64::MAX), quotes(), quotes())
        .prop_map(|(market_buy, market_sell, buys, sells)| BookDepth {
            market_buy,
            market_sell,
            buys,
            sells,
        })
        .boxed()
}

pub(super) fn order_state() -> BoxedStrategy<OrderState> {
    prop_oneof![
        Just(OrderState::Live),
        (number(u64::MAX), maybe_price())
            .prop_map(|(filled, price)| OrderState::Closed { filled, price }),
    ]
    .boxed()
}

pub(super) fn own_order() -> BoxedStrategy<OwnOrder> {
    (order_id(), side(), quantity(), maybe_price(), order_state())
        .prop_map(|(order, side, quantity, limit, state)| OwnOrder {
            order,
            side,
            quantity,
            limit,
            state,
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
            Steps::new(&bands.collect::<Vec<_>>()).expect("both rise")
        })
    };
    prop_oneof![8 => table(2), 1 => table(STEP_BANDS_MAX)].boxed()
}

fn soft_close() -> BoxedStrategy<SoftClose> {
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

pub(super) fn outcome() -> BoxedStrategy<Outcome> {
    let by = select(
        &[
            SoldBy::HighestBid,
            SoldBy::BuyNow,
            SoldBy::FirstTake,
            SoldBy::SecondHighestBid,
            SoldBy::Reserve,
            SoldBy::LeastBid,
        ][..],
    );
    let because = select(
        &[
            UnsoldBecause::NoBids,
            UnsoldBecause::ReserveNotMet,
            UnsoldBecause::Cancelled,
        ][..],
    );
    let allocated_by = select(
        &[
            AllocatedBy::EnoughForAll,
            AllocatedBy::Time,
            AllocatedBy::ProRata,
        ][..],
    );
    let no_cross = select(
        &[
            NoCrossBecause::NothingCrosses,
            NoCrossBecause::NoPrice,
            NoCrossBecause::Collar,
        ][..],
    );
    let allocated = (
        number(u64::MAX),
        small(),
        price(),
        allocated_by,
        maybe_price(),
    );
    prop_oneof![
        day_terms::day_outcome(),
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
        allocated.prop_map(
            |(sold, buyers, lowest, by, highest_rejected)| Outcome::Allocated {
                sold,
                buyers,
                lowest,
                by,
                highest_rejected,
            }
        ),
        crossed(),
        (no_cross, option::of(quote()), option::of(quote())).prop_map(
            |(because, best_buy, best_sell)| Outcome::NoCross {
                because,
                best_buy,
                best_sell,
            }
        ),
    ]
    .boxed()
}

fn crossed() -> BoxedStrategy<Outcome> {
    let candidates = (price(), price());
    let candidates = candidates.prop_map(|(lowest, highest)| Candidates { lowest, highest });
    let at = (price(), number(u64::MAX), any::<i64>());
    (at, ladder_step(), option::of(candidates), small())
        .prop_map(
            |((price, volume, surplus), by, candidates, traders)| Outcome::Crossed {
                price,
                volume,
                surplus,
                by,
                candidates,
                traders,
            },
        )
        .boxed()
}

/// Any lot.
pub fn lot() -> BoxedStrategy<Lot> {
    let phase = prop_oneof![
        Just(Phase::Open),
        Just(Phase::Scheduled),
        (timestamp(), outcome()).prop_map(|(at, outcome)| Phase::Closed { at, outcome }),
    ];
    let names = (lot_id(), symbol(), quantity(), price());
    let times = (timestamp(), timestamp(), small(), option::of(timestamp()));
    (names, times, terms(), phase, book())
        .prop_map(|(names, times, terms, phase, book)| {
            let (id, symbol, quantity, base_price) = names;
            let (opened_at, closes_at, extensions, halted_since) = times;
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
                halted_since,
                book,
            }
        })
        .boxed()
}

fn book() -> BoxedStrategy<Book> {
    let prices = (maybe_price(), option::of(user_id()), maybe_price());
    let english = (prices, small(), small(), reserve_status());
    let taken = option::of((user_id(), price()));
    let call = (
        small(),
        maybe_price(),
        any::<bool>(),
        option::of(commitment()),
    );
    prop_oneof![
        english.prop_map(|(prices, bids, bidders, reserve)| {
            let (price, leader, least) = prices;
            Book::English(EnglishBook {
                price,
                leader,
                least,
                bids,
                bidders,
                reserve,
            })
        }),
        taken.prop_map(|taken| {
            let taken = taken.map(|(bidder, price)| Taken { bidder, price });
            Book::Dutch(DutchBook { taken })
        }),
        (small(), any::<bool>()).prop_map(|(bidders, has_reserve)| {
            Book::Sealed(SealedBook {
                bidders,
                has_reserve,
            })
        }),
        (small(), any::<bool>()).prop_map(|(bidders, has_reserve)| {
            Book::Uniform(UniformBook {
                bidders,
                has_reserve,
            })
        }),
        day_terms::book().prop_map(|book| Book::Day(Box::new(book))),
        call.prop_map(|(traders, reference, market_extended, end)| {
            Book::Call(CallBook {
                traders,
                reference,
                market_extended,
                end,
            })
        }),
    ]
    .boxed()
}

/// Any public event that does not come with trading days.
pub(super) fn public_event_of_lots() -> BoxedStrategy<PublicEvent> {
    let cause = extension_cause();
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
        lot_id().prop_map(|lot| PublicEvent::LotBegan { lot }),
        lot_id().prop_map(|lot| PublicEvent::LotHalted { lot }),
        (lot_id(), timestamp(), timestamp()).prop_map(|(lot, opened_at, closes_at)| {
            PublicEvent::LotResumed {
                lot,
                opened_at,
                closes_at,
            }
        }),
        (lot_id(), small()).prop_map(|(lot, bidders)| PublicEvent::BiddersCounted { lot, bidders }),
        (lot_id(), vec(opened_bid(), 0..=BIDS_OPENED_MAX))
            .prop_map(|(lot, bids)| PublicEvent::BidsOpened { lot, bids }),
        account_mode().prop_map(|mode| PublicEvent::AccountsSet { mode }),
        (lot_id(), price())
            .prop_map(|(lot, reference)| PublicEvent::ReferenceFixed { lot, reference }),
        (lot_id(), commitment())
            .prop_map(|(lot, commitment)| PublicEvent::EndCommitted { lot, commitment }),
        (lot_id(), random_end()).prop_map(|(lot, end)| PublicEvent::EndOpened { lot, end }),
    ]
    .boxed()
}

pub(super) fn opened_bid() -> BoxedStrategy<OpenedBid> {
    let names = (user_id(), order_id());
    (names, price(), quantity(), number(u64::MAX), maybe_price())
        .prop_map(
            |((bidder, order), price, quantity, filled, pays)| OpenedBid {
                bidder,
                order,
                price,
                quantity,
                filled,
                pays,
            },
        )
        .boxed()
}

fn lot_opened() -> BoxedStrategy<LotOpened> {
    let names = (lot_id(), symbol(), quantity(), price());
    let times = (option::of(timestamp()), timestamp());
    (names, times, terms(), any::<bool>())
        .prop_map(|(names, times, terms, has_reserve)| {
            let (lot, symbol, quantity, base_price) = names;
            let (opens_at, closes_at) = times;
            LotOpened {
                lot,
                symbol,
                quantity,
                base_price,
                opens_at,
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
