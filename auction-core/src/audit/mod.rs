//! A judge that anyone can be: is a public journal what the rules give?
//!
//! [`Audit`] takes the records of a market as everyone may see them, in order, and folds their events into the
//! [`Market`] as server and clients do. What is public of each is *decided again* by the engine itself, against the
//! market before it:
//!
//! - A record whose private part is opened, or that has none, is decided whole: stocks, openings, halts, closes, Dutch
//!   takes, publications, beaten maxima, sealed bids, random ends. The engine must give these very events.
//! - An English price hangs on maxima and a reserve that may be hidden. What public prices tell of them is kept as
//!   bounds, and the engine decides with prices within them: when none give what stands there, the record is refused.
//!   Of a lot that has closed every maximum that was beaten is opened, so that only the winner's is unknown.
//! - Sealed bids are opened at the close: each must be what a record before the close commits to, none may be left out,
//!   and winner, price and allocation are cleared again. A hidden reserve must be one with which they come so.
//! - The book of a call auction is never opened. Its reference, times, random end, collar and outcome must agree with
//!   its terms and with each other.
//!
//! What hangs on something that stays hidden is [told](Judged), never passed over. Nothing here can tell whether a bid
//! was covered by an account, who was suspended, or whether the market refused a bid that it should have taken: the
//! journal holds what was accepted.

mod opened;
mod range;
mod verdict;
mod offers;
mod uncross;

pub use opened::Opened;
pub use verdict::{Foul, Held, Judged, UncrossFault, Wrong};

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

use crate::command::{Credential, EnglishTerms, OpenLot, Registration, Terms};
use crate::deadlines::Deadlines;
use crate::engine::ReplayError;
use crate::event::{
    BidAccepted, Event, Events, LotOpened, OpenedBid, Outcome, PrivateEvent, PublicEvent, Record,
    SoldBy, UnsoldBecause,
};
use crate::lot::{Book, HiddenLot, Lot, Phase};
use crate::market::{FoldError, Market};
use crate::rules::RULES_VERSION;
use crate::{
    Actor, Command, Engine, LotId, MarketId, OrderId, Price, Quantity, RandomEnd, Sequence, Span,
    Timestamp, UserId,
};
use offers::{Assumed, Beaten, Chosen, Offer, Offers, Seen};

/// A record whose private part is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedRecord {
    /// The record's place in the journal.
    pub sequence: Sequence,
    /// When it was decided.
    pub at: Timestamp,
    /// The version of the rules it was decided by.
    pub rules: u16,
    /// Who asked for what, unless that is hidden too.
    pub asked: Option<(Actor, Command)>,
    /// What was decided, in order; `None` where a private event has its place.
    pub events: Vec<Option<PublicEvent>>,
}

/// Judges the records of a market as everyone may see them, one after another.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Its market is the public one. Its hidden halves hold what is assumed while a record is judged.
    engine: Engine,
    english: BTreeMap<LotId, English>,
    sealed: BTreeMap<LotId, BTreeMap<(UserId, OrderId), Committed>>,
    /// When open lots fall due, as far as everyone knows: a call auction with a fixed end is not among them.
    deadlines: Deadlines,
    /// Records that showed nothing so far.
    silent: u64,
}

/// What is known of an English lot.
#[derive(Clone, Debug)]
struct English {
    /// As far as prices tell.
    offers: Offers,
    /// As far as they tell when every beaten maximum is opened, as it is after the close; `None`: that is not so.
    opened: Option<Offers>,
    /// The first record that could not be so. It counts when the lot closes.
    doubt: Option<Foul>,
}

/// A sealed bid as a record commits to it.
#[derive(Clone, Copy, Debug)]
struct Committed {
    at: Sequence,
    price: Option<Price>,
    quantity: Quantity,
}

/// A record on its way through the judge.
struct Case<'a> {
    sequence: Sequence,
    at: Timestamp,
    /// `None`: hidden.
    asked: Option<(Actor, &'a Command)>,
    /// What the engine would have to give, private events left out where they are not opened.
    events: &'a [Option<PublicEvent>],
    /// All events, when the record is whole.
    whole: Option<&'a Events>,
}

