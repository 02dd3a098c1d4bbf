//! The market in JSON: stable names, prices as strings, times as RFC 3339 in UTC.

use auction_client::HistoryBid;
use auction_core::{
    AllocatedBy, Book, Lot, MarginalPriority, OpenedBid, Outcome, Phase, Price, PublicEvent,
    ReserveStatus, Role, SoftCloseMode, SoldBy, Span, Terms, UnsoldBecause,
};
use serde_json::{Value, json};

use crate::output::names::View;
pub use crate::output::scalar::price;
use crate::output::{call, day};

/// Returns the terms of a lot, by the names of the flags that open one.
fn terms(terms: &Terms) -> Value {
    let millis = |span: Span| span.micros() / 1_000;
    match terms {
        Terms::English(terms) => json!({
            "step": terms.steps.to_string(),
            "buy_now": price(terms.buy_now),
            "extend_within_ms": millis(terms.soft_close.extend_within),
            "extend_by_ms": millis(terms.soft_close.extend_by),
            "extend_mode": match terms.soft_close.mode {
                SoftCloseMode::Add => "add",
                SoftCloseMode::Reset => "reset",
            },
            "extensions_max": terms.soft_close.extensions_max,
        }),
        Terms::Dutch(terms) => json!({
            "start": terms.start.to_string(),
            "step": terms.step.to_string(),
            "interval_ms": millis(terms.interval),
            "floor": terms.floor.to_string(),
        }),
        Terms::Sealed(_) => json!({}),
        Terms::Uniform(terms) => json!({
            "priority": match terms.priority {
                MarginalPriority::Time => "time",
                MarginalPriority::ProRata => "pro-rata",
            },
            "bids_max": terms.bids_max,
        }),
        Terms::Call(terms) => call::terms_json(terms),
        Terms::Day(terms) => day::terms_json(terms),
    }
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Trader => "trader",
        Role::Company(_) => "company",
        Role::Auctioneer => "auctioneer",
    }
}

