//! What a trader can type beside open bids: hidden orders, and what came of them.

use auction_core::{LotId, Name, OrderId, Price, Quantity};
use clap::{Args, Subcommand, ValueEnum};

use crate::args::target::{Target, Which, lot_number};

#[derive(Debug, Subcommand)]
pub enum TradeCommand {
    /// Take a Dutch lot at the price of the moment.
    #[command(after_help = "\
Examples:
  auction take AAPL                the price that stands now, and not more
  auction take AAPL --at-most 70   wait for no one: refused while the price is above 70")]
    Take {
        #[command(flatten)]
        which: Which,
        /// The highest price you accept [default: the price that stands now].
        #[arg(long, value_name = "PRICE")]
        at_most: Option<Price>,
    },
    /// Place a hidden order: a sealed bid, or an order of a call auction.
    #[command(after_help = "\
Examples:
  auction order AAPL buy 1 100           a sealed bid of 100 for a lot of one share
  auction order AAPL buy 500 12.5        a bid for 500 shares of a lot sold in parts
  auction order AAPL sell 500 12.5       at a call auction: sell at 12.5 or more
  auction order AAPL buy 500 --market    at a call auction: at any price")]
    Order {
        #[command(flatten)]
        which: Which,
        /// Whether you buy or sell; to sell is for call auctions.
        side: SideWord,
        /// How many shares.
        quantity: Quantity,
        #[command(flatten)]
        limit: Limit,
    },
    /// Replace an order of yours; its number stays.
    #[command(after_help = "\
Examples:
  auction replace AAPL 1 500 12.75     order 1: from now on 500 shares at 12.75
  auction replace '#7' 1 500 --market

The number is told when the order is placed, and by `auction orders`.")]
    Replace {
        #[command(flatten)]
        which: Which,
        /// The order's number on this lot.
        #[arg(value_parser = order_number)]
        order: OrderId,
        /// How many shares from now on.
        quantity: Quantity,
        #[command(flatten)]
        limit: Limit,
    },
    /// Take an order of yours back.
    #[command(
        after_help = "Example:\n  auction cancel AAPL 1\n\nThe number is told when the order is placed, and by `auction orders`."
    )]
    Cancel {
        #[command(flatten)]
        which: Which,
        /// The order's number on this lot.
        #[arg(value_parser = order_number)]
        order: OrderId,
    },
    /// See what of yours stands: the lots you lead, your hidden maxima and orders; after a close what each order got.
    #[command(after_help = "\
Examples:
  auction orders                all that stands
  auction orders AAPL           its newest closed lot too, and what your orders got there
  auction orders --lot 7 --json | jq -r '.orders[] | [.order, .filled, .price] | @tsv'")]
    Orders {
        /// The stock's symbol, or #N for the lot with this number; none: all lots that are open.
        #[arg(value_name = "SYMBOL|#N")]
        target: Option<Target>,
        /// Which lot, when the symbol has had several.
        #[arg(long, value_name = "N", value_parser = lot_number)]
        lot: Option<LotId>,
    },
    /// See all your bids and orders, on open and closed lots: what you won, what each order got, and what it costs.
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
    /// See the least bid of yours that would have won a lot that has closed.
    #[command(after_help = "Example:\n  auction would-have-won AAPL")]
    WouldHaveWon(Which),
    /// See what you own, in a market that runs on funds: cash and shares, and what of them is reserved.
    #[command(after_help = "\
Examples:
  auction account
  auction account --json | jq -r .free
  auction account tom      an auctioneer sees any trader's")]
    Account {
        /// Whose [default: your own]. For auctioneers.
        name: Option<Name>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideWord {
    Buy,
    Sell,
}

/// The worst price that an order accepts.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Limit {
    /// The worst price you accept for each share.
    pub price: Option<Price>,
    /// At any price; for call auctions.
    #[arg(long)]
    pub market: bool,
}

fn order_number(text: &str) -> Result<OrderId, String> {
    let number = text.parse().map(OrderId);
    number.map_err(|_| "is not an order's number; expected for example 1".to_owned())
}
