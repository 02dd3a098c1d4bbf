//! Many peers on this machine with a real server: measures whether all receive everything, the delay, and the cost for
//! the peer that is connected to the server.
//!
//! ```sh
//! cargo build -p auction-server
//! cargo run -p auction-client --features p2p --example peers -- target/debug/auction-server 200
//! ```

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use auction_client::peer::{
    JoinConfig, Multiaddr, PeerId, PeerUpdate, PeerWatch, Pin, PinnedMarket, Status,
};
use auction_client::{Bid, Client, GetSnapshot, Secret};
use auction_core::{Digest, LotId, Market, Name, Price};
use auction_proto::PublicKey;
use rand::seq::IteratorRandom as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Number of bids of one measurement, and the pause between them.
const BIDS: u64 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// Number of other peers whose addresses each peer gets, as from the server.
const KNOWN: usize = 8;
/// Time limit far above any expected duration.
const PATIENCE: Duration = Duration::from_secs(60);

type Failed = Box<dyn Error + Send + Sync>;
type Delays = Arc<Mutex<Vec<Duration>>>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments
        .next()
        .unwrap_or("target/debug/auction-server".into());
    let count: usize = arguments.next().map_or(Ok(200), |count| count.parse())?;
    println!(
        "| watchers | joined: median, p99 | delay: median, p99 | bytes a bid from the publisher | all the same |"
    );
    println!("|---|---|---|---|---|");
    for watchers in [20, count] {
        let mut stage = Stage::open(Path::new(&server), watchers).await?;
        let joined = stage.join_times();
        let (all, delays, bytes) = stage.bid(None).await?;
        println!(
            "| {watchers} | {} | {} | {bytes} | {all} of {watchers} |",
            spread(joined),
            spread(delays)
        );
        if watchers != count {
            continue;
        }
        stage.kill(watchers / 3);
        let (all, delays, _) = stage.bid(None).await?;
        let left = stage.followers.len();
        println!(
            "\nA third of them killed: {all} of {left} see the same as the server; delay: {}.",
            spread(delays)
        );
        let half = stage.split().await;
        let (all, _, _) = stage.bid(Some(half)).await?;
        let stale = stage.standing_of(half, Status::Stale).await;
        println!(
            "\nCut in two: {all} of the {half} on the publisher's side go on; {stale} of the {} on the other say that they \
             are stale.",
            left - half
        );
        let healed_at = Instant::now();
        stage.heal(half).await;
        let (all, _, _) = stage.bid(None).await?;
        let healed = healed_at.elapsed().as_secs_f64();
        println!("\nHealed: {all} of {left} see the same as the server, {healed:.1} s after.");
    }
    Ok(())
}

fn spread(mut durations: Vec<Duration>) -> String {
    durations.sort_unstable();
    let at = |part: usize| durations.get((durations.len() * part / 100).min(durations.len() - 1));
    let ms = |duration: Option<&Duration>| duration.map_or(0, Duration::as_millis);
    format!("{} ms, {} ms", ms(at(50)), ms(at(99)))
}

struct Stage {
    _server: Server,
    traders: [Client; 2],
    next_bid: u64,
    publisher: Follower,
    followers: Vec<Follower>,
    delays: Delays,
}

impl Stage {
    async fn open(program: &Path, watchers: usize) -> Result<Self, Failed> {
        let server = Server::start(program)?;
        let client = Client::connect(server.address.clone()).await?;
        let key = client.market_key().await?;
        let pin = Pin::Market(PinnedMarket {
            market: key.market,
            key: key.key,
        });
        let delays = Delays::default();
        let publisher = Follower::start(pin, Vec::new(), Some(&client), delays.clone()).await?;
        let mut addresses = vec![publisher.address.clone()];
        let mut followers: Vec<Follower> = Vec::new();
        for _ in 0..watchers {
            let known = addresses.iter().cloned().sample(&mut rand::rng(), KNOWN);
            let follower =
                Follower::start(Pin::Key(fingerprint(&key.key)), known, None, delays.clone())
                    .await?;
            addresses.push(follower.address.clone());
            followers.push(follower);
        }
        for follower in &mut followers {
            timeout(
                PATIENCE,
                follower.state.wait_for(|state| state.joined.is_some()),
            )
            .await??;
        }
        let traders = [
            trader(&server.address, "mia").await?,
            trader(&server.address, "tom").await?,
        ];
        Ok(Self {
            _server: server,
            traders,
            next_bid: 1,
            publisher,
            followers,
            delays,
        })
    }

    fn join_times(&self) -> Vec<Duration> {
        let joined = self
            .followers
            .iter()
            .filter_map(|follower| follower.state.borrow().joined);
        joined.collect()
    }

    /// Bids, and waits until all peers that can receive the bids have them. Returns how many of the first `hearing`
    /// peers have them, the delays, and the bytes per bid that the publisher sent.
    async fn bid(&mut self, hearing: Option<usize>) -> Result<(usize, Vec<Duration>, u64), Failed> {
        self.delays.lock().unwrap().clear();
        let before = self.publisher.state.borrow().sent_bytes;
        for _ in 0..BIDS {
            let price = Price::from_units(20_000_000 + 10_000 * self.next_bid).ok_or("a price")?;
            let trader = &self.traders[(self.next_bid % 2) as usize];
            self.next_bid += 1;
            trader
                .ask(Bid {
                    lot: LotId(1),
                    price,
                })
                .await?;
            sleep(PAUSE).await;
        }
        let mut market: Market = self.traders[0].ask(GetSnapshot {}).await?;
        let digest = market.digest();
        let mut same = 0;
        for follower in self
            .followers
            .iter_mut()
            .take(hearing.unwrap_or(usize::MAX))
        {
            let reached = follower
                .state
                .wait_for(|state| state.digest == Some(digest));
            same += usize::from(timeout(PATIENCE, reached).await.is_ok());
        }
        let bytes = self.publisher.state.borrow().sent_bytes - before;
        let delays = std::mem::take(&mut *self.delays.lock().unwrap());
        Ok((same, delays, bytes / BIDS))
    }

