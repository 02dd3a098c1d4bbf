//! Commands of auctioneers.

use auction_core::{Amount, Asset, LotId, Name, Price, Quantity, Span, Symbol, Timestamp};
use clap::{Args, Subcommand};

use crate::args::day::{LimitFlags, MoveEnd};
use crate::args::target::{Target, Which, lot_number};
use crate::args::terms::{Format, TermFlags};
use crate::args::time::{moment, some_span, span};

#[derive(Debug, Subcommand)]
pub enum AuctioneerCommand {
    /// Open a lot of a listed stock. For auctioneers.
    #[command(after_help = "\
Examples:
  auction open AAPL --format english --reserve 2
  auction open AAPL --format english --step banded --buy-now 9 --extend-within 30s --extend-by 30s
  auction open AAPL --format dutch --start 100 --step 1 --interval 10s --floor 50
  auction open AAPL --format sealed-first --opens-in 10m --open-for 1h
  auction open AAPL --format vickrey --closes-at 2026-11-22T14:00:00Z
  auction open AAPL --format uniform --quantity 1000000 --priority pro-rata
  auction open AAPL --format pay-as-bid --quantity 1000 --bids-max 3
  auction open AAPL --format call --collar-bps 1000 --random-end 30s --open-for 1h
  auction open AAPL --format day --schedule \"call 5m, continuous 1h, call 5m, at-last 2m\"

An auctioneer's account is created on the server's machine, while the server is stopped:
  AUCTION_PASSWORD=... auction-server user add ann --role auctioneer")]
    Open(Box<OpenArgs>),
    /// Move the close of a lot to a later time. For auctioneers.
    #[command(after_help = "\
Examples:
  auction extend AAPL --by 5m
  auction extend '#7' --closes-at 2026-11-22T14:00:00Z")]
    Extend {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        until: Until,
    },
    /// Close a lot early: it is settled now by its rules. For auctioneers.
    #[command(after_help = "Example:\n  auction close AAPL")]
    Close(Which),
    /// Cancel a lot before its first bid: nothing is sold. For auctioneers.
    #[command(after_help = "Example:\n  auction cancel-lot '#7'")]
    CancelLot(Which),
    /// Halt a lot: it accepts only cancellations until it is resumed. For auctioneers.
    #[command(
        after_help = "Examples:\n  auction halt AAPL\n  auction halt --all     the whole market: it accepts only cancellations"
    )]
    Halt(OneOrAll),
    /// Resume a halted lot: its opening and its close move by the duration of the halt. For auctioneers.
    #[command(after_help = "Examples:\n  auction resume AAPL\n  auction resume --all")]
    Resume(OneOrAll),
    /// Move the end of a phase of a trading day. For auctioneers.
    #[command(after_help = "\
Examples:
  auction move-phase AAPL 2 --by 10m
  auction move-phase AAPL 2 --ends-at 2026-11-22T14:00:00Z")]
    MovePhase {
        #[command(flatten)]
        which: Which,
        /// Number of the phase in the schedule, from 1.
        #[arg(value_parser = clap::value_parser!(u8).range(1..))]
        phase: u8,
        #[command(flatten)]
        end: MoveEnd,
    },
    /// Set the limits of a trader, or of every trader, on trading days. For auctioneers.
    #[command(after_help = "\
Examples:
  auction limits --order-quantity 10000 --orders-per-second 50     every trader
  auction limits tom --open-orders 20 --long 5000
  auction limits tom --none                                        those of every trader again")]
    Limits {
        /// Name of the trader [default: every trader without limits of their own].
        name: Option<Name>,
        #[command(flatten)]
        limits: LimitFlags,
    },
    /// Suspend a user: they can do nothing more, and their bids remain binding. For auctioneers.
    #[command(after_help = "Example:\n  auction suspend tom")]
    Suspend {
        /// The user's name.
        name: Name,
    },
    /// End a suspension. For auctioneers.
    #[command(after_help = "Example:\n  auction reinstate tom")]
    Reinstate {
        /// The user's name.
        name: Name,
    },
    /// Pay cash or shares into a trader's account, in a market with funds. For auctioneers.
    #[command(after_help = "\
Examples:
  auction deposit mia 1000
  auction deposit mia --shares 100 --of AAPL")]
    Deposit {
        /// The trader's name.
        name: Name,
        #[command(flatten)]
        paid: Paid,
    },
    /// Pay unreserved cash or shares out of a trader's account. For auctioneers.
    #[command(after_help = "\
Examples:
  auction withdraw mia 250.50
  auction withdraw mia --shares 100 --of AAPL")]
    Withdraw {
        /// The trader's name.
        name: Name,
        #[command(flatten)]
        paid: Paid,
    },
}

/// A lot, or the whole market.
#[derive(Clone, Copy, Debug, Args)]
pub struct OneOrAll {
    /// Symbol of the stock, or #N for the lot with this number.
    #[arg(
        value_name = "SYMBOL|#N",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    target: Option<Target>,
    /// Number of the lot, when the symbol has several.
    #[arg(long, value_name = "N", value_parser = lot_number, conflicts_with = "all")]
    lot: Option<LotId>,
    /// The whole market.
    #[arg(long)]
    all: bool,
}

