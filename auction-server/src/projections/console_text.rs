//! Texts that the server prints for its operator: opened lots, news, winners.
//!
//! Pure functions of the public market. All names in it are ASCII by type, so none can harm a terminal.

use std::fmt::Write as _;
use std::net::SocketAddr;

use auction_core::{
    AccountMode, BidAccepted, Book, ExtensionCause, Lot, LotId, Market, Outcome, Price,
    PublicEvent, Quantity, ReserveStatus, Role, SoftClose, SoftCloseMode, SoldBy, Span, Terms,
    Timestamp, UnsoldBecause, UserId,
};
use auction_proto::KeyFingerprint;

use crate::config::reserved_names;

/// Maximum number of opened bids that one line lists; for the rest it gives their number.
const BIDS_NAMED_MAX: usize = 10;
/// Default port of clients.
const PORT_EXPECTED: u16 = 2022;

/// Text at the start of a server that acknowledges commands before they are on disk.
pub const RELAXED: &str = "\
Durability is relaxed: what is accepted survives a crash of the server; if the machine goes down, the last
moments are lost.
";

/// Protection of a port's network traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security<'a> {
    /// None.
    Plain,
    /// TLS with a certificate from an authority.
    Tls(Certified<'a>),
    /// TLS with a self-signed certificate, of this SHA-256.
    SelfSigned(&'a str),
}

/// Name under which clients find the certificate valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certified<'a> {
    /// The address at which the server listens.
    Address,
    /// This name.
    Name(&'a str),
    /// Unknown.
    Unknown,
}

/// Returns the text for a server that begins to listen at `address`: the market, and the next commands to type.
#[must_use]
pub fn opening(
    market: &Market,
    address: SocketAddr,
    security: Security<'_>,
    now: Timestamp,
) -> String {
    let open: Vec<_> = market
        .lots()
        .iter()
        .filter(|lot| !lot.is_closed())
        .collect();
    let mut text = format!("The market listens on {address}.\n");
    match security {
        Security::Plain if address.ip().is_loopback() => {}
        Security::Plain => {
            text.push_str("Others can reach it, and passwords cross the network unencrypted.\n");
        }
        Security::Tls(_) => text.push_str("It speaks TLS alone.\n"),
        Security::SelfSigned(fingerprint) => {
            let _ = writeln!(
                text,
                "It speaks TLS alone. Its certificate was made here; its SHA-256 fingerprint is\n{fingerprint}"
            );
        }
    }
    let is_demo = reserved_names::is_demo(market);
    if is_demo {
        text.push_str(&demo_lines(market));
    }
    let Some(first) = open.first() else {
        if is_demo {
            text.push_str("Its first lots open in a moment.\n");
            text.push_str(&next_steps(None, address, security, now));
        } else {
            text.push_str("No lot is open.\n");
        }
        return text;
    };
    text.push('\n');
    text.push_str(&lots_table(market, &open));
    text.push('\n');
    let (count, s) = (open.len(), plural(open.len()));
    if open.iter().all(|lot| lot.closes_at == first.closes_at) {
        let until = moment(first.closes_at);
        let left = first.closes_at.since(now).micros().div_ceil(1_000_000);
        let _ = writeln!(
            text,
            "{count} lot{s}, open until {until}, {left} s from now."
        );
    } else {
        let _ = writeln!(text, "{count} lot{s}; it is now {}.", moment(now));
    }
    text.push_str(&soft_close_line(&open));
    if market.accounts() == AccountMode::Funds {
        text.push_str(
            "Traders bid with what they have: an auctioneer types auction deposit NAME AMOUNT.\n",
        );
    }
    text.push_str(&next_steps(Some(first), address, security, now));
    text
}

/// Returns the key fingerprint with which clients verify the market's signatures.
#[must_use]
pub fn signs_with(key: KeyFingerprint) -> String {
    format!("\nThe market signs what it says; the fingerprint of its key is {key}.\n")
}

/// Returns the news of an event as a line without a line end; `None` if it is not news. `market` already includes the
/// event.
#[must_use]
pub fn news(market: &Market, at: Timestamp, event: &PublicEvent) -> Option<String> {
    let what = match event {
        PublicEvent::StockListed(_) => return None,
        PublicEvent::AccountsSet { mode } => format!("traders pay by {mode}"),
        PublicEvent::UserRegistered { name, role, .. } => match role {
            Role::Trader => format!("{name} registers as a trader"),
            Role::Company(symbol) => format!("{name} is registered as the company of {symbol}"),
            Role::Auctioneer => format!("{name} is registered as an auctioneer"),
        },
        PublicEvent::LotOpened(opened) => {
            let (symbol, lot, base_price) = (opened.symbol, opened.lot, opened.base_price);
            let format = format_name(&opened.terms);
            let when = match opened.opens_at {
                None => format!("opens as lot {lot}"),
                Some(opens_at) => format!("is announced as lot {lot}, from {}", moment(opens_at)),
            };
            let until = moment(opened.closes_at);
            format!("{symbol} {when}{format}, at a base price of {base_price}, until {until}")
        }
        PublicEvent::BidAccepted(bid) => {
            format!("{} {}", symbol(market, bid.lot), bid_line(market, bid))
        }
        PublicEvent::LotExtended {
            lot,
            closes_at,
            cause,
        } => {
            let why = match cause {
                ExtensionCause::SoftClose | ExtensionCause::Ordered => "",
                ExtensionCause::Volatility => ", for its price is outside the collar",
                ExtensionCause::MarketOrders => ", for market orders would stay unfilled",
            };
            let (symbol, closes_at) = (symbol(market, *lot), moment(*closes_at));
            format!("{symbol} closes later, at {closes_at}{why}")
        }
        PublicEvent::LotClosed { lot, outcome } => {
            let quantity = market.lot(*lot).map_or(Quantity::ONE, |lot| lot.quantity);
            format!(
                "{} {}",
                symbol(market, *lot),
                outcome_line(market, quantity, outcome)
            )
        }
        PublicEvent::LotBegan { lot } => format!("{} opens", symbol(market, *lot)),
        PublicEvent::LotHalted { lot } => format!("{} is halted", symbol(market, *lot)),
        PublicEvent::LotResumed { lot, closes_at, .. } => {
            let closes_at = moment(*closes_at);
            format!("{} goes on, until {closes_at}", symbol(market, *lot))
        }
        PublicEvent::BiddersCounted { lot, bidders } => {
            let s = plural(*bidders as usize);
            let is_call = market
                .lot(*lot)
                .is_some_and(|lot| matches!(lot.terms, Terms::Call(_)));
            let what = match is_call {
                true => format!("{bidders} trader{s} with orders"),
                false => format!("{bidders} sealed bidder{s}"),
            };
            format!("{} has {what}", symbol(market, *lot))
        }
        PublicEvent::BidsOpened { lot, bids } => {
            let told = bids.iter().take(BIDS_NAMED_MAX).map(|bid| {
                let (bidder, price) = (name(market, bid.bidder), bid.price);
                match bid.quantity {
                    Quantity::ONE => format!("{bidder} {price}"),
                    shares => format!("{bidder} {shares} shares at {price}"),
                }
            });
            let told: Vec<_> = told.collect();
            let more = match bids.len().saturating_sub(BIDS_NAMED_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let told = told.join(", ");
            format!("{} opens sealed bids: {told}{more}", symbol(market, *lot))
        }
        PublicEvent::ReferenceFixed { .. }
        | PublicEvent::EndOpened { .. }
        | PublicEvent::OrderShown { .. }
        | PublicEvent::OrderReduced { .. }
        | PublicEvent::OrderGone { .. }
        | PublicEvent::PhaseMoved { .. } => return None,
        PublicEvent::PhaseBegan(began) => {
            let (phase, until) = (began.phase, moment(began.ends_at));
            format!("{}: {phase} until {until}", symbol(market, began.lot))
        }
        PublicEvent::PhaseExtended { lot, ends_at, .. } => {
            let ends_at = moment(*ends_at);
            format!(
                "{}: the call is extended, until {ends_at}",
                symbol(market, *lot)
            )
        }
        PublicEvent::CallUncrossed { lot, outcome, .. } => {
            let quantity = market.lot(*lot).map_or(Quantity::ONE, |lot| lot.quantity);
            format!(
                "{} {}",
                symbol(market, *lot),
                outcome_line(market, quantity, outcome)
            )
        }
        PublicEvent::Traded {
            lot,
            price,
            quantity,
            ..
        } => format!("{}: {quantity} trade at {price}", symbol(market, *lot)),
        PublicEvent::Interrupted { lot, price, .. } => format!(
            "{} is interrupted: the next price would be {price}",
            symbol(market, *lot)
        ),
        PublicEvent::DayHalted { lot, .. } => format!("{} is halted", symbol(market, *lot)),
        PublicEvent::MarketHalted => String::from("the whole market is halted"),
        PublicEvent::MarketResumed => String::from("the market goes on"),
        PublicEvent::EndCommitted { lot, .. } => format!(
            "{}: the random moment of the uncross is fixed",
            symbol(market, *lot)
        ),
        PublicEvent::ProfitPublished { symbol, profit } => {
            format!("{symbol} publishes a profit of {profit}")
        }
    };
    Some(format!("{} {what}", time_of_day(at)))
}

/// Returns the results of these lots, which have closed.
#[must_use]
pub fn results<'a>(market: &Market, lots: impl IntoIterator<Item = &'a Lot>) -> String {
    let mut text = String::from("All lots have closed.\n\n");
    for lot in lots {
        if let Some(outcome) = lot.outcome() {
            let line = outcome_line(market, lot.quantity, &outcome);
            let _ = writeln!(text, "{:<8} {line}", lot.symbol);
        }
    }
    text.push_str(
        "\nThe results stay readable. Stop the server and start it again for a new round.\n",
    );
    text
}

/// Returns the table of lots. It shows the formats unless all lots have the common one.
fn lots_table(market: &Market, lots: &[&Lot]) -> String {
    let are_english = are_english(lots);
    let format = |format: &str| match are_english {
        true => String::new(),
        false => format!("  {format:<12}"),
    };
    let mut text = format!(
        "{:>6}  {:<16}  {:<8}{}  {:>14}  {:>14}  {}\n",
        "Lot",
        "Security",
        "Symbol",
        format("Format"),
        "Price",
        "Profit",
        "Closes (UTC)"
    );
    for lot in lots {
        let stock = market
            .stock(lot.symbol)
            .expect("a lot is of a listed stock");
        let _ = writeln!(
            text,
            "{:>6}  {:<16}  {:<8}{}  {:>14}  {:>14}  {}",
            lot.id.to_string(),
            stock.listing.security,
            lot.symbol,
            format(lot.terms.format()),
            lot.price().unwrap_or(lot.base_price).to_string(),
            stock.profit.to_string(),
            &time_of_day(lot.closes_at)[..8]
        );
    }
    text
}

fn are_english(lots: &[&Lot]) -> bool {
    let is_english = |lot: &&Lot| matches!(lot.terms, Terms::English(_));
    lots.iter().all(is_english)
}

/// Returns how late bids move the close of the English lots; an empty text if there are none.
fn soft_close_line(lots: &[&Lot]) -> String {
    let mut closes = lots.iter().filter_map(|lot| match &lot.terms {
        Terms::English(terms) => Some(terms.soft_close),
        _ => None,
    });
    let Some(first) = closes.next() else {
        return String::new();
    };
    if closes.any(|other| other != first) {
        return String::from("How late bids move a close is said by `auction lots SYMBOL`.\n");
    }
    let SoftClose {
        mode,
        extend_within,
        extend_by,
        ..
    } = first;
    if extend_within == Span::ZERO || extend_by == Span::ZERO {
        return String::from("No bid moves the close.\n");
    }
    let whose = match are_english(lots) {
        true => "its",
        false => "an English",
    };
    let (within, by) = (seconds(extend_within), seconds(extend_by));
    match mode {
        SoftCloseMode::Add => {
            format!("A bid in the last {within} moves the close of {whose} lot by {by}.\n")
        }
        SoftCloseMode::Reset => {
            format!("A bid in the last {within} moves the close of {whose} lot to {by} after it.\n")
        }
    }
}

/// Returns an explanation of the demo, for readers who did not start it.
fn demo_lines(market: &Market) -> String {
    let (count, s) = (
        reserved_names::traders_of(market),
        plural(reserved_names::traders_of(market)),
    );
    let prefix = reserved_names::RESERVED_PREFIX;
    format!(
        "This is a demo: {count} house trader{s} and an auctioneer, part of the server, play in it with lots of every\n\
         format. Their names begin with {prefix}; what is bid here counts for nothing.\n"
    )
}

fn next_steps(
    lot: Option<&Lot>,
    address: SocketAddr,
    security: Security<'_>,
    now: Timestamp,
) -> String {
    let mut text = format!(
        "\nOpen {} in a browser, or type in another terminal\n",
        page(address, security)
    );
    let listens_where_expected = address.port() == PORT_EXPECTED
        && (address.ip().is_loopback() || address.ip().is_unspecified());
    let come_to = authority(address, security);
    match security {
        Security::Plain if listens_where_expected => {}
        Security::Plain => {
            let _ = writeln!(text, "  export AUCTION_SERVER={come_to}");
        }
        Security::Tls(certified) => {
            let what = match certified {
                Certified::Unknown => "      # NAME: one that the certificate is for",
                Certified::Address | Certified::Name(_) => "",
            };
            let _ = writeln!(text, "  export AUCTION_SERVER=tls://{come_to}{what}");
        }
        Security::SelfSigned(fingerprint) => {
            let _ = writeln!(text, "  export AUCTION_SERVER=tls://{come_to}");
            let _ = writeln!(text, "  export AUCTION_FINGERPRINT={fingerprint}");
        }
    }
    text.push_str("  auction register mia\n  auction login mia\n  auction lots\n");
    if let Some(bid) = lot.and_then(|lot| how_to_bid(lot, now)) {
        let _ = writeln!(text, "  auction {bid}");
    }
    text.push_str("  auction watch\n");
    text
}

/// Returns the host and port under which clients find the certificate valid.
fn authority(address: SocketAddr, security: Security<'_>) -> String {
    let port = address.port();
    match security {
        Security::Tls(Certified::Name(name)) => format!("{name}:{port}"),
        Security::Tls(Certified::Unknown) => format!("NAME:{port}"),
        Security::Plain | Security::Tls(Certified::Address) | Security::SelfSigned(_) => {
            address.to_string()
        }
    }
}

/// Returns the address of the web page, for a browser on this machine.
fn page(address: SocketAddr, security: Security<'_>) -> String {
    let scheme = match security {
        Security::Plain => "http",
        Security::Tls(_) | Security::SelfSigned(_) => "https",
    };
    let named = matches!(
        security,
        Security::Tls(Certified::Name(_) | Certified::Unknown)
    );
    match address.ip().is_unspecified() && !named {
        true => format!("{scheme}://localhost:{}/", address.port()),
        false => format!("{scheme}://{}/", authority(address, security)),
    }
}

/// Returns a command for a first bid on a lot, if it accepts one now.
fn how_to_bid(lot: &Lot, now: Timestamp) -> Option<String> {
    if !lot.is_open(now) {
        return None;
    }
    let (symbol, quantity) = (lot.symbol, lot.quantity);
    // Below the base price the lot takes no sealed bid for all its shares.
    let base = lot.base_price.max(Price::UNIT);
    match &lot.terms {
        Terms::English(_) => {
            let least = lot.least_bid_at(now)?;
            Some(format!("bid {symbol} {least}"))
        }
        Terms::Dutch(_) => Some(format!("take {symbol}")),
        Terms::Sealed(_) => Some(format!("bid {symbol} {base}")),
        Terms::Uniform(_) => Some(format!("order {symbol} buy {quantity} {base}")),
        Terms::Day(terms) => {
            let limit = lot.base_price.max(terms.call.tick);
            Some(format!("order {symbol} buy {quantity} {limit}"))
        }
        Terms::Call(terms) => {
            let reference = match &lot.book {
                Book::Call(book) => book.reference,
                _ => None,
            };
            let limit = reference.unwrap_or(terms.tick);
            Some(format!("order {symbol} buy {quantity} {limit}"))
        }
    }
}

fn bid_line(market: &Market, bid: &BidAccepted) -> String {
    let bidder = name(market, bid.bidder);
    let mut line = match bid.amount {
        Some(amount) => format!("{bidder} bids {amount}"),
        None => format!("{bidder} states a maximum"),
    };
    let (leader, price) = (name(market, bid.leader), bid.price);
    let _ = match (bid.bidder == bid.leader, bid.amount == Some(price)) {
        (true, true) => write!(line, " and leads"),
        (true, false) => write!(line, " and leads at {price}"),
        (false, _) => write!(line, "; {leader} leads at {price}"),
    };
    if bid.reserve == ReserveStatus::NotMet {
        line.push_str("; the reserve is not met");
    }
    line
}

fn outcome_line(market: &Market, quantity: Quantity, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sold {
            winner, price, by, ..
        } => {
            let winner = name(market, *winner);
            let what = match quantity {
                Quantity::ONE => format!("for {price}"),
                shares => format!("{shares} shares for {price} each"),
            };
            let how = match by {
                SoldBy::HighestBid => String::new(),
                by => format!(", {}", by.label()),
            };
            format!("goes to {winner}, {what}{how}")
        }
        Outcome::Day { close: None, .. } => String::from("ends its day: nothing traded"),
        Outcome::Day {
            close: Some(close),
            volume,
            trades,
            ..
        } => {
            let s = plural(usize::try_from(*trades).unwrap_or(usize::MAX));
            format!("ends its day at {close}: {volume} shares in {trades} trade{s}")
        }
        Outcome::Unsold {
            because: UnsoldBecause::NoBids,
            ..
        } => String::from("is not sold: nobody bid"),
        Outcome::Unsold {
            because: UnsoldBecause::ReserveNotMet,
            highest,
        } => {
            let shown = highest.map_or(String::new(), |highest| format!(" with {highest}"));
            format!("is not sold: the reserve was not met{shown}")
        }
        Outcome::Unsold {
            because: UnsoldBecause::Cancelled,
            ..
        } => String::from("is taken back"),
        Outcome::Allocated {
            sold,
            buyers,
            lowest,
            by,
            ..
        } => {
            let s = plural(*buyers as usize);
            let how = by.label();
            format!(
                "goes to {buyers} trader{s}, {sold} of {quantity} shares at {lowest} and above: {how}"
            )
        }
        Outcome::Crossed {
            price,
            volume,
            surplus,
            by,
            traders,
            ..
        } => {
            let how = by.label();
            let left = match surplus.signum() {
                1 => format!("; {surplus} more would be bought"),
                -1 => format!("; {} more would be sold", surplus.unsigned_abs()),
                _ => String::new(),
            };
            format!("is uncrossed at {price}, {volume} shares of {traders} traders: {how}{left}")
        }
        Outcome::NoCross {
            because,
            best_buy,
            best_sell,
        } => {
            let why = because.label();
            let mut line = format!("does not trade: {why}");
            for (side, best) in [("bought", best_buy), ("sold", best_sell)] {
                if let Some(best) = best {
                    let (price, shares) = (best.price, best.quantity);
                    let _ = write!(line, "; {shares} would be {side} at {price}");
                }
            }
            line
        }
    }
}

