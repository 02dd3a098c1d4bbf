//! The server as a whole: opens the market, opens the door, and ends in good order.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auction_core::{Listing, Term, Timestamp};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::announce::Guard;
use crate::clock::{Clock, ClockWarning, Machine, MarketClock, ThisMachine, watch_offset};
use crate::committer::Committer;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::demo::{House, NoDemo};
use crate::door::{Door, Hosts, TlsError};
use crate::envelopes::{EnvelopeKeys, Envelopes, Ways};
use crate::fan_out::FanOut;
use crate::follower::Follower;
use crate::hub::Hub;
use crate::journal::{Disk, Durability, JournalError, RealDisk};
use crate::login::Hasher;
use crate::lots::{self, Defaults};
use crate::metrics::Metrics;
use crate::opening::{self, OutagePolicy, Round};
use crate::ops::Ops;
use crate::peers::Peers;
use crate::progress::Reached;
use crate::sequencer::Sequencer;
use crate::session::{Ended, Services};
use crate::sheet::SheetError;
use crate::signing::{KeyError, Signer, Signing, open_keys};
use crate::switches::Switches;
use crate::visitors::{Visit, Visitors};
use crate::{accounts, announce, door, house, listing, news, ops, pulling, store};

/// How many connections can wait to be accepted: as many as come at once after a restart.
const ACCEPT_BACKLOG: u32 = 4_096;
/// How long an ending server waits for its connections; then it goes without them.
const CONNECTIONS_END_WITHIN: Duration = Duration::from_secs(7);
/// How long it then waits for its projections: the news may stand before a pipe that nobody reads.
const PROJECTIONS_END_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server whose market is open and whose door is about to be.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    sequencer: Option<JoinHandle<io::Result<()>>>,
    door: Arc<Door>,
    ops: Option<Ops>,
    stopping: watch::Sender<bool>,
    projections: Vec<JoinHandle<()>>,
    opening: String,
    house: Option<House>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The market on disk pays otherwise than the setting says.
    #[error("accounts: {0}; leave the setting out, or begin a new market in another data folder")]
    Accounts(auction_core::Reject),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; is another server running, or is it not this machine's?"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The journal cannot be opened, or appended to.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The market's key cannot be read, or made.
    #[error("the market's key: {0}")]
    Key(#[from] KeyError),
    /// A certificate or a key is wrong.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file that people put in is wrong.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The first batches could not be made durable, or the system has no thread to give.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A demo was asked for where a real market is.
    #[error("{}: {why}", journal.display())]
    NoDemo {
        /// The journal.
        journal: PathBuf,
        /// Why.
        why: NoDemo,
    },
    /// The market refuses an account or a stock that it was given.
    #[error("{0}")]
    Refused(String),
}

