//! What happens in a random market: prices, times and request numbers near those that decide something.

use auction_core::limits::{CASH_MAX, QUANTITY_MAX};
use auction_core::{
    AccountMode, Amount, Asset, BookShown, CallTerms, Caller, Collar, Command, Credential,
    DeviceKey, DutchTerms, EnglishTerms, Listing, LotId, MarginalPriority, Name, NewDevice,
    NewSession, OpenLot, OrderId, Price, Profit, Quantity, Registration, RequestId, Role,
    SealedPricing, SealedTerms, SecurityCode, SessionId, Side, SoftClose, SoftCloseMode, Span,
    StepBand, Steps, Symbol, Terms, Timestamp, TokenHash, UniformPricing, UniformTerms, UserId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::lot::{OracleLot, price, time};
use crate::oracle::Oracle;

#[derive(Clone, Debug)]
pub enum Step {
    /// The shell closes what is due, then asks.
    Ask {
        now: Timestamp,
        caller: Caller,
        command: Command,
    },
    /// The shell asks without closing what is due, as after an outage.
    AskLate {
        now: Timestamp,
        caller: Caller,
        command: Command,
    },
    /// Time passes.
    Wait { now: Timestamp },
    /// The engine begins again from a snapshot.
    Restore,
    /// The engine begins again from its records.
    Replay,
}

const SYMBOLS: [&str; 3] = ["AAPL", "BRK.B", "ZZZ"];
const CODES: [&str; 2] = ["01954", "7"];
/// The greatest price of a lot of the greatest quantity.
const LOW_CEILING: u64 = 1_000_000;

/// Whether a market begins with call auctions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    None,
    Two,
}

impl Calls {
    /// How a market has begun.
    pub fn of(opened: &Oracle) -> Self {
        match opened.lots.is_empty() {
            true => Self::None,
            false => Self::Two,
        }
    }
}

/// Four traders, a company, an auctioneer, two stocks, a session for each of two traders. With accounts one of
/// the traders is rich, and three are not.
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

/// Moments at which something changes, and those just beside them.
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
        // The stock of the calls stays cheap: their oracle tries every price up to it.
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

/// Offers near the prices that decide something.
fn offer(oracle: &Oracle) -> BoxedStrategy<Command> {
    let mut targets = vec![(LotId(1), 0), (LotId(oracle.lots.len() as u32 + 1), 20)];
    for (number, lot) in (1..).zip(&oracle.lots) {
        let view = lot.view();
        if lot.closed_at.is_some() {
            targets.push((LotId(number), view.price.unwrap_or(20)));
            continue;
        }
        let near = view
            .price
            .into_iter()
            .chain(view.least)
            .chain(decisive(lot, oracle.at));
        let offers = lot.offers(lot.happened.len());
        let amounts = offers.iter().map(|offer| offer.amount);
        let near = near
            .chain(lot.open.reserve.map(Price::units))
            .chain(amounts.max());
        targets.extend(near.map(|near| (LotId(number), near)));
        if lot.greatest() == LOW_CEILING {
            targets.push((LotId(number), LOW_CEILING));
        }
    }
    let amount = prop_oneof![3 => Just(1_u64), 2 => 0..3_u64, 1 => 0..30_u64];
    (select(targets), amount, any::<bool>())
        .prop_map(|((lot, near), up, plain)| {
            let amount = price((near + up).saturating_sub(1));
            if plain {
                Command::Bid { lot, price: amount }
            } else {
                Command::BidMaximum {
                    lot,
                    maximum: amount,
                }
            }
        })
        .boxed()
}

/// What those do who run the lots, mostly to lots that have not closed.
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

