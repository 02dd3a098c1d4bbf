//! `auction bid SYMBOL PRICE --through ADDRESS`: a sealed request, which the relays cannot read.

use std::time::Duration;

use auction_client::{
    BidPlaced, Client, Device, DeviceError, Envelope, EnvelopeCommand, Relay, RelayError,
    SealedAnswer, SealingKey,
};
use auction_core::{Lot, LotId, Market, Reply, RequestId, Side, Terms};
use auction_proto::{Accepted, Bid, BidMaximum, PlaceOrder};

use crate::args::Shared;
use crate::args::relay::{RelayArgs, Via};
use crate::args::target::Target;
use crate::args::time::machine_time;
use crate::args::trade::PriceCheck;
use crate::commands::bid::{self, Offer};
use crate::commands::order::{self, Order};
use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::output::out::Out;
use crate::session::Context;
use crate::session::device_key::DeviceFile;

/// Time limit for an answer. Without one, the request may still be done until its envelope expires.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit for peers to send the market.
#[cfg(feature = "p2p")]
const MARKET_WITHIN: Duration = Duration::from_secs(20);
/// Time limit for connecting to the last of several peers.
#[cfg(feature = "p2p")]
const OTHERS_WITHIN: Duration = Duration::from_secs(2);

pub async fn run(
    shared: &Shared,
    through: &RelayArgs,
    (target, lot): (Target, Option<LotId>),
    offer: Offer,
    check: PriceCheck,
) -> Result<(), Failure> {
    let file = DeviceFile::new(&shared.state_dir()?, &shared.server.to_string());
    let Some(mut kept) = file.load()? else {
        let server = &shared.server;
        return Err(Failure::not_logged_in(format!(
            "this machine is no device of an account at {server}: say `auction device add` once, while it can reach the \
             server; --server says which market is meant"
        )));
    };
    let device = kept.device();
    let reached = reach(shared, &device, &through.through).await?;
    let (relays, market) = (&reached.relays, &reached.market);
    if market.id() != device.market {
        let message = format!(
            "the market there is {}, and this device is of {}",
            market.id(),
            device.market
        );
        return Err(Failure::not_connected(message));
    }
    let chosen = target.open_lot(market, lot)?;
    let price = (Side::Buy, chosen.quantity, offer.amount());
    check.check(shared.format(), chosen, price).await?;
    let asked = Asked::of(chosen, offer);
    let request = through.request.unwrap_or(kept.next);
    if request >= kept.next {
        // Keep the number before sending: no other request may ever have it.
        kept.next = RequestId(request.0 + 1);
        file.save(&kept)?;
    }
    let asking = (request, asked.command.clone());
    let accepted = device
        .ask(relays, asking, machine_time(), ANSWER_TIMEOUT)
        .await;
    let accepted = accepted.map_err(failure)?;
    asked.report(chosen, &accepted, request, Out::new(shared.format()))
}

/// The request, and the user's command behind it.
struct Asked {
    command: EnvelopeCommand,
    offer: Offer,
    order: Option<Order>,
}

impl Asked {
    fn of(lot: &Lot, offer: Offer) -> Self {
        let (command, order) = match (&lot.terms, offer) {
            // A sealed lot accepts only a bid for all of its shares.
            (Terms::Sealed(_), Offer::Plain(price)) => {
                let order = Order {
                    side: Side::Buy,
                    quantity: lot.quantity,
                    limit: Some(price),
                };
                let Order {
                    side,
                    quantity,
                    limit,
                } = order;
                let placed = PlaceOrder {
                    lot: lot.id,
                    side,
                    quantity,
                    limit,
                };
                (EnvelopeCommand::PlaceOrder(placed), Some(order))
            }
            (_, Offer::Plain(price)) => {
                let bid = Bid { lot: lot.id, price };
                (EnvelopeCommand::Bid(bid), None)
            }
            (_, Offer::Maximum(maximum)) => {
                let bid = BidMaximum {
                    lot: lot.id,
                    maximum,
                };
                (EnvelopeCommand::BidMaximum(bid), None)
            }
        };
        Self {
            command,
            offer,
            order,
        }
    }

    fn report(
        &self,
        lot: &Lot,
        accepted: &Accepted,
        request: RequestId,
        out: Out,
    ) -> Result<(), Failure> {
        if let Some(placed) = BidPlaced::of(accepted) {
            return bid::report(out, lot, self.offer, &placed, request);
        }
        match (accepted.reply, self.order) {
            (Reply::OrderPlaced(placed), Some(order)) => {
                order::report_placed(out, lot, placed, order, request)
            }
            (other, _) => Err(Failure::failed(format!(
                "the market sent another answer than requested: {other:?}"
            ))),
        }
    }
}

/// The relays, and the market as known through them.
struct Reached {
    relays: Vec<Carrying>,
    market: Market,
    /// Keeps the relay connection open.
    #[cfg(feature = "p2p")]
    _peers: Option<auction_client::peer::PeerWatch>,
}

#[cfg(not(feature = "p2p"))]
async fn reach(shared: &Shared, _: &Device, ways: &[Via]) -> Result<Reached, Failure> {
    if ways.iter().any(|way| matches!(way, Via::Peer(_))) {
        return Err(crate::args::peers::built_without_peers());
    }
    let (relays, market) = reach_lines(shared, ways).await?;
    let market = market.ok_or_else(|| Failure::usage("name a relay: --through ADDRESS"))?;
    Ok(Reached { relays, market })
}

