//! Random days: terms, and steps that are made concrete when their turn comes.

use proptest::option;
use proptest::prelude::*;

use super::oracle::{
    Account, Collar, Command, Control, Day, Draw, Id, Kind, Limits, NewOrder, OwnOrder, Owner,
    Side, Terms, Tif,
};

pub const TRADERS: Owner = 4;
pub const TICK: u64 = 100;
const BASE: u64 = 100_000;

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Wait(Wait),
    Act(Act),
    /// A halt ends, if there is one.
    EndHalt,
    /// The market goes on from a snapshot.
    Restore,
    /// The market goes on from its records.
    Replay,
}

/// Time that passes.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    For(u64),
    /// To the very instant of the next deadline.
    ToDeadline,
    /// To the last instant before it.
    BeforeDeadline,
}

#[derive(Clone, Copy, Debug)]
pub enum Act {
    Enter {
        owner: Owner,
        new: NewOrder,
    },
    Replace {
        pick: Pick,
        quantity: Change,
        limit: Change,
        believes: Option<Change>,
    },
    Cancel(Pick),
    CancelAll(Owner),
    Control(Control),
    /// Moves the close by so long.
    Extend(i64),
    /// Moves the end of the phase that is so far from the running one, by so long.
    Move {
        further: usize,
        by: i64,
    },
}

/// An order, mostly one that is alive, and mostly by its owner.
#[derive(Clone, Copy, Debug)]
pub struct Pick {
    pub index: usize,
    pub is_alive: bool,
    pub is_strange: bool,
}

/// A number, from what it was.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Same,
    /// So many ticks or round lots more.
    By(i64),
    /// A limit becomes market.
    Away,
}

/// An act that names what there is.
#[derive(Clone, Copy, Debug)]
pub enum Concrete {
    Trader(Owner, Command),
    Control(Control),
}

impl Wait {
    pub fn until(self, day: &Day) -> u64 {
        match (self, day.next_due()) {
            (Self::For(time), _) => day.at + time,
            (Self::ToDeadline, due) => due.unwrap_or(day.at),
            (Self::BeforeDeadline, due) => due.map_or(day.at, |due| (due - 1).max(day.at)),
        }
    }
}

impl Act {
    /// `until`s count from now.
    pub fn concrete(self, day: &Day) -> Concrete {
        match self {
            Self::Enter { owner, mut new } => {
                if let Tif::Until(after) = new.tif {
                    new.tif = Tif::Until(day.at + after);
                }
                Concrete::Trader(owner, Command::Enter(new))
            }
            Self::Replace {
                pick,
                quantity,
                limit,
                believes,
            } => {
                let (owner, id) = pick.of(day);
                let old = day.order(id);
                let (open, was) = old.map_or((1, None), |order| (order.open, order.limit));
                let open_after = |change: Change| {
                    change
                        .apply(Some(open), day.terms.round_lot)
                        .unwrap_or(open)
                };
                let replace = Command::Replace {
                    id,
                    quantity: open_after(quantity).max(1),
                    limit: limit.apply(was, day.terms.tick),
                    believed: believes.map(|change| open_after(change).max(1)),
                };
                Concrete::Trader(owner, replace)
            }
            Self::Cancel(pick) => {
                let (owner, id) = pick.of(day);
                Concrete::Trader(owner, Command::Cancel(id))
            }
            Self::CancelAll(owner) => Concrete::Trader(owner, Command::CancelAll),
            Self::Control(control) => Concrete::Control(control),
            Self::Extend(by) => {
                let closes_at = day.closes_at().saturating_add_signed(by);
                Concrete::Control(Control::Extend(closes_at))
            }
            Self::Move { further, by } => {
                let index = day.phase.index + further;
                let end = day.times.get(index + 1).copied().unwrap_or(day.at);
                let ends_at = end.saturating_add_signed(by);
                Concrete::Control(Control::Move { index, ends_at })
            }
        }
    }
}

