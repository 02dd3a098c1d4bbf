//! `auction watch --p2p [SYMBOL..]`

use std::future::pending;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;

use auction_client::peer::limits::STALE_AFTER;
use auction_client::peer::{
    JoinConfig, Multiaddr, PeerUpdate, PeerWatch, Pin as Believed, PinnedMarket, Status,
};
use auction_client::{
    Equivocation, GetPeers, MarketKey, OfferPeer, PeerOffered, SignedFeed, Update,
};
use auction_core::{Name, Timestamp};
use auction_proto::{EquivocationProof, KeyFingerprint, Text};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::args::Shared;
use crate::args::peers::PeerArgs;
use crate::args::target::Target;
use crate::args::time::machine_time;
use crate::commands::fraud;
use crate::commands::watch::{FAR, Open, Reporter, Watched, interrupted, moves_closes};
use crate::output::countdown::Countdowns;
use crate::output::escape::Escaped;
use crate::output::event::line;
use crate::output::failure::Failure;
use crate::output::out::Out;
use crate::session::Context;

/// Interval of requests to the server for peers, which also announce this peer.
const ASK_EVERY: Duration = Duration::from_secs(20);
/// Time without any peer after which the program suggests a remedy.
const ALONE_AFTER: Duration = Duration::from_secs(10);

pub async fn run(
    shared: &Shared,
    targets: &[Target],
    forever: bool,
    args: &PeerArgs,
) -> Result<(), Failure> {
    let out = Out::new(shared.format());
    let needs_server =
        args.offer || args.relay || args.peers.is_empty() || args.market_key.is_none();
    let context = match needs_server {
        true => Some(connect(shared, args).await?),
        false => None,
    };
    let context = context.flatten();
    let pin = match &context {
        Some(context) => Believed::Market(pinned(context, args.market_key)?),
        None => Believed::Key(args.market_key.expect("otherwise the server was asked")),
    };
    // A relay also passes on the market's signed data.
    let line = context.as_ref().filter(|_| args.relay);
    let line = line.map(|context| context.client.watch_signed());
    let joining = JoinConfig {
        pin,
        listen: vec![multiaddr(&args.listen)?],
        peers: args
            .peers
            .iter()
            .map(|peer| multiaddr(peer))
            .collect::<Result<_, _>>()?,
        local_network: !is_loopback(&args.listen),
        wall_clock: Some(machine_time()),
    };
    let mut watch = PeerWatch::join(joining, line)
        .map_err(|error| Failure::failed(error.to_string()).with_code("cannot_join"))?;
    if let (true, Some(context)) = (args.relay, &context) {
        watch.relay(context.client.clone()).await;
    }
    // The addresses of this peer are known at once, or never.
    let _ = timeout(Duration::from_secs(5), watch.listening()).await;
    let mut follower = Follower {
        out,
        own: context.as_ref().and_then(Context::own),
        fingerprint: pin.fingerprint(),
        home: shared.state_dir()?,
        shared,
        role: match (args.offer, needs_server) {
            (true, _) => Role::Offering,
            (false, true) => Role::Asking,
            (false, false) => Role::Alone,
        },
        has_line: args.relay,
        keeps_line: args.relay,
    };
    // A mere watcher must not keep a connection to the server.
    drop(context);
    tokio::select! {
        interrupted = pin!(interrupted()) => interrupted,
        told = follower.report_all(&mut watch, targets, forever) => told,
    }
}

/// Connects to the server; `None`: it cannot be reached, and is not needed.
async fn connect(shared: &Shared, args: &PeerArgs) -> Result<Option<Context>, Failure> {
    match (Context::connect(shared).await, args.market_key) {
        (Ok(context), _) => Ok(Some(context)),
        (Err(error), Some(_)) if !args.offer && !args.relay => {
            tracing::debug!(
                message = error.message(),
                "the server cannot be asked for other peers"
            );
            Ok(None)
        }
        (Err(error), _) => Err(error),
    }
}

fn pinned(context: &Context, expected: Option<KeyFingerprint>) -> Result<PinnedMarket, Failure> {
    let MarketKey { market, key } = context.market_key()?;
    let found = key.fingerprint();
    match expected {
        Some(expected) if expected != found => {
            let server = &context.server;
            let message = format!(
                "the market at {server} has the key {found}, and not {expected}: it is another market, or someone intercepts the connection"
            );
            Err(Failure::not_connected(message).with_code("market_key_changed"))
        }
        _ => Ok(PinnedMarket { market, key }),
    }
}

type Asking = Pin<Box<dyn Future<Output = Result<Said, Failure>>>>;

async fn answer(asking: &mut Option<Asking>) -> Result<Said, Failure> {
    match asking {
        Some(asking) => asking.await,
        None => pending().await,
    }
}