/// Why a server ended otherwise than asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The journal failed. Nothing was acknowledged since; start again when the disk is well.
    #[error("the journal failed, and nothing was acknowledged since: {0}")]
    Journal(io::Error),
    /// The door could not be opened.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Server {
    /// Listens, opens the market of the data folder or a new one, and starts all that belongs to it but the
    /// door. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        Self::start_telling(config, &mut |_| {}).await
    }

    /// The same, and tells how far long work has come.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_telling(
        config: &Config,
        tell: &mut (dyn FnMut(Reached) + Send),
    ) -> Result<Self, StartError> {
        Self::start_on(Arc::new(ThisMachine), config, tell).await
    }

    /// The same, by the clocks of another machine: tests set them.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_on(
        machine: Arc<dyn Machine>,
        config: &Config,
        tell: &mut (dyn FnMut(Reached) + Send),
    ) -> Result<Self, StartError> {
        // Before anything is journalled: a port that is taken must not open a round.
        let cannot_listen = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let listener = listen(config.listen).map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;

        let ops = ops::open(config.network.ops, listen).map_err(|source| StartError::Listen {
            address: config.network.ops.address().unwrap_or(address),
            source,
        })?;
        let hosts = Hosts::new(address, config.network.public_hosts.clone());
        let tls = door::open_tls(&config.network.tls, &config.data, hosts.names())?;
        if tls.is_none() && !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "others can reach this port, and passwords cross the network unencrypted; turn TLS on with \
                 --tls-cert and --tls-key"
            );
        }

        // A folder that was mistyped must not become a market.
        if !config.data.journal().exists() {
            listing::read(&config.data.stocks())?;
        }

        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let opened = store::open(disk.clone(), &config.data, config.durability, tell)?;
        say_recovery(&opened);
        let last_record = opened.engine.at();
        let clock_warning = ClockWarning::at_start(machine.utc(), last_record);
        if let Some(warning) = &clock_warning {
            tracing::warn!("{warning}");
        }
        let market_clock = Arc::new(MarketClock::continuing(machine, last_record));
        let clock: Arc<dyn Clock> = market_clock.clone();
        // The journal's lock keeps a second server from making another.
        let had_key = config.data.market_key().exists();
        let keys = open_keys(&*disk, &config.data)?;
        if !had_key && opened.recovery.last_sequence > 0 {
            tracing::warn!(
                "{} was missing: the market signs with a new key from now on, {}, which clients who kept an older \
                 one refuse; restore the file from a copy if there was one",
                config.data.market_key().display(),
                keys.signing.public().fingerprint(),
            );
        }
        let (market_id, term) = (opened.engine.market().id(), Term(opened.recovery.term));
        let mut committer = Committer::new(opened.engine, Box::new(opened.journal));
        let begun = open_market(config, &mut committer, &*clock, tell)?;

        let guard = match &tls {
            None => Guard::Plain,
            Some(tls) => match &tls.fingerprint {
                Some(fingerprint) => Guard::SelfSigned(fingerprint),
                None => Guard::Tls(tls.certified(address.ip())),
            },
        };
        let market = committer.engine().market();
        let mut opening = announce::opening(market, address, guard, clock.now());
        opening.push_str(&announce::signs_with(keys.signing.public().fingerprint()));
        opening.push_str(&begun.to_string());
        if let Some(warning) = clock_warning {
            opening.push_str(&format!("Beware: {warning}.\n"));
        }
        if config.durability == Durability::Relaxed {
            opening.push_str(announce::RELAXED);
            tracing::warn!(
                "durability is relaxed: if this machine goes down, the last moments are lost"
            );
        }
        let credentials = Arc::new(Credentials::of(committer.engine()));
        let heartbeat = config.network.heartbeat;
        let metrics = Arc::new(Metrics::default());
        metrics.clock_offset.set(market_clock.offset_micros());
        let engine = committer.engine();
        let hub = Hub::start(engine, term, clock.clone(), heartbeat, metrics.clone())?;
        let switches = Arc::new(Switches::of(committer.engine()));
        let sequencer = Sequencer::start(
            committer,
            clock.clone(),
            credentials.clone(),
            switches.clone(),
            hub.clone(),
            metrics.clone(),
            outage_policy(config),
        )?;
        let (durable, milestones) = (sequencer.durable, sequencer.milestones);
        let mut projections = vec![news::print(&hub, opening.clone()).await?];
        projections.push(store::keep_snapshots(
            disk.clone(),
            &config.data,
            opened.snapshot,
            milestones,
        )?);
        let signer = Signer {
            key: keys.signing.clone(),
            market: market_id,
            term,
            clock: clock.clone(),
        };
        let at = (disk.clone(), &config.data);
        let (signing, signers) = Signing::start(signer, at, durable.clone(), &hub, heartbeat)?;
        projections.extend(signers);
        let (follower, histories) = Follower::start(disk, &config.data, durable)?;
        projections.push(follower);
        let (stopping, is_stopping) = watch::channel(false);
        let visitors = Arc::new(Visitors::new(&config.network));
        let envelope_keys = EnvelopeKeys {
            market: market_id,
            opening: keys.opening,
            signing: keys.signing,
        };
        let ways = Ways {
            inbox: sequencer.inbox.clone(),
            credentials: credentials.clone(),
            visitors: visitors.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let envelopes = Arc::new(Envelopes::new(envelope_keys, ways));
        let services = Arc::new(Services {
            inbox: sequencer.inbox,
            fan_out: FanOut::start(&hub, &metrics),
            hub,
            hasher: Hasher::start(metrics.clone())?,
            credentials,
            switches,
            histories,
            signing,
            envelopes,
            clock,
            market: market_id,
            term,
            durability: config.durability,
            heartbeat,
            peers: Peers::default(),
            visitors,
            metrics,
            stopping: is_stopping,
        });
        let sequencer = Some(sequencer.thread);
        tokio::spawn(pulling::pull_orders(Arc::downgrade(&services)));
        let (metrics, is_stopping) = (services.metrics.clone(), services.stopping.clone());
        tokio::spawn(watch_offset(market_clock, metrics, is_stopping));
        Ok(Self {
            listener,
            address,
            sequencer,
            ops,
            door: Arc::new(Door::new(services, hosts, tls)),
            stopping,
            projections,
            opening,
            house: begun.house,
        })
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators ask; `None`: nowhere.
    #[must_use]
    pub fn ops_address(&self) -> Option<SocketAddr> {
        self.ops.as_ref().map(|ops| ops.address)
    }

    /// What is printed at the start: what is open, until when, where to connect, and what to type next.
    #[must_use]
    pub fn opening(&self) -> &str {
        &self.opening
    }

    /// The hasher of passwords, which tells how much work it had.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        self.door.services.hasher.clone()
    }

    /// Opens the door until `shutdown` is done. Then nobody is let in, what is under way is finished and told,
    /// and everything is written; this takes less than ten seconds.
    ///
    /// # Errors
    /// [`ServeError::Journal`] as soon as the journal fails: the process must end then.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let listener = self.listener;
        let thread = self.sequencer.take().expect("a server runs once");
        let mut sequencer = tokio::task::spawn_blocking(move || thread.join());
        let door = self.door.clone();
        let mut operators = JoinSet::new();
        if let Some(ops) = self.ops.take() {
            let stopping = door.services.stopping.clone();
            operators.spawn(ops.serve(Arc::downgrade(&door.services), stopping));
        }
        let mut connections = JoinSet::new();
        if let Some(house) = self.house.take() {
            house.play(&door.services, &mut connections);
        }
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                ended = &mut sequencer => return Err(sequencer_failed(ended)),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => match door.enter(peer, connections.len()) {
                        Ok(visit) => drop(connections.spawn(serve(stream, peer, visit, door.clone()))),
                        Err(why) => door.turn_away(stream, why),
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop((listener, door));
        tracing::info!(connections = connections.len(), "ending");
        self.stopping.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(CONNECTIONS_END_WITHIN, all).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "some clients did not take their leave"
            );
            connections.shutdown().await;
        }
        // The last way to the sequencer; it ends when all it was given is durable.
        drop(self.door);
        let ended = sequencer.await;
        if !matches!(ended, Ok(Ok(Ok(())))) {
            return Err(sequencer_failed(ended));
        }
        if timeout(PROJECTIONS_END_WITHIN, joined(self.projections)?)
            .await
            .is_err()
        {
            tracing::warn!("the news or a file is not finished; it is made anew from the journal");
        }
        Ok(())
    }
}

