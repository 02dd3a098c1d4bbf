//! Steps of a random market: prices, times and request numbers near those at which a decision changes.

use auction_core::limits::CASH_MAX;
use auction_core::{
    AccountMode, Asset, CallTerms, Caller, Collar, Command, DeviceKey, LotId, Name, NewDevice,
    NewSession, OpenLot, Price, Profit, Quantity, RequestId, Role, SessionId, Span, Terms,
    Timestamp, TokenHash, UserId,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::listed::{LOW_CEILING, listing, register, security, symbol};
use crate::lot::{price, time};
use crate::offers::{call_order, cash, offer, order, payment};
use crate::oracle::Oracle;
use crate::terms::{opening_of_another, opening_of_call, opening_of_lot};

#[derive(Clone, Debug)]
pub enum Step {
    /// The shell closes what is due, then sends a command.
    Ask {
        now: Timestamp,
        caller: Caller,
        command: Command,
    },
    /// The shell sends a command without closing what is due, as after an outage.
    AskLate {
        now: Timestamp,
        caller: Caller,
        command: Command,
    },
    /// Time passes.
    Wait { now: Timestamp },
    /// The engine restarts from a snapshot.
    Restore,
    /// The engine restarts from its records.
    Replay,
}

/// Call auctions at the beginning of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    None,
    Two,
}

impl Calls {
    /// Returns the variant with which a market began.
    pub fn of(opened: &Oracle) -> Self {
        match opened.lots.is_empty() {
            true => Self::None,
            false => Self::Two,
        }
    }
}

/// Returns the steps for four traders, a company, an auctioneer, two stocks, a session for each of two traders. With
/// accounts one of the traders is rich, and three are not.
pub fn opening(mode: AccountMode, calls: Calls) -> Vec<Step> {
    let session = |user| {
        let expires_at = time(1_000);
        let token_hash = TokenHash([user as u8; 32]);
        Command::OpenSession(Box::new(NewSession {
            user: UserId(user),
            token_hash,
            expires_at,
        }))
    };
    let roles = [
        Role::Trader,
        Role::Trader,
        Role::Trader,
        Role::Trader,
        Role::Company(symbol(0)),
        Role::Auctioneer,
    ];
    let mut commands = vec![
        Command::ListStock(listing(0, 0, 10, 0)),
        Command::ListStock(listing(1, 1, LOW_CEILING - 30, 0)),
    ];
    commands.extend(
        (0..)
            .zip(roles)
            .map(|(number, role)| register(number, role)),
    );
    commands.extend([session(1), session(2)]);
    if mode == AccountMode::Funds {
        commands.push(Command::SetAccounts { mode });
        let cash = [CASH_MAX / 2, 700, 250, 90].map(cash);
        let shares = Asset::Shares {
            symbol: symbol(0),
            quantity: Quantity::new(100).unwrap(),
        };
        let deposits = (1..).zip(cash).chain((1..=3).map(|user| (user, shares)));
        commands.extend(deposits.map(|(user, asset)| Command::Deposit {
            user: UserId(user),
            asset,
        }));
    }
    if calls == Calls::Two {
        let collar = Some(Collar {
            absolute: price(3),
            basis_points: 0,
        });
        let ended = CallTerms {
            tick: Price::UNIT,
            collar,
            market_extension: true,
            extend_by: Span::from_micros(20).unwrap(),
            random_end: Span::from_micros(10).unwrap(),
            no_cancel: Span::from_micros(5),
            ..CallTerms::default()
        };
        let plain = CallTerms {
            tick: Price::UNIT,
            ..CallTerms::default()
        };
        commands.extend([(ended, 30), (plain, 70)].map(|(terms, open_for)| {
            Command::OpenLot(Box::new(OpenLot {
                symbol: symbol(0),
                quantity: Quantity::ONE,
                opens_at: None,
                closes_at: time(open_for),
                terms: Terms::Call(terms),
                reserve: None,
            }))
        }));
    }
    let ask = |command| Step::Ask {
        now: time(0),
        caller: Caller::Operator,
        command,
    };
    commands.into_iter().map(ask).collect()
}

