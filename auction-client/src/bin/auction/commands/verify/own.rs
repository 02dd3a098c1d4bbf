//! Bids of the users of interest in a journal, and their outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use auction_client::{Proof, ReplayedRecord};
use auction_core::{
    Event, LotId, Market, Name, Outcome, PrivateEvent, PublicEvent, Sequence, Timestamp, UserId,
};
use serde_json::{Value, json};

use super::held::Signed;
use crate::commands::receipt::{describe, lot_of};
use crate::output::failure::Failure;
use crate::output::names::View;

/// Actions of users, as far as they are public or shown by receipts.
pub struct Own {
    /// User named on the command line.
    name: Option<Name>,
    /// Users of the given receipts.
    users: BTreeSet<UserId>,
    /// Bids that only a receipt shows, by record.
    shown: BTreeMap<Sequence, (UserId, LotId, String)>,
    bids: Vec<OwnBid>,
}

struct OwnBid {
    user: UserId,
    sequence: Sequence,
    at: Timestamp,
    lot: LotId,
    what: String,
}

impl Own {
    pub fn of(name: Option<Name>, signed: &Signed) -> Self {
        let mut own = Self {
            name,
            users: BTreeSet::new(),
            shown: BTreeMap::new(),
            bids: Vec::new(),
        };
        for proven in signed.receipts() {
            let (Some(user), Some(asked)) = (proven.user(), &proven.asked) else {
                continue;
            };
            own.users.insert(user);
            let is_hidden = proven.record.asked.is_none();
            if let (true, Some(lot)) = (is_hidden, lot_of(&asked.command)) {
                let what = format!("{}, as your receipt shows", describe(&asked.command));
                own.shown.insert(proven.record.sequence, (user, lot, what));
            }
        }
        own
    }

    pub fn take(&mut self, judged: &ReplayedRecord<'_>) {
        let named = self.name.and_then(|name| judged.market.user_named(name));
        let users: BTreeSet<UserId> = self.users.iter().copied().chain(named).collect();
        if users.is_empty() {
            return;
        }
        let (sequence, at) = (judged.sequence, judged.at);
        let mut tell = |user: UserId, lot: LotId, what: String| {
            self.bids.push(OwnBid {
                user,
                sequence,
                at,
                lot,
                what,
            });
        };
        if let Some((user, lot, what)) = self.shown.remove(&sequence) {
            tell(user, lot, what);
        }
        for event in judged.events.iter().flatten() {
            match event {
                PublicEvent::BidAccepted(bid) if users.contains(&bid.bidder) => {
                    let leads = match bid.leader == bid.bidder {
                        true => "you lead",
                        false => "beaten at once",
                    };
                    let what = match bid.amount {
                        Some(amount) => format!("bid {amount}: {leads} at {}", bid.price),
                        None => format!("a maximum: {leads} at {}", bid.price),
                    };
                    tell(bid.bidder, bid.lot, what);
                }
                PublicEvent::BidsOpened { lot, bids } => {
                    for bid in bids.iter().filter(|bid| users.contains(&bid.bidder)) {
                        let got = match bid.pays {
                            Some(pays) => format!("got {} at {pays}", bid.filled),
                            None => "got none".to_owned(),
                        };
                        let what = format!(
                            "order {} for {} at {}: {got}",
                            bid.order, bid.quantity, bid.price
                        );
                        tell(bid.bidder, *lot, what);
                    }
                }
                _ => {}
            }
        }
        let opened = judged.whole.into_iter().flat_map(|record| &record.events);
        for event in opened {
            if let Event::Private(PrivateEvent::MaximumSet {
                lot,
                bidder,
                maximum,
                ..
            }) = event
                && users.contains(bidder)
            {
                let what = format!("the maximum was {maximum}, and was beaten");
                tell(*bidder, *lot, what);
            }
        }
        for event in judged.events.iter().flatten() {
            if let PublicEvent::LotClosed { lot, outcome } = event {
                self.note_outcome(judged, &users, *lot, outcome);
            }
        }
    }

    /// Records the outcome of a lot that the users had bid on.
    fn note_outcome(
        &mut self,
        judged: &ReplayedRecord<'_>,
        users: &BTreeSet<UserId>,
        lot: LotId,
        outcome: &Outcome,
    ) {
        let (sequence, at, market) = (judged.sequence, judged.at, judged.market);
        let Some(found) = market.lot(lot) else { return };
        for user in users {
            if !self
                .bids
                .iter()
                .any(|bid| bid.lot == lot && bid.user == *user)
            {
                continue;
            }
            let own = market.user(*user).map(|user| user.name);
            let view = View {
                market,
                own,
                now: at,
            };
            self.bids.push(OwnBid {
                user: *user,
                sequence,
                at,
                lot,
                what: format!("closed: {}", view.outcome(found, outcome)),
            });
        }
    }

    pub fn check(&self, proof: &Proof) -> Result<(), Failure> {
        match self.name {
            Some(name) if proof.market.user_named(name).is_none() => Err(Failure::failed(format!(
                "the journal is sound, but no {name} is in it"
            ))),
            _ => Ok(()),
        }
    }

    /// Returns all users whose bids are shown.
    fn all(&self, market: &Market) -> BTreeSet<UserId> {
        let named = self.name.and_then(|name| market.user_named(name));
        self.users.iter().copied().chain(named).collect()
    }

    /// Returns the name of the user whose bids are shown, if it is only one.
    pub fn only(&self, market: &Market) -> Option<Name> {
        let all = self.all(market);
        let only = all.first().filter(|_| all.len() == 1)?;
        market.user(*only).map(|user| user.name)
    }

    pub fn text(&self, view: &View<'_>) -> String {
        let mut text = String::new();
        for user in self.all(view.market) {
            let _ = writeln!(text, "Bids of {}, and their outcomes:", view.name(user));
            let before = text.len();
            for bid in self.bids.iter().filter(|bid| bid.user == user) {
                let (title, what) = (view.title(bid.lot), &bid.what);
                let _ = writeln!(text, "  {} {} {title}: {what}", bid.sequence, bid.at);
            }
            if text.len() == before {
                text += "  nothing visible\n";
            }
            text += "\n";
        }
        text
    }

    pub fn json(&self, view: &View<'_>) -> Value {
        let bid = |bid: &OwnBid| {
            json!({
                "user": view.name(bid.user),
                "sequence": bid.sequence.0.to_string(),
                "at": bid.at.to_string(),
                "lot": bid.lot.0,
                "symbol": view.market.lot(bid.lot).map(|lot| lot.symbol.to_string()),
                "what": bid.what,
            })
        };
        match self.all(view.market).is_empty() {
            true => Value::Null,
            false => self.bids.iter().map(bid).collect(),
        }
    }
}
