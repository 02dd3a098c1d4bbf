//! What happens in a random market: prices, times and request numbers near those that decide something.

use auction_core::limits::QUANTITY_MAX;
use auction_core::{
    Caller, Command, Credential, EnglishTerms, Listing, LotId, Name, NewSession, OpenLot, Price,
    Profit, Quantity, Registration, RequestId, Role, SecurityCode, SessionId, SoftClose,
    SoftCloseMode, Span, StepBand, Steps, Symbol, Terms, Timestamp, TokenHash, UserId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::lot::{price, time};
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

/// Four traders, a company, an auctioneer, two stocks, a session for each of two traders.
pub fn opening() -> Vec<Step> {
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
        moments.push(closes_at.saturating_sub(lot.terms().soft_close.extend_within.micros()));
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
    let list = (0..3_usize, 0..2_usize, prices, 0..2_i64)
        .prop_map(|(at, code, price, profit)| Command::ListStock(listing(at, code, price, profit)));
    let roles = prop_oneof![
        Just(Role::Trader),
        Just(Role::Auctioneer),
        (0..3_usize).prop_map(|at| Role::Company(symbol(at))),
    ];
    prop_oneof![
        4 => offer(oracle),
        5 => opening_of_lot(at),
        2 => extension,
        1 => lot.prop_map(|lot| Command::CloseDue { lot }),
        1 => profit,
        1 => session,
        1 => sessions.prop_map(|session| Command::CloseSession { session: SessionId(session) }),
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
            .chain(lot.terms().buy_now.map(Price::units));
        let amounts = lot.happened.iter().filter_map(|happened| match happened {
            crate::lot::Happened::Offer(offer) => Some(offer.amount),
            crate::lot::Happened::Moved { .. } => None,
        });
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

fn steps() -> impl Strategy<Value = Steps> + Clone {
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

fn soft_close() -> impl Strategy<Value = SoftClose> + Clone {
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

fn register(number: u32, role: Role) -> Command {
    Command::Register(Box::new(Registration {
        name: Name::parse(&format!("user-{number}")).unwrap(),
        role,
        credential: Credential::new(&number.to_le_bytes()).unwrap(),
    }))
}

fn listing(stock: usize, code: usize, base: u64, profit: i64) -> Listing {
    Listing {
        symbol: symbol(stock),
        security: security(code),
        price: price(base),
        profit: Profit::from_units(profit).unwrap(),
    }
}

fn symbol(at: usize) -> Symbol {
    Symbol::parse(SYMBOLS[at]).unwrap()
}

fn security(at: usize) -> SecurityCode {
    SecurityCode::parse(CODES[at]).unwrap()
}