/// Waits for threads on one more, which may be left behind: a runtime waits for its own.
fn joined(threads: Vec<JoinHandle<()>>) -> io::Result<oneshot::Receiver<()>> {
    let (sender, all_joined) = oneshot::channel();
    let builder = thread::Builder::new().name("ending".to_owned());
    builder.spawn(move || {
        for thread in threads {
            // A projection that failed has said so.
            let _ = thread.join();
        }
        let _ = sender.send(());
    })?;
    Ok(all_joined)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A server that starts again at once must not wait for the connections of the one before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(ACCEPT_BACKLOG)
}

fn sequencer_failed(
    ended: Result<thread::Result<io::Result<()>>, tokio::task::JoinError>,
) -> ServeError {
    ServeError::Journal(match ended {
        Ok(Ok(Err(error))) => error,
        _ => io::Error::other("the sequencer panicked"),
    })
}

async fn serve(stream: TcpStream, peer: SocketAddr, visit: Visit, door: Arc<Door>) {
    let ended = door.serve(stream, &visit).await;
    match ended {
        Ended::Closed | Ended::Stopping => tracing::debug!(%peer, %ended, "connection ended"),
        _ => tracing::info!(%peer, %ended, "connection ended"),
    }
}

fn say_recovery(opened: &store::Opened) {
    for warning in &opened.warnings {
        tracing::warn!("{warning}");
    }
    let recovery = &opened.recovery;
    if let Some(torn) = recovery.torn.as_ref().filter(|_| recovery.was_relaxed) {
        tracing::warn!(
            file = %torn.file.display(),
            offset = torn.offset,
            "the machine went down while durability was relaxed: the last moments of the market are lost"
        );
    } else if let Some(torn) = &recovery.torn {
        tracing::warn!(
            file = %torn.file.display(),
            offset = torn.offset,
            "the journal's end was torn: an append that was never acknowledged has been wiped out"
        );
    }
    tracing::info!(
        market = %opened.engine.market().id(),
        records = recovery.last_sequence,
        replayed_frames = recovery.frames,
        snapshot = opened.snapshot,
        "journal opened"
    );
}

/// A market in which people can bid.
struct Begun {
    /// The house, if it is to play: then the lots are its own to open.
    house: Option<House>,
    /// Number of lots that fell due while the server was down and got more time.
    extended: usize,
    /// No lot was open, so that the settings of a round held.
    is_new_round: bool,
}

/// What the settings did not say of the lots that are open; nothing of a new round.
impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.extended > 0 {
            let (count, s) = (self.extended, if self.extended == 1 { "" } else { "s" });
            writeln!(
                f,
                "{count} lot{s} fell due while the server was down, and got more time by --extend-by, for nobody could bid."
            )?;
        }
        if !self.is_new_round {
            writeln!(
                f,
                "Lots of an earlier start are open, so there is no new round: --open-for, --lots and lots.csv do not \
                 concern them."
            )?;
        }
        Ok(())
    }
}

