//! The falling price.

use auction_core::clearing::dutch::{PriceClock, PriceClockError, PriceStillAbove};
use auction_core::limits::SPAN_MAX_MICROS;
use auction_core::{Price, Span};

use super::price;

fn clock(start: &str, step: &str, floor: &str, secs: u64) -> Result<PriceClock, PriceClockError> {
    PriceClock::new(
        price(start),
        price(step),
        price(floor),
        Span::from_secs(secs),
    )
}

/// Time open at a point after the opening, with a halt from 25 to 65 s.
fn elapsed(micros: u64) -> Span {
    let halted = micros.clamp(25_000_000, 65_000_000) - 25_000_000;
    Span::from_micros(micros - halted).unwrap()
}

#[test]
fn the_price_falls_by_steps_to_the_floor_and_a_halt_stops_it() {
    let clock = clock("100", "1", "50", 10).unwrap();
    let cases = [
        (0, "100"),
        (9_999_999, "100"),
        (10_000_000, "99"),
        (25_000_000, "98"),
        (65_000_000, "98"),
        (69_999_999, "98"),
        (70_000_000, "97"),
        (2_000_000_000, "50"),
    ];
    for (micros, expected) in cases {
        assert_eq!(clock.price(elapsed(micros)), price(expected), "{micros}");
    }
}

#[test]
fn the_next_change_is_the_first_moment_with_another_price() {
    let clock = clock("100", "30", "50", 10).unwrap();
    let mut now = Span::ZERO;
    let mut prices = vec![clock.price(now)];
    while let Some(next) = clock.next_change(now) {
        let before = Span::from_micros(next.micros() - 1).unwrap();
        assert_eq!(clock.price(before), clock.price(now));
        assert!(clock.price(next) < clock.price(now));
        assert_eq!(clock.next_change(before), Some(next));
        now = next;
        prices.push(clock.price(now));
    }
    assert_eq!(prices, ["100", "70", "50"].map(price));
    let flat = PriceClock::new(Price::MAX, Price::UNIT, Price::UNIT, Span::from_secs(1)).unwrap();
    let last = Span::from_micros(SPAN_MAX_MICROS).unwrap();
    assert_eq!(flat.next_change(last), None);
}

#[test]
fn the_price_at_the_floor_stays() {
    let clock = clock("100", "30", "100", 10).unwrap();
    assert_eq!(clock.next_change(Span::ZERO), None);
    let steep = PriceClock::new(
        price("9"),
        Price::MAX,
        price("2"),
        Span::from_micros(1).unwrap(),
    );
    let last = Span::from_micros(SPAN_MAX_MICROS).unwrap();
    assert_eq!(steep.unwrap().price(last), price("2"));
}

#[test]
fn a_take_pays_the_price_now_or_is_told_it() {
    let clock = clock("100", "1", "50", 10).unwrap();
    let now = Span::from_secs(35);
    assert_eq!(clock.take(now, price("97")), Ok(price("97")));
    assert_eq!(clock.take(now, price("100")), Ok(price("97")));
    let still = PriceStillAbove { price: price("97") };
    assert_eq!(clock.take(now, price("96.9999")), Err(still));
}

#[test]
fn a_clock_that_would_not_fall_is_refused_with_the_reason() {
    let start = price("100");
    assert_eq!(
        clock("100", "1", "0", 10),
        Err(PriceClockError::Floor { start })
    );
    assert_eq!(
        clock("100", "1", "100.01", 10),
        Err(PriceClockError::Floor { start })
    );
    assert_eq!(clock("100", "0", "50", 10), Err(PriceClockError::ZeroStep));
    assert_eq!(
        clock("100", "1", "50", 0),
        Err(PriceClockError::ZeroInterval)
    );
}
