//! The engine and the oracle side by side: after every command both say the same.

use std::collections::BTreeMap;

use auction_core::{Engine, OrderId, Reply};

use super::disclosed;
use super::lies;
use super::market::{MARKET, Market, OPENS_AT, symbol, user};
use super::oracle::{Account, Command, Control, Day, Event, Id, Kind, Owner, Terms};
use super::own::{self, Own};
use super::shown::Shown;
use super::state;
use super::steps::{Concrete, Step, TRADERS};
use super::told;

/// The oracle and the engine.
pub struct Pair {
    pub day: Day,
    pub market: Market,
    shown: Shown,
    own: Own,
    /// Open shares of each order by the events alone.
    left: BTreeMap<Id, u64>,
    /// Number of records compared.
    seen: usize,
    cash: u64,
    shares: u64,
}

impl Pair {
    pub fn new(terms: Terms, accounts: &[Account]) -> Self {
        let market = Market::open(&terms, accounts);
        let mut day = Day::open(terms);
        day.accounts = (0..)
            .zip(accounts.iter().copied())
            .collect::<BTreeMap<Owner, Account>>();
        let own = Own::of(&Engine::new(MARKET));
        let mut pair = Self {
            day,
            market,
            own,
            shown: Shown::default(),
            left: BTreeMap::new(),
            seen: 0,
            cash: accounts.iter().map(|account| account.cash).sum(),
            shares: accounts.iter().map(|account| account.shares).sum(),
        };
        pair.follow(false);
        pair
    }