impl View<'_> {
    /// Returns all public data of a lot.
    pub fn lot_json(&self, lot: &Lot) -> Value {
        let stock = self.market.stock(lot.symbol);
        let (phase, closed_at, outcome) = match &lot.phase {
            Phase::Scheduled => ("scheduled", None, Value::Null),
            Phase::Open => ("open", None, Value::Null),
            Phase::Closed { at, outcome } => {
                ("closed", Some(at.to_string()), self.outcome_json(outcome))
            }
        };
        let open = phase == "open";
        let now = lot.halted_since.unwrap_or(self.now);
        let closes_in = lot.closes_at.since(now).micros() / 1_000;
        let mut fields = json!({
            "lot": lot.id.0,
            "symbol": lot.symbol.as_str(),
            "security": stock.map(|stock| stock.listing.security.to_string()),
            "profit": stock.map(|stock| stock.profit.to_string()),
            "quantity": lot.quantity.get(),
            "base_price": lot.base_price.to_string(),
            "price": price(lot.price().or_else(|| day::last(lot))),
            "least_bid": price(lot.least_bid_at(self.now).filter(|_| open)),
            "leader": lot.leader().map(|leader| self.name(leader)),
            "you_lead": lot.leader().is_some_and(|leader| self.is_own(leader)),
            "bids": lot.bids(),
            "bidders": lot.bidders(),
            "reserve": lot.reserve().map_or("hidden", reserve),
            "opened_at": lot.opened_at.to_string(),
            "closes_at": lot.closes_at.to_string(),
            // Constant while the lot is halted.
            "closes_in_ms": if lot.is_closed() { 0 } else { closes_in },
            "extensions": lot.extensions,
            "format": lot.terms.format(),
            "terms": terms(&lot.terms),
            "terms_in_words": self.terms(lot),
            "phase": phase,
            "halted_since": lot.halted_since.map(|since| since.to_string()),
            "closed_at": closed_at,
            "outcome": outcome,
        });
        if let Book::Day(book) = &lot.book {
            fields["day"] = day::book_json(book);
        }
        fields
    }

    /// Returns the outcome of a lot.
    pub fn outcome_json(&self, outcome: &Outcome) -> Value {
        match outcome {
            Outcome::Sold {
                winner,
                price: paid,
                by,
                runner_up,
            } => json!({
                "result": "sold",
                "winner": self.name(*winner),
                "price": paid.to_string(),
                "by": match by {
                    SoldBy::HighestBid => "highest_bid",
                    SoldBy::BuyNow => "buy_now",
                    SoldBy::FirstTake => "first_take",
                    SoldBy::SecondHighestBid => "second_highest_bid",
                    SoldBy::Reserve => "reserve",
                    SoldBy::LeastBid => "least_bid",
                },
                "runner_up": price(*runner_up),
            }),
            Outcome::Unsold { because, highest } => json!({
                "result": "unsold",
                "because": match because {
                    UnsoldBecause::NoBids => "no_bids",
                    UnsoldBecause::ReserveNotMet => "reserve_not_met",
                    UnsoldBecause::Cancelled => "cancelled",
                },
                "highest": price(*highest),
            }),
            Outcome::Allocated {
                sold,
                buyers,
                lowest,
                by,
                highest_rejected,
            } => json!({
                "result": "allocated",
                "sold": sold,
                "buyers": buyers,
                "lowest": lowest.to_string(),
                "by": match by {
                    AllocatedBy::EnoughForAll => "enough_for_all",
                    AllocatedBy::Time => "time",
                    AllocatedBy::ProRata => "pro_rata",
                },
                "highest_rejected": price(*highest_rejected),
            }),
            Outcome::Day {
                close,
                average,
                volume,
                trades,
            } => json!({
                "result": "day",
                "close": price(*close),
                "average": price(*average),
                "volume": volume.to_string(),
                "trades": trades,
            }),
            Outcome::Crossed { .. } | Outcome::NoCross { .. } => {
                call::outcome_json(outcome).unwrap_or_default()
            }
        }
    }

    /// Returns a bid of a history.
    pub fn bid_json(&self, bid: &HistoryBid) -> Value {
        json!({
            "time": bid.at.to_string(),
            "bidder": self.name(bid.bidder),
            "amount": price(bid.amount),
            "price": bid.price.to_string(),
            "leader": self.name(bid.leader),
            "feed_sequence": bid.feed_sequence.0,
        })
    }

    /// Returns an opened sealed bid.
    pub fn opened_json(&self, bid: &OpenedBid) -> Value {
        json!({
            "bidder": self.name(bid.bidder),
            "order": bid.order.0,
            "price": bid.price.to_string(),
            "quantity": bid.quantity.get(),
            "filled": bid.filled,
            "pays": price(bid.pays),
        })
    }

    /// Returns the additions to a reported event: its name and its own fields.
    pub fn event_json(&self, event: &PublicEvent) -> Option<(&'static str, Value)> {
        let symbol = |lot| self.market.lot(lot).map(|lot| lot.symbol.to_string());
        let told = match event {
            PublicEvent::StockListed(_)
            | PublicEvent::UserRegistered { .. }
            | PublicEvent::AccountsSet { .. } => return None,
            PublicEvent::PhaseBegan(_)
            | PublicEvent::PhaseExtended { .. }
            | PublicEvent::PhaseMoved { .. }
            | PublicEvent::CallUncrossed { .. }
            | PublicEvent::OrderShown { .. }
            | PublicEvent::OrderReduced { .. }
            | PublicEvent::OrderGone { .. }
            | PublicEvent::Traded { .. }
            | PublicEvent::Interrupted { .. }
            | PublicEvent::DayHalted { .. }
            | PublicEvent::MarketHalted
            | PublicEvent::MarketResumed => return self.day_event_json(event),
            PublicEvent::LotOpened(opened) => {
                let lot = self.market.lot(opened.lot)?;
                ("opened", self.lot_json(lot))
            }
            PublicEvent::BidAccepted(bid) => {
                let lot = self.market.lot(bid.lot)?;
                let fields = json!({
                    "lot": bid.lot.0,
                    "symbol": lot.symbol.as_str(),
                    "bidder": self.name(bid.bidder),
                    "amount": price(bid.amount),
                    "price": bid.price.to_string(),
                    "leader": self.name(bid.leader),
                    "you_lead": self.is_own(bid.leader),
                    "least_bid": price(bid.least),
                    "bidders": bid.bidders,
                    "reserve": reserve(bid.reserve),
                    "closes_at": lot.closes_at.to_string(),
                });
                ("bid", fields)
            }
            PublicEvent::LotExtended {
                lot,
                closes_at,
                cause,
            } => {
                let cause = match cause {
                    auction_core::ExtensionCause::SoftClose => "soft_close",
                    auction_core::ExtensionCause::Ordered => "ordered",
                    auction_core::ExtensionCause::Volatility => "volatility",
                    auction_core::ExtensionCause::MarketOrders => "market_orders",
                };
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "closes_at": closes_at.to_string(),
                    "cause": cause,
                });
                ("extended", fields)
            }
            PublicEvent::LotClosed { lot, outcome } => {
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "outcome": self.outcome_json(outcome),
                });
                ("closed", fields)
            }
            PublicEvent::LotBegan { lot } => ("began", self.lot_json(self.market.lot(*lot)?)),
            PublicEvent::LotHalted { lot } => ("halted", self.lot_json(self.market.lot(*lot)?)),
            PublicEvent::LotResumed { lot, .. } => {
                ("resumed", self.lot_json(self.market.lot(*lot)?))
            }
            PublicEvent::BiddersCounted { lot, bidders } => {
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "bidders": bidders,
                });
                ("bidders", fields)
            }
            PublicEvent::BidsOpened { lot, bids } => {
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "bids": bids.iter().map(|bid| self.opened_json(bid)).collect::<Vec<_>>(),
                });
                ("bids_opened", fields)
            }
            PublicEvent::ReferenceFixed { lot, reference } => {
                let reference = Some(*reference).filter(|price| *price > Price::ZERO);
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "reference": price(reference),
                });
                ("reference", fields)
            }
            PublicEvent::EndCommitted { lot, commitment } => {
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "commitment": hex(&commitment.0),
                });
                ("end_committed", fields)
            }
            PublicEvent::EndOpened { lot, end } => {
                let fields = json!({
                    "lot": lot.0,
                    "symbol": symbol(*lot),
                    "before_close_us": end.before_close.micros(),
                    "salt": hex(&end.salt),
                });
                ("end_opened", fields)
            }
            PublicEvent::ProfitPublished { symbol, profit } => {
                let fields = json!({ "symbol": symbol.as_str(), "profit": profit.to_string() });
                ("profit", fields)
            }
        };
        Some(told)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reserve(reserve: ReserveStatus) -> &'static str {
    match reserve {
        ReserveStatus::None => "none",
        ReserveStatus::NotMet => "not_met",
        ReserveStatus::Met => "met",
    }
}