impl Audit {
    /// Of a market in which nothing has happened.
    #[must_use]
    pub fn new(id: MarketId) -> Self {
        Self {
            engine: Engine::new(id),
            english: BTreeMap::new(),
            sealed: BTreeMap::new(),
            deadlines: Deadlines::default(),
            silent: 0,
        }
    }

    /// The market after the records taken so far.
    #[must_use]
    pub fn market(&self) -> &Market {
        self.engine.market()
    }

    /// The place of the last record taken.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.engine.sequence
    }

    /// Judges and takes a record that has no private part, or whose private part is opened.
    ///
    /// # Errors
    /// [`Foul`] when it is not what the rules give. The audit is of no more use then.
    pub fn take_whole(&mut self, record: &Record) -> Result<Judged, Foul> {
        let events: Vec<_> = record.events.iter().map(public).collect();
        self.take(
            record.rules,
            Case {
                sequence: record.sequence,
                at: record.at,
                asked: Some((record.actor, &record.command)),
                events: &events,
                whole: Some(&record.events),
            },
        )
    }

    /// Judges and takes a record whose private part is not opened.
    ///
    /// # Errors
    /// [`Foul`] when it is not what the rules give. The audit is of no more use then.
    pub fn take_closed(&mut self, record: &ClosedRecord) -> Result<Judged, Foul> {
        self.take(
            record.rules,
            Case {
                sequence: record.sequence,
                at: record.at,
                asked: record
                    .asked
                    .as_ref()
                    .map(|(actor, command)| (*actor, command)),
                events: &record.events,
                whole: None,
            },
        )
    }

    fn take(&mut self, rules: u16, case: Case<'_>) -> Result<Judged, Foul> {
        let lot = lot_of(&case);
        let foul = |wrong| Foul {
            sequence: case.sequence,
            at: case.at,
            lot,
            wrong,
        };
        self.check_follows(rules, &case).map_err(foul)?;
        let judged = self.judge(&case).map_err(foul)?;
        self.check_doubts(&case)?;
        self.apply(&case).map_err(Wrong::DoesNotFit).map_err(foul)?;
        if judged == Judged::Held {
            self.silent += 1;
        }
        self.engine.sequence = case.sequence;
        self.engine.at = case.at;
        Ok(judged)
    }

    fn check_follows(&self, rules: u16, case: &Case<'_>) -> Result<(), Wrong> {
        let (sequence, at) = (case.sequence, case.at);
        let expected = self.engine.sequence.next();
        Err(Wrong::Follows(if sequence != expected {
            ReplayError::OutOfSequence {
                found: sequence,
                expected,
            }
        } else if at < self.engine.at {
            ReplayError::TimeGoesBack { sequence, at }
        } else if rules != RULES_VERSION {
            ReplayError::UnknownRules { sequence, rules }
        } else {
            return Ok(());
        }))
    }

    fn judge(&mut self, case: &Case<'_>) -> Result<Judged, Wrong> {
        match case.asked {
            Some((actor, command)) => self.judge_command(case, actor, command),
            None => self.judge_hidden(case),
        }
    }

    /// A command that everyone knows.
    fn judge_command(
        &mut self,
        case: &Case<'_>,
        actor: Actor,
        command: &Command,
    ) -> Result<Judged, Wrong> {
        if let Some(lot) = command_lot(command).and_then(|lot| self.market().lot(lot)) {
            self.check_end_opened(case, lot)?;
            let (id, terms) = (lot.id, lot.terms.clone());
            if actor == Actor::Clock {
                self.check_due(case, id, command)?;
            }
            self.assume_end(id, opened_end(case));
            let closes = matches!(command, Command::CloseDue { .. } | Command::CloseLot { .. });
            match (&terms, command) {
                (Terms::English(terms), Command::Bid { price, .. }) => {
                    return self.judge_english(case, id, terms, Some(actor), Offer::Plain(*price));
                }
                (Terms::English(terms), Command::BidMaximum { maximum, .. }) => {
                    let offer = Offer::Maximum(Some(*maximum));
                    return self.judge_english(case, id, terms, Some(actor), offer);
                }
                (Terms::English(_), _) if closes => return self.judge_english_close(case, id),
                (Terms::Sealed(_) | Terms::Uniform(_), _) if closes => {
                    return self.judge_opening_of_bids(case, id);
                }
                (Terms::Call(_), _) if closes => return self.judge_uncross(case, id, actor),
                (
                    Terms::Sealed(_) | Terms::Uniform(_),
                    Command::PlaceOrder { .. } | Command::ReplaceOrder { .. },
                ) => self.assume_own_orders(case, id, actor, command),
                _ => {}
            }
        } else if actor == Actor::Clock {
            return Err(Wrong::NotDue { due: None });
        }
        self.decide(case, actor, command)?;
        Ok(Judged::Decided)
    }

    /// Decides a command as the engine does, and compares.
    fn decide(&self, case: &Case<'_>, actor: Actor, command: &Command) -> Result<(), Wrong> {
        let mut events = Events::new();
        let decided = self.engine.decide(case.at, actor, command, &mut events);
        decided.map_err(Wrong::Refused)?;
        if case.whole.is_some_and(|whole| *whole == events) {
            return Ok(());
        }
        let given: Vec<_> = events.iter().map(public).collect();
        if case.whole.is_none() && given == case.events {
            return Ok(());
        }
        let differs = given
            .iter()
            .zip(case.events)
            .position(|(given, found)| given != found)
            .unwrap_or_else(|| given.len().min(case.events.len()));
        let nth = |events: &[Option<PublicEvent>]| {
            let event = events.get(differs..)?.iter().flatten().next();
            event.cloned().map(Box::new)
        };
        Err(Wrong::Otherwise {
            given: nth(&given),
            found: nth(case.events),
        })
    }

    /// A record that hides its command: what it shows must be what some hidden command shows.
    fn judge_hidden(&mut self, case: &Case<'_>) -> Result<Judged, Wrong> {
        let at = case.at;
        match case.events {
            [Some(PublicEvent::UserRegistered { name, role, .. }), None] => {
                let credential = Credential::new(&[]).expect("nothing is short enough");
                let registration = Registration {
                    name: *name,
                    role: *role,
                    credential,
                };
                let command = Command::Register(Box::new(registration));
                self.decide(case, Actor::Operator, &command)?;
                Ok(Judged::Allowed(Held::Credential))
            }
            [Some(PublicEvent::LotOpened(opened)), None] if opened.has_reserve => {
                let command = Command::OpenLot(Box::new(reopened(opened)));
                self.decide(case, Actor::Operator, &command)?;
                Ok(Judged::Allowed(Held::Reserve))
            }
            [None, Some(PublicEvent::BidAccepted(bid)), ..] => {
                let lot = self.market().lot(bid.lot).ok_or(Wrong::NotHidden)?;
                let (Terms::English(terms), id) = (lot.terms.clone(), lot.id) else {
                    return Err(Wrong::NotHidden);
                };
                self.judge_english(case, id, &terms, None, Offer::Maximum(None))
            }
            [None, Some(PublicEvent::EndCommitted { lot, .. })] => {
                self.check_due(case, *lot, &Command::CloseDue { lot: *lot })?;
                Ok(Judged::Allowed(Held::RandomEnd))
            }
            [None, Some(PublicEvent::BiddersCounted { lot, bidders })] => {
                self.judge_count(at, *lot, *bidders)?;
                Ok(Judged::Allowed(Held::Order))
            }
            [None, withdrawn @ ..] if is_withdrawal(withdrawn) && !withdrawn.is_empty() => {
                for (lot, bidders) in counted(withdrawn) {
                    self.judge_withdrawal(lot, bidders)?;
                }
                Ok(Judged::Allowed(Held::Order))
            }
            events if events.iter().all(Option::is_none) => Ok(Judged::Held),
            _ => Err(Wrong::NotHidden),
        }
    }

    /// One more has sealed bids or orders on a lot, or one less.
    fn judge_count(&self, at: Timestamp, lot: LotId, bidders: u32) -> Result<(), Wrong> {
        let lot = self.market().lot(lot).ok_or(Wrong::NotHidden)?;
        if !matches!(
            lot.terms,
            Terms::Sealed(_) | Terms::Uniform(_) | Terms::Call(_)
        ) {
            return Err(Wrong::NotHidden);
        }
        let checked = if bidders > lot.bidders() {
            lot.check_open(at)
        } else {
            lot.check_takes_cancels(at)
        };
        checked.map_err(Wrong::Refused)?;
        match bidders.abs_diff(lot.bidders()) {
            1 => Ok(()),
            _ => Err(Wrong::OtherBidders {
                counted: lot.bidders(),
                found: bidders,
            }),
        }
    }

    /// A suspended trader's orders are taken back.
    fn judge_withdrawal(&self, lot: LotId, bidders: u32) -> Result<(), Wrong> {
        let lot = self.market().lot(lot).ok_or(Wrong::NotHidden)?;
        if !matches!(lot.terms, Terms::Call(_)) || lot.phase != Phase::Open {
            return Err(Wrong::NotHidden);
        }
        match lot.bidders().checked_sub(1) == Some(bidders) {
            true => Ok(()),
            false => Err(Wrong::OtherBidders {
                counted: lot.bidders(),
                found: bidders,
            }),
        }
    }

    /// The clock acts on what has been due the longest, stamped with the time it was due.
    fn check_due(&self, case: &Case<'_>, lot: LotId, command: &Command) -> Result<(), Wrong> {
        let lot = self.market().lot(lot).ok_or(Wrong::NotDue { due: None })?;
        let fixed = opened_end(case).filter(|_| lot.has_fixed_end());
        let due = match (&lot.terms, fixed) {
            (Terms::Call(_), Some(end)) => lot
                .deadline()
                .map(|due| due.saturating_sub(end.before_close)),
            _ => known_deadline(lot),
        };
        let not_due = Wrong::NotDue { due };
        let Some(due) = due else {
            return Err(not_due);
        };
        let is_fit = match command {
            Command::OpenDue { .. } => lot.is_scheduled(),
            Command::DrawEnd { .. } => {
                !lot.is_scheduled() && has_random_end(lot) && fixed.is_none()
            }
            // A hidden record that commits to an end is asked about as a close.
            Command::CloseDue { .. } if case.asked.is_none() => {
                !lot.is_scheduled() && has_random_end(lot) && !lot.has_fixed_end()
            }
            Command::CloseDue { .. } => {
                !lot.is_scheduled() && (!has_random_end(lot) || fixed.is_some())
            }
            _ => false,
        };
        let is_first = self
            .deadlines
            .next()
            .is_none_or(|first| (due, lot.id) <= first);
        if is_fit && is_first && case.at == due.max(self.engine.at) {
            Ok(())
        } else {
            Err(not_due)
        }
    }

    /// A random end that is fixed is opened by whatever moves or ends the lot.
    fn check_end_opened(&self, case: &Case<'_>, lot: &Lot) -> Result<(), Wrong> {
        let ends = case.events.iter().flatten().any(|event| {
            matches!(
                event,
                PublicEvent::LotClosed { .. } | PublicEvent::LotExtended { .. }
            )
        });
        match ends && lot.has_fixed_end() && opened_end(case).is_none() {
            true => Err(Wrong::Uncross(UncrossFault::EndNotOpened)),
            false => Ok(()),
        }
    }

    fn assume_end(&mut self, lot: LotId, end: Option<RandomEnd>) {
        if let Some(hidden) = self.hidden(lot) {
            hidden.assume_end(end);
        }
    }

    fn hidden(&mut self, lot: LotId) -> Option<&mut HiddenLot> {
        self.engine.hidden.get_mut(lot.index()?)
    }

    /// The sealed bids of a trader, as far as one change of them tells.
    fn assume_own_orders(&mut self, case: &Case<'_>, lot: LotId, actor: Actor, command: &Command) {
        let Actor::User(trader) = actor else {
            return;
        };
        let bidders = self.market().lot(lot).map_or(0, Lot::bidders);
        let is_first = case
            .events
            .iter()
            .flatten()
            .any(|event| matches!(event, PublicEvent::BiddersCounted { .. }));
        let placed = case
            .whole
            .into_iter()
            .flatten()
            .find_map(|event| match event {
                Event::Private(PrivateEvent::OrderPlaced { order, .. }) => Some(*order),
                _ => None,
            });
        let (numbers, live) = match command {
            Command::ReplaceOrder { order, .. } => (order.0, vec![*order]),
            _ => {
                let before = placed.map_or(0, |order| order.0.saturating_sub(1));
                let others = vec![OrderId(before); usize::from(!is_first)];
                (before, others)
            }
        };
        if let Some(hidden) = self.hidden(lot) {
            hidden.assume_orders(bidders, trader, numbers, &live);
        }
    }

    /// A bid on an English lot: with some hidden prices that agree with all that was seen, the engine gives it.
    fn judge_english(
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
            // It has closed: the engine says so.
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
        // What the rules would give tells more than that it is not this.
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

    fn assume_offers(&mut self, lot: LotId, assumed: &Assumed) {
        if let Some(hidden) = self.hidden(lot) {
            hidden.assume_reserve(assumed.reserve);
            hidden.assume_offers(assumed.best, assumed.second);
        }
    }

    fn judge_english_close(&mut self, case: &Case<'_>, id: LotId) -> Result<Judged, Wrong> {
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

    fn decide_as_asked(&self, case: &Case<'_>) -> Result<(), Wrong> {
        let (actor, command) = case.asked.ok_or(Wrong::NotHidden)?;
        self.decide(case, actor, command)
    }

    /// Sealed bids are opened: they must be those that were committed to, and clear as they are said to.
    fn judge_opening_of_bids(&mut self, case: &Case<'_>, id: LotId) -> Result<Judged, Wrong> {
        let opened: Vec<OpenedBid> = case
            .events
            .iter()
            .flatten()
            .filter_map(|event| match event {
                PublicEvent::BidsOpened { bids, .. } => Some(bids.as_slice()),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        self.check_committed(id, &opened)?;
        let lot = self.engine.market.lot(id).ok_or(Wrong::NotHidden)?;
        let has_reserve = match &lot.book {
            Book::Sealed(book) => book.has_reserve,
            Book::Uniform(book) => book.has_reserve,
            _ => false,
        };
        let candidates = match has_reserve {
            false => vec![None],
            true => reserves(case, lot),
        };
        if let Some(hidden) = self.hidden(id) {
            hidden.assume_opened(&opened);
        }
        let mut first = Ok(());
        for (index, reserve) in candidates.into_iter().enumerate() {
            if let Some(hidden) = self.hidden(id) {
                hidden.assume_reserve(reserve);
            }
            let decided = self.decide_as_asked(case);
            if decided.is_ok() {
                return Ok(match has_reserve {
                    true => Judged::Allowed(Held::Reserve),
                    false => Judged::Decided,
                });
            }
            if index == 0 {
                first = decided;
            }
        }
        first.map(|()| Judged::Decided)
    }

    fn check_committed(&self, id: LotId, opened: &[OpenedBid]) -> Result<(), Wrong> {
        let none = BTreeMap::new();
        let committed = self.sealed.get(&id).unwrap_or(&none);
        let mut last = None;
        let mut seen = BTreeSet::new();
        let mut bidders = BTreeSet::new();
        for bid in opened {
            let OpenedBid { bidder, order, .. } = *bid;
            let of = committed.get(&(bidder, order));
            // The latest comes last, and each once.
            let of = of.filter(|of| {
                of.price == Some(bid.price) && of.quantity == bid.quantity && last < Some(of.at)
            });
            let of = of.ok_or(Wrong::NotCommitted { bidder, order })?;
            last = Some(of.at);
            seen.insert((bidder, order));
            bidders.insert(bidder);
        }
        if let Some((bidder, order)) = committed.keys().find(|key| !seen.contains(key)) {
            return Err(Wrong::LeftOut {
                bidder: *bidder,
                order: *order,
            });
        }
        let counted = self.market().lot(id).map_or(0, Lot::bidders);
        let found = u32::try_from(bidders.len()).unwrap_or(u32::MAX);
        match counted == found {
            true => Ok(()),
            false => Err(Wrong::OtherBidders { counted, found }),
        }
    }

    /// A call auction is over, or goes on: without its book only that much can be judged.
    fn judge_uncross(&mut self, case: &Case<'_>, id: LotId, actor: Actor) -> Result<Judged, Wrong> {
        let (_, command) = case.asked.ok_or(Wrong::NotHidden)?;
        let lot = self.engine.market.lot(id).ok_or(Wrong::NotHidden)?;
        let (Terms::Call(terms), Book::Call(book)) = (&lot.terms, &lot.book) else {
            return Err(Wrong::NotHidden);
        };
        // Who may close it, and when, is as of any lot.
        let mut given = Events::new();
        let decided = self.engine.decide(case.at, actor, command, &mut given);
        decided.map_err(Wrong::Refused)?;
        let events = match case.events {
            [Some(PublicEvent::EndOpened { .. }), rest @ ..] if lot.has_fixed_end() => rest,
            events => events,
        };
        let allowed = Judged::Allowed(Held::Book);
        match events {
            [Some(PublicEvent::LotClosed { outcome, .. })] => {
                if book.traders == 0 {
                    self.decide(case, actor, command)?;
                    return Ok(Judged::Decided);
                }
                uncross::judge_outcome(lot, terms, book, outcome).map_err(Wrong::Uncross)?;
                Ok(allowed)
            }
            [
                Some(PublicEvent::LotExtended {
                    closes_at, cause, ..
                }),
            ] if actor == Actor::Clock => {
                uncross::judge_extension(lot, terms, book, case.at, *closes_at, *cause)
                    .map_err(Wrong::Uncross)?;
                Ok(allowed)
            }
            _ => Err(Wrong::Uncross(UncrossFault::NoEnd)),
        }
    }

    /// A lot that closes has opened what was beaten on it.
    fn check_doubts(&self, case: &Case<'_>) -> Result<(), Foul> {
        for event in case.events.iter().flatten() {
            if let PublicEvent::LotClosed { lot, .. } = event
                && let Some(doubt) = self.english.get(lot).and_then(|of| of.doubt.clone())
            {
                return Err(doubt);
            }
        }
        Ok(())
    }

    fn apply(&mut self, case: &Case<'_>) -> Result<(), FoldError> {
        for event in case.events.iter().flatten() {
            let lot = event.lot();
            let before = lot.and_then(|lot| self.due(lot));
            self.engine.market.apply(case.at, event)?;
            if let Some(id) = lot {
                let after = self.due(id);
                if let Some(before) = before {
                    self.deadlines.clear(before, id);
                }
                if let Some(after) = after {
                    self.deadlines.set(after, id);
                }
            }
            match event {
                PublicEvent::LotOpened(opened) => self.lot_opened(opened),
                PublicEvent::BidAccepted(bid) => {
                    if let Some(hidden) = self.hidden(bid.lot) {
                        hidden.has_bid(bid.bidder);
                    }
                }
                PublicEvent::LotClosed { lot, .. } => {
                    self.english.remove(lot);
                    self.sealed.remove(lot);
                }
                _ => {}
            }
        }
        for event in case.whole.into_iter().flatten() {
            if let Event::Private(event) = event {
                self.apply_opened(case.sequence, event);
            }
        }
        Ok(())
    }

    fn lot_opened(&mut self, opened: &LotOpened) {
        self.engine.hidden.push(HiddenLot::opened(&opened.terms));
        match (&opened.terms, self.engine.market.lot(opened.lot)) {
            (Terms::English(terms), Some(lot)) => {
                let offers = Offers::opened(lot, terms, opened.has_reserve);
                let english = English {
                    opened: Some(offers.clone()),
                    offers,
                    doubt: None,
                };
                self.english.insert(opened.lot, english);
            }
            (Terms::Sealed(_) | Terms::Uniform(_), _) => {
                self.sealed.insert(opened.lot, BTreeMap::new());
            }
            _ => {}
        }
    }

    /// What a private part tells that is opened.
    fn apply_opened(&mut self, at: Sequence, event: &PrivateEvent) {
        let (lot, trader, order, quantity, price) = match *event {
            PrivateEvent::OrderPlaced {
                lot,
                trader,
                order,
                quantity,
                limit,
                ..
            }
            | PrivateEvent::OrderReplaced {
                lot,
                trader,
                order,
                quantity,
                limit,
            } => (lot, trader, order, quantity, limit),
            PrivateEvent::MaximumSet { lot, bidder, .. } => {
                if let Some(hidden) = self.hidden(lot) {
                    hidden.has_bid(bidder);
                }
                return;
            }
            _ => return,
        };
        if let Some(committed) = self.sealed.get_mut(&lot) {
            let bid = Committed {
                at,
                price,
                quantity,
            };
            committed.insert((trader, order), bid);
        }
    }

    fn due(&self, lot: LotId) -> Option<Timestamp> {
        self.market().lot(lot).and_then(known_deadline)
    }
}

fn public(event: &Event) -> Option<PublicEvent> {
    match event {
        Event::Public(event) => Some(event.clone()),
        Event::Private(_) => None,
    }
}

fn lot_of(case: &Case<'_>) -> Option<LotId> {
    let shown = case.events.iter().flatten().find_map(PublicEvent::lot);
    shown.or_else(|| case.asked.and_then(|(_, command)| command_lot(command)))
}

fn command_lot(command: &Command) -> Option<LotId> {
    match command {
        Command::Bid { lot, .. }
        | Command::BidMaximum { lot, .. }
        | Command::PlaceOrder { lot, .. }
        | Command::ReplaceOrder { lot, .. }
        | Command::CancelOrder { lot, .. }
        | Command::ExtendLot { lot, .. }
        | Command::CloseDue { lot }
        | Command::OpenDue { lot }
        | Command::DrawEnd { lot, .. }
        | Command::CloseLot { lot }
        | Command::CancelLot { lot }
        | Command::HaltLot { lot }
        | Command::ResumeLot { lot } => Some(*lot),
        Command::ListStock(_)
        | Command::OpenLot(_)
        | Command::Register(_)
        | Command::OpenSession(_)
        | Command::CloseSession { .. }
        | Command::PublishProfit { .. }
        | Command::SuspendUser { .. }
        | Command::ReinstateUser { .. }
        | Command::SetDeadMan { .. }
        | Command::SetAccounts { .. }
        | Command::Deposit { .. }
        | Command::Withdraw { .. }
        | Command::AddDevice(_) => None,
    }
}

fn opened_end(case: &Case<'_>) -> Option<RandomEnd> {
    case.events.iter().flatten().find_map(|event| match event {
        PublicEvent::EndOpened { end, .. } => Some(*end),
        _ => None,
    })
}

fn has_random_end(lot: &Lot) -> bool {
    matches!(&lot.terms, Terms::Call(terms) if terms.random_end > Span::ZERO)
}

/// When something is due on a lot, as far as everyone knows.
fn known_deadline(lot: &Lot) -> Option<Timestamp> {
    let due = lot.deadline()?;
    match lot.phase {
        Phase::Open if lot.has_fixed_end() => None,
        Phase::Open => Some(lot.closes_from()),
        _ => Some(due),
    }
}

/// The command that opened a lot with a reserve, which is assumed to be the least that there can be.
fn reopened(opened: &LotOpened) -> OpenLot {
    let least = match &opened.terms {
        Terms::English(terms) => terms.steps.next(opened.base_price),
        _ => None,
    };
    OpenLot {
        symbol: opened.symbol,
        quantity: opened.quantity,
        opens_at: opened.opens_at,
        closes_at: opened.closes_at,
        terms: opened.terms.clone(),
        reserve: Some(least.unwrap_or(opened.base_price.max(Price::UNIT))),
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

/// Reserves with which opened bids can have cleared as they are said to have: if any reserve does, one of these does.
///
/// What is sold does not change when a reserve rises to the lowest accepted price, nor, while bids run out of shares
/// above it, when it falls. Of what is not sold any reserve above the highest bid will do.
fn reserves(case: &Case<'_>, lot: &Lot) -> Vec<Option<Price>> {
    let least = lot.base_price.max(Price::UNIT);
    let outcome = case.events.iter().flatten().find_map(|event| match event {
        PublicEvent::LotClosed { outcome, .. } => Some(*outcome),
        _ => None,
    });
    match outcome {
        Some(Outcome::Sold { price, .. }) => vec![Some(price), Some(least)],
        Some(Outcome::Allocated { lowest, .. }) => vec![Some(lowest), Some(Price::UNIT)],
        Some(Outcome::Unsold {
            because: UnsoldBecause::ReserveNotMet,
            highest: Some(highest),
        }) => vec![highest.checked_add(Price::UNIT), Some(least)],
        _ => vec![Some(least)],
    }
}

/// Whether these are the events of a suspension: orders withdrawn, and their traders counted.
fn is_withdrawal(events: &[Option<PublicEvent>]) -> bool {
    events
        .chunks(2)
        .all(|pair| matches!(pair, [None, Some(PublicEvent::BiddersCounted { .. })]))
}

fn counted(events: &[Option<PublicEvent>]) -> impl Iterator<Item = (LotId, u32)> {
    events.iter().flatten().filter_map(|event| match event {
        PublicEvent::BiddersCounted { lot, bidders } => Some((*lot, *bidders)),
        _ => None,
    })
}