/// Asks the server for other peers, and announces this peer.
async fn ask(shared: Shared, offer: Option<String>) -> Result<Said, Failure> {
    let context = Context::connect(&shared).await?;
    let client = &context.client;
    let offered = match offer {
        Some(path) => {
            let path = Text::new(&path).map_err(|error| Failure::failed(error.to_string()))?;
            Some(client.ask(OfferPeer { path }).await?)
        }
        None => None,
    };
    let peers = client.ask(GetPeers {}).await?;
    let others = peers.addresses.iter();
    let others = others.filter_map(|address| address.parse().ok());
    Ok(Said {
        others: others.collect(),
        offered,
        line: client.watch_signed(),
    })
}

struct Follower<'a> {
    out: Out,
    own: Option<Name>,
    fingerprint: KeyFingerprint,
    home: PathBuf,
    shared: &'a Shared,
    role: Role,
    has_line: bool,
    /// Keeps the connection to the server even if the server does not ask for it.
    keeps_line: bool,
}

/// Use of the server by this peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// None.
    Alone,
    /// The server is asked for peers whenever this peer is not live.
    Asking,
    /// The server gives this peer's address to others.
    Offering,
}

/// Answer of the server.
struct Said {
    others: Vec<Multiaddr>,
    offered: Option<PeerOffered>,
    line: SignedFeed,
}

