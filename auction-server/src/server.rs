//! The server as a whole: opens the market, listens, and ends in good order.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auction_core::{Listing, Term, Timestamp};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::csv::CsvError;
use crate::config::csv::lots::{self, Defaults, PlannedLot};
use crate::config::csv::stocks;
use crate::config::csv::users;
use crate::config::reserved_names;
use crate::config::{Config, Network};
use crate::demo::{DemoAccounts, DemoError};
use crate::gateway;
use crate::gateway::accepting::Accepting;
use crate::gateway::admission::{Admission, Admitted};
use crate::gateway::connection_limits::{self, ConnectionLimits, TooFewDescriptors};
use crate::gateway::http::ops;
use crate::gateway::http::ops::Ops;
use crate::gateway::session::cancel_on_disconnect;
use crate::gateway::session::peer_directory::PeerDirectory;
use crate::gateway::session::relayed::{Deps, EnvelopeKeys, Envelopes};
use crate::gateway::session::{CloseReason, Services};
use crate::gateway::{AllowedOrigins, CertificateReload, Gateway, TlsError};
use crate::journal::{Disk, Durability, JournalError, RealDisk};
use crate::market::credentials::Credentials;
use crate::market::dead_man::DeadManSwitches;
use crate::market::group_commit::GroupCommit;
use crate::market::restore;
use crate::market::startup::{self, OutagePolicy, Round};
use crate::platform::clock::{
    Clock, ClockWarning, Machine, MarketClock, ThisMachine, watch_offset,
};
use crate::platform::metrics::Metrics;
use crate::platform::password_pool::PasswordPool;
use crate::platform::progress::Progress;
use crate::projections::console;
use crate::projections::console_text;
use crate::projections::console_text::Security;
use crate::projections::fan_out::FanOut;
use crate::projections::feed::Hub;
use crate::projections::follower::Follower;
use crate::projections::signing::{KeyError, Signer, Signing, open_keys};
use crate::sequencer::Sequencer;

/// How many connections can wait to be accepted: as many as come at once after a restart.
const ACCEPT_BACKLOG: u32 = 4_096;
/// How long an ending server waits for its connections; then it goes without them.
const CONNECTIONS_END_WITHIN: Duration = Duration::from_secs(7);
/// How long it then waits for its projections: the news may stand before a pipe that nobody reads.
const PROJECTIONS_END_WITHIN: Duration = Duration::from_secs(2);

