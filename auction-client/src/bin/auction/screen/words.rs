//! Descriptions of lots on the screen.

use auction_core::{Lot, LotId, Phase, Terms};

use crate::output::names::View;

/// Describes being outbid: `OUTBID on AAPL #1: tom leads at 1.47`.
pub fn outbid_words(view: View<'_>, lot: LotId) -> String {
    let title = view.title(lot);
    let Some(found) = view.market.lot(lot) else {
        return format!("OUTBID on {title}");
    };
    if let Some(outcome) = found.outcome() {
        let outcome = view.outcome(found, &outcome);
        return format!("OUTBID on {title}, which has closed: {outcome}");
    }
    match (found.leader(), found.price()) {
        (Some(leader), Some(price)) => {
            format!("OUTBID on {title}: {} leads at {price}", view.name(leader))
        }
        _ => format!("OUTBID on {title}"),
    }
}

/// Describes the leader and the least bid: `tom leads at 1.47; the least bid is 1.48`.
pub fn standing(view: View<'_>, lot: &Lot) -> String {
    let bidders = lot.bidders();
    let s = if bidders == 1 { "" } else { "s" };
    match (&lot.terms, &lot.phase) {
        (_, Phase::Closed { outcome, .. }) => view.outcome(lot, outcome),
        (_, Phase::Scheduled) => "it has not begun".to_owned(),
        (Terms::Dutch(_), Phase::Open) => match lot.least_bid_at(view.now) {
            Some(price) => format!("the first to take it gets it, now at {price}"),
            None => "it was taken".to_owned(),
        },
        (Terms::Sealed(_) | Terms::Uniform(_), Phase::Open) => {
            format!("{bidders} trader{s} with sealed bids")
        }
        (Terms::Day(_), Phase::Open) => view.when(lot),
        (Terms::Call(_), Phase::Open) => format!("{bidders} trader{s} with orders"),
        (Terms::English(_), Phase::Open) => {
            let least = match lot.least_bid() {
                Some(least) => format!("the least bid is {least}"),
                None => "no higher bid is possible".to_owned(),
            };
            match (lot.leader(), lot.price()) {
                (Some(leader), Some(price)) if view.is_own(leader) => {
                    format!("YOU LEAD at {price}; {least}")
                }
                (Some(leader), Some(price)) => {
                    format!("{} leads at {price}; {least}", view.name(leader))
                }
                _ => format!("no bids yet; {least}"),
            }
        }
    }
}
