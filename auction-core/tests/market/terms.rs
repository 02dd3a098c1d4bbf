//! Lots of every format that open with random terms.

use auction_core::limits::QUANTITY_MAX;
use auction_core::{
    BookShown, CallTerms, Collar, Command, DutchTerms, EnglishTerms, MarginalPriority, OpenLot,
    Price, Quantity, SealedPricing, SealedTerms, SoftClose, SoftCloseMode, Span, StepBand, Steps,
    Terms, UniformPricing, UniformTerms,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::listed::{LOW_CEILING, symbol};
use crate::lot::{price, time};

pub fn opening_of_lot(at: u64) -> BoxedStrategy<Command> {
    let quantity = prop_oneof![Just(1), Just(QUANTITY_MAX)];
    let open_for = prop_oneof![1 => 0..4_u64, 8 => 20..150_u64];
    let stock = prop_oneof![10 => 0..2_usize, 1 => Just(2)];
    (stock, quantity, open_for, steps(), soft_close())
        .prop_flat_map(move |(stock, quantity, open_for, steps, soft_close)| {
            let near = match stock {
                1 => LOW_CEILING - 40..LOW_CEILING + 2,
                _ => 10..90,
            };
            let (low, high) = (near.start, near.end);
            let reserve = option::of(near.clone());
            let buy_now = reserve.clone().prop_flat_map(move |reserve| {
                let least = reserve.unwrap_or(low).saturating_sub(1);
                (Just(reserve), option::of(least..high))
            });
            buy_now.prop_map(move |(reserve, buy_now)| {
                Command::OpenLot(Box::new(OpenLot {
                    symbol: symbol(stock),
                    quantity: Quantity::new(quantity).unwrap(),
                    opens_at: None,
                    closes_at: time(at + open_for),
                    terms: Terms::English(EnglishTerms {
                        steps: steps.clone(),
                        buy_now: buy_now.map(price),
                        soft_close,
                    }),
                    reserve: reserve.map(price),
                }))
            })
        })
        .boxed()
}

pub fn opening_of_call(at: u64) -> BoxedStrategy<Command> {
    let times = (option::of(0..30_u64), 0..60_u64);
    let reserve = option::weighted(0.02, Just(price(8)));
    (1..3_u64, times, call_terms(), reserve)
        .prop_map(move |(round_lot, (wait, open_for), terms, reserve)| {
            Command::OpenLot(Box::new(OpenLot {
                symbol: symbol(0),
                quantity: Quantity::new(round_lot).unwrap(),
                opens_at: wait.map(|wait| time(at + wait)),
                closes_at: time(at + wait.unwrap_or(0) + open_for),
                terms: Terms::Call(terms),
                reserve,
            }))
        })
        .boxed()
}

fn call_terms() -> impl Strategy<Value = CallTerms> {
    let span = |most| (0..most).prop_map(|micros| Span::from_micros(micros).unwrap());
    let collar = (0..6_u64, 0..6_000_u32).prop_map(|(absolute, basis_points)| Collar {
        absolute: price(absolute),
        basis_points,
    });
    let ends = (span(20_u64), option::of(span(10)), span(40));
    let extends = (option::of(collar), 0..3_u32, any::<bool>());
    let tick = prop_oneof![10 => Just(1_u64), 5 => Just(5), 1 => Just(0)];
    (tick, any::<bool>(), ends, extends).prop_map(
        |(tick, is_open, (random_end, no_cancel, extend_by), extends)| {
            let (collar, extensions_max, market_extension) = extends;
            CallTerms {
                tick: price(tick),
                book: match is_open {
                    true => BookShown::Open,
                    false => BookShown::Closed,
                },
                collar,
                extensions_max,
                market_extension,
                extend_by,
                random_end,
                no_cancel,
            }
        },
    )
}

pub fn opening_of_another(at: u64) -> BoxedStrategy<Command> {
    let quantity = prop_oneof![3 => 1..30_u64, 1 => Just(QUANTITY_MAX)];
    let stock = prop_oneof![10 => Just(0_usize), 1 => 1..3_usize];
    let times = (option::of(0..30_u64), 0..100_u64);
    let reserve = option::weighted(0.4, 8..20_u64);
    (stock, quantity, times, other_terms(), reserve)
        .prop_map(move |(stock, quantity, (wait, open_for), terms, reserve)| {
            let is_dutch = matches!(terms, Terms::Dutch(_));
            // A Dutch lot with a reserve is refused, so most get none.
            let reserve = reserve.filter(|reserve| !is_dutch || *reserve == 8);
            Command::OpenLot(Box::new(OpenLot {
                symbol: symbol(stock),
                quantity: Quantity::new(quantity).unwrap(),
                opens_at: wait.map(|wait| time(at + wait)),
                closes_at: time(at + wait.unwrap_or(0) + open_for),
                terms,
                reserve: reserve.map(price),
            }))
        })
        .boxed()
}

fn other_terms() -> BoxedStrategy<Terms> {
    let dutch = (20..60_u64, 0..9_u64, 0..9_u64, 0..30_u64);
    let sealed = select(vec![SealedPricing::FirstPrice, SealedPricing::SecondPrice]);
    let pricing = select(vec![UniformPricing::Uniform, UniformPricing::PayAsBid]);
    let priority = select(vec![MarginalPriority::Time, MarginalPriority::ProRata]);
    let bids_max = prop_oneof![10 => 1..4_u32, 1 => Just(0)];
    prop_oneof![
        dutch.prop_map(|(start, step, interval, floor)| {
            Terms::Dutch(DutchTerms {
                start: price(start),
                step: price(step),
                interval: Span::from_micros(interval).unwrap(),
                floor: price(floor),
            })
        }),
        sealed.prop_map(|pricing| Terms::Sealed(SealedTerms { pricing })),
        (pricing, priority, bids_max).prop_map(|(pricing, priority, bids_max)| {
            Terms::Uniform(UniformTerms {
                pricing,
                priority,
                bids_max,
            })
        }),
    ]
    .boxed()
}

pub fn steps() -> impl Strategy<Value = Steps> + Clone {
    let first = (1..12_u64).prop_map(|step| StepBand {
        from: Price::ZERO,
        step: price(step),
    });
    (first, vec((1..40_u64, 0..10_u64), 0..3)).prop_map(|(first, rises)| {
        let mut bands = vec![first];
        for (from, step) in rises {
            let below = bands[bands.len() - 1];
            bands.push(StepBand {
                from: price(below.from.units() + from),
                step: price(below.step.units() + step),
            });
        }
        Steps::new(&bands).unwrap()
    })
}

pub fn soft_close() -> impl Strategy<Value = SoftClose> + Clone {
    let span = |most| (0..most).prop_map(|micros| Span::from_micros(micros).unwrap());
    let mode = select(vec![SoftCloseMode::Add, SoftCloseMode::Reset]);
    (mode, span(20_u64), span(20_u64), option::of(0..3_u32)).prop_map(
        |(mode, extend_within, extend_by, extensions_max)| SoftClose {
            mode,
            extend_within,
            extend_by,
            extensions_max,
        },
    )
}