    fn kill(&mut self, count: usize) {
        self.followers.truncate(self.followers.len() - count);
    }

    /// Separates the second half from the first and the publisher; returns the size of the first half.
    async fn split(&self) -> usize {
        let half = self.followers.len() / 2;
        self.between(half, NodeCommand::Ban).await;
        half
    }

    async fn heal(&self, half: usize) {
        self.between(half, NodeCommand::Unban).await;
    }

    async fn between(&self, half: usize, word: fn(Vec<PeerId>) -> NodeCommand) {
        let (near, far) = self.followers.split_at(half);
        let near = || near.iter().chain([&self.publisher]);
        let ids = |followers: &mut dyn Iterator<Item = &Follower>| {
            followers.map(|one| one.id).collect::<Vec<_>>()
        };
        let (near_ids, far_ids) = (ids(&mut near()), ids(&mut far.iter()));
        for one in near() {
            let _ = one.words.send(word(far_ids.clone())).await;
        }
        for one in far {
            let _ = one.words.send(word(near_ids.clone())).await;
        }
    }

    async fn standing_of(&mut self, half: usize, status: Status) -> usize {
        let mut count = 0;
        for follower in &mut self.followers[half..] {
            let reached = follower.state.wait_for(|state| state.status == status);
            count += usize::from(timeout(PATIENCE, reached).await.is_ok());
        }
        count
    }
}

fn fingerprint(key: &PublicKey) -> auction_proto::KeyFingerprint {
    key.fingerprint()
}

async fn trader(address: &str, name: &str) -> Result<Client, Failed> {
    let client = Client::connect(address.to_owned()).await?;
    let (name, password) = (Name::parse(name)?, Secret::new("correct-horse".into())?);
    client.register(name, password.clone()).await?;
    client.login(name, password).await?;
    Ok(client)
}

#[derive(Clone, Copy, Debug)]
struct State {
    joined: Option<Duration>,
    status: Status,
    digest: Option<Digest>,
    sent_bytes: u64,
}

enum NodeCommand {
    Ban(Vec<PeerId>),
    Unban(Vec<PeerId>),
}

/// A peer that follows in its own task, until this value is dropped.
struct Follower {
    id: PeerId,
    address: Multiaddr,
    state: watch::Receiver<State>,
    words: mpsc::Sender<NodeCommand>,
    _task: JoinSet<()>,
}

impl Follower {
    async fn start(
        pin: Pin,
        peers: Vec<Multiaddr>,
        line: Option<&Client>,
        delays: Delays,
    ) -> Result<Self, Failed> {
        let joining = JoinConfig {
            pin,
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse()?],
            peers,
            local_network: false,
            wall_clock: None,
        };
        let begun = Instant::now();
        let mut peer = PeerWatch::join(joining, line.map(Client::watch_signed))?;
        peer.listening().await;
        let address = peer.addresses().first().cloned().ok_or("it listens")?;
        let id = peer.id();
        let state = State {
            joined: None,
            status: Status::Joining,
            digest: None,
            sent_bytes: 0,
        };
        let (told, state) = watch::channel(state);
        let (words, mut said) = mpsc::channel(4);
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                tokio::select! {
                    update = peer.next() => take(&peer, update, begun, &told, &delays),
                    word = said.recv() => match word {
                        Some(NodeCommand::Ban(peers)) => peer.ban(peers).await,
                        Some(NodeCommand::Unban(peers)) => peer.unban(peers).await,
                        None => return,
                    },
                }
            }
        });
        Ok(Self {
            id,
            address,
            state,
            words,
            _task: task,
        })
    }
}

fn take(
    peer: &PeerWatch,
    update: PeerUpdate,
    begun: Instant,
    told: &watch::Sender<State>,
    delays: &Delays,
) {
    match &update {
        PeerUpdate::Event { at, .. } => {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let at = Duration::from_micros(at.micros());
            delays
                .lock()
                .unwrap()
                .push(since.unwrap_or_default().saturating_sub(at));
        }
        PeerUpdate::Unfit(error) => eprintln!("unfit: {error}"),
        PeerUpdate::Equivocation { conflict, .. } => eprintln!("fraud: {conflict}"),
        PeerUpdate::Snapshot | PeerUpdate::Status(_) => {}
    }
    let digest = peer.market().map(|market| market.clone().digest());
    told.send_modify(|state| {
        if let PeerUpdate::Status(status) = update {
            state.status = status;
        }
        state.digest = digest;
        state.sent_bytes = peer.sent_bytes();
        if digest.is_some() {
            state.joined.get_or_insert(begun.elapsed());
        }
    });
}

/// A real server with its own data folder.
struct Server {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(program: &Path) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        std::fs::write(
            folder.path().join("stocks.csv"),
            "Security,Symbol,Price,Profit\n00001,S1,1.00,1\n",
        )?;
        let mut process = Command::new(program)
            .args([
                "--listen=127.0.0.1:0",
                "--ops-listen=off",
                "--open-for=1h",
                "--lots=1",
                "--data",
            ])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("it prints")?).read_line(&mut line)?;
        let address = line
            .trim_end()
            .trim_end_matches('.')
            .rsplit(' ')
            .next()
            .unwrap_or_default();
        let address = address.to_owned();
        Ok(Self {
            process,
            address,
            _folder: folder,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ignore errors: it may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
