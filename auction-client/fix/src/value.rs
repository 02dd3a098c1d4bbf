//! Values of fields, as text: decimals to the unit, times to the microsecond. No float is involved.

use auction_core::{MoneyError, Price, Quantity, Timestamp};

/// Reads a price. FIX allows zeros behind the decimals, which a price of four decimals does not have.
pub fn price(text: &str) -> Result<Price, MoneyError> {
    Price::parse(trimmed(text, 4))
}

/// Reads a quantity: whole shares; FIX allows a point and zeros behind it.
pub fn quantity(text: &str) -> Option<Quantity> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Quantity::new(whole.parse().ok()?)
}

/// Drops zeros behind so many decimals.
fn trimmed(text: &str, decimals: usize) -> &str {
    let Some(point) = text.find('.') else {
        return text;
    };
    let mut end = text.len();
    while end > point + 1 + decimals && text.as_bytes()[end - 1] == b'0' {
        end -= 1;
    }
    &text[..end]
}

/// Reads a UTC time: `YYYYMMDD-HH:MM:SS`, with any number of decimals up to nine; those below a microsecond are dropped.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('-')?;
    if date.len() != 8 || !date.is_ascii() {
        return None;
    }
    let (seconds, decimals) = time.split_once('.').unwrap_or((time, "0"));
    if decimals.is_empty()
        || decimals.len() > 9
        || !decimals.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let decimals = &decimals[..decimals.len().min(6)];
    let (year, rest) = date.split_at(4);
    let (month, day) = rest.split_at(2);
    // A leap second is the last microsecond of its minute.
    let (seconds, decimals) = match seconds.strip_suffix(":60") {
        Some(minute) => (format!("{minute}:59"), "999999"),
        None => (seconds.to_owned(), decimals),
    };
    format!("{year}-{month}-{day}T{seconds}.{decimals}Z")
        .parse()
        .ok()
}

/// Writes a time with microseconds.
pub fn time_text(at: Timestamp) -> String {
    let text = at.to_string();
    let (date, time) = text.split_once('T').expect("a date and a time");
    format!("{}-{}", date.replace('-', ""), time.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_whole_shares() {
        for (text, shares) in [
            ("1", Some(1)),
            ("100.00", Some(100)),
            ("100.", Some(100)),
            ("1000000000000", Some(1_000_000_000_000)),
            ("1000000000001", None),
            ("0", None),
            ("1.5", None),
            ("1e3", None),
            ("-1", None),
            ("+1", None),
            ("", None),
            (".", None),
            (" 1", None),
        ] {
            assert_eq!(quantity(text).map(Quantity::get), shares, "{text:?}");
        }
    }

    #[test]
    fn prices_keep_each_unit_and_lose_only_zeros() {
        for (text, units) in [
            ("10.10", Some(101_000)),
            ("10.1000000", Some(101_000)),
            ("0.0008", Some(8)),
            ("0.00080", Some(8)),
            ("0.00081", None),
            ("1e3", None),
            ("-1", None),
            (".5", None),
            ("5.", None),
        ] {
            assert_eq!(price(text).ok().map(Price::units), units, "{text:?}");
        }
    }

    #[test]
    fn times_have_up_to_nine_decimals() {
        let micros = |text| timestamp(text).map(Timestamp::micros);
        let base = Some(1_793_365_200_000_000);
        assert_eq!(micros("20261030-13:00:00"), base);
        assert_eq!(micros("20261030-13:00:00.000"), base);
        assert_eq!(micros("20261030-13:00:00.000000999"), base);
        assert_eq!(micros("20261030-13:00:00.000001"), base.map(|at| at + 1));
        assert_eq!(
            micros("20161231-23:59:60"),
            micros("20161231-23:59:59.999999")
        );
        for wrong in [
            "",
            "20261030",
            "20261030-13:00",
            "20261030-24:00:00",
            "20261330-13:00:00",
            "20261030-13:00:00.",
            "20261030-13:00:00.0000000000",
            "2026-10-30-13:00:00",
        ] {
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_price_is_read_as_it_is_written(units in 0..=9_999_999_999_999_u64, zeros in 0..4_usize) {
            let written = Price::from_units(units).unwrap();
            let text = format!("{written}{}", "0".repeat(zeros));
            prop_assert_eq!(price(&text), Ok(written));
        }

        #[test]
        fn a_quantity_is_read_as_it_is_written(shares in 1..=1_000_000_000_000_u64) {
            prop_assert_eq!(quantity(&shares.to_string()).map(Quantity::get), Some(shares));
        }

        #[test]
        fn a_time_is_read_as_it_is_written(micros in 0..=253_402_300_799_999_999_u64) {
            let at = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(timestamp(&time_text(at)), Some(at));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC{0,24}") {
            let _ = (price(&text), quantity(&text), timestamp(&text));
        }
    }
}