impl Pick {
    fn of(self, day: &Day) -> (Owner, Id) {
        let alive = day.by_acceptance();
        let order = alive.get(self.index % alive.len().max(1));
        let (owner, id) = match order.filter(|_| self.is_alive) {
            Some(order) => (order.owner, order.id),
            None => (
                (self.index as Owner) % TRADERS,
                self.index % (day.accepted + 1),
            ),
        };
        (
            if self.is_strange {
                (owner + 1) % TRADERS
            } else {
                owner
            },
            id,
        )
    }
}

impl Change {
    fn apply(self, was: Option<u64>, unit: u64) -> Option<u64> {
        match self {
            Self::Same => was,
            Self::By(units) => {
                let was = was.unwrap_or(BASE) as i64;
                Some((was + units * unit as i64).max(0) as u64)
            }
            Self::Away => None,
        }
    }
}

prop_compose! {
    pub fn terms()(
        phases in phases(),
        corridors in (collar(), collar(), collar()),
        reference in prop_oneof![1 => Just(0), 1 => Just(BASE - 950), 6 => Just(BASE)],
        (extensions_max, interruptions_max) in (prop_oneof![2 => Just(0), 1 => 1..3_u32], prop_oneof![0..3_u32, Just(16)]),
        (random_end, no_cancel) in (prop_oneof![Just(0), 1..5_u64], option::of(0..5_u64)),
        (volatility_length, volatility_random_end) in (6..20_u64, prop_oneof![Just(0), 1..5_u64]),
        (extend_by, market_extension) in (10..20_u64, any::<bool>()),
        funds in proptest::bool::weighted(0.4),
        round_lot in prop_oneof![3 => Just(1), 1 => Just(10)],
        number in any::<u64>(),
        (is_scheduled, is_open_book) in (any::<bool>(), any::<bool>()),
    ) -> Terms {
        let (lengths, closes_at) = phases;
        Terms {
            tick: TICK,
            round_lot,
            reference,
            collar: corridors.0,
            static_corridor: corridors.1,
            dynamic_corridor: corridors.2,
            extensions_max,
            extend_by,
            market_extension,
            random_end,
            no_cancel,
            volatility_length,
            volatility_random_end,
            interruptions_max,
            phases: lengths,
            closes_at,
            draw: Draw::Number(number.into()),
            funds,
            is_scheduled,
            is_open_book,
        }
    }
}

/// `[pre-open] call {continuous call} [at-last]`, and the close.
fn phases() -> impl Strategy<Value = (Vec<(Kind, u64)>, u64)> {
    let rounds = proptest::collection::vec((10..150_u64, 10..30_u64), 0..4);
    let ends = (
        option::of(1..20_u64),
        10..30_u64,
        rounds,
        option::of(1..30_u64),
    );
    ends.prop_map(|(pre_open, call, rounds, at_last)| {
        let mut at = 0;
        let mut phases = Vec::new();
        let mut add = |kind, length| {
            phases.push((kind, at));
            at += length;
        };
        if let Some(length) = pre_open {
            add(Kind::PreOpen, length);
        }
        add(Kind::Call, call);
        for (continuous, call) in rounds {
            add(Kind::Continuous, continuous);
            add(Kind::Call, call);
        }
        if let Some(length) = at_last {
            add(Kind::AtLast, length);
        }
        (phases, at)
    })
}

fn collar() -> impl Strategy<Value = Option<Collar>> {
    let absolute = prop_oneof![Just(0), Just(300), Just(800)];
    let basis_points = prop_oneof![Just(0), Just(45), Just(90)];
    let collar = (absolute, basis_points).prop_map(|(absolute, basis_points)| Collar {
        absolute,
        basis_points,
    });
    option::weighted(0.4, collar)
}

/// Contents of the traders' accounts: enough for a while.
pub fn accounts() -> impl Strategy<Value = Vec<Account>> {
    let account = (0..300_u64, 0..300_u64).prop_map(|(cash, shares)| Account {
        cash: cash * BASE,
        shares,
    });
    proptest::collection::vec(account, TRADERS as usize)
}