pub fn any_step(oracle: &Oracle) -> BoxedStrategy<Step> {
    let asking = prop_oneof![
        2 => (any_now(oracle), (bidder(oracle), offer(oracle))),
        2 => (any_now(oracle), (bidder(oracle), order(oracle))),
        3 => (any_now(oracle), (bidder(oracle), call_order(oracle))),
        1 => (any_now(oracle), (Just(Caller::Operator), in_charge(oracle))),
        1 => (any_now(oracle), any_request(oracle)),
    ];
    let ask = asking.clone();
    prop_oneof![
        16 => ask.prop_map(|(now, (caller, command))| Step::Ask { now, caller, command }),
        2 => asking.prop_map(|(now, (caller, command))| Step::AskLate { now, caller, command }),
        1 => any_now(oracle).prop_map(|now| Step::Wait { now }),
        1 => Just(Step::Restore),
        1 => Just(Step::Replay),
    ]
    .boxed()
}

/// Generates times at which something changes, and those just beside them.
fn any_now(oracle: &Oracle) -> BoxedStrategy<Timestamp> {
    let mut moments = vec![oracle.at];
    for lot in oracle.lots.iter().filter(|lot| lot.closed_at.is_none()) {
        let closes_at = lot.view().closes_at;
        moments.push(closes_at);
        moments.extend(lot.deadline());
        if let Some(no_cancel) = lot.call().and_then(|terms| terms.no_cancel) {
            let windows =
                no_cancel.micros() + lot.call().map_or(0, |terms| terms.random_end.micros());
            moments.push(closes_at.saturating_sub(windows));
        }
        if lot.is_english() {
            let within = lot.terms().soft_close.extend_within.micros();
            moments.push(closes_at.saturating_sub(within));
        }
    }
    moments.extend(oracle.sessions.iter().map(|session| session.expires_at));
    let at = oracle.at;
    moments.retain(|moment| *moment <= at + 200);
    prop_oneof![
        9 => (0_u64..4).prop_map(move |later| time(at + later)),
        1 => (select(moments), 0_u64..3).prop_map(|(moment, up)| time((moment + up).saturating_sub(1))),
    ]
    .boxed()
}

fn any_request(oracle: &Oracle) -> BoxedStrategy<(Caller, Command)> {
    let asked = (any_caller(oracle), any_command(oracle));
    let mut strategies = vec![asked.boxed()];
    let mut accepted = Vec::new();
    for (session, numbered) in (1..).zip(&oracle.sessions) {
        let session = SessionId(session);
        let again = numbered
            .accepted
            .iter()
            .map(|accepted| (session, accepted.clone()));
        accepted.extend(again);
    }
    if !accepted.is_empty() {
        let again = select(accepted).prop_map(|(session, accepted)| {
            let request = RequestId(accepted.request);
            (Caller::Session { session, request }, accepted.command)
        });
        strategies.push(again.boxed());
    }
    let chosen = 0..strategies.len();
    chosen
        .prop_flat_map(move |index| strategies[index].clone())
        .boxed()
}

fn any_caller(oracle: &Oracle) -> BoxedStrategy<Caller> {
    prop_oneof![
        3 => Just(Caller::Operator),
        2 => (0..9_u32).prop_map(|user| Caller::User(UserId(user))),
        1 => Just(Caller::User(UserId(6))),
        3 => any_session(oracle),
    ]
    .boxed()
}

fn bidder(oracle: &Oracle) -> BoxedStrategy<Caller> {
    prop_oneof![
        3 => (1..=4_u32).prop_map(|user| Caller::User(UserId(user))),
        1 => any_session(oracle),
    ]
    .boxed()
}

fn any_session(oracle: &Oracle) -> BoxedStrategy<Caller> {
    let count = oracle.sessions.len() as u64;
    let last = |session: &crate::oracle::OracleSession| {
        session
            .accepted
            .iter()
            .map(|accepted| accepted.request)
            .max()
            .unwrap_or(0)
    };
    let lasts: Vec<u64> = oracle.sessions.iter().map(last).collect();
    (0..count + 2, 0..6_u64)
        .prop_map(move |(session, up)| {
            let last = (session as usize)
                .checked_sub(1)
                .and_then(|index| lasts.get(index));
            let request = RequestId((last.copied().unwrap_or(0) + up).saturating_sub(2));
            Caller::Session {
                session: SessionId(session),
                request,
            }
        })
        .boxed()
}