    pub fn step(&mut self, step: Step) {
        match step {
            Step::Wait(wait) => self.advance(wait.until(&self.day)),
            Step::Act(act) => self.ask(act.concrete(&self.day)),
            Step::EndHalt => match (self.day.market_halted, self.day.halted) {
                (Some(_), _) => self.ask(Concrete::Control(Control::ResumeAll)),
                (None, Some(_)) => self.ask(Concrete::Control(Control::Resume)),
                (None, None) => {}
            },
            Step::Restore => self.market.restore(),
            Step::Replay => self.market.replay(),
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: u64) {
        self.day.advance(now);
        self.market.advance(now);
        self.follow(false);
    }

    /// Sends a command to both.
    pub fn ask(&mut self, act: Concrete) {
        let now = self.day.at;
        let id = self.day.accepted;
        let answer = match act {
            Concrete::Trader(owner, command) => self.day.execute(owner, command),
            Concrete::Control(control) => self.day.run(control),
        };
        match (answer, self.market.ask(now, act)) {
            (Ok(()), Ok(reply)) => self.answers(act, id, reply),
            (Err(reasons), Err(reject)) => {
                let is_right = reasons.contains(&told::refusal(&reject));
                let is_right = is_right && told::names_accepted(&reject, &self.day);
                assert!(is_right, "{reasons:?} {reject:?} {act:?} {:?}", self.day);
            }
            (answer, other) => panic!("{answer:?} {other:?} {act:?} {:?}", self.day),
        }
        if let (Concrete::Trader(_, Command::Enter(new)), true) = (act, self.day.accepted > id) {
            self.left.insert(id, new.quantity);
        }
        self.follow(matches!(act, Concrete::Control(Control::Suspend(_))));
        // What a command made due.
        self.advance(now);
    }

    /// Compares the answer to an accepted command.
    fn answers(&self, act: Concrete, id: Id, reply: Reply) {
        let events = &self.day.events;
        let expected = match act {
            Concrete::Trader(_, Command::Enter(_)) => {
                let given = match reply {
                    Reply::DayOrder(reply) => reply.order,
                    other => panic!("an order is answered: {other:?}"),
                };
                own::reply(events, Some((id, given)))
            }
            Concrete::Trader(_, Command::Replace { id, .. }) => {
                own::reply(events, Some((id, self.market.orders[id].1)))
            }
            Concrete::Trader(_, Command::CancelAll)
            | Concrete::Control(Control::CancelAllOf(_)) => own::reply(events, None),
            _ => Reply::Done,
        };
        assert_eq!(reply, expected, "{act:?} {:?}", self.day);
    }

    /// Compares what both say has happened, and what is.
    fn follow(&mut self, is_suspension: bool) {
        let mut happened = std::mem::take(&mut self.day.events);
        self.count(&happened);
        // A suspension cancels all in one event.
        happened.retain(|event| !is_suspension || !matches!(event, Event::Cancelled(..)));
        let expected: Vec<Event> = happened.iter().filter_map(told::comparable).collect();
        let mut found = Vec::new();
        for record in &self.market.records[self.seen..] {
            found.extend(told::events(record, &mut self.market.orders));
            record.events.iter().for_each(|event| self.own.apply(event));
            record
                .public_events()
                .for_each(|event| self.shown.apply(event));
        }
        self.seen = self.market.records.len();
        assert_eq!(found, expected, "{:?}", self.day);
        self.agree();
        self.keeps_the_laws();
    }

    /// Quantities by the oracle's events alone.
    fn count(&mut self, events: &[Event]) {
        for event in events {
            self.own.count(event);
            let mut take = |id: &Id, quantity: u64| *self.left.get_mut(id).unwrap() -= quantity;
            match event {
                Event::Trade {
                    resting,
                    incoming,
                    quantity,
                    ..
                }
                | Event::Decremented {
                    resting,
                    incoming,
                    quantity,
                } => {
                    take(resting, *quantity);
                    take(incoming, *quantity);
                }
                Event::Uncross { fills, .. } => {
                    fills.iter().for_each(|(id, quantity)| take(id, *quantity));
                }
                Event::Lapsed(id, quantity, _) | Event::Cancelled(id, quantity) => {
                    take(id, *quantity);
                    assert_eq!(self.left[id], 0, "{event:?}");
                }
                Event::Replaced { id, quantity, .. } => {
                    self.left.insert(*id, *quantity);
                }
                Event::Rests(id, open) | Event::Parked(id, open) => {
                    assert_eq!(self.left[id], *open, "{event:?}");
                }
                _ => {}
            }
        }
    }

    fn keeps_the_laws(&self) {
        let day = &self.day;
        let alive = day.orders.iter().map(|order| (order.id, order.open));
        let alive: BTreeMap<Id, u64> = alive.collect();
        let left = self.left.iter().filter(|(_, left)| **left > 0);
        assert_eq!(alive, left.map(|(id, left)| (*id, *left)).collect());
        if day.phase.kind == Kind::Continuous && day.halted.is_none() {
            assert!(!day.is_crossed(), "{day:?}");
            assert!(
                day.orders
                    .iter()
                    .all(|order| order.place.is_none() || order.limit.is_some())
            );
        }
        if day.terms.funds {
            let all = (0..TRADERS).map(|owner| (day.account(owner), day.reserved(owner)));
            let all: Vec<(Account, Account)> = all.collect();
            assert!(all.iter().all(|(has, reserves)| has.cash >= reserves.cash));
            assert!(
                all.iter()
                    .all(|(has, reserves)| has.shares >= reserves.shares)
            );
            assert_eq!(all.iter().map(|(has, _)| has.cash).sum::<u64>(), self.cash);
            assert_eq!(
                all.iter().map(|(has, _)| has.shares).sum::<u64>(),
                self.shares
            );
        }
    }

    /// The state of both is the same.
    fn agree(&mut self) {
        let engine = &self.market.engine;
        assert_eq!(
            self.market.public,
            *engine.market(),
            "public events alone make the market"
        );
        let due = self.day.next_due().map(|due| due + OPENS_AT);
        let deadline = engine.next_deadline();
        let deadline = deadline.map(|deadline| deadline.micros().max(OPENS_AT + self.day.at));
        assert_eq!(deadline, due, "{:?}", self.day);
        self.shown.is_book_of(&self.day);
        state::agrees(&self.market, &self.day);
        let numbers: Vec<OrderId> = self.market.orders.iter().map(|(_, order)| *order).collect();
        self.own.agrees(&self.market.engine, &self.day, &numbers);
        if self.day.terms.funds {
            for owner in 0..TRADERS {
                self.has_balance(owner);
            }
        }
    }

    fn has_balance(&self, owner: Owner) {
        let balance = self.market.engine.balance(user(owner)).unwrap();
        let holding = balance.holdings().find(|(of, _)| *of == symbol());
        let holding = holding.map(|(_, holding)| holding);
        let has = Account {
            cash: balance.cash().units(),
            shares: holding.map_or(0, |holding| holding.shares),
        };
        let reserves = Account {
            cash: balance.reserved().units(),
            shares: holding.map_or(0, |holding| holding.reserved),
        };
        let expected = (self.day.account(owner), self.day.reserved(owner));
        assert_eq!((has, reserves), expected, "{owner} {:?}", self.day);
    }

    /// A replay, and deciding again, give the same.
    pub fn holds_again(&self) {
        let snapshot = self.market.engine.snapshot();
        assert_eq!(
            self.market.replayed().snapshot(),
            snapshot,
            "replay equals live"
        );
        assert_eq!(
            self.market.verified().snapshot(),
            snapshot,
            "what is verified is taken"
        );
        let audited = disclosed::audit(MARKET, &self.market.records);
        let (audit, _) = audited.unwrap_or_else(|foul| panic!("{foul} {:?}", self.market.records));
        assert_eq!(audit.market(), self.market.engine.market());
        lies::are_found(&self.market.records);
    }
}
