//! The loops of the house: each of it takes a seat, looks, decides, asks, and waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auction_core::{
    AccountMode, Amount, Asset, Lot, LotId, Quantity, Role, Terms, Timestamp, UserId,
};
use auction_proto::{
    Balance, Bid, BidMaximum, CancelOrder, Deposit, GetBalance, GetOrders, OpenLot, PlaceOrder,
    ReplaceOrder, ServerMessage,
};
use tokio::io::duplex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::accounts::{DemoAccount, DemoAccounts};
use super::program::{Next, Program};
use super::seat::{Seat, SeatError};
use super::strategy::{Intent, Memory, Move, Order, Trader};
use crate::config::reserved_names;
use crate::gateway::admission::ClientAddress;
use crate::gateway::session::{self, Channel, HELLO_TIMEOUT, Services};
use crate::platform::shutdown::stopped;

/// What a connection in memory holds in each direction before a writer waits.
const PIPE_BYTES: usize = 64 * 1_024;
/// How long one of the house waits before it takes a seat again, or asks again for what was refused.
const PAUSE: Duration = Duration::from_secs(1);
/// On funds: the cash that a house trader is given when it has less than half of it.
const HOUSE_CASH: u64 = 10_000_000 * auction_core::UNITS_PER_CURRENCY;
/// On funds: the play money of everyone who registers.
const VISITOR_CASH: u64 = 100_000 * auction_core::UNITS_PER_CURRENCY;
/// On funds: how many round lots of its stock a call brings each house trader.
const ROUND_LOTS_GIVEN: u64 = 20;

impl DemoAccounts {
    /// Takes the seats: all tasks of the house are put with those of other connections, and end when the server does.
    pub(crate) fn play(self, services: &Arc<Services>, connections: &mut JoinSet<()>) {
        let Self {
            auctioneer,
            traders,
            program,
        } = self;
        let played = in_seats(services.clone(), auctioneer, Part::Conduct(program));
        connections.spawn(played);
        for (number, member) in traders.into_iter().enumerate() {
            let seed = program.seed;
            let played = in_seats(services.clone(), member, Part::Trade { seed, number });
            connections.spawn(played);
        }
    }
}

/// What one of the house does in its seat.
#[derive(Clone, Copy)]
enum Part {
    /// Opens the lots of this program.
    Conduct(Program),
    /// Bids, by number.
    Trade { seed: u64, number: usize },
}