impl OneOrAll {
    /// Returns the lot; `None`: the whole market.
    pub fn which(self) -> Option<Which> {
        let lot = self.lot;
        self.target.map(|target| Which { target, lot })
    }
}

/// Cash or shares.
#[derive(Debug, Args)]
pub struct Paid {
    /// Amount of cash.
    #[arg(
        value_name = "AMOUNT",
        allow_negative_numbers = true,
        required_unless_present = "shares",
        conflicts_with = "shares"
    )]
    amount: Option<Amount>,
    /// Number of shares instead of cash.
    #[arg(long, value_name = "N", requires = "of", allow_negative_numbers = true)]
    shares: Option<Quantity>,
    /// Symbol of the shares.
    #[arg(long, value_name = "SYMBOL", requires = "shares")]
    of: Option<Symbol>,
}

impl Paid {
    pub fn asset(&self) -> Asset {
        match (self.amount, self.shares, self.of) {
            (_, Some(quantity), Some(symbol)) => Asset::Shares { symbol, quantity },
            (Some(amount), ..) => Asset::Cash(amount),
            _ => unreachable!("the parser wants an amount, or shares of a stock"),
        }
    }
}

#[derive(Debug, Args)]
pub struct OpenArgs {
    /// The stock.
    pub symbol: Symbol,
    /// Auction format of the lot.
    #[arg(long, value_enum)]
    pub format: Format,
    /// Number of shares. Call: the round lot; order quantities are multiples of it.
    #[arg(long, value_name = "N", default_value = "1")]
    pub quantity: Quantity,
    /// Reserve price, hidden from everyone: nothing is sold below it. Not for Dutch lots, whose floor is public, nor
    /// for calls, whose sellers set limits.
    #[arg(long, value_name = "PRICE")]
    pub reserve: Option<Price>,
    /// Time from now until the lot opens [default: now].
    #[arg(long, value_name = "DURATION", value_parser = span, conflicts_with = "opens_at")]
    pub opens_in: Option<Span>,
    /// Time of the opening, in UTC.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub opens_at: Option<Timestamp>,
    /// Time that the lot stays open [default: 300s].
    #[arg(long, value_name = "DURATION", value_parser = some_span, conflicts_with_all = ["closes_in", "closes_at"])]
    pub open_for: Option<Span>,
    /// Time from now until the lot closes.
    #[arg(long, value_name = "DURATION", value_parser = some_span, conflicts_with = "closes_at")]
    pub closes_in: Option<Span>,
    /// Time of the close, in UTC.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub closes_at: Option<Timestamp>,
    #[command(flatten)]
    pub terms: TermFlags,
}

/// Default duration of a lot.
const OPEN_FOR: Span = Span::from_secs(300);

impl OpenArgs {
    /// Refuses a close beside a schedule, whose phases have their lengths.
    pub fn check(&self) -> Result<(), String> {
        let closes =
            self.open_for.is_some() || self.closes_in.is_some() || self.closes_at.is_some();
        match self.format == Format::Day && closes {
            true => Err(
                "a trading day is open for the lengths of its --schedule; leave out --open-for, --closes-in and --closes-at"
                    .to_owned(),
            ),
            false => Ok(()),
        }
    }

    /// Returns the time of the opening, if it is not at once, and the time of the close.
    pub fn times(&self, now: Timestamp) -> (Option<Timestamp>, Timestamp) {
        let opens_in = self.opens_in.filter(|opens_in| *opens_in > Span::ZERO);
        let opens_at = self
            .opens_at
            .or(opens_in.map(|opens_in| now.saturating_add(opens_in)));
        let closes_at = self.closes_at.or(self
            .closes_in
            .map(|closes_in| now.saturating_add(closes_in)));
        let closes_at = closes_at.unwrap_or_else(|| {
            let day = self.terms.schedule.as_ref().map(|schedule| schedule.length);
            let open_for = day.or(self.open_for).unwrap_or(OPEN_FOR);
            opens_at.unwrap_or(now).saturating_add(open_for)
        });
        (opens_at, closes_at)
    }
}

/// A later close.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Until {
    /// Delay of the close, from its planned time.
    #[arg(long, value_name = "DURATION", value_parser = some_span)]
    pub by: Option<Span>,
    /// Time from now until the lot closes.
    #[arg(long, value_name = "DURATION", value_parser = some_span)]
    pub closes_in: Option<Span>,
    /// Time of the close, in UTC.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub closes_at: Option<Timestamp>,
}

impl Until {
    /// Returns the new close of a lot that closes at `planned`.
    pub fn moment(&self, planned: Timestamp, now: Timestamp) -> Timestamp {
        let by = self.by.map(|by| planned.saturating_add(by));
        let closes_in = self
            .closes_in
            .map(|closes_in| now.saturating_add(closes_in));
        by.or(closes_in).or(self.closes_at).unwrap_or(planned)
    }
}
