//! Laws: properties that must hold at every step of every market.

use std::collections::BTreeSet;

use auction_core::{
    AccountEvent, AccountMode, Accounts, Actor, Command, Difference, Digest, Engine, Executed, Lot,
    LotId, Market, MarketId, Outcome, Phase, PublicEvent, Record, ReplayError, Sequence,
    StandingOrder, Terms, Timestamp, UserId,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::disclosed::audit;
use crate::lot::{OracleLot, price};
use crate::oracle::{Answer, Oracle, SEED};
use crate::steps::{Calls, Step, any_step, opening};

pub const MARKET: MarketId = MarketId([7; 16]);

prop_state_machine! {
    #![proptest_config(config(400, 1))]

    #[test]
    fn the_engine_answers_and_stands_as_the_oracle_does(
        sequential 1..if cfg!(miri) { 4 } else { 80 } => Laws
    );
}

/// Returns a configuration with this number of cases; fewer under miri, which is some hundred times slower.
pub fn config(cases: u32, under_miri: u32) -> Config {
    let cases = if cfg!(miri) { under_miri } else { cases };
    // Shrunk cases become separate tests here, so nothing is written beside the sources.
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

#[test]
fn markets_with_different_last_times_have_different_digests() {
    let mut engine = Engine::new(MARKET);
    for step in opening(AccountMode::Credit, Calls::None) {
        let Step::Ask {
            now,
            caller,
            command,
        } = step
        else {
            continue;
        };
        engine.execute(now, caller, command).unwrap();
    }
    let event = PublicEvent::ProfitPublished {
        symbol: auction_core::Symbol::parse("AAPL").unwrap(),
        profit: auction_core::Profit::default(),
    };
    let mut markets = [1, 2].map(|secs| {
        let mut market = engine.market().clone();
        market.apply(Timestamp::from_secs(secs), &event).unwrap();
        market
    });
    assert_ne!(markets[0], markets[1]);
    assert_ne!(markets[0].digest(), markets[1].digest());
}

impl ReferenceStateMachine for Oracle {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let opened = |(mode, calls)| {
            let steps = opening(mode, calls);
            steps.iter().fold(Self::default(), Self::apply)
        };
        let modes = [AccountMode::Credit, AccountMode::Funds];
        let ways = modes.map(|mode| [(mode, Calls::None), (mode, Calls::Two)]);
        select(ways.concat()).prop_map(opened).boxed()
    }

    fn transitions(oracle: &Self) -> BoxedStrategy<Step> {
        any_step(oracle)
    }

    fn apply(mut oracle: Self, step: &Step) -> Self {
        follow(&mut oracle, step);
        oracle
    }
}

fn follow(oracle: &mut Oracle, step: &Step) -> (Vec<Command>, Option<Answer>) {
    match step {
        Step::Ask {
            now,
            caller,
            command,
        } => {
            let closed = oracle.advance(*now);
            (closed, Some(oracle.ask(*now, *caller, command)))
        }
        Step::AskLate {
            now,
            caller,
            command,
        } => (Vec::new(), Some(oracle.ask(*now, *caller, command))),
        Step::Wait { now } => (oracle.advance(*now), None),
        Step::Restore | Step::Replay => (Vec::new(), None),
    }
}

/// An engine, all its records, and a fold of its public events.
pub struct Laws {
    engine: Engine,
    /// Memory in which its records are built.
    place: Record,
    records: Vec<Record>,
    /// Records that were decided while something was overdue.
    late: BTreeSet<Sequence>,
    /// Applies only the public events, and computes its digest at each step.
    feed: Market,
    digests: Vec<(Market, Digest)>,
    oracle: Oracle,
    /// Applies every event, and checks the consequences for users.
    accounts: Accounts,
    told: Vec<(UserId, AccountEvent)>,
}

impl StateMachineTest for Laws {
    type SystemUnderTest = Self;
    type Reference = Oracle;

    fn init_test(opened: &Oracle) -> Self {
        let engine = Engine::new(MARKET);
        let feed = engine.market().clone();
        let oracle = Oracle::default();
        let mut laws = Self {
            engine,
            place: Record::default(),
            records: Vec::new(),
            late: BTreeSet::new(),
            feed,
            digests: Vec::new(),
            oracle,
            accounts: Accounts::default(),
            told: Vec::new(),
        };
        for step in opening(opened.mode, Calls::of(opened)) {
            laws.step(&step);
        }
        laws
    }

    fn apply(mut laws: Self, _: &Oracle, step: Step) -> Self {
        laws.step(&step);
        laws
    }

    fn check_invariants(laws: &Self, oracle: &Oracle) {
        laws.stands_as(oracle);
        assert_eq!(
            laws.feed,
            *laws.engine.market(),
            "public events alone make the market"
        );
        let anew = Accounts::of(&laws.engine);
        for user in (0..=laws.engine.market().users().len() as u32).map(UserId) {
            let stands = |accounts: &Accounts| {
                (
                    accounts.orders_of(user).collect::<Vec<_>>(),
                    accounts.leads_of(user).collect::<Vec<_>>(),
                    accounts.dead_men_of(user).collect::<Vec<_>>(),
                )
            };
            assert_eq!(
                stands(&laws.accounts),
                stands(&anew),
                "what is told to users makes what stands of them"
            );
        }
    }

    fn teardown(mut laws: Self, oracle: Oracle) {
        laws.opens_what_was_sealed(&oracle);
        laws.accounts_are_told_their_fate();
        laws.closes_each_lot_once();
        laws.digests_tell_markets_apart();
        laws.verifies();
        let halfway = laws.records.len() / 2;
        laws.is_what_everyone_can_check(halfway);
        let mut restored = laws.replayed(halfway);
        restored = Engine::restore(restored.snapshot()).unwrap();
        for record in &laws.records[halfway..] {
            restored.replay(record).unwrap();
        }
        assert_eq!(
            restored.snapshot(),
            laws.engine.snapshot(),
            "a snapshot stands for its records"
        );
    }
}

impl Laws {
    /// Audits the records, also while lots are open, when less of them is public.
    fn is_what_everyone_can_check(&self, halfway: usize) {
        for records in [&self.records[..halfway], &self.records[..]] {
            let (audit, _) = audit(MARKET, records).unwrap();
            let whole = records.len() == self.records.len();
            assert!(!whole || audit.market() == self.engine.market());
        }
    }

    fn step(&mut self, step: &Step) {
        let (closed, answer) = follow(&mut self.oracle, step);
        match step {
            Step::Ask {
                now,
                caller,
                command,
            } => {
                self.advance(*now, &closed);
                self.ask(
                    *now,
                    *caller,
                    command.clone(),
                    answer.expect("who asks is answered"),
                );
            }
            Step::AskLate {
                now,
                caller,
                command,
            } => {
                self.ask(
                    *now,
                    *caller,
                    command.clone(),
                    answer.expect("who asks is answered"),
                );
            }
            Step::Wait { now } => self.advance(*now, &closed),
            Step::Restore => {
                let restored = Engine::restore(self.engine.snapshot()).unwrap();
                assert_eq!(restored.snapshot(), self.engine.snapshot());
                assert_eq!(restored.next_deadline(), self.engine.next_deadline());
                self.engine = restored;
            }
            Step::Replay => {
                let replayed = self.replayed(self.records.len());
                assert_eq!(
                    replayed.snapshot(),
                    self.engine.snapshot(),
                    "replay equals live"
                );
                assert_eq!(replayed.next_deadline(), self.engine.next_deadline());
                let (live, replayed_market) = (self.engine.market(), replayed.market());
                assert_eq!(live.clone().digest(), replayed_market.clone().digest());
                self.engine = replayed;
            }
        }
    }

    fn advance(&mut self, now: Timestamp, due: &[Command]) {
        for command in due {
            let (Command::CloseDue { lot }
            | Command::OpenDue { lot }
            | Command::DrawEnd { lot, .. }) = command
            else {
                panic!("the clock asks for nothing else");
            };
            let next = self.engine.due(now).next();
            assert_eq!(next, Some(*lot), "due by time, then by number");
            let record = self
                .engine
                .advance(now, || [SEED; 32])
                .expect("what is due is decided");
            assert_eq!(record.command, *command);
            self.take(record);
        }
        assert_eq!(self.engine.due(now).next(), None);
        assert_eq!(self.engine.advance(now, || [SEED; 32]), None);
    }

    fn ask(
        &mut self,
        now: Timestamp,
        caller: auction_core::Caller,
        command: Command,
        answer: Answer,
    ) {
        let before = self.engine.snapshot();
        let is_late = self.engine.due(now).next().is_some();
        // Overwrites the previous record: nothing of it may remain.
        let place = &mut self.place;
        match self.engine.execute_into(now, caller, command, place) {
            Ok(Executed::Decided(record)) => {
                assert_eq!(Answer::Done(record.sequence, record.reply()), answer);
                let record = record.clone();
                if is_late {
                    self.late.insert(record.sequence);
                }
                self.take(record);
            }
            Ok(Executed::Repeated { sequence, reply }) => {
                assert_eq!(Answer::Repeated(sequence, reply), answer);
                assert_eq!(self.engine.snapshot(), before, "a repetition has no effect");
            }
            Err(reject) => {
                assert_eq!(Answer::Refused(reject), answer);
                assert_eq!(
                    self.engine.snapshot(),
                    before,
                    "a rejection changes nothing"
                );
            }
        }
    }

    fn take(&mut self, record: Record) {
        for event in record.public_events() {
            self.feed.apply(record.at, event).unwrap();
            let digest = self.feed.digest();
            let parts = self.feed.parts().clone();
            let from_scratch = Market::from_parts(parts).unwrap().digest();
            assert_eq!(
                digest, from_scratch,
                "the digest that is kept is the digest of the whole"
            );
        }
        for event in &record.events {
            self.told.extend(self.accounts.apply(event));
        }
        self.digests.push((self.feed.clone(), self.feed.digest()));
        self.records.push(record);
    }

    /// Checks that every order ends once, and that every lot sold as a whole is reported as won to its winner.
    fn accounts_are_told_their_fate(&self) {
        let mut standing = BTreeSet::new();
        for (user, event) in &self.told {
            match *event {
                AccountEvent::OrderPlaced(StandingOrder { lot, order, .. }) => {
                    assert!(
                        standing.insert((*user, lot, order)),
                        "an order is placed once"
                    );
                }
                AccountEvent::OrderReplaced { lot, order, .. } => {
                    assert!(standing.contains(&(*user, lot, order)));
                }
                AccountEvent::OrderCancelled { lot, order }
                | AccountEvent::OrderFilled { lot, order, .. }
                | AccountEvent::OrderLapsed { lot, order } => {
                    assert!(standing.remove(&(*user, lot, order)), "an order ends once");
                }
                _ => {}
            }
        }
        let won = self.told.iter().filter_map(|(user, event)| match *event {
            AccountEvent::Won { lot, price } => Some((lot, *user, price)),
            _ => None,
        });
        let sold = self.engine.market().lots().iter();
        let sold = sold.filter_map(|lot| match lot.outcome()? {
            Outcome::Sold { winner, price, .. } => Some((lot.id, winner, price)),
            _ => None,
        });
        assert_eq!(won.collect::<BTreeSet<_>>(), sold.collect());
        let closed = |lot: LotId| self.engine.market().lot(lot).is_some_and(Lot::is_closed);
        assert!(standing.iter().all(|(_, lot, _)| !closed(*lot)));
    }

    fn replayed(&self, count: usize) -> Engine {
        let mut engine = Engine::new(MARKET);
        for record in &self.records[..count] {
            engine.replay(record).unwrap();
        }
        engine
    }

    fn stands_as(&self, oracle: &Oracle) {
        let engine = &self.engine;
        assert_eq!(
            (engine.at().micros(), engine.sequence().0),
            (oracle.at, oracle.records)
        );
        assert_eq!(engine.market().lots().len(), oracle.lots.len());
        for (number, lot) in (1..).zip(&oracle.lots) {
            self.lot_stands_as(LotId(number), lot);
            let users = oracle.users.len() as u32;
            lot.call_stands_as(engine, LotId(number), users);
        }
        let users = engine
            .market()
            .users()
            .iter()
            .map(|user| (user.name, user.role));
        assert!(users.eq(oracle.users.iter().copied()));
        assert_eq!(engine.market().stocks().count(), oracle.stocks.len());
        for (listing, profit) in &oracle.stocks {
            let stock = engine.market().stock(listing.symbol).unwrap();
            assert_eq!((stock.listing, stock.profit), (*listing, *profit));
            let last_uncross = oracle.uncrossed.get(&listing.symbol).copied();
            assert_eq!(stock.last_uncross.map(|price| price.units()), last_uncross);
        }
        for number in 1..=oracle.users.len() as u32 {
            let user = UserId(number);
            assert_eq!(
                engine.sessions().sessions_of(user),
                oracle.open_sessions_of(user)
            );
        }
        let suspended = engine.sessions().suspended();
        assert!(suspended.eq(oracle.suspended.iter().copied()));
        let open = oracle.lots.iter().filter(|lot| lot.closed_at.is_none());
        let deadline = engine.next_deadline().map(Timestamp::micros);
        assert_eq!(
            deadline,
            oracle.lots.iter().filter_map(OracleLot::deadline).min()
        );
        assert_eq!(engine.market().open_lots(), open.count());
        oracle.balances_with(engine);
    }

    fn lot_stands_as(&self, id: LotId, expected: &OracleLot) {
        let lot = self.engine.market().lot(id).unwrap();
        let view = expected.view();
        assert_eq!(lot.leader(), view.leader);
        assert_eq!(lot.price().map(|price| price.units()), view.price);
        assert_eq!(
            lot.least_bid().map(|least| least.units()),
            view.least,
            "{expected:?}"
        );
        assert_eq!((lot.bids(), lot.bidders()), (view.bids, view.bidders));
        if expected.is_english() {
            assert_eq!(lot.reserve(), Some(view.reserve));
        }
        assert_eq!(
            lot.is_scheduled(),
            expected.closed_at.is_none() && !expected.has_begun()
        );
        assert_eq!(
            lot.halted_since.map(Timestamp::micros),
            expected.halted_since()
        );
        if let Terms::Dutch(terms) = &expected.open.terms
            && lot.is_open(self.engine.at())
        {
            let now = self.engine.at();
            let falling = price(expected.falling(terms, now.micros()));
            assert_eq!(lot.least_bid_at(now), Some(falling));
        }
        assert_eq!(lot.closes_at.micros(), view.closes_at);
        assert_eq!(lot.extensions, view.extensions);
        assert_eq!(lot.opened_at.micros(), expected.opened_at());
        let outcome: Option<Outcome> = expected.closed_at.map(|_| expected.outcome());
        assert_eq!(lot.outcome(), outcome);
        if let Phase::Closed { at, .. } = lot.phase {
            assert_eq!(Some(at.micros()), expected.closed_at);
        }
        assert!(
            !lot.is_open(lot.closes_at),
            "at the very moment of its close a lot is closed"
        );
    }

    /// Checks that sealed bids are opened when the lot closes, complete and correct, and that each trader can ask for
    /// the winning bid.
    fn opens_what_was_sealed(&self, oracle: &Oracle) {
        for (number, lot) in (1..).zip(&oracle.lots) {
            let id = LotId(number);
            let events = self.records.iter().flat_map(Record::public_events);
            let opened = events.filter_map(|event| match event {
                PublicEvent::BidsOpened { lot, bids } if *lot == id => Some(bids.clone()),
                _ => None,
            });
            let opened: Vec<_> = opened.flatten().collect();
            if lot.closed_at.is_none() {
                assert_eq!(opened, []);
                assert_eq!(self.engine.winning_threshold(id, UserId(1)), None);
                continue;
            }
            if lot.orders_each().is_none() {
                continue;
            }
            assert_eq!(opened, lot.opened());
            for user in (1..=4).map(UserId) {
                let least = self.engine.winning_threshold(id, user);
                assert_eq!(least, Some(lot.winning_threshold(user)), "{user} {lot:?}");
            }
        }
    }

    fn closes_each_lot_once(&self) {
        let mut closed = Vec::new();
        for event in self.records.iter().flat_map(Record::public_events) {
            if let PublicEvent::LotClosed { lot, .. } = event {
                assert!(!closed.contains(lot), "a lot closes once");
                closed.push(*lot);
            }
        }
    }

    fn digests_tell_markets_apart(&self) {
        for (index, (one, digest)) in self.digests.iter().enumerate() {
            for (other, other_digest) in &self.digests[..index] {
                assert_eq!(one == other, digest == other_digest);
            }
        }
    }

    fn verifies(&mut self) {
        let mut engine = Engine::new(MARKET);
        for record in &self.records {
            match engine.verify(record) {
                Ok(()) => {}
                Err(ReplayError::DecidedOtherwise {
                    difference: Difference::DueBefore { due, .. },
                    ..
                }) => {
                    assert!(self.late.contains(&record.sequence), "{record:?}");
                    assert!(due <= record.at && matches!(record.actor, Actor::User(_)));
                    engine.replay(record).unwrap();
                }
                Err(error) => panic!("{error}: {record:?}"),
            }
        }
        assert_eq!(
            engine.snapshot(),
            self.engine.snapshot(),
            "what is verified is taken"
        );
    }
}