fn symbol(market: &Market, lot: LotId) -> String {
    market
        .lot(lot)
        .map_or_else(|| format!("lot {lot}"), |lot| lot.symbol.to_string())
}

fn name(market: &Market, user: UserId) -> String {
    market
        .user(user)
        .map_or_else(|| format!("user {user}"), |user| user.name.to_string())
}

/// Formats a time as `2026-11-22 13:00:00 UTC`.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..19])
}

/// Formats a time as `13:00:00.000`.
fn time_of_day(at: Timestamp) -> String {
    at.to_string()[11..23].to_owned()
}

/// Formats a span as `300 s` or `1.5 s`.
fn seconds(span: Span) -> String {
    let micros = span.micros();
    let whole = micros / 1_000_000;
    let fraction = format!("{:06}", micros % 1_000_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole} s"),
        fraction => format!("{whole}.{fraction} s"),
    }
}

/// Returns the name of a lot's format; empty for the common one.
fn format_name(terms: &Terms) -> &'static str {
    match terms {
        Terms::English(_) => "",
        Terms::Dutch(_) => " with a falling price",
        Terms::Sealed(_) => " for sealed bids",
        Terms::Uniform(_) => " in parts for sealed bids",
        Terms::Call(_) => " for a call auction",
        Terms::Day(_) => " for a trading day",
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