/// Payments near what is free, and near what a market can take.
fn payment(oracle: &Oracle) -> BoxedStrategy<Command> {
    let users: Vec<(u32, u64)> = (0..9)
        .map(|user| (user, oracle.free(UserId(user))))
        .collect();
    let near = select(vec![0, 1, 60, 400, CASH_MAX / 8, CASH_MAX / 4]);
    let shares = prop_oneof![1..40_u64, Just(QUANTITY_MAX)];
    let shares = (0..3_usize, shares).prop_map(|(stock, shares)| Asset::Shares {
        symbol: symbol(stock),
        quantity: Quantity::new(shares).unwrap(),
    });
    (select(users), 0..4_u32, near, shares, any::<bool>())
        .prop_map(|((user, free), what, near, shares, deposit)| {
            let user = UserId(user);
            let asset = match what {
                0 => shares,
                1 => cash((free + 1).min(CASH_MAX)),
                2 => cash(free),
                _ => cash(near),
            };
            match deposit {
                true => Command::Deposit { user, asset },
                false => Command::Withdraw { user, asset },
            }
        })
        .boxed()
}

fn cash(units: u64) -> Asset {
    Asset::Cash(Amount::from_units(units).unwrap())
}

/// A price that decides something by the lot's terms.
fn decisive(lot: &OracleLot, at: u64) -> Option<u64> {
    match &lot.open.terms {
        Terms::English(terms) => terms.buy_now.map(Price::units),
        Terms::Dutch(terms) => Some(lot.falling(terms, at)),
        Terms::Sealed(_) | Terms::Uniform(_) | Terms::Call(_) => None,
    }
}

/// Sealed bids at few prices, so that ties are common, for lots that take them and others.
fn order(oracle: &Oracle) -> BoxedStrategy<Command> {
    let takes = |lot: &OracleLot| lot.closed_at.is_none() && lot.orders_each().is_some();
    let sealed = (1..).zip(&oracle.lots).filter(|(_, lot)| takes(lot));
    let mut lots: Vec<(LotId, u64)> = sealed
        .map(|(number, lot)| (LotId(number), lot.open.quantity.get()))
        .collect();
    lots.push((LotId(1), 1));
    // The first lot can be a call, whose oracle tries every price up to the highest limit.
    let highest = match oracle.is_call(LotId(1)) {
        true => 80,
        false => LOW_CEILING + 1,
    };
    let limit = prop_oneof![
        8 => 5..25_u64,
        1 => 0..80_u64,
        1 => Just(LOW_CEILING + 1),
    ];
    let limit = prop_oneof![20 => limit.prop_map(Some), 1 => Just(None)];
    let quantity = prop_oneof![3 => Just(None), 2 => (1..30_u64).prop_map(Some)];
    let side = prop_oneof![15 => Just(Side::Buy), 1 => Just(Side::Sell)];
    let order = prop_oneof![4 => Just(1), 1 => 0..4_u32].prop_map(OrderId);
    (select(lots), 0..6_usize, side, quantity, limit, order)
        .prop_map(move |((lot, whole), what, side, quantity, limit, order)| {
            let quantity = Quantity::new(quantity.unwrap_or(whole)).unwrap();
            let most = match lot {
                LotId(1) => highest,
                _ => LOW_CEILING + 1,
            };
            let limit = limit.map(|limit| price(limit.min(most)));
            match what {
                0 => Command::CancelOrder { lot, order },
                1 => Command::ReplaceOrder {
                    lot,
                    order,
                    quantity,
                    limit,
                },
                _ => Command::PlaceOrder {
                    lot,
                    side,
                    quantity,
                    limit,
                },
            }
        })
        .boxed()
}

/// Orders at few prices and of few shares, so that ties are common, for calls and another lot.
fn call_order(oracle: &Oracle) -> BoxedStrategy<Command> {
    let takes = |lot: &OracleLot| lot.closed_at.is_none() && lot.call().is_some();
    let calls = (1..).zip(&oracle.lots).filter(|(_, lot)| takes(lot));
    let mut lots: Vec<(LotId, u64)> = calls
        .map(|(number, lot)| (LotId(number), lot.open.quantity.get()))
        .collect();
    lots.push((LotId(1), 1));
    let limit = prop_oneof![
        10 => (1..5_u64).prop_map(|fives| price(5 * fives)),
        4 => (5..25_u64).prop_map(price),
        1 => (0..60_u64).prop_map(price),
    ];
    let limit = prop_oneof![5 => limit.prop_map(Some), 1 => Just(None)];
    let shares = prop_oneof![
        20 => (1..4_u64, Just(0_u64)),
        1 => (1..4_u64, Just(1)),
        1 => Just((1, QUANTITY_MAX / 2)),
    ];
    let side = select(vec![Side::Buy, Side::Sell]);
    let order = prop_oneof![4 => 1..3_u32, 1 => 0..6_u32].prop_map(OrderId);
    (select(lots), 0..8_usize, side, shares, limit, order)
        .prop_map(|((lot, round), what, side, (rounds, more), limit, order)| {
            let quantity = Quantity::new(rounds * round + more).unwrap();
            match what {
                0 => Command::CancelOrder { lot, order },
                1 | 2 => Command::ReplaceOrder {
                    lot,
                    order,
                    quantity,
                    limit,
                },
                _ => Command::PlaceOrder {
                    lot,
                    side,
                    quantity,
                    limit,
                },
            }
        })
        .boxed()
}

