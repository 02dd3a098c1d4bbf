//! Numbers, times and money.

use auction_core::{
    Amount, FeedSequence, LotId, OrderId, Price, Profit, Quantity, RequestId, Sequence, SessionId,
    Span, Term, Timestamp, UserId,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::{Wire, read_text};

impl Wire for u64 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            to.serialize_u64(*self)
        }
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return Self::deserialize(from);
        }
        read_text(
            from,
            "a whole number in a string such as \"120\"",
            parse_u64,
        )
    }
}

/// As a varint, as all numbers: a single byte could be mistaken for the continuation of one.
impl Wire for u8 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(u16::from(*self))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(from)?;
        Self::try_from(number).map_err(|_| D::Error::custom("a number of at most 255 is expected"))
    }
}

impl Wire for u128 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            to.serialize_u128(*self)
        }
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return Self::deserialize(from);
        }
        read_text(
            from,
            "a whole number in a string such as \"120\"",
            parse_u128,
        )
    }
}

impl Wire for i64 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            to.serialize_i64(*self)
        }
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return Self::deserialize(from);
        }
        read_text(
            from,
            "a whole number in a string such as \"-120\"",
            parse_i64,
        )
    }
}

fn parse_i64(text: &str) -> Result<i64, &'static str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or("is not a whole number of at most 64 bits; expected for example -120")
}

fn parse_u64(text: &str) -> Result<u64, &'static str> {
    // `parse` alone would accept a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or("is not a whole number of at most 64 bits; expected for example 120")
}

fn parse_u128(text: &str) -> Result<u128, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or("is not a whole number of at most 128 bits; expected for example 120")
}

/// Implements `Wire` for numbers in a wrapper type.
macro_rules! as_number {
    ($($type:ident($number:ty)),* $(,)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.write(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$number>::read(from).map($type)
            }
        }
    )*};
}

as_number!(
    UserId(u32),
    LotId(u32),
    OrderId(u32),
    SessionId(u64),
    RequestId(u64),
    Sequence(u64),
    FeedSequence(u64),
    Term(u64),
);

/// Implements `Wire` for 64-bit numbers with a restricted range.
macro_rules! as_checked_u64 {
    ($($type:ident: $get:ident, $new:path, $range:literal);* $(;)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.$get().write(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $new(u64::read(from)?).ok_or_else(|| D::Error::custom($range))
            }
        }
    )*};
}

as_checked_u64!(
    Quantity: get, Quantity::new, "a quantity is 1 to 1000000000000";
    Timestamp: micros, Timestamp::from_micros, "a time is in microseconds UTC, to the end of the year 9999";
    Span: micros, Span::from_micros, "a span is in microseconds, at most 366 days";
);

/// Implements `Wire` for money: a number of ten-thousandths, or a decimal text.
macro_rules! as_money {
    ($($type:ident: $number:ty, $write:ident, $expected:literal);* $(;)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() {
                    to.collect_str(self)
                } else {
                    to.$write(self.units())
                }
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    return read_text(from, $expected, $type::parse);
                }
                let units = <$number>::deserialize(from)?;
                $type::from_units(units).ok_or_else(|| D::Error::custom($expected))
            }
        }
    )*};
}

as_money!(
    Price: u64, serialize_u64, "a price in a string such as \"1.40\"";
    Amount: u64, serialize_u64, "an amount in a string such as \"1000.00\"";
    Profit: i64, serialize_i64, "a profit in a string such as \"-12.5\"";
);
