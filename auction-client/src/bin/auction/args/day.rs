//! Flags of trading days.

use auction_core::{Amount, Quantity, Span, Timestamp};
use clap::{Args, ValueEnum};

use crate::args::target::Which;
use crate::args::time::{moment, some_span};

/// Life and handling of an order on a trading day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct DayFlags {
    /// Life of the order [default: day].
    #[arg(
        long,
        value_name = "LIFE",
        value_enum,
        conflicts_with = "until",
        help_heading = "On a trading day"
    )]
    pub tif: Option<TifWord>,
    /// The order lives until this time, or for this long: 2026-11-22T14:00:00Z, or 10m.
    #[arg(long, value_name = "TIME", value_parser = until, help_heading = "On a trading day")]
    pub until: Option<UntilTime>,
    /// Refuse the order if it would trade at once: it must rest.
    #[arg(long, help_heading = "On a trading day")]
    pub post_only: bool,
    /// Effect of meeting an order of yours in continuous trading [default: refuse].
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        help_heading = "On a trading day"
    )]
    pub self_trade: Option<SelfTradeWord>,
}

/// Lives of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TifWord {
    /// To the close of the lot.
    Day,
    /// It trades at once as far as it can; the rest lapses.
    Ioc,
    /// It trades whole at once, or not at all.
    Fok,
    /// For the opening call alone.
    AtOpen,
    /// For the closing call alone.
    AtClose,
    /// For every call.
    Auction,
}

/// Effects of meeting an order of the same trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SelfTradeWord {
    /// The new order is refused.
    Refuse,
    /// The rest of the new order lapses.
    CancelNewest,
    /// The resting order lapses.
    CancelOldest,
    /// Both lapse.
    CancelBoth,
    /// Both lose the smaller quantity, without a trade.
    Decrement,
}

/// A time, or a time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntilTime {
    At(Timestamp),
    In(Span),
}

impl UntilTime {
    pub fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::In(span) => now.saturating_add(span),
        }
    }
}

fn until(text: &str) -> Result<UntilTime, String> {
    match some_span(text) {
        Ok(span) => Ok(UntilTime::In(span)),
        Err(_) => moment(text).map(UntilTime::At).map_err(|_| {
            "is neither a time nor a duration; expected for example 2026-11-22T14:00:00Z, or 10m"
                .to_owned()
        }),
    }
}

/// New end of a phase.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct MoveEnd {
    /// Delay of the end, from its planned time.
    #[arg(long, value_name = "DURATION", value_parser = some_span)]
    pub by: Option<Span>,
    /// Time from now until the end.
    #[arg(long, value_name = "DURATION", value_parser = some_span)]
    pub ends_in: Option<Span>,
    /// Time of the end, in UTC.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub ends_at: Option<Timestamp>,
}

impl MoveEnd {
    /// Returns the new end of a phase that ends at `planned`.
    pub fn moment(&self, planned: Timestamp, now: Timestamp) -> Timestamp {
        let by = self.by.map(|by| planned.saturating_add(by));
        let ends_in = self.ends_in.map(|ends_in| now.saturating_add(ends_in));
        by.or(ends_in).or(self.ends_at).unwrap_or(planned)
    }
}

/// Limits of a trader on trading days.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = true)]
pub struct LimitFlags {
    /// Most shares of one order.
    #[arg(long, value_name = "N")]
    pub order_quantity: Option<Quantity>,
    /// Most price x quantity of one order.
    #[arg(long, value_name = "AMOUNT")]
    pub order_value: Option<Amount>,
    /// Most open orders on one lot.
    #[arg(long, value_name = "N")]
    pub open_orders: Option<u32>,
    /// Most shares bought less shares sold on one lot.
    #[arg(long, value_name = "N")]
    pub long: Option<u64>,
    /// Most shares sold less shares bought on one lot.
    #[arg(long, value_name = "N")]
    pub short: Option<u64>,
    /// Most orders and replacements a second.
    #[arg(long, value_name = "N")]
    pub orders_per_second: Option<u32>,
    /// Clear the limits.
    #[arg(long, conflicts_with_all = ["order_quantity", "order_value", "open_orders", "long", "short", "orders_per_second"])]
    pub none: bool,
}

/// The trades to show.
#[derive(Debug, Args)]
pub struct TradesShown {
    #[command(flatten)]
    pub which: Which,
    /// Beginning of the time to show, in UTC, inclusive.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// End of the time to show, in UTC, exclusive.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// Show only the newest N [default: 100 without --from and --to, otherwise all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub last: Option<u32>,
    /// Print CSV with a header.
    #[arg(long)]
    pub csv: bool,
}