fn opening_of_call(at: u64) -> BoxedStrategy<Command> {
    let times = (option::of(0..30_u64), 0..60_u64);
    let reserve = option::weighted(0.02, Just(price(8)));
    (1..3_u64, times, call_terms(), reserve)
        .prop_map(move |(round_lot, (wait, open_for), terms, reserve)| {
            Command::OpenLot(Box::new(OpenLot {
                symbol: symbol(0),
                quantity: Quantity::new(round_lot).unwrap(),
                opens_at: wait.map(|wait| time(at + wait)),
                closes_at: time(at + wait.unwrap_or(0) + open_for),
                terms: Terms::Call(terms),
                reserve,
            }))
        })
        .boxed()
}

fn call_terms() -> impl Strategy<Value = CallTerms> {
    let span = |most| (0..most).prop_map(|micros| Span::from_micros(micros).unwrap());
    let collar = (0..6_u64, 0..6_000_u32).prop_map(|(absolute, basis_points)| Collar {
        absolute: price(absolute),
        basis_points,
    });
    let ends = (span(20_u64), option::of(span(10)), span(40));
    let extends = (option::of(collar), 0..3_u32, any::<bool>());
    let tick = prop_oneof![10 => Just(1_u64), 5 => Just(5), 1 => Just(0)];
    (tick, any::<bool>(), ends, extends).prop_map(
        |(tick, is_open, (random_end, no_cancel, extend_by), extends)| {
            let (collar, extensions_max, market_extension) = extends;
            CallTerms {
                tick: price(tick),
                book: match is_open {
                    true => BookShown::Open,
                    false => BookShown::Closed,
                },
                collar,
                extensions_max,
                market_extension,
                extend_by,
                random_end,
                no_cancel,
            }
        },
    )
}

fn opening_of_another(at: u64) -> BoxedStrategy<Command> {
    let quantity = prop_oneof![3 => 1..30_u64, 1 => Just(QUANTITY_MAX)];
    let stock = prop_oneof![10 => Just(0_usize), 1 => 1..3_usize];
    let times = (option::of(0..30_u64), 0..100_u64);
    let reserve = option::weighted(0.4, 8..20_u64);
    (stock, quantity, times, other_terms(), reserve)
        .prop_map(move |(stock, quantity, (wait, open_for), terms, reserve)| {
            let is_dutch = matches!(terms, Terms::Dutch(_));
            // A Dutch lot with a reserve is refused: let most have none.
            let reserve = reserve.filter(|reserve| !is_dutch || *reserve == 8);
            Command::OpenLot(Box::new(OpenLot {
                symbol: symbol(stock),
                quantity: Quantity::new(quantity).unwrap(),
                opens_at: wait.map(|wait| time(at + wait)),
                closes_at: time(at + wait.unwrap_or(0) + open_for),
                terms,
                reserve: reserve.map(price),
            }))
        })
        .boxed()
}