impl Follower<'_> {
    async fn report_all(
        &mut self,
        watch: &mut PeerWatch,
        targets: &[Target],
        forever: bool,
    ) -> Result<(), Failure> {
        self.report_joining(watch)?;
        let mut teller: Option<Reporter> = None;
        let mut open = None;
        let mut alone_at = Some(Instant::now() + ALONE_AFTER);
        let mut ask_at = Instant::now();
        let mut asking: Option<Asking> = None;
        loop {
            if let (Some(Open { lots: 0, .. }), Some(teller), false) = (&open, &teller, forever) {
                return teller.out_of_lots();
            }
            let countdown = open.as_ref().and_then(|open: &Open| open.next_countdown);
            let wait = countdown.map_or(FAR, |at| {
                Duration::from_micros(at.since(now(watch)).micros())
            });
            let changed = tokio::select! {
                update = watch.next() => self.take(&update, watch, &mut teller, targets)?,
                () = sleep_until(ask_at), if asking.is_none() && self.role != Role::Alone => {
                    ask_at = Instant::now() + ASK_EVERY;
                    if self.role == Role::Offering || watch.status() != Status::Live {
                        asking = Some(Box::pin(ask(self.shared.clone(), self.offer(watch))));
                    }
                    false
                }
                said = answer(&mut asking) => {
                    asking = None;
                    self.hear(said, watch).await;
                    false
                }
                () = sleep(wait), if countdown.is_some() => {
                    if let (Some(teller), Some(market)) = (&mut teller, watch.market()) {
                        teller.count_down(market, now(watch))?;
                    }
                    true
                }
                () = sleep_until(alone_at.unwrap_or_else(Instant::now)), if alone_at.is_some() => {
                    alone_at = None;
                    if watch.market().is_none() {
                        self.report_alone(watch)?;
                    }
                    false
                }
            };
            if let (true, Some(teller), Some(market)) = (changed, &teller, watch.market()) {
                open = Some(Open::of(&teller.watched, &teller.countdowns, market));
            }
        }
    }

    /// Returns the address to announce to the server.
    fn offer(&self, watch: &PeerWatch) -> Option<String> {
        let address = watch.addresses().into_iter().next()?.to_string();
        // The part after `/ip4/..`: the server sees the IP address itself.
        let path = address.splitn(4, '/').nth(3);
        path.filter(|_| self.role == Role::Offering)
            .map(|path| format!("/{path}"))
    }

    async fn hear(&mut self, said: Result<Said, Failure>, watch: &PeerWatch) {
        let Said {
            others,
            offered,
            line,
        } = match said {
            Ok(said) => said,
            Err(failure) => {
                tracing::debug!(because = failure.message(), "the server named no peers");
                return;
            }
        };
        watch.connect(others).await;
        let Some(offered) = offered else { return };
        // Other peers rely on an announced peer: if it is not live, it connects to the server.
        let wanted = self.keeps_line || offered.line_wanted || watch.status() != Status::Live;
        match (wanted, self.has_line) {
            (true, false) => watch.set_feed(Some(line)).await,
            (false, true) => watch.set_feed(None).await,
            _ => {}
        }
        self.has_line = wanted;
    }

    /// Reports one update; returns true if it changes closes.
    fn take(
        &self,
        update: &PeerUpdate,
        watch: &PeerWatch,
        teller: &mut Option<Reporter>,
        targets: &[Target],
    ) -> Result<bool, Failure> {
        let now = now(watch);
        match update {
            PeerUpdate::Snapshot => {
                let market = watch.market().expect("it was set before");
                if teller.is_none() {
                    *teller = Some(Reporter {
                        out: self.out,
                        own: self.own,
                        home: self.home.clone(),
                        key: None,
                        watched: Watched::of(targets, market)?,
                        countdowns: Countdowns::default(),
                    });
                }
                if let Some(teller) = teller {
                    teller.everything(market, now)?;
                }
                Ok(true)
            }
            PeerUpdate::Event {
                feed_sequence,
                at,
                event,
            } => {
                let update = Update::Event {
                    feed_sequence: *feed_sequence,
                    at: *at,
                    event: event.clone(),
                };
                if let (Some(teller), Some(market)) = (teller, watch.market()) {
                    teller.update(&update, market, now)?;
                }
                Ok(moves_closes(&update))
            }
            PeerUpdate::Status(status) => {
                self.report_status(*status, watch)?;
                Ok(false)
            }
            PeerUpdate::Unfit(error) => {
                let because = Escaped(error).to_string();
                let text = format!(
                    "the market's signed data is inconsistent: {because}; starting again from a snapshot"
                );
                self.report(now, "gap", &text, json!({ "because": because }))?;
                Ok(false)
            }
            PeerUpdate::Equivocation { proof, conflict } => {
                let proof = EquivocationProof::clone(proof);
                let conflict = *conflict;
                self.report_equivocation(&Equivocation { proof, conflict }, watch)?;
                Ok(false)
            }
        }
    }

    fn report_equivocation(&self, fraud: &Equivocation, watch: &PeerWatch) -> Result<(), Failure> {
        let PinnedMarket { market, key } = watch.pinned().expect("a proof was verified with it");
        let (text, fields) = fraud::keep(&self.home, &MarketKey { market, key }, fraud);
        self.report(now(watch), "fraud", &text, fields)
    }

    fn report_joining(&self, watch: &PeerWatch) -> Result<(), Failure> {
        let addresses: Vec<String> = watch.addresses().iter().map(ToString::to_string).collect();
        let text = format!(
            "The market's key is {}. Others can join at\n  {}",
            self.fingerprint,
            addresses.join("\n  ")
        );
        let fields = json!({
            "event": "joining",
            "time": now(watch).to_string(),
            "market_key": self.fingerprint.to_string(),
            "peer": watch.id().to_string(),
            "addresses": addresses,
        });
        self.out.print(|_| text, || fields)
    }

    fn report_alone(&self, watch: &PeerWatch) -> Result<(), Failure> {
        let peers = watch.peers();
        let text = match peers {
            0 => "no peer was found yet: name peers with --peer, or start with --offer",
            _ => {
                "none of the peers found has the market: one must be connected to its server (--offer)"
            }
        };
        self.report(now(watch), "alone", text, json!({ "peers": peers }))
    }

    fn report_status(&self, status: Status, watch: &PeerWatch) -> Result<(), Failure> {
        let peers = watch.peers();
        let (word, text) = match status {
            Status::Joining => ("joining", "looking for the market".to_owned()),
            Status::Live => {
                let peers = match peers {
                    1 => "1 peer".to_owned(),
                    peers => format!("{peers} peers"),
                };
                ("live", format!("live, with {peers}"))
            }
            Status::Stale => {
                let seconds = STALE_AFTER.as_secs();
                let text = format!(
                    "STALE: for {seconds} s no new signed data came; what you see may be outdated"
                );
                ("stale", text)
            }
        };
        let fields = json!({ "standing": word, "peers": peers });
        self.report(now(watch), "standing", &text, fields)
    }

    fn report(&self, now: Timestamp, name: &str, text: &str, fields: Value) -> Result<(), Failure> {
        let mut fields = fields;
        fields["event"] = json!(name);
        fields["time"] = json!(now.to_string());
        self.out.print(|_| line(now, "", text), || fields)
    }
}

/// Returns the market's time, or the machine's while it is unknown.
fn now(watch: &PeerWatch) -> Timestamp {
    watch.now().unwrap_or_else(machine_time)
}

pub(crate) fn multiaddr(text: &str) -> Result<Multiaddr, Failure> {
    text.parse().map_err(|error| {
        let text = Escaped(text);
        Failure::usage(format!("{text} is not the address of a peer: {error}"))
    })
}

fn is_loopback(listen: &str) -> bool {
    listen.starts_with("/ip4/127.") || listen.starts_with("/ip6/::1/")
}