pub fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        5 => (1..6_u64).prop_map(Wait::For),
        3 => Just(Wait::ToDeadline),
        1 => Just(Wait::BeforeDeadline),
    ];
    prop_oneof![
        80 => act().prop_map(Step::Act),
        24 => wait.prop_map(Step::Wait),
        16 => Just(Step::EndHalt),
        2 => Just(Step::Restore),
        1 => Just(Step::Replay),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let owner = || 0..TRADERS;
    let change = prop_oneof![4 => Just(Change::Same), 6 => (-3..4_i64).prop_map(Change::By)];
    let limit = prop_oneof![
        6 => Just(Change::Same),
        10 => (-6..7_i64).prop_map(Change::By),
        1 => Just(Change::Away),
    ];
    let believes = prop_oneof![8 => Just(Change::Same), 1 => Just(Change::By(1))];
    let replace = (pick(), change, limit, option::of(believes));
    prop_oneof![
        100 => (owner(), new_order()).prop_map(|(owner, new)| Act::Enter { owner, new }),
        25 => replace.prop_map(|(pick, quantity, limit, believes)| Act::Replace {
            pick,
            quantity,
            limit,
            believes,
        }),
        15 => pick().prop_map(Act::Cancel),
        3 => owner().prop_map(Act::CancelAll),
        12 => control().prop_map(Act::Control),
        1 => (-5..30_i64).prop_map(Act::Extend),
        3 => (0..3_usize, -30..30_i64).prop_map(|(further, by)| Act::Move { further, by }),
    ]
}

fn control() -> impl Strategy<Value = Control> {
    let owner = || 0..TRADERS;
    prop_oneof![
        4 => Just(Control::Halt),
        6 => Just(Control::Resume),
        1 => Just(Control::Close),
        2 => owner().prop_map(Control::Suspend),
        12 => owner().prop_map(Control::Reinstate),
        2 => owner().prop_map(Control::CancelAllOf),
        1 => Just(Control::CancelLot),
        1 => Just(Control::HaltAll),
        2 => Just(Control::ResumeAll),
        3 => (option::of(owner()), limits()).prop_map(|(of, limits)| Control::Limit(of, limits)),
    ]
}

fn limits() -> impl Strategy<Value = Option<Limits>> {
    let most = |most| option::weighted(0.2, 0..most);
    let limits = (
        option::weighted(0.2, 1..120_u64),
        most(9_000_000_u64),
        most(6),
        most(200),
        most(200),
    );
    let limits =
        limits.prop_map(
            |(order_quantity, order_value, open_orders, long, short)| Limits {
                order_quantity,
                order_value,
                open_orders,
                long,
                short,
            },
        );
    option::of(limits)
}

fn pick() -> impl Strategy<Value = Pick> {
    let often = |weight| proptest::bool::weighted(weight);
    (0..64_usize, often(0.9), often(0.05)).prop_map(|(index, is_alive, is_strange)| Pick {
        index,
        is_alive,
        is_strange,
    })
}

prop_compose! {
    /// Few prices, so that orders meet; a tenth of them malformed in some way.
    fn new_order()(
        side in prop_oneof![Just(Side::Buy), Just(Side::Sell)],
        quantity in prop_oneof![20 => (1..9_u64).prop_map(|lots| lots * 10), 3 => 1..20_u64],
        limit in prop_oneof![
            16 => (-8..9_i64).prop_map(|ticks| Some((BASE as i64 + ticks * TICK as i64) as u64)),
            4 => Just(None),
            1 => Just(Some(BASE + 50)),
        ],
        tif in prop_oneof![
            20 => Just(Tif::Day),
            6 => (0..25_u64).prop_map(Tif::Until),
            5 => Just(Tif::Ioc),
            5 => Just(Tif::Fok),
            2 => Just(Tif::AtOpen),
            4 => Just(Tif::AtClose),
            5 => Just(Tif::Auction),
        ],
        own in prop_oneof![
            2 => Just(OwnOrder::Refuse),
            1 => Just(OwnOrder::CancelNewest),
            1 => Just(OwnOrder::CancelOldest),
            1 => Just(OwnOrder::CancelBoth),
            1 => Just(OwnOrder::Decrement),
        ],
        post_only in proptest::bool::weighted(0.08),
    ) -> NewOrder {
        NewOrder { side, quantity, limit, tif, own, post_only }
    }
}
