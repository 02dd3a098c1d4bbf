//! Random days.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::oracle::{Account, Command, Day, Event, Id, Kind, Owner, Terms};
use super::steps::{self, Concrete, Step, TRADERS};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_days_keep_the_laws(
        terms in steps::terms(),
        accounts in steps::accounts(),
        steps in proptest::collection::vec(steps::step(), 1..160),
    ) {
        let mut run = Run::new(terms, &accounts);
        for step in steps {
            run.step(step);
            if run.day.phase.kind == Kind::Closed {
                break;
            }
        }
    }
}

fn config() -> ProptestConfig {
    let is_long = std::env::var("AUCTION_LONG").is_ok_and(|value| value == "1");
    ProptestConfig {
        cases: match (cfg!(miri), is_long) {
            (true, _) => 4,
            (false, false) => 500,
            (false, true) => 125_000,
        },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

struct Run {
    day: Day,
    /// What is left of each order by the events alone.
    left: BTreeMap<Id, u64>,
    cash: u64,
    shares: u64,
}

impl Run {
    fn new(terms: Terms, accounts: &[Account]) -> Self {
        let mut day = Day::open(terms);
        day.accounts = (0..)
            .zip(accounts.iter().copied())
            .collect::<BTreeMap<Owner, Account>>();
        Self {
            day,
            left: BTreeMap::new(),
            cash: accounts.iter().map(|account| account.cash).sum(),
            shares: accounts.iter().map(|account| account.shares).sum(),
        }
    }

    fn step(&mut self, step: Step) {
        let now = step.wait.until(&self.day);
        self.day.advance(now);
        self.follow();
        match step.act.concrete(&self.day) {
            Concrete::Trader(owner, command) => {
                let id = self.day.accepted;
                let answer = self.day.execute(owner, command);
                if let (Ok(()), Command::Enter(new)) = (answer, command) {
                    self.left.insert(id, new.quantity);
                }
            }
            Concrete::Control(control) => {
                let _ = self.day.run(control);
            }
        }
        self.follow();
    }

    /// Takes note of the new events, and checks what must hold after every step.
    fn follow(&mut self) {
        for event in std::mem::take(&mut self.day.events) {
            let mut take = |id: &Id, quantity: u64| *self.left.get_mut(id).unwrap() -= quantity;
            match &event {
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
        let alive = self.day.orders.iter().map(|order| (order.id, order.open));
        let alive: BTreeMap<Id, u64> = alive.collect();
        let left = self.left.iter().filter(|(_, left)| **left > 0);
        assert_eq!(alive, left.map(|(id, left)| (*id, *left)).collect());
        let day = &self.day;
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
}
