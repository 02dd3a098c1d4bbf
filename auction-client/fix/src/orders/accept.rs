//! Meaning of an order of FIX on a lot: the format decides which types and times it takes.

use auction_core::{Format, Lot, SelfTrade, Side, TimeInForce as DayTime};

use super::{Content, DayPart};
use crate::dictionary::Version;
use crate::request::{OrderType, Terms};

/// Reason why the gateway itself refuses an order, before the market sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `OrdRejReason`.
    pub reason: u32,
    pub text: String,
}

impl Refusal {
    pub const UNKNOWN_SYMBOL: u32 = 1;
    pub const EXCHANGE_CLOSED: u32 = 2;
    pub const DUPLICATE: u32 = 6;
    pub const UNSUPPORTED: u32 = 11;
    pub const QUANTITY: u32 = 13;

    pub fn new(reason: u32, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { reason, text }
    }
}

/// One time in force (59): the formats that take it, and the only version that has it.
struct TimeInForce {
    code: char,
    name: &'static str,
    formats: &'static [Format],
    only: Option<Version>,
}

/// All formats: a day order lasts until the lot closes.
const UNTIL_THE_CLOSE: &[Format] = &[
    Format::English,
    Format::Dutch,
    Format::SealedFirst,
    Format::Vickrey,
    Format::Uniform,
    Format::PayAsBid,
    Format::Call,
    Format::Day,
];
/// Lots that take part in one auction only.
const AUCTIONS: &[Format] = &[
    Format::SealedFirst,
    Format::Vickrey,
    Format::Uniform,
    Format::PayAsBid,
    Format::Call,
    Format::Day,
];
const CALLS: &[Format] = &[Format::Call, Format::Day];
const DAYS: &[Format] = &[Format::Day];

/// The times in force that are offered. Others are refused, never changed.
const TIMES_IN_FORCE: &[TimeInForce] = &[
    TimeInForce {
        code: '0',
        name: "day",
        formats: UNTIL_THE_CLOSE,
        only: None,
    },
    TimeInForce {
        code: '2',
        name: "at the opening",
        formats: CALLS,
        only: None,
    },
    TimeInForce {
        code: '3',
        name: "immediate or cancel",
        formats: DAYS,
        only: None,
    },
    TimeInForce {
        code: '4',
        name: "fill or kill",
        formats: DAYS,
        only: None,
    },
    TimeInForce {
        code: '6',
        name: "good till the ExpireTime",
        formats: DAYS,
        only: None,
    },
    TimeInForce {
        code: '7',
        name: "at the close",
        formats: CALLS,
        only: None,
    },
    TimeInForce {
        code: 'B',
        name: "good for auction",
        formats: AUCTIONS,
        only: Some(Version::Fix50),
    },
];

/// Returns the content of an order on a lot.
///
/// # Errors
/// [`Refusal`] when the lot's format does not take such an order. What depends on prices, funds and the phase is the
/// market's to refuse.
pub fn accept(terms: &Terms, lot: &Lot, version: Version) -> Result<Content, Refusal> {
    let unsupported = |text: String| Err(Refusal::new(Refusal::UNSUPPORTED, text));
    let format = format_of(lot)?;
    check_time_in_force(terms.time_in_force, format, version)?;
    let is_open = matches!(format, Format::English | Format::Dutch);
    let lot_number = lot.id;
    match (format, terms.order_type) {
        (Format::Call | Format::Day, OrderType::Market | OrderType::Limit)
        | (_, OrderType::Limit) => {}
        (Format::English, OrderType::Pegged) => {}
        (Format::English, _) => {
            return unsupported(format!(
                "lot {lot_number} is an English auction: it takes 40=2 (an open bid) and 40=P (a hidden maximum)"
            ));
        }
        (_, OrderType::Pegged) => {
            return unsupported(format!(
                "lot {lot_number} takes no hidden maximum (40=P): it is not an English auction"
            ));
        }
        (_, OrderType::Market) => {
            return unsupported(format!("lot {lot_number} needs a limit: 40=2 with a price"));
        }
    }
    let day = day_part(terms, format)?;
    if !CALLS.contains(&format) && terms.side == Side::Sell {
        return unsupported(format!(
            "lot {lot_number} is sold by its auctioneer: only 54=1 (buy)"
        ));
    }
    if is_open && terms.quantity != lot.quantity {
        let text = format!(
            "lot {lot_number} is sold as a whole: the quantity (38) is {}",
            lot.quantity
        );
        return Err(Refusal::new(Refusal::QUANTITY, text));
    }
    if lot.is_closed() {
        let text = format!("lot_closed: lot {lot_number} has closed");
        return Err(Refusal::new(Refusal::EXCHANGE_CLOSED, text));
    }
    Ok(Content {
        lot: lot.id,
        symbol: lot.symbol,
        side: terms.side,
        quantity: terms.quantity,
        order_type: terms.order_type,
        price: terms.price,
        time_in_force: terms.time_in_force,
        is_order: !is_open,
        day,
    })
}

/// Returns the part of an order that only trading days have.
fn day_part(terms: &Terms, format: Format) -> Result<Option<DayPart>, Refusal> {
    if format != Format::Day {
        let text = if terms.post_only {
            "18=6 (participate, do not initiate) is for trading days"
        } else if terms.self_trade != SelfTrade::Refuse {
            "SelfMatchPreventionInstruction (2964) is for trading days"
        } else {
            return Ok(None);
        };
        return Err(Refusal::new(Refusal::UNSUPPORTED, text));
    }
    Ok(Some(DayPart {
        time_in_force: time_in_force_of_day(terms),
        post_only: terms.post_only,
        self_trade: terms.self_trade,
    }))
}

/// Returns the format of a lot, if the gateway offers it.
fn format_of(lot: &Lot) -> Result<Format, Refusal> {
    let format = lot.terms.kind();
    match UNTIL_THE_CLOSE.contains(&format) {
        true => Ok(format),
        false => Err(Refusal::new(
            Refusal::UNSUPPORTED,
            format!("lots of the format {format} are not offered over FIX"),
        )),
    }
}

/// Returns the life of an order on a trading day.
pub fn time_in_force_of_day(terms: &Terms) -> DayTime {
    match (terms.time_in_force, terms.expires_at) {
        (Some('2'), _) => DayTime::AtOpen,
        (Some('3'), _) => DayTime::ImmediateOrCancel,
        (Some('4'), _) => DayTime::FillOrKill,
        (Some('6'), Some(until)) => DayTime::Until(until),
        (Some('7'), _) => DayTime::AtClose,
        (Some('B'), _) => DayTime::Auction,
        _ => DayTime::Day,
    }
}

fn check_time_in_force(
    code: Option<char>,
    format: Format,
    version: Version,
) -> Result<(), Refusal> {
    let Some(code) = code else {
        return Ok(());
    };
    let is_it =
        |time: &&TimeInForce| time.code == code && time.only.is_none_or(|only| only == version);
    let offered = TIMES_IN_FORCE.iter().find(is_it);
    if offered.is_some_and(|time| time.formats.contains(&format)) {
        return Ok(());
    }
    let mut expected = String::new();
    for time in TIMES_IN_FORCE {
        let here = time.formats.contains(&format) && time.only.is_none_or(|only| only == version);
        if here {
            expected.push_str(&format!("{} ({}), ", time.code, time.name));
        }
    }
    let text =
        format!("the time in force {code} is not offered on this lot; expected {expected}or none");
    Err(Refusal::new(Refusal::UNSUPPORTED, text))
}