fn other_terms() -> BoxedStrategy<Terms> {
    let dutch = (20..60_u64, 0..9_u64, 0..9_u64, 0..30_u64);
    let sealed = select(vec![SealedPricing::FirstPrice, SealedPricing::SecondPrice]);
    let pricing = select(vec![UniformPricing::Uniform, UniformPricing::PayAsBid]);
    let priority = select(vec![MarginalPriority::Time, MarginalPriority::ProRata]);
    let bids_max = prop_oneof![10 => 1..4_u32, 1 => Just(0)];
    prop_oneof![
        dutch.prop_map(|(start, step, interval, floor)| {
            Terms::Dutch(DutchTerms {
                start: price(start),
                step: price(step),
                interval: Span::from_micros(interval).unwrap(),
                floor: price(floor),
            })
        }),
        sealed.prop_map(|pricing| Terms::Sealed(SealedTerms { pricing })),
        (pricing, priority, bids_max).prop_map(|(pricing, priority, bids_max)| {
            Terms::Uniform(UniformTerms {
                pricing,
                priority,
                bids_max,
            })
        }),
    ]
    .boxed()
}

fn opening_of_lot(at: u64) -> BoxedStrategy<Command> {
    let quantity = prop_oneof![Just(1), Just(QUANTITY_MAX)];
    let open_for = prop_oneof![1 => 0..4_u64, 8 => 20..150_u64];
    let stock = prop_oneof![10 => 0..2_usize, 1 => Just(2)];
    (stock, quantity, open_for, steps(), soft_close())
        .prop_flat_map(move |(stock, quantity, open_for, steps, soft_close)| {
            let near = match stock {
                1 => LOW_CEILING - 40..LOW_CEILING + 2,
                _ => 10..90,
            };
            let (low, high) = (near.start, near.end);
            let reserve = option::of(near.clone());
            let buy_now = reserve.clone().prop_flat_map(move |reserve| {
                let least = reserve.unwrap_or(low).saturating_sub(1);
                (Just(reserve), option::of(least..high))
            });
            buy_now.prop_map(move |(reserve, buy_now)| {
                Command::OpenLot(Box::new(OpenLot {
                    symbol: symbol(stock),
                    quantity: Quantity::new(quantity).unwrap(),
                    opens_at: None,
                    closes_at: time(at + open_for),
                    terms: Terms::English(EnglishTerms {
                        steps: steps.clone(),
                        buy_now: buy_now.map(price),
                        soft_close,
                    }),
                    reserve: reserve.map(price),
                }))
            })
        })
        .boxed()
}

pub fn steps() -> impl Strategy<Value = Steps> + Clone {
    let first = (1..12_u64).prop_map(|step| StepBand {
        from: Price::ZERO,
        step: price(step),
    });
    (first, vec((1..40_u64, 0..10_u64), 0..3)).prop_map(|(first, rises)| {
        let mut bands = vec![first];
        for (from, step) in rises {
            let below = bands[bands.len() - 1];
            bands.push(StepBand {
                from: price(below.from.units() + from),
                step: price(below.step.units() + step),
            });
        }
        Steps::new(&bands).unwrap()
    })
}

pub fn soft_close() -> impl Strategy<Value = SoftClose> + Clone {
    let span = |most| (0..most).prop_map(|micros| Span::from_micros(micros).unwrap());
    let mode = select(vec![SoftCloseMode::Add, SoftCloseMode::Reset]);
    (mode, span(20_u64), span(20_u64), option::of(0..3_u32)).prop_map(
        |(mode, extend_within, extend_by, extensions_max)| SoftClose {
            mode,
            extend_within,
            extend_by,
            extensions_max,
        },
    )
}

pub fn register(number: u32, role: Role) -> Command {
    Command::Register(Box::new(Registration {
        name: Name::parse(&format!("user-{number}")).unwrap(),
        role,
        credential: Credential::new(&number.to_le_bytes()).unwrap(),
    }))
}

pub fn listing(stock: usize, code: usize, base: u64, profit: i64) -> Listing {
    Listing {
        symbol: symbol(stock),
        security: security(code),
        price: price(base),
        profit: Profit::from_units(profit).unwrap(),
    }
}

pub fn symbol(at: usize) -> Symbol {
    Symbol::parse(SYMBOLS[at]).unwrap()
}

fn security(at: usize) -> SecurityCode {
    SecurityCode::parse(CODES[at]).unwrap()
}