/// Takes a seat and plays, and takes another when that one is lost, until the server ends.
async fn in_seats(services: Arc<Services>, member: DemoAccount, part: Part) {
    let mut stopping = services.stopping.clone();
    loop {
        let (near, far) = duplex(PIPE_BYTES);
        let hello_by = Instant::now() + HELLO_TIMEOUT;
        // No address, and so no limit of one. The user's own limits hold.
        let client_address = Arc::new(ClientAddress::without_limits());
        let serving = session::serve(
            Channel::frames(far),
            hello_by,
            client_address,
            services.clone(),
        );
        let playing = async {
            match (Seat::take(near, &member.token).await, part) {
                (Err(error), _) => error,
                (Ok(seat), Part::Conduct(program)) => conduct(seat, &services, program).await,
                (Ok(seat), Part::Trade { seed, number }) => {
                    let trader = Trader {
                        seed,
                        number,
                        user: member.user,
                        accounts: seat.market().accounts(),
                    };
                    trade(seat, &services, trader).await
                }
            }
        };
        let open = services.metrics.connections_binary.held();
        // Whichever ends first, the other sees it.
        let (lost, _) = tokio::join!(playing, serving);
        drop(open);
        if *stopping.borrow() {
            return;
        }
        tracing::debug!(user = %member.user, %lost, "a seat of the house is lost");
        tokio::select! {
            () = stopped(&mut stopping) => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// The auctioneer: opens what the program says, and sees to it that everyone has something to bid with.
async fn conduct(mut seat: Seat, services: &Services, program: Program) -> SeatError {
    let mut known = Known::default();
    loop {
        let conducted = async {
            known.provide(&mut seat).await?;
            let now = services.clock.now();
            let wake = match program.next(seat.market(), now) {
                Next::Open(lot) => match seat.command(to_open(lot)).await? {
                    Ok(_) => return Ok(()),
                    Err(refused) => {
                        tracing::debug!(?refused, "the house opens no lot");
                        Some(Instant::now() + PAUSE)
                    }
                },
                Next::Wait(until) => until.map(|until| instant(now, until)),
            };
            seat.listen_until(wake).await
        };
        if let Err(error) = conducted.await {
            return error;
        }
    }
}

fn to_open(lot: auction_core::OpenLot) -> OpenLot {
    let auction_core::OpenLot {
        symbol,
        quantity,
        opens_at,
        closes_at,
        terms,
        reserve,
    } = lot;
    OpenLot {
        symbol,
        quantity,
        opens_at,
        closes_at,
        terms,
        reserve,
    }
}

/// Up to where the auctioneer of a market on funds has looked for who needs something.
#[derive(Default)]
struct Known {
    users: usize,
    lots: usize,
    has_looked: bool,
}

impl Known {
    /// Pays in what newcomers and the house need: nothing, in a market on credit.
    async fn provide(&mut self, seat: &mut Seat) -> Result<(), SeatError> {
        let market = seat.market();
        if market.accounts() == AccountMode::Credit {
            return Ok(());
        }
        let (users, lots) = (market.users().len(), market.lots().len());
        if self.has_looked && (users, lots) == (self.users, self.lots) {
            return Ok(());
        }
        let id = |place: usize| UserId(u32::try_from(place + 1).expect("users are numbered so"));
        let traders = market.users().iter().enumerate();
        let traders = traders.filter(|(_, user)| user.role == Role::Trader);
        let (demo_accounts, others): (Vec<_>, Vec<_>) =
            traders.partition(|(_, user)| reserved_names::is_reserved(user.name));
        let demo_accounts: Vec<UserId> = demo_accounts
            .into_iter()
            .map(|(place, _)| id(place))
            .collect();
        // Who was here before this server ran was given something then.
        let newcomers = others
            .into_iter()
            .filter(|(place, _)| self.has_looked && *place >= self.users);
        let newcomers: Vec<UserId> = newcomers.map(|(place, _)| id(place)).collect();
        let calls = market.lots()[self.lots.min(lots)..].iter();
        let calls: Vec<Asset> = calls.filter_map(shares_of_call).collect();
        *self = Self {
            users,
            lots,
            has_looked: true,
        };
        for user in newcomers {
            pay(seat, user, cash(VISITOR_CASH)).await?;
        }
        for user in demo_accounts {
            let asked = GetBalance {
                user: Some(user),
                after: None,
            };
            if let ServerMessage::Balance(Balance { cash: owned, .. }) = seat.ask(asked).await?
                && owned.units() < HOUSE_CASH / 2
            {
                pay(seat, user, cash(HOUSE_CASH)).await?;
            }
            for asset in &calls {
                pay(seat, user, *asset).await?;
            }
        }
        Ok(())
    }
}

fn cash(units: u64) -> Asset {
    Asset::Cash(Amount::from_units(units).expect("a constant in range"))
}

/// What each house trader is given so that a call has something to trade.
fn shares_of_call(lot: &Lot) -> Option<Asset> {
    if !matches!(lot.terms, Terms::Call(_)) || lot.is_closed() {
        return None;
    }
    let quantity = Quantity::new(lot.quantity.get().checked_mul(ROUND_LOTS_GIVEN)?)?;
    let symbol = lot.symbol;
    Some(Asset::Shares { symbol, quantity })
}

async fn pay(seat: &mut Seat, user: UserId, asset: Asset) -> Result<(), SeatError> {
    if let Err(refused) = seat.command(Deposit { user, asset }).await? {
        tracing::debug!(?refused, "the house pays nothing in");
    }
    Ok(())
}

/// A trader: looks at each open lot, does what it means to do first, else waits until it means to.
async fn trade(mut seat: Seat, services: &Services, trader: Trader) -> SeatError {
    let mut memories = match remember(&mut seat).await {
        Ok(memories) => memories,
        Err(error) => return error,
    };
    loop {
        let now = services.clock.now();
        let open = |lot: LotId| seat.market().lot(lot).is_some_and(|lot| !lot.is_closed());
        memories.retain(|lot, _| open(*lot));
        let mut wake = None;
        let mut meant = None;
        // The newest are the open ones: few lots have to be looked at, however long the demo has run.
        for lot in open_lots(&seat) {
            let memory = memories.entry(lot.id).or_default();
            memory.changed_at = seat.changed_at(lot.id);
            match trader.decide(lot, memory, now) {
                Intent::Nothing => {}
                Intent::Wait(until) => {
                    wake = Some(wake.map_or(until, |at: Timestamp| at.min(until)))
                }
                Intent::Do(then) => {
                    meant = Some((lot.id, then, now.saturating_add(trader.rest(lot))));
                    break;
                }
            }
        }
        let done = match meant {
            Some((lot, then, rests_until)) => {
                let memory = memories.entry(lot).or_default();
                act(&mut seat, lot, then, memory, rests_until).await
            }
            None => {
                let wake = wake.map(|until| instant(now, until));
                seat.listen_until(wake).await
            }
        };
        if let Err(error) = done {
            return error;
        }
    }
}

/// What a trader who was here before did on the lots that are open: its orders.
async fn remember(seat: &mut Seat) -> Result<BTreeMap<LotId, Memory>, SeatError> {
    let lots: Vec<LotId> = open_lots(seat).map(|lot| lot.id).collect();
    let mut memories = BTreeMap::new();
    for lot in lots {
        let Memory {
            mut orders,
            mut moves,
            ..
        } = Memory::default();
        if let ServerMessage::Orders(own) = seat.ask(GetOrders { lot }).await? {
            for own in own.orders.iter() {
                let (side, quantity, limit) = (own.side, own.quantity, own.limit);
                let order = Order {
                    side,
                    quantity,
                    limit,
                };
                orders.insert(own.order, order);
                moves += 1;
            }
        }
        let memory = Memory {
            orders,
            moves,
            ..Memory::default()
        };
        memories.insert(lot, memory);
    }
    Ok(memories)
}

/// How many of the newest lots are looked at: more than the house has open at a time.
const LOTS_LOOKED_AT: usize = 256;

fn open_lots(seat: &Seat) -> impl Iterator<Item = &Lot> {
    let newest = seat.market().lots().iter().rev().take(LOTS_LOOKED_AT);
    newest.filter(|lot| !lot.is_closed())
}

async fn act(
    seat: &mut Seat,
    lot: LotId,
    then: Move,
    memory: &mut Memory,
    rests_until: Timestamp,
) -> Result<(), SeatError> {
    let answer = match then {
        Move::Bid(price) => seat.command(Bid { lot, price }).await?,
        Move::Maximum(maximum) => seat.command(BidMaximum { lot, maximum }).await?,
        Move::Place(Order {
            side,
            quantity,
            limit,
        }) => {
            let place = PlaceOrder {
                lot,
                side,
                quantity,
                limit,
            };
            seat.command(place).await?
        }
        Move::Replace(
            order,
            Order {
                quantity, limit, ..
            },
        ) => {
            let replace = ReplaceOrder {
                lot,
                order,
                quantity,
                limit,
            };
            seat.command(replace).await?
        }
        Move::Cancel(order) => seat.command(CancelOrder { lot, order }).await?,
    };
    match answer {
        Ok(reply) => {
            memory.learn(then, reply);
        }
        Err(refused) => {
            tracing::trace!(?refused, %lot, "the house is refused");
            memory.rests_until = rests_until;
        }
    }
    Ok(())
}

/// The moment of the runtime's clock at which the market's will show that time.
fn instant(now: Timestamp, until: Timestamp) -> Instant {
    // A moment later, so that the time has come by then.
    Instant::now() + Duration::from_micros(until.since(now).micros()) + Duration::from_millis(1)
}