fn any_command(oracle: &Oracle) -> BoxedStrategy<Command> {
    let at = oracle.at;
    let lot = any_lot(oracle);
    let sessions = 0..oracle.sessions.len() as u64 + 2;
    let extension = (lot.clone(), 0..300_u64).prop_map(move |(lot, later)| Command::ExtendLot {
        lot,
        closes_at: time(at + later),
    });
    let profit = (0..3_usize, 0..2_usize, -3..3_i64).prop_map(|(at, code, units)| {
        let profit = Profit::from_units(units).unwrap();
        Command::PublishProfit {
            symbol: symbol(at),
            security: security(code),
            profit,
        }
    });
    let session = (0..9_u32, 0..200_u64).prop_map(move |(user, later)| {
        Command::OpenSession(Box::new(NewSession {
            user: UserId(user),
            token_hash: TokenHash([9; 32]),
            expires_at: time(at + later),
        }))
    });
    let prices = prop_oneof![0..60_u64, LOW_CEILING - 60..=LOW_CEILING];
    let list = (0..3_usize, 0..2_usize, prices, 0..2_i64).prop_map(|(at, code, price, profit)| {
        // The price of the calls' stock stays low: their oracle tries every price up to it.
        let at = if price >= 60 { at.max(1) } else { at };
        Command::ListStock(listing(at, code, price, profit))
    });
    let roles = prop_oneof![
        Just(Role::Trader),
        Just(Role::Auctioneer),
        (0..3_usize).prop_map(|at| Role::Company(symbol(at))),
    ];
    prop_oneof![
        4 => offer(oracle),
        2 => order(oracle),
        2 => call_order(oracle),
        4 => in_charge(oracle),
        1 => Just(Command::SetAccounts { mode: AccountMode::Funds }),
        1 => Just(Command::SetAccounts { mode: AccountMode::Credit }),
        1 => lot.clone().prop_map(|lot| Command::OpenDue { lot }),
        5 => opening_of_lot(at),
        2 => extension,
        1 => lot.prop_map(|lot| Command::CloseDue { lot }),
        1 => profit,
        1 => session,
        1 => sessions.clone().prop_map(|session| Command::CloseSession { session: SessionId(session) }),
        1 => (sessions, 0..3_u64).prop_map(|(session, secs)| Command::SetDeadMan {
            session: SessionId(session),
            grace: (secs > 0).then(|| Span::from_secs(secs)),
        }),
        1 => (0..10_u8, 1..3_u32).prop_map(|(key, number)| Command::AddDevice(Box::new(NewDevice {
            key: DeviceKey([key; 32]),
            label: Name::parse(&format!("device-{number}")).unwrap(),
        }))),
        1 => list,
        1 => (0..12_u32, roles).prop_map(|(number, role)| register(number, role)),
    ]
    .boxed()
}

fn any_lot(oracle: &Oracle) -> BoxedStrategy<LotId> {
    (0..oracle.lots.len() as u32 + 2).prop_map(LotId).boxed()
}

/// Generates commands of those who run the lots, mostly for lots that have not closed.
fn in_charge(oracle: &Oracle) -> BoxedStrategy<Command> {
    let mut lots: Vec<LotId> = (1..)
        .zip(&oracle.lots)
        .filter(|(_, lot)| lot.closed_at.is_none())
        .map(|(number, _)| LotId(number))
        .collect();
    let halted: Vec<LotId> = (1..)
        .zip(&oracle.lots)
        .filter(|(_, lot)| lot.halted_since().is_some())
        .map(|(number, _)| LotId(number))
        .collect();
    lots.push(LotId(1));
    let lot = select(lots.clone());
    let resumed = select(if halted.is_empty() { lots } else { halted });
    let users = 0..8_u32;
    prop_oneof![
        8 => opening_of_another(oracle.at),
        8 => opening_of_call(oracle.at),
        3 => opening_of_lot(oracle.at),
        1 => lot.clone().prop_map(|lot| Command::CloseLot { lot }),
        1 => lot.clone().prop_map(|lot| Command::CancelLot { lot }),
        3 => lot.prop_map(|lot| Command::HaltLot { lot }),
        4 => resumed.prop_map(|lot| Command::ResumeLot { lot }),
        1 => users.clone().prop_map(|user| Command::SuspendUser { user: UserId(user) }),
        2 => users.prop_map(|user| Command::ReinstateUser { user: UserId(user) }),
        2 => payment(oracle),
    ]
    .boxed()
}
