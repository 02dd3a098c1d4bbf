//! Events, one line each.

use std::collections::BTreeMap;

use auction_core::{
    BidAccepted, EnglishTerms, ExtensionCause, LotId, OpenedBid, PublicEvent, Span, Terms,
    Timestamp,
};

use crate::output::colour::Colour;
use crate::output::names::View;
use crate::output::time::{countdown, duration, span_words, time_of_day};

/// Maximum number of lots named in one line; of more the number is shown.
const NAMED_MAX: usize = 10;

impl View<'_> {
    /// Describes an event in a line; `None` if it is of no interest to a bidder. The market includes it already.
    pub fn news(&self, at: Timestamp, event: &PublicEvent, colour: Colour) -> Option<String> {
        let (title, what) = match event {
            PublicEvent::StockListed(_)
            | PublicEvent::UserRegistered { .. }
            | PublicEvent::AccountsSet { .. }
            | PublicEvent::ReferenceFixed { .. }
            | PublicEvent::OrderShown { .. }
            | PublicEvent::OrderReduced { .. }
            | PublicEvent::OrderGone { .. } => return None,
            PublicEvent::PhaseBegan(_)
            | PublicEvent::PhaseExtended { .. }
            | PublicEvent::PhaseMoved { .. }
            | PublicEvent::CallUncrossed { .. }
            | PublicEvent::Traded { .. }
            | PublicEvent::Interrupted { .. }
            | PublicEvent::DayHalted { .. }
            | PublicEvent::MarketHalted
            | PublicEvent::MarketResumed => {
                let (title, text, is_urgent) = self.day_news(event)?;
                let text = match is_urgent {
                    true => colour.bold(&text),
                    false => text,
                };
                (title, text)
            }
            PublicEvent::EndCommitted { lot, .. } => (
                self.title(*lot),
                "the random moment of the uncross is fixed".to_owned(),
            ),
            PublicEvent::EndOpened { lot, end } => {
                let before = span_words(end.before_close);
                (
                    self.title(*lot),
                    format!("the random end was {before} before the close, as it was fixed"),
                )
            }
            PublicEvent::LotOpened(opened) => (self.title(opened.lot), self.opening(opened.lot)?),
            PublicEvent::BidAccepted(bid) => (self.title(bid.lot), self.bid_news(bid, colour)),
            PublicEvent::LotExtended {
                lot,
                closes_at,
                cause,
            } => {
                let why = match cause {
                    ExtensionCause::SoftClose => "",
                    ExtensionCause::Ordered => " by the auctioneer",
                    ExtensionCause::Volatility => ", the price is outside the collar",
                    ExtensionCause::MarketOrders => ", market orders would stay unfilled",
                };
                let left = countdown(*closes_at, self.now);
                (self.title(*lot), format!("extended{why}: closes in {left}"))
            }
            PublicEvent::LotClosed { lot, outcome } => {
                let what = format!("CLOSED: {}", self.outcome(self.market.lot(*lot)?, outcome));
                (self.title(*lot), colour.bold(&what))
            }
            PublicEvent::LotBegan { lot } => {
                let left = self.closes_in(self.market.lot(*lot)?);
                (self.title(*lot), format!("opens; closes in {left}"))
            }
            PublicEvent::LotHalted { lot } => {
                let when = self.when(self.market.lot(*lot)?);
                (self.title(*lot), colour.alarm(&when))
            }
            PublicEvent::LotResumed { lot, .. } => {
                let when = self.when(self.market.lot(*lot)?);
                (self.title(*lot), format!("goes on: {when}"))
            }
            PublicEvent::BiddersCounted { lot, bidders } => {
                let s = if *bidders == 1 { "" } else { "s" };
                let what = match self.market.lot(*lot)?.terms {
                    Terms::Call(_) | Terms::Day(_) => format!("{bidders} trader{s} with orders"),
                    _ => format!("{bidders} sealed bidder{s}"),
                };
                (self.title(*lot), what)
            }
            PublicEvent::BidsOpened { lot, bids } => {
                let opened: Vec<_> = bids.iter().map(|bid| self.opened_bid(bid)).collect();
                (
                    self.title(*lot),
                    format!("bids opened: {}", opened.join(", ")),
                )
            }
            PublicEvent::ProfitPublished { symbol, profit } => (
                symbol.to_string(),
                format!("publishes a profit of {profit}"),
            ),
        };
        Some(line(at, &title, &what))
    }

    /// Describes a lot that opens: `opens at base price 1.39; least bid 1.40; closes in 5:00`.
    fn opening(&self, lot: LotId) -> Option<String> {
        let lot = self.market.lot(lot)?;
        let least = lot.least_bid_at(self.now).filter(|_| !lot.is_scheduled());
        let least = least.map_or(String::new(), |least| format!("; least bid {least}"));
        let base = lot.base_price;
        // The default terms need no description.
        let terms = match lot.terms == Terms::English(EnglishTerms::default()) {
            true => String::new(),
            false => format!("; {}", self.terms(lot)),
        };
        let (opens, when) = match lot.is_scheduled() {
            false => ("opens", format!("closes in {}", self.closes_in(lot))),
            true => ("is announced", self.when(lot)),
        };
        Some(format!(
            "{opens} at base price {base}{least}; {when}{terms}"
        ))
    }

    /// Describes an opened sealed bid: `mia 60 at 12.00, gets 30`.
    fn opened_bid(&self, bid: &OpenedBid) -> String {
        let (who, wanted, price) = (self.who(bid.bidder), bid.quantity, bid.price);
        match (wanted.get(), bid.pays) {
            (1, _) => format!("{who} {price}"),
            (_, None) => format!("{who} {wanted} at {price}"),
            (_, Some(pays)) => {
                let filled = bid.filled;
                format!("{who} {wanted} at {price} (gets {filled} at {pays})")
            }
        }
    }

    fn bid_news(&self, bid: &BidAccepted, colour: Colour) -> String {
        let (bidder, leader) = (self.who(bid.bidder), self.who(bid.leader));
        let offer = match bid.amount {
            Some(amount) => format!("bid {amount} by {bidder}"),
            None => format!("hidden maximum by {bidder}"),
        };
        let leads = match (bid.leader == bid.bidder, bid.amount == Some(bid.price)) {
            (true, true) => "who leads".to_owned(),
            (true, false) => format!("who leads at {}", bid.price),
            (false, _) => format!("and {leader} leads at {}", bid.price),
        };
        let leads = if self.is_own(bid.leader) {
            colour.good(&leads)
        } else {
            leads
        };
        let least = match bid.least {
            Some(least) => format!("least bid {least}"),
            None => "no higher bid is possible".to_owned(),
        };
        let left = self
            .market
            .lot(bid.lot)
            .map_or(String::new(), |lot| self.closes_in(lot));
        format!("{offer}, {leads}; {least}; closes in {left}")
    }

    /// Describes lots that close soon: those due together in one line.
    pub fn countdown_news(&self, due: &[(LotId, u64)], colour: Colour) -> Vec<String> {
        let mut by_seconds: BTreeMap<u64, Vec<LotId>> = BTreeMap::new();
        for (lot, seconds) in due {
            by_seconds.entry(*seconds).or_default().push(*lot);
        }
        let tell = |(seconds, lots): (u64, Vec<LotId>)| {
            let left = Span::from_micros(seconds * 1_000_000).unwrap_or_default();
            let left = duration(left);
            let [lot] = lots[..] else {
                let names = self.some_names(&lots);
                let what = format!("{}: {names}", colour.alarm(&format!("close in {left}")));
                return line(self.now, &format!("{} lots", lots.len()), &what);
            };
            line(
                self.now,
                &self.title(lot),
                &colour.alarm(&format!("closes in {left}")),
            )
        };
        by_seconds.into_iter().map(tell).collect()
    }

    fn some_names(&self, lots: &[LotId]) -> String {
        let names: Vec<_> = lots
            .iter()
            .take(NAMED_MAX)
            .map(|lot| self.title(*lot))
            .collect();
        match lots.len().saturating_sub(NAMED_MAX) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// Formats a line: time, subject, event.
pub fn line(at: Timestamp, title: &str, what: &str) -> String {
    format!("{}  {title:<12} {what}", time_of_day(at))
}

#[cfg(test)]
mod tests {
    use auction_core::{Market, MarketId, Name, Outcome, SoldBy, Symbol};
    use serde_json::json;

    use super::*;
    use crate::fixture::{UNSOLD, after, bid, closed, listed, opened, price, user};

    fn story() -> Vec<(u64, PublicEvent)> {
        let sold = Outcome::Sold {
            winner: auction_core::UserId(1),
            price: price("1.46"),
            by: SoldBy::HighestBid,
            runner_up: Some(price("1.45")),
        };
        let extended = PublicEvent::LotExtended {
            lot: LotId(1),
            closes_at: after(360),
            cause: ExtensionCause::SoftClose,
        };
        let profit = PublicEvent::ProfitPublished {
            symbol: Symbol::parse("AAPL").unwrap(),
            profit: "-12.5".parse().unwrap(),
        };
        vec![
            (0, listed("AAPL")),
            (0, listed("BRK.B")),
            (0, user(1, "mia")),
            (0, user(2, "tom")),
            (0, opened(1, "AAPL")),
            (0, opened(2, "BRK.B")),
            (28, bid(1, Some("1.40"), 1, "1.40", "1.41")),
            (29, bid(2, Some("1.45"), 1, "1.46", "1.47")),
            (30, bid(2, None, 2, "1.47", "1.48")),
            (245, bid(1, Some("1.48"), 1, "1.48", "1.49")),
            (245, extended),
            (250, profit),
            (300, closed(2, UNSOLD)),
            (360, closed(1, sold)),
        ]
    }

    fn told(until: usize) -> (Market, Vec<String>, Vec<String>) {
        let mut market = Market::new(MarketId([1; 16]));
        let (mut lines, mut events) = (Vec::new(), Vec::new());
        for (seconds, event) in story().into_iter().take(until) {
            let at = after(seconds);
            market.apply(at, &event).unwrap();
            let view = view(&market, seconds);
            lines.extend(view.news(at, &event, Colour::Plain));
            events.extend(view.event_json(&event).map(|(name, _)| name.to_owned()));
        }
        (market, lines, events)
    }

    fn view(market: &Market, seconds: u64) -> View<'_> {
        View {
            market,
            own: Name::parse("mia").ok(),
            now: after(seconds),
        }
    }

    #[test]
    fn events_are_described_in_these_words() {
        let (_, lines, events) = told(usize::MAX);
        let expected = "\
13:00:00Z  AAPL #1      opens at base price 1.39; least bid 1.40; closes in 5:00
13:00:00Z  BRK.B #2     opens at base price 1.39; least bid 1.40; closes in 5:00, reserve not met
13:00:28Z  AAPL #1      bid 1.40 by mia (you), who leads; least bid 1.41; closes in 4:32
13:00:29Z  AAPL #1      bid 1.45 by tom, and mia (you) leads at 1.46; least bid 1.47; closes in 4:31
13:00:30Z  AAPL #1      hidden maximum by tom, who leads at 1.47; least bid 1.48; closes in 4:30
13:04:05Z  AAPL #1      bid 1.48 by mia (you), who leads; least bid 1.49; closes in 0:55
13:04:05Z  AAPL #1      extended: closes in 1:55
13:04:10Z  AAPL         publishes a profit of -12.5
13:05:00Z  BRK.B #2     CLOSED: not sold: no bids
13:06:00Z  AAPL #1      CLOSED: sold to mia (you) at 1.46; the runner-up offered 1.45";
        assert_eq!(lines.join("\n"), expected);
        let names = "opened opened bid bid bid bid extended profit closed closed";
        assert_eq!(events.join(" "), names);
    }

    #[test]
    fn the_countdown_is_described_in_these_words() {
        let (market, ..) = told(7);
        let view = view(&market, 270);
        let told = |due: &[(LotId, u64)]| view.countdown_news(due, Colour::Plain).join("\n");
        assert_eq!(
            told(&[(LotId(1), 30)]),
            "13:04:30Z  AAPL #1      closes in 0:30"
        );
        let both = "13:04:30Z  2 lots       close in 0:30: AAPL #1, BRK.B #2";
        assert_eq!(told(&[(LotId(1), 30), (LotId(2), 30)]), both);
        let many: Vec<_> = (0..12).map(|_| (LotId(1), 60)).collect();
        assert!(
            told(&many).ends_with("AAPL #1 and 2 more"),
            "{}",
            told(&many)
        );
    }

    #[test]
    fn open_lots_make_this_table() {
        let (market, ..) = told(9);
        let text = view(&market, 30).lots(market.lots(), Colour::Plain);
        let expected = "\
LOT  SYMBOL  SECURITY  FORMAT   SHARES  BASE  PRICE  LEAST BID  LEADER  BIDS  PROFIT  CLOSES IN
 #1  AAPL    01954     english       1  1.39   1.47       1.48  tom        3    9800  4:30
 #2  BRK.B   01954     english       1  1.39      -       1.40  -          0    9800  4:30, reserve not met";
        assert_eq!(text, expected);
    }

    #[test]
    fn closed_lots_make_these_tables() {
        let (market, ..) = told(usize::MAX);
        let view = view(&market, 400);
        let expected = "\
LOT  SYMBOL  FORMAT   CLOSED AT             BIDS  OUTCOME
 #1  AAPL    english  2026-10-30 13:06:00Z     4  sold to mia (you) at 1.46; the runner-up offered 1.45
 #2  BRK.B   english  2026-10-30 13:05:00Z     0  not sold: no bids";
        assert_eq!(view.results(market.lots(), Colour::Plain), expected);
        let row = view.lots(&market.lots()[..1], Colour::Plain);
        let closed = " #1  AAPL    01954     english       1  1.39   1.48          -  mia (you)     4   -12.5  closed: sold to mia (you) at 1.46; the runner-up offered 1.45";
        assert_eq!(row.lines().nth(1), Some(closed));
    }

    #[test]
    fn a_lot_in_json_has_these_fields() {
        let (market, ..) = told(7);
        let expected = json!({
            "lot": 1, "symbol": "AAPL", "security": "01954", "profit": "9800", "quantity": 1,
            "base_price": "1.39", "price": "1.40", "least_bid": "1.41", "leader": "mia",
            "you_lead": true, "bids": 1, "bidders": 2, "reserve": "none",
            "opened_at": "2026-10-30T13:00:00.000000Z", "closes_at": "2026-10-30T13:05:00.000000Z",
            "closes_in_ms": 272_000, "extensions": 0, "format": "english",
            "terms": {
                "step": "0.01", "buy_now": null, "extend_within_ms": 60_000, "extend_by_ms": 60_000,
                "extend_mode": "add", "extensions_max": null,
            },
            "terms_in_words": "English: the highest bid wins; each bid rises by at least 0.01; a bid in the \
                               last 1m moves the close by 1m",
            "phase": "open", "halted_since": null, "closed_at": null,
            "outcome": null,
        });
        assert_eq!(view(&market, 28).lot_json(&market.lots()[0]), expected);
        let (market, ..) = told(usize::MAX);
        let lot = view(&market, 400).lot_json(&market.lots()[0]);
        let outcome = json!({
            "result": "sold", "winner": "mia", "price": "1.46", "by": "highest_bid",
            "runner_up": "1.45",
        });
        assert_eq!(lot["outcome"], outcome);
        assert_eq!(lot["phase"], "closed");
        assert_eq!(lot["closed_at"], "2026-10-30T13:06:00.000000Z");
    }

    #[test]
    fn colours_are_never_the_only_sign() {
        let (market, ..) = told(8);
        let view = view(&market, 30);
        let painted = view.lots(market.lots(), Colour::Colours);
        let plain = ["\x1b[1m", "\x1b[32m", "\x1b[2m", "\x1b[0m"]
            .iter()
            .fold(painted.clone(), |text, code| text.replace(code, ""));
        assert!(painted.contains("\x1b["));
        assert_eq!(plain, view.lots(market.lots(), Colour::Plain));
    }
}
