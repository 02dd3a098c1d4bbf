//! The call auction in words and in JSON: its terms, the indicative result, and the outcome.

use auction_client::Indicative as Published;
use auction_core::{
    BookDepth, BookShown, CallTerms, Collar, Indicative, LadderStep, Lot, NoCrossBecause, Outcome,
    Price, Quote, Span,
};
use serde_json::{Value, json};

use crate::output::names::View;
use crate::output::time::span_words;

/// Describes the terms, as a sentence without its full stop.
pub fn terms(lot: &Lot, terms: &CallTerms) -> String {
    let CallTerms {
        tick,
        book,
        collar,
        extensions_max,
        market_extension,
        extend_by,
        random_end,
        no_cancel,
    } = *terms;
    let mut text = format!("call auction: orders to buy and to sell, limits on a tick of {tick}");
    let mut add = |what: String| {
        text.push_str("; ");
        text.push_str(&what);
    };
    if lot.quantity.get() > 1 {
        add(format!("quantities in lots of {}", lot.quantity));
    }
    match random_end {
        Span::ZERO => add("all trade at one price at the close".to_owned()),
        span => add(format!(
            "all trade at one price, at a random moment in the last {}",
            span_words(span)
        )),
    }
    if let Some(span) = no_cancel {
        let before = match span {
            Span::ZERO => "from then on".to_owned(),
            span => format!("{} before that", span_words(span)),
        };
        add(format!("{before} orders can only be added or improved"));
    }
    let by = span_words(extend_by);
    if let Some(collar) = collar {
        let collar = collar_words(collar);
        add(match extensions_max {
            0 => format!("the price stays {collar}"),
            1 => format!("not {collar} it goes on {by}, at most once"),
            most => format!("not {collar} it goes on {by}, at most {most} times"),
        });
    }
    if market_extension {
        add(format!("for unfilled market orders it goes on {by} once"));
    }
    if book == BookShown::Open {
        add("the book is open".to_owned());
    }
    text
}

fn collar_words(collar: Collar) -> String {
    let percent = f64::from(collar.basis_points) / 100.0;
    match (collar.absolute.units(), collar.basis_points) {
        (_, 0) => format!("within {} of the reference", collar.absolute),
        (0, _) => format!("within {percent} % of the reference"),
        _ => format!("within {} or {percent} % of the reference", collar.absolute),
    }
}

/// Returns the terms by the column names of a lots file.
pub fn terms_json(terms: &CallTerms) -> Value {
    let millis = |span: Span| span.micros() / 1_000;
    json!({
        "tick": terms.tick.to_string(),
        "book": match terms.book {
            BookShown::Open => "open",
            BookShown::Closed => "closed",
        },
        "collar": terms.collar.map(|collar| collar.absolute.to_string()),
        "collar_bps": terms.collar.map(|collar| collar.basis_points),
        "extensions_max": terms.extensions_max,
        "market_extension": terms.market_extension,
        "extend_by_ms": millis(terms.extend_by),
        "random_end_ms": millis(terms.random_end),
        "no_cancel_ms": terms.no_cancel.map(millis),
    })
}

/// Describes the outcome of a call auction; `None` for the outcome of another format.
pub fn outcome(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Crossed {
            price,
            volume,
            surplus,
            by,
            candidates,
            traders,
        } => {
            let how = by.label();
            let among = match candidates {
                Some(of) if of.lowest < of.highest => {
                    format!(", of the prices from {} to {}", of.lowest, of.highest)
                }
                _ => String::new(),
            };
            let left = surplus_words(*surplus);
            Some(format!(
                "{volume} shares of {traders} traders at {price}: {how}{among}{left}"
            ))
        }
        Outcome::NoCross {
            because,
            best_buy,
            best_sell,
        } => {
            let why = because.label();
            Some(format!("no trade: {why}{}", best(*best_buy, *best_sell)))
        }
        _ => None,
    }
}

/// Returns the same in JSON.
pub fn outcome_json(outcome: &Outcome) -> Option<Value> {
    match outcome {
        Outcome::Crossed {
            price,
            volume,
            surplus,
            by,
            candidates,
            traders,
        } => Some(json!({
            "result": "crossed",
            "price": price.to_string(),
            "volume": volume,
            "surplus": surplus,
            "by": step(*by),
            "candidates": candidates.map(|of| [of.lowest.to_string(), of.highest.to_string()]),
            "traders": traders,
        })),
        Outcome::NoCross {
            because,
            best_buy,
            best_sell,
        } => Some(json!({
            "result": "no_cross",
            "because": match because {
                NoCrossBecause::NothingCrosses => "nothing_crosses",
                NoCrossBecause::NoPrice => "no_price",
                NoCrossBecause::Collar => "collar",
            },
            "best_buy": quote_json(*best_buy),
            "best_sell": quote_json(*best_sell),
        })),
        _ => None,
    }
}