/// Brings the market to where people can bid: accounts, lots that fell due, a new round if no lot is open.
fn open_market(
    config: &Config,
    committer: &mut Committer,
    clock: &dyn Clock,
    tell: &mut dyn FnMut(Reached),
) -> Result<Begun, StartError> {
    let now = clock.now();
    let house = enter_house(config, committer, now)?;
    if let Some(mode) = config.accounts {
        opening::set_accounts(committer, now, mode)?.map_err(StartError::Accounts)?;
    }
    let extended = end_outage(config, committer, now)?;
    let is_new_round = committer.engine().market().open_lots() == 0 || house.is_some();
    let stocks = if is_new_round {
        Some(listing::read(&config.data.stocks())?)
    } else {
        None
    };
    if let Some(stocks) = &stocks {
        stocks
            .warnings
            .iter()
            .for_each(|warning| tracing::warn!("{warning}"));
        let refused = opening::list_stocks(committer, now, &stocks.listings)?;
        if let Some((symbol, reject)) = refused.first() {
            return Err(StartError::Refused(format!("stock {symbol}: {reject}")));
        }
    }
    let import = accounts::read(&config.data.users(), committer.engine().market(), tell)?;
    import
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let imported = opening::import_accounts(committer, clock.now(), import.accounts)?;
    if let Err((line, reject)) = imported {
        let file = config.data.users();
        let file = file.display();
        return Err(StartError::Refused(format!("{file}:{line}: {reject}")));
    }
    match (stocks, lots_file(config)) {
        _ if house.is_some() => {}
        (None, _) => {}
        (Some(_), Some(file)) => open_planned(config, committer, clock.now(), &file)?,
        (Some(stocks), None) => open_random(config, committer, clock.now(), &stocks.listings)?,
    }
    // Many accounts take minutes, and the door is still closed.
    let extended = extended + end_outage(config, committer, clock.now())?;
    Ok(Begun {
        house,
        extended,
        is_new_round,
    })
}

fn end_outage(config: &Config, committer: &mut Committer, now: Timestamp) -> io::Result<usize> {
    let extended = opening::end_outage(committer, now, outage_policy(config))?;
    if extended > 0 {
        tracing::warn!(
            lots = extended,
            "lots that fell due while the server was down are extended"
        );
    }
    Ok(extended)
}

fn outage_policy(config: &Config) -> OutagePolicy {
    OutagePolicy {
        on_outage: config.on_outage,
        extend_by: config.soft_close.extend_by,
    }
}

/// The house, if a demo is asked for.
fn enter_house(
    config: &Config,
    committer: &mut Committer,
    now: Timestamp,
) -> Result<Option<House>, StartError> {
    let Some(demo) = config.demo else {
        if house::is_demo(committer.engine().market()) {
            tracing::warn!(
                "this is the market of a demo; without --demo no house trader plays in it"
            );
        }
        return Ok(None);
    };
    let seed = config.seed.unwrap_or_else(rand::random);
    let entered = House::enter(committer, now, demo, seed)?;
    let house = entered.map_err(|why| StartError::NoDemo {
        journal: config.data.journal(),
        why,
    })?;
    tracing::info!(seed, traders = demo.traders, "the house plays");
    Ok(Some(house))
}

fn open_random(
    config: &Config,
    committer: &mut Committer,
    now: Timestamp,
    listings: &[Listing],
) -> Result<(), StartError> {
    let seed = config.seed.unwrap_or_else(rand::random);
    let chosen = listing::choose(listings, seed, config.lots);
    tracing::info!(seed, lots = chosen.len(), "a new round");
    let round = Round {
        chosen: chosen.iter().map(|listing| listing.symbol).collect(),
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
    };
    for (symbol, reject) in opening::open_lots(committer, now, round.lots(now))? {
        tracing::warn!(%symbol, "no lot is opened: {reject}");
    }
    Ok(())
}

/// The file that says which lots a round has, if there is one.
pub(crate) fn lots_file(config: &Config) -> Option<PathBuf> {
    let given = config.lots_file.clone();
    given.or_else(|| Some(config.data.lots()).filter(|file| file.exists()))
}

/// Opens the lots of a file: all of them, or none when one is wrong.
fn open_planned(
    config: &Config,
    committer: &mut Committer,
    now: Timestamp,
    file: &Path,
) -> Result<(), StartError> {
    let defaults = Defaults {
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
    };
    let planned = lots::read(file, &defaults)?;
    let opened: Vec<_> = planned.iter().map(|lot| lot.open(now)).collect();
    let refused = opening::refused_lots(committer.engine(), now, &opened);
    if let Some((place, reject)) = refused.first() {
        let line = planned[*place].line;
        let file = file.display();
        return Err(StartError::Refused(format!("{file}:{line}: {reject}")));
    }
    tracing::info!(lots = opened.len(), "a new round, by the lots file");
    let refused = opening::open_lots(committer, now, opened)?;
    assert!(refused.is_empty(), "these lots were tried before");
    Ok(())
}
