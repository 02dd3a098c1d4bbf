//! Commands of traders beside open bids: hidden orders, and their results.

use auction_core::{LotId, Name, OrderId, Price, Quantity};
use clap::{Args, Subcommand, ValueEnum};

use crate::args::day::DayFlags;
use crate::args::target::{Target, Which, lot_number};

#[derive(Debug, Subcommand)]
pub enum TradeCommand {
    /// Take a Dutch lot at its current price.
    #[command(after_help = "\
Examples:
  auction take AAPL                at the current price at most
  auction take AAPL --at-most 70   refused while the price is above 70")]
    Take {
        #[command(flatten)]
        which: Which,
        /// The highest price you accept [default: the current price].
        #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
        at_most: Option<Price>,
    },
    /// Place an order: a sealed bid, or an order of a call auction or a trading day.
    #[command(after_help = "\
Examples:
  auction order AAPL buy 1 100           a sealed bid of 100 for a lot of one share
  auction order AAPL buy 500 12.5        a bid for 500 shares of a lot sold in parts
  auction order AAPL sell 500 12.5       at a call auction: sell at 12.5 or more
  auction order AAPL buy 500 --market    at a call auction: at any price
  auction order AAPL buy 100 12.50 --tif ioc       on a trading day: what can trade at once
  auction order AAPL buy 100 12.50 --post-only     rest in the book, or be refused
  auction order AAPL sell 100 --market --tif at-close    in the closing call

On a trading day the answer says at once what traded, at which average price, and what rests.")]
    Order {
        #[command(flatten)]
        which: Which,
        /// Buy or sell; only call auctions and trading days have sell orders.
        side: SideWord,
        /// Number of shares.
        #[arg(allow_negative_numbers = true)]
        quantity: Quantity,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        check: PriceCheck,
        #[command(flatten)]
        day: DayFlags,
    },
    /// Replace an order of yours; it keeps its number.
    #[command(after_help = "\
Examples:
  auction replace AAPL 1 500 12.75     change order 1 to 500 shares at 12.75
  auction replace '#7' 1 500 --market

The number is shown when the order is placed, and by `auction orders`.")]
    Replace {
        #[command(flatten)]
        which: Which,
        /// Number of the order on this lot.
        #[arg(value_parser = order_number, allow_negative_numbers = true)]
        order: OrderId,
        /// New number of shares.
        #[arg(allow_negative_numbers = true)]
        quantity: Quantity,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        check: PriceCheck,
    },
    /// Cancel an order of yours.
    #[command(
        after_help = "Example:\n  auction cancel AAPL 1\n\nThe number is shown when the order is placed, and by `auction orders`."
    )]
    Cancel {
        #[command(flatten)]
        which: Which,
        /// Number of the order on this lot.
        #[arg(value_parser = order_number, allow_negative_numbers = true)]
        order: OrderId,
    },
    /// Cancel all your orders on call auctions and trading days.
    #[command(after_help = "\
Examples:
  auction cancel-all              on all lots
  auction cancel-all AAPL         on one
  auction cancel-all --of tom     another trader's, for auctioneers")]
    CancelAll {
        /// Symbol of the stock, or #N for the lot with this number [default: all lots].
        #[arg(value_name = "SYMBOL|#N")]
        target: Option<Target>,
        /// Number of the lot, when the symbol has several.
        #[arg(long, value_name = "N", value_parser = lot_number)]
        lot: Option<LotId>,
        /// Name of the trader [default: you]. For auctioneers.
        #[arg(long, value_name = "NAME")]
        of: Option<Name>,
    },
    /// Show your position: the lots you lead, your hidden maxima and orders; after a close the fills of each order.
    #[command(after_help = "\
Examples:
  auction orders                everything live
  auction orders AAPL           its newest closed lot too, with the fills of your orders
  auction orders --lot 7 --json | jq -r '.orders[] | [.order, .filled, .price] | @tsv'")]
    Orders {
        /// Symbol of the stock, or #N for the lot with this number [default: all open lots].
        #[arg(value_name = "SYMBOL|#N")]
        target: Option<Target>,
        /// Number of the lot, when the symbol has had several.
        #[arg(long, value_name = "N", value_parser = lot_number)]
        lot: Option<LotId>,
    },
    /// Show all your bids and orders, on open and closed lots: wins, fills, and costs.
    #[command(after_help = "\
Examples:
  auction mine                  everything, the newest lot first
  auction mine --limit 20       the newest 20 bids and orders
  auction mine --json | jq -r '.entries[] | select(.filled > 0) | [.symbol, .filled, .price, .amount] | @tsv'")]
    Mine {
        /// Maximum number of bids and orders [default: all].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// Show the least bid that would have won a closed lot for you.
    #[command(after_help = "Example:\n  auction would-have-won AAPL")]
    WouldHaveWon(Which),
    /// Show your cash and shares, and how much of them is reserved, in a market with funds.
    #[command(after_help = "\
Examples:
  auction account
  auction account --json | jq -r .free
  auction account tom      any trader's account, for auctioneers")]
    Account {
        /// Name of the user [default: your own]. For auctioneers.
        name: Option<Name>,
    },
}

/// Options for prices far from the market's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct PriceCheck {
    /// Send the price however far it is from the market's, without a question at a terminal or a refusal in a script.
    #[arg(long, short)]
    pub yes: bool,
    /// Largest distance of the price, in percent of the least bid, without a question; scripts are refused beyond it.
    /// Hidden orders are compared with the base price or the reference price [default: 100, or 1.00 in total].
    #[arg(long, value_name = "PERCENT", conflicts_with = "yes")]
    pub within: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideWord {
    Buy,
    Sell,
}

/// Limit price of an order.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Limit {
    /// The worst price per share that you accept.
    #[arg(allow_negative_numbers = true)]
    pub price: Option<Price>,
    /// Accept any price; for call auctions and trading days.
    #[arg(long)]
    pub market: bool,
}

fn order_number(text: &str) -> Result<OrderId, String> {
    let number = text.parse().map(OrderId);
    number.map_err(|_| "is not an order's number; expected for example 1".to_owned())
}