/// Returns the price at which an uncross would trade.
pub fn price(published: &Published) -> Option<Price> {
    match &published.indicative {
        Indicative::Cross(cross) => Some(cross.price),
        Indicative::NoCross { .. } => None,
    }
}

impl View<'_> {
    /// Describes the result of an uncross, without its time: `would trade 900 shares at 12.40, 100 more to sell`.
    pub fn indicative(&self, published: &Published) -> String {
        let now = match &published.indicative {
            Indicative::Cross(cross) => {
                let (shares, price, left) =
                    (cross.volume, cross.price, surplus_words(cross.surplus));
                format!("would trade {shares} shares at {price}{left}")
            }
            Indicative::NoCross {
                best_buy,
                best_sell,
            } => format!("would not trade{}", best(*best_buy, *best_sell)),
        };
        let depth = published.depth.as_ref().map(depth_words);
        format!("{now}{}", depth.unwrap_or_default())
    }

    /// Returns the same in JSON, beside the name of the event.
    pub fn indicative_event(&self, published: &Published) -> Value {
        let symbol = self.market.lot(published.lot);
        let mut fields = indicative_json(published);
        fields["lot"] = json!(published.lot.0);
        fields["symbol"] = json!(symbol.map(|lot| lot.symbol.to_string()));
        fields
    }
}

/// Returns the result of an uncross in JSON.
pub fn indicative_json(published: &Published) -> Value {
    let mut fields = match &published.indicative {
        Indicative::Cross(cross) => json!({
            "price": cross.price.to_string(),
            "volume": cross.volume,
            "surplus": cross.surplus,
            "by": step(cross.decided_by),
            "best_buy": null,
            "best_sell": null,
        }),
        Indicative::NoCross {
            best_buy,
            best_sell,
        } => json!({
            "price": null,
            "volume": 0,
            "surplus": null,
            "by": null,
            "best_buy": quote_json(*best_buy),
            "best_sell": quote_json(*best_sell),
        }),
    };
    let quotes = |quotes: &[Quote]| -> Vec<Value> {
        quotes
            .iter()
            .map(|quote| quote_json(Some(*quote)))
            .collect()
    };
    fields["book"] = json!(published.depth.as_ref().map(|depth| json!({
        "market_buy": depth.market_buy,
        "market_sell": depth.market_sell,
        "buys": quotes(&depth.buys),
        "sells": quotes(&depth.sells),
    })));
    fields
}

fn step(step: LadderStep) -> &'static str {
    match step {
        LadderStep::Market => "market",
        LadderStep::Volume => "volume",
        LadderStep::Surplus => "surplus",
        LadderStep::Pressure => "pressure",
        LadderStep::Reference => "reference",
        LadderStep::Collar => "collar",
    }
}

fn quote_json(quote: Option<Quote>) -> Value {
    quote.map_or(
        Value::Null,
        |quote| json!({ "price": quote.price.to_string(), "quantity": quote.quantity }),
    )
}

/// Describes the surplus at a price.
fn surplus_words(surplus: i64) -> String {
    let shares = surplus.unsigned_abs();
    match surplus {
        0 => String::new(),
        1.. => format!(", {shares} more to buy"),
        _ => format!(", {shares} more to sell"),
    }
}

fn best(buy: Option<Quote>, sell: Option<Quote>) -> String {
    let said = |what: &str, quote: Option<Quote>| {
        quote.map_or_else(String::new, |quote| {
            format!("; best {what} {} for {}", quote.price, quote.quantity)
        })
    };
    said("buy", buy) + &said("sell", sell)
}

/// Describes the best levels of an open book, in brackets: `(buy market x 5, 10.10 x 100; sell 10.00 x 60)`.
fn depth_words(depth: &BookDepth) -> String {
    let side = |name: &str, market: u64, quotes: &[Quote]| {
        let market = (market > 0).then(|| format!("market x {market}"));
        let limits = quotes
            .iter()
            .take(LEVELS_SHOWN)
            .map(|quote| format!("{} x {}", quote.price, quote.quantity));
        let all: Vec<_> = market.into_iter().chain(limits).collect();
        (!all.is_empty()).then(|| format!("{name} {}", all.join(", ")))
    };
    let buys = side("buy", depth.market_buy, &depth.buys);
    let sells = side("sell", depth.market_sell, &depth.sells);
    let both: Vec<_> = buys.into_iter().chain(sells).collect();
    match both.is_empty() {
        true => String::new(),
        false => format!(" ({})", both.join("; ")),
    }
}