#[cfg(feature = "p2p")]
async fn reach(shared: &Shared, device: &Device, ways: &[Via]) -> Result<Reached, Failure> {
    let peers = ways.iter().filter_map(|way| match way {
        Via::Peer(address) => Some(crate::commands::peer::watch::multiaddr(address)),
        Via::Line(_) => None,
    });
    let peers: Vec<_> = peers.collect::<Result<_, _>>()?;
    let (mut relays, mut market) = match reach_lines(shared, ways).await {
        Ok(reached) => reached,
        // Other relays may suffice.
        Err(failure) if !peers.is_empty() => {
            tracing::debug!(message = failure.message(), "a relay cannot be reached");
            (Vec::new(), None)
        }
        Err(failure) => return Err(failure),
    };
    let mut watching = None;
    if !peers.is_empty() {
        let watch = join(device, peers).await?;
        relays.extend(watch.relays().await.into_iter().map(Carrying::Peer));
        // Prefer the signed market to the one from an unverified connection.
        market = watch.market().cloned();
        watching = Some(watch);
    }
    let market = market.ok_or_else(|| Failure::usage("name a relay: --through ADDRESS"))?;
    Ok(Reached {
        relays,
        market,
        _peers: watching,
    })
}

/// Joins the peers and waits until they have sent the market.
#[cfg(feature = "p2p")]
async fn join(
    device: &Device,
    peers: Vec<auction_client::peer::Multiaddr>,
) -> Result<auction_client::peer::PeerWatch, Failure> {
    use auction_client::peer::{JoinConfig, PeerWatch, Pin, PinnedMarket};

    let (market, key) = (device.market, device.market_key);
    let wanted = peers.len();
    let joining = JoinConfig {
        pin: Pin::Market(PinnedMarket { market, key }),
        listen: Vec::new(),
        peers,
        local_network: false,
        wall_clock: Some(machine_time()),
    };
    let mut watch = PeerWatch::join(joining, None)
        .map_err(|error| Failure::failed(error.to_string()).with_code("cannot_join"))?;
    let told = async {
        while watch.market().is_none() {
            watch.next().await;
        }
    };
    if tokio::time::timeout(MARKET_WITHIN, told).await.is_err() {
        return Err(Failure::not_connected(
            "no peer there sent the market: name other peers with --through; they must watch the same market \
             (`auction watch --p2p`)",
        ));
    }
    // The other peers may take a moment longer.
    let all = async {
        while watch.peers() < wanted {
            watch.next().await;
        }
    };
    let _ = tokio::time::timeout(OTHERS_WITHIN, all).await;
    Ok(watch)
}

/// Connects to the servers that can be reached, and returns the market from the first of them.
async fn reach_lines(
    shared: &Shared,
    ways: &[Via],
) -> Result<(Vec<Carrying>, Option<Market>), Failure> {
    let (mut relays, mut market, mut failed) = (Vec::new(), None, None);
    for way in ways {
        let Via::Line(server) = way else { continue };
        let there = Shared {
            server: server.clone(),
            ..Shared::clone(shared)
        };
        match Context::connect_to_anyone(&there).await {
            Ok(context) => {
                if market.is_none() {
                    market = Some(context.client.snapshot().await?);
                }
                relays.push(Carrying::Line(context.client));
            }
            Err(failure) => failed = Some(failure),
        }
    }
    match failed {
        Some(failure) if relays.is_empty() => Err(failure),
        _ => Ok((relays, market)),
    }
}

/// A relay of either kind.
#[derive(Clone)]
enum Carrying {
    Line(Client),
    #[cfg(feature = "p2p")]
    Peer(auction_client::peer::PeerRelay),
}

impl Relay for Carrying {
    async fn sealing_key(&self) -> Result<SealingKey, RelayError> {
        match self {
            Self::Line(client) => client.sealing_key().await,
            #[cfg(feature = "p2p")]
            Self::Peer(peer) => peer.sealing_key().await,
        }
    }

    async fn relay(&self, envelope: Envelope) -> Result<SealedAnswer, RelayError> {
        match self {
            Self::Line(client) => client.relay(envelope).await,
            #[cfg(feature = "p2p")]
            Self::Peer(peer) => peer.relay(envelope).await,
        }
    }
}

fn failure(error: DeviceError) -> Failure {
    match error {
        DeviceError::Refused(refused) => auction_client::RequestError::Refused(refused).into(),
        DeviceError::NotSent(because) => Failure::not_connected(format!(
            "nothing was sent, because no relay had the market's sealing key: {}; try others with --through",
            Escaped(because)
        )),
        DeviceError::OutcomeUnknown {
            request,
            until,
            because,
        } => Failure::outcome_unknown(format!(
            "no answer signed by the market came, so it is not known whether this was done: {}. It can still be done until \
             {until}. Repeat the command with --request {request}, through other relays if needed: it shows the outcome, and \
             nothing is done twice",
            Escaped(because)
        ))
        .with_remedy("request", request.0.into())
        .with_remedy("until", until.to_string().into()),
    }
}