/// A server whose market is open, and that is about to accept connections.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    sequencer: Option<JoinHandle<io::Result<()>>>,
    gateway: Arc<Gateway>,
    ops: Option<Ops>,
    stopping: watch::Sender<bool>,
    projections: Vec<JoinHandle<()>>,
    startup_text: String,
    demo_accounts: Option<DemoAccounts>,
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
    /// There is no room for connections.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// A certificate or a key is wrong.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file that people put in is wrong.
    #[error(transparent)]
    Sheet(#[from] CsvError),
    /// The first batches could not be made durable, or the system has no thread to give.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A demo was asked for where a real market is.
    #[error("{}: {why}", journal.display())]
    Demo {
        /// The journal.
        journal: PathBuf,
        /// Why.
        why: DemoError,
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
    /// The listener failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Server {
    /// Listens, opens the market of the data folder or a new one, and starts all that belongs to it but the
    /// gateway. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        Self::start_with_progress(config, &mut |_| {}).await
    }

    /// The same, and tells how far long work has come.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_with_progress(
        config: &Config,
        on_progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, StartError> {
        Self::start_on(Arc::new(ThisMachine), config, on_progress).await
    }

    /// The same, by the clocks of another machine: tests set them.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_on(
        machine: Arc<dyn Machine>,
        config: &Config,
        on_progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, StartError> {
        let limits = ConnectionLimits::with(connection_limits::soft_limit())?;
        if let Some(warning) = limits.warning(&config.network) {
            tracing::warn!("{warning}");
        }
        let per_address = config.network.connections_per_address.get();
        let per_address =
            NonZeroU32::new(limits.of_one_address(per_address)).unwrap_or(NonZeroU32::MIN);
        // Before anything is journalled: a port that is taken must not open a round.
        let cannot_listen = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        // Nobody is let in before all that can be wrong with the files has been looked at.
        let socket = bind(config.listen).map_err(cannot_listen)?;
        let address = socket.local_addr().map_err(cannot_listen)?;

        let ops = ops::open(config.network.ops, listen).map_err(|source| StartError::Listen {
            address: config.network.ops.address().unwrap_or(address),
            source,
        })?;
        let origins = AllowedOrigins::new(address, config.network.public_hosts.clone());
        let tls = gateway::open_tls(&config.network.tls, &config.data, origins.names())?;
        if tls.is_none() && !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "others can reach this port, and passwords cross the network unencrypted; turn TLS on with \
                 --tls-cert and --tls-key"
            );
        }

        // A folder that was mistyped must not become a market.
        if !config.data.journal().exists() {
            stocks::read(&config.data.stocks())?;
            if let (Some(file), None) = (lots_file(config), config.demo) {
                read_lots(config, &file)?;
            }
        }

        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let opened = restore::open(disk.clone(), &config.data, config.durability, on_progress)?;
        log_recovery(&opened);
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
        let mut group_commit = GroupCommit::new(opened.engine, Box::new(opened.journal));
        let begun = open_market(config, &mut group_commit, &*clock, on_progress)?;
        let listener = socket.listen(ACCEPT_BACKLOG).map_err(cannot_listen)?;

        let security = match &tls {
            None => Security::Plain,
            Some(tls) => match &tls.fingerprint {
                Some(fingerprint) => Security::SelfSigned(fingerprint),
                None => Security::Tls(tls.certified(address.ip())),
            },
        };
        let market = group_commit.engine().market();
        let mut startup_text = console_text::opening(market, address, security, clock.now());
        startup_text.push_str(&console_text::signs_with(
            keys.signing.public().fingerprint(),
        ));
        startup_text.push_str(&begun.to_string());
        if let Some(warning) = clock_warning {
            startup_text.push_str(&format!("Beware: {warning}.\n"));
        }
        if config.durability == Durability::Relaxed {
            startup_text.push_str(console_text::RELAXED);
            tracing::warn!(
                "durability is relaxed: if this machine goes down, the last moments are lost"
            );
        }
        let credentials = Arc::new(Credentials::of(group_commit.engine()));
        let heartbeat = config.network.heartbeat;
        let metrics = Arc::new(Metrics::default());
        metrics.clock_offset.set(market_clock.offset_micros());
        let engine = group_commit.engine();
        let hub = Hub::start(engine, term, clock.clone(), heartbeat, metrics.clone())?;
        let dead_man = Arc::new(DeadManSwitches::of(group_commit.engine()));
        let sequencer = Sequencer::start(
            group_commit,
            clock.clone(),
            credentials.clone(),
            dead_man.clone(),
            hub.clone(),
            metrics.clone(),
            outage_policy(config),
        )?;
        let (durable, milestones) = (sequencer.durable, sequencer.milestones);
        let mut projections = vec![console::print(&hub, startup_text.clone()).await?];
        projections.push(restore::keep_snapshots(
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
        let admission = Arc::new(Admission::new(&Network {
            connections_per_address: per_address,
            ..config.network.clone()
        }));
        let envelope_keys = EnvelopeKeys {
            market: market_id,
            opening: keys.opening,
            signing: keys.signing,
        };
        let ways = Deps {
            sequencer: sequencer.handle.clone(),
            credentials: credentials.clone(),
            admission: admission.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let envelopes = Arc::new(Envelopes::new(envelope_keys, ways));
        let services = Arc::new(Services {
            sequencer: sequencer.handle,
            fan_out: FanOut::start(&hub, &metrics),
            hub,
            password_pool: PasswordPool::start(metrics.clone())?,
            credentials,
            dead_man,
            histories,
            signing,
            envelopes,
            clock,
            market: market_id,
            term,
            durability: config.durability,
            heartbeat,
            peers: PeerDirectory::default(),
            admission,
            metrics,
            stopping: is_stopping,
        });
        let sequencer = Some(sequencer.thread);
        tokio::spawn(cancel_on_disconnect::cancel_on_disconnect(Arc::downgrade(
            &services,
        )));
        let (metrics, is_stopping) = (services.metrics.clone(), services.stopping.clone());
        tokio::spawn(watch_offset(market_clock, metrics, is_stopping));
        Ok(Self {
            listener,
            address,
            sequencer,
            ops,
            gateway: Arc::new(Gateway::new(services, origins, tls, limits)),
            stopping,
            projections,
            startup_text,
            demo_accounts: begun.demo_accounts,
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
    pub fn startup_text(&self) -> &str {
        &self.startup_text
    }

    /// What reads the certificate again; `None` without TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateReload> {
        self.gateway.certificate()
    }

    /// The hasher of passwords, which tells how much work it had.
    #[must_use]
    pub fn password_pool(&self) -> PasswordPool {
        self.gateway.services.password_pool.clone()
    }

    /// Accepts connections until `shutdown` is done. Then nobody is let in, what is under way is finished and told,
    /// and everything is written; this takes less than ten seconds.
    ///
    /// # Errors
    /// [`ServeError::Journal`] as soon as the journal fails: the process must end then.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let mut listener = Accepting::new(self.listener, "clients'");
        let thread = self.sequencer.take().expect("a server runs once");
        let mut sequencer = tokio::task::spawn_blocking(move || thread.join());
        let gateway = self.gateway.clone();
        let mut operators = JoinSet::new();
        if let Some(ops) = self.ops.take() {
            let stopping = gateway.services.stopping.clone();
            operators.spawn(ops.serve(Arc::downgrade(&gateway.services), stopping));
        }
        let mut connections = JoinSet::new();
        if let Some(demo_accounts) = self.demo_accounts.take() {
            demo_accounts.play(&gateway.services, &mut connections);
        }
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                ended = &mut sequencer => return Err(sequencer_failed(ended)),
                (stream, peer) = listener.next() => match gateway.enter(peer, connections.len()) {
                    Ok(admitted) => drop(connections.spawn(serve(stream, peer, admitted, gateway.clone()))),
                    Err(why) => gateway.refuse(stream, why),
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop((listener, gateway));
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
        drop(self.gateway);
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
    bind(address)?.listen(ACCEPT_BACKLOG)
}

/// Takes an address. Nobody can connect to it yet.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A server that starts again at once must not wait for the connections of the one before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn sequencer_failed(
    ended: Result<thread::Result<io::Result<()>>, tokio::task::JoinError>,
) -> ServeError {
    ServeError::Journal(match ended {
        Ok(Ok(Err(error))) => error,
        _ => io::Error::other("the sequencer panicked"),
    })
}

async fn serve(stream: TcpStream, peer: SocketAddr, admitted: Admitted, gateway: Arc<Gateway>) {
    let ended = gateway.serve(stream, &admitted).await;
    match ended {
        CloseReason::Closed | CloseReason::Stopping => {
            tracing::debug!(%peer, %ended, "connection ended")
        }
        _ => tracing::info!(%peer, %ended, "connection ended"),
    }
}

fn log_recovery(opened: &restore::RestoredMarket) {
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
    demo_accounts: Option<DemoAccounts>,
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
    group_commit: &mut GroupCommit,
    clock: &dyn Clock,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Begun, StartError> {
    let now = clock.now();
    let demo_accounts = enter_demo(config, group_commit, now)?;
    if let Some(mode) = config.accounts {
        startup::set_accounts(group_commit, now, mode)?.map_err(StartError::Accounts)?;
    }
    let extended = end_outage(config, group_commit, now)?;
    let is_new_round = group_commit.engine().market().open_lots() == 0 || demo_accounts.is_some();
    let stocks = if is_new_round {
        Some(stocks::read(&config.data.stocks())?)
    } else {
        None
    };
    let plan = match lots_file(config) {
        // Read before anything of the round is journalled.
        Some(file) if is_new_round && demo_accounts.is_none() => {
            let lots = read_lots(config, &file)?;
            Some((file, lots))
        }
        _ => None,
    };
    if let Some(stocks) = &stocks {
        stocks
            .warnings
            .iter()
            .for_each(|warning| tracing::warn!("{warning}"));
        let refused = startup::list_stocks(group_commit, now, &stocks.listings)?;
        if let Some((symbol, reject)) = refused.first() {
            return Err(StartError::Refused(format!("stock {symbol}: {reject}")));
        }
    }
    let import = users::read(
        &config.data.users(),
        group_commit.engine().market(),
        on_progress,
    )?;
    import
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let imported = startup::import_accounts(group_commit, clock.now(), import.accounts)?;
    if let Err((line, reject)) = imported {
        let file = config.data.users();
        let file = file.display();
        return Err(StartError::Refused(format!("{file}:{line}: {reject}")));
    }
    match (stocks, plan) {
        _ if demo_accounts.is_some() => {}
        (None, _) => {}
        (Some(_), Some((file, lots))) => open_planned(group_commit, clock.now(), &file, &lots)?,
        (Some(stocks), None) => open_random(config, group_commit, clock.now(), &stocks.listings)?,
    }
    // Many accounts take minutes, and nobody can connect meanwhile.
    let extended = extended + end_outage(config, group_commit, clock.now())?;
    Ok(Begun {
        demo_accounts,
        extended,
        is_new_round,
    })
}

fn end_outage(
    config: &Config,
    group_commit: &mut GroupCommit,
    now: Timestamp,
) -> io::Result<usize> {
    let extended = startup::end_outage(group_commit, now, outage_policy(config))?;
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
fn enter_demo(
    config: &Config,
    group_commit: &mut GroupCommit,
    now: Timestamp,
) -> Result<Option<DemoAccounts>, StartError> {
    let Some(demo) = config.demo else {
        if reserved_names::is_demo(group_commit.engine().market()) {
            tracing::warn!(
                "this is the market of a demo; without --demo no house trader plays in it"
            );
        }
        return Ok(None);
    };
    let seed = config.seed.unwrap_or_else(rand::random);
    let entered = DemoAccounts::enter(group_commit, now, demo, seed)?;
    let demo_accounts = entered.map_err(|why| StartError::Demo {
        journal: config.data.journal(),
        why,
    })?;
    tracing::info!(seed, traders = demo.traders, "the house plays");
    Ok(Some(demo_accounts))
}

fn open_random(
    config: &Config,
    group_commit: &mut GroupCommit,
    now: Timestamp,
    listings: &[Listing],
) -> Result<(), StartError> {
    let seed = config.seed.unwrap_or_else(rand::random);
    let chosen = stocks::choose(listings, seed, config.lots);
    tracing::info!(seed, lots = chosen.len(), "a new round");
    let round = Round {
        chosen: chosen.iter().map(|listing| listing.symbol).collect(),
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
    };
    for (symbol, reject) in startup::open_lots(group_commit, now, round.lots(now))? {
        tracing::warn!(%symbol, "no lot is opened: {reject}");
    }
    Ok(())
}

/// The file that says which lots a round has, if there is one.
pub(crate) fn lots_file(config: &Config) -> Option<PathBuf> {
    let given = config.lots_file.clone();
    given.or_else(|| Some(config.data.lots()).filter(|file| file.exists()))
}

fn read_lots(config: &Config, file: &Path) -> Result<Vec<PlannedLot>, CsvError> {
    let defaults = Defaults {
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
    };
    lots::read(file, &defaults)
}

/// Opens the lots of a file: all of them, or none when one is wrong.
fn open_planned(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    file: &Path,
    planned: &[PlannedLot],
) -> Result<(), StartError> {
    let opened: Vec<_> = planned.iter().map(|lot| lot.open(now)).collect();
    let refused = startup::refused_lots(group_commit.engine(), now, &opened);
    if let Some((place, reject)) = refused.first() {
        let line = planned[*place].line;
        let file = file.display();
        return Err(StartError::Refused(format!("{file}:{line}: {reject}")));
    }
    tracing::info!(lots = opened.len(), "a new round, by the lots file");
    let refused = startup::open_lots(group_commit, now, opened)?;
    assert!(refused.is_empty(), "these lots were tried before");
    Ok(())
}