/// Number of price levels of each side in one line.
const LEVELS_SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use auction_core::clearing::call::Cross;
    use auction_core::{Candidates, LotId, Market, MarketId, Terms};

    use super::*;
    use crate::fixture::{after, listed, market, opened, price};

    fn quote(limit: &str, quantity: u64) -> Option<Quote> {
        let price = price(limit);
        Some(Quote { price, quantity })
    }

    fn view(market: &Market) -> View<'_> {
        View {
            market,
            own: None,
            now: after(1),
        }
    }

    #[test]
    fn terms_are_described_in_these_words() {
        let market = market([listed("AAPL"), opened(1, "AAPL")]);
        let mut lot = market.lots()[0].clone();
        let usual = CallTerms::default();
        let say = |lot: &Lot, of: CallTerms| {
            let lot = Lot {
                terms: Terms::Call(of),
                ..lot.clone()
            };
            terms(&lot, &of)
        };
        assert_eq!(
            say(&lot, usual),
            "call auction: orders to buy and to sell, limits on a tick of 0.01; all trade at one price at the close"
        );
        lot.quantity = "100".parse().unwrap();
        let all = CallTerms {
            book: BookShown::Open,
            collar: Some(Collar {
                absolute: price("0.50"),
                basis_points: 1_050,
            }),
            market_extension: true,
            random_end: Span::from_secs(30),
            no_cancel: Some(Span::from_secs(60)),
            ..usual
        };
        assert_eq!(
            say(&lot, all),
            "call auction: orders to buy and to sell, limits on a tick of 0.01; quantities in lots of 100; all \
             trade at one price, at a random moment in the last 30s; 1m before that orders can only be added or \
             improved; not within 0.50 or 10.5 % of the reference it goes on 1m, at most once; for unfilled \
             market orders it goes on 1m once; the book is open"
        );
    }

    #[test]
    fn an_indicative_result_is_described_in_these_words() {
        let market = Market::new(MarketId::default());
        let published = |indicative, depth| Published {
            lot: LotId(1),
            at: after(1),
            indicative,
            depth,
        };
        let cross = Indicative::Cross(Cross {
            price: price("12.40"),
            volume: 900,
            surplus: -100,
            decided_by: LadderStep::Surplus,
        });
        let depth = BookDepth {
            market_buy: 0,
            market_sell: 5,
            buys: quote("12.50", 900).into_iter().collect(),
            sells: quote("12.40", 995).into_iter().collect(),
        };
        let shown = published(cross, Some(depth));
        assert_eq!(
            view(&market).indicative(&shown),
            "would trade 900 shares at 12.40, 100 more to sell (buy 12.50 x 900; sell market x 5, 12.40 x 995)"
        );
        let fields = view(&market).indicative_event(&shown);
        assert_eq!(
            (&fields["price"], &fields["volume"]),
            (&json!("12.40"), &json!(900))
        );
        assert_eq!(fields["book"]["sells"][0]["quantity"], 995);
        let apart = Indicative::NoCross {
            best_buy: quote("12.30", 5),
            best_sell: None,
        };
        assert_eq!(
            view(&market).indicative(&published(apart, None)),
            "would not trade; best buy 12.30 for 5"
        );
    }

    #[test]
    fn an_outcome_is_described_in_these_words() {
        let crossed = Outcome::Crossed {
            price: price("110"),
            volume: 60,
            surplus: 140,
            by: LadderStep::Collar,
            candidates: None,
            traders: 2,
        };
        assert_eq!(
            outcome(&crossed).unwrap(),
            "60 shares of 2 traders at 110.00: the bound of the collar, 140 more to buy"
        );
        assert_eq!(outcome_json(&crossed).unwrap()["by"], "collar");
        let among = Outcome::Crossed {
            price: price("110"),
            volume: 60,
            surplus: -30,
            by: LadderStep::Pressure,
            candidates: Some(Candidates {
                lowest: price("110"),
                highest: price("112"),
            }),
            traders: 2,
        };
        assert_eq!(
            outcome(&among).unwrap(),
            "60 shares of 2 traders at 110.00: the pressure of one side, of the prices from 110.00 to 112.00, 30 \
             more to sell"
        );
        let none = Outcome::NoCross {
            because: NoCrossBecause::NothingCrosses,
            best_buy: None,
            best_sell: quote("9", 5),
        };
        assert_eq!(
            outcome(&none).unwrap(),
            "no trade: nothing crosses; best sell 9.00 for 5"
        );
        assert_eq!(outcome_json(&none).unwrap()["best_sell"]["price"], "9.00");
        assert_eq!(outcome(&crate::fixture::UNSOLD), None);
    }
}
