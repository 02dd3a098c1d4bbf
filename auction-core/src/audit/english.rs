//! English lots: the engine must decide the recorded events with some hidden prices that agree with all public ones.

use super::Audit;
use super::case::Case;
use super::offers::{Assumed, Beaten, Chosen, Offer, Offers, Seen};
use super::verdict::{Foul, Held, Judged, Wrong};
use crate::model::command::EnglishTerms;
use crate::model::event::{BidAccepted, Outcome, PublicEvent, SoldBy};
use crate::{Actor, Command, LotId, Price};

/// Public knowledge of an English lot.
#[derive(Clone, Debug)]
pub(super) struct English {
    /// As far as the prices show.
    pub(super) offers: Offers,
    /// As far as the prices show, assuming that every beaten maximum is opened, as it is after the close; `None`: that
    /// assumption failed.
    pub(super) opened: Option<Offers>,
    /// The first record that contradicts this assumption. It counts when the lot closes.
    pub(super) doubt: Option<Foul>,
}

impl Audit {
    /// Judges a bid on an English lot: the engine decides it with some hidden prices that agree with all public ones.
    pub(super) fn judge_english(
        &mut self,
        case: &Case<'_>,
        id: LotId,
        terms: &EnglishTerms,
        actor: Option<Actor>,
        offer: Offer,
    ) -> Result<Judged, Wrong> {
        let accepted = case.events.iter().flatten().find_map(|event| match event {
            PublicEvent::BidAccepted(bid) => Some(*bid),
            _ => None,
        });
        let actor = actor.or(accepted.map(|bid| Actor::User(bid.bidder)));
        let Some(actor @ Actor::User(bidder)) = actor else {
            let actor = actor.ok_or(Wrong::NotHidden)?;
            let price = Price::ZERO;
            self.decide(case, actor, &Command::Bid { lot: id, price })?;
            return Err(Wrong::NotHidden);
        };
        let lot = self.engine.market.lot(id).ok_or(Wrong::NotHidden)?;
        let bought = case.events.iter().flatten().find_map(|event| match event {
            PublicEvent::LotClosed {
                outcome:
                    Outcome::Sold {
                        by: SoldBy::BuyNow,
                        runner_up,
                        ..
                    },
                ..
            } => Some(*runner_up),
            _ => None,
        });
        let silent = self.silent;
        let seen = accepted.map(|bid: BidAccepted| Seen {
            leader: bid.leader,
            price: bid.price,
            reserve: bid.reserve,
        });
        let Some(english) = self.english.get_mut(&id) else {
            // The lot has closed: the engine refuses the bid.
            let command = offered(id, offer, Price::ZERO);
            self.decide(case, actor, &command)?;
            return Err(Wrong::Impossible);
        };
        english.offers.may_have_risen(silent, lot);
        let before = english.offers.clone();
        let assumed = match bought {
            Some(runner_up) => Some(before.at_buying(bidder, runner_up, lot)),
            None => english
                .offers
                .learn(lot, terms, bidder, offer, seen, Beaten::Guessed),
        };
        if let Some(opened) = &mut english.opened {
            opened.may_have_risen(silent, lot);
            let hides = opened.hides_best();
            let learned = match bought {
                Some(_) => true,
                None => opened
                    .learn(lot, terms, bidder, offer, seen, Beaten::Opened)
                    .is_some(),
            };
            if !learned {
                let wrong = match offer {
                    Offer::Maximum(None) => Wrong::MaximumNotOpened,
                    _ if hides => Wrong::MaximumNotOpened,
                    _ => Wrong::Impossible,
                };
                english.opened = None;
                english.doubt = Some(Foul {
                    sequence: case.sequence,
                    at: case.at,
                    lot: Some(id),
                    wrong,
                });
            }
        }
        let is_possible = assumed.is_some();
        // The events that the rules give explain more than a mere "impossible".
        let assumed = assumed.unwrap_or_else(|| before.at_close(None, lot));
        self.assume_offers(id, &assumed);
        let command = offered(id, offer, assumed.maximum);
        self.decide(case, actor, &command)?;
        if !is_possible {
            return Err(Wrong::Impossible);
        }
        Ok(match assumed.chosen {
            Chosen::Nothing => Judged::Decided,
            Chosen::Maximum => Judged::Allowed(Held::Maximum),
            Chosen::Reserve => Judged::Allowed(Held::Reserve),
        })
    }

    pub(super) fn judge_english_close(
        &mut self,
        case: &Case<'_>,
        id: LotId,
    ) -> Result<Judged, Wrong> {
        let runner_up = case.events.iter().flatten().find_map(|event| match event {
            PublicEvent::LotClosed {
                outcome: Outcome::Sold { runner_up, .. },
                ..
            } => Some(*runner_up),
            _ => None,
        });
        let known = self.english.get(&id);
        let known = known.map(|english| english.opened.as_ref().unwrap_or(&english.offers));
        let lot = self.engine.market.lot(id);
        let mut judged = Judged::Decided;
        if let (Some(offers), Some(lot)) = (known, lot) {
            let assumed = offers.at_close(runner_up.flatten(), lot);
            if assumed.chosen == Chosen::Maximum {
                judged = Judged::Allowed(Held::Maximum);
            }
            self.assume_offers(id, &assumed);
        }
        self.decide_as_asked(case)?;
        Ok(judged)
    }

    fn assume_offers(&mut self, lot: LotId, assumed: &Assumed) {
        if let Some(hidden) = self.hidden(lot) {
            hidden.assume_reserve(assumed.reserve);
            let best = assumed.best.map_or(Price::ZERO, |(_, best)| best);
            hidden.assume_offers(best, assumed.second);
        }
    }

    /// Checks that a lot that closes has opened every beaten maximum.
    pub(super) fn check_doubts(&self, case: &Case<'_>) -> Result<(), Foul> {
        for event in case.events.iter().flatten() {
            if let PublicEvent::LotClosed { lot, .. } = event
                && let Some(doubt) = self.english.get(lot).and_then(|of| of.doubt.clone())
            {
                return Err(doubt);
            }
        }
        Ok(())
    }
}

fn offered(lot: LotId, offer: Offer, assumed: Price) -> Command {
    match offer {
        Offer::Plain(price) => Command::Bid { lot, price },
        Offer::Maximum(opened) => Command::BidMaximum {
            lot,
            maximum: opened.unwrap_or(assumed),
        },
    }
}
