//! The server as a whole: opens the market, listens, and shuts down cleanly.

mod opening;
mod error;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{Config, Network};
use crate::demo::DemoAccounts;
use crate::gateway;
use crate::gateway::accepting::Accepting;
use crate::gateway::admission::{Admission, Admitted};
use crate::gateway::connection_limits::{self, ConnectionLimits};
use crate::gateway::http::ops;
use crate::gateway::http::ops::Ops;
use crate::gateway::login_failures::LoginFailures;
use crate::gateway::operator::OperatorSocket;
use crate::gateway::session::cancel_on_disconnect;
use crate::gateway::session::peer_directory::PeerDirectory;
use crate::gateway::session::relayed::{Deps, EnvelopeKeys, Envelopes};
use crate::gateway::session::{CloseReason, Services};
use crate::gateway::{CertificateReload, Gateway, ServerTls, Site, watch_certificate};
use crate::market::credentials::Credentials;
use crate::market::dead_man::DeadManSwitches;
use crate::market::last_seen;
use crate::market::restore;
use crate::platform::clock::{Clock, Machine, MarketClock, ThisMachine, watch_offset};
use crate::platform::metrics::Metrics;
use crate::platform::password_pool::PasswordPool;
use crate::platform::progress::Progress;
use crate::projections::console;
use crate::projections::fan_out::FanOut;
use crate::projections::feed::Hub;
use crate::projections::follower::Follower;
use crate::projections::signing::{Signer, Signing};
use crate::sequencer::Sequencer;

pub use error::{ServeError, StartError};
use opening::OpenedMarket;

/// Maximum number of connections waiting to be accepted: as many as arrive at once after a restart.
const ACCEPT_BACKLOG: u32 = 4_096;
/// Maximum time that a stopping server waits for its connections.
const CONNECTIONS_END_WITHIN: Duration = Duration::from_secs(7);
/// Maximum time that it then waits for its projections: standard output may be a pipe that nobody reads.
const PROJECTIONS_END_WITHIN: Duration = Duration::from_secs(2);

/// A server whose market is open, and that is about to accept connections.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    sequencer: Option<JoinHandle<io::Result<()>>>,
    gateway: Arc<Gateway>,
    ops: Option<Ops>,
    operator: Option<OperatorSocket>,
    stopping: watch::Sender<bool>,
    projections: Vec<JoinHandle<()>>,
    startup_text: String,
    demo_accounts: Option<DemoAccounts>,
}

impl Server {
    /// Listens, opens the market of the data folder or a new one, and starts all its parts except the gateway. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing keeps running.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        Self::start_with_progress(config, &mut |_| {}).await
    }

    /// Like [`start`](Self::start), and reports the progress of long work.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_with_progress(
        config: &Config,
        on_progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, StartError> {
        Self::start_on(Arc::new(ThisMachine), config, on_progress).await
    }

    /// Like [`start_with_progress`](Self::start_with_progress), with other clocks, which tests set.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_on(
        machine: Arc<dyn Machine>,
        config: &Config,
        on_progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, StartError> {
        // Before anything is journalled: a port that is taken must not open a round.
        let port = Port::bind(config)?;
        let opened = opening::open(machine.clone(), config, on_progress)?;
        let listener = (port.socket.listen(ACCEPT_BACKLOG))
            .map_err(|source| cannot_listen(config.listen, source))?;
        let (address, tls) = (port.address, port.tls.as_ref());
        let startup_text = opened.startup_text(config, address, tls, machine.utc());
        let OpenedMarket {
            disk,
            group_commit,
            keys,
            term,
            market_clock,
            snapshot,
            begun,
            ..
        } = opened;
        let engine = group_commit.engine();
        let market_id = engine.market().id();
        let clock: Arc<dyn Clock> = market_clock.clone();
        let credentials = Arc::new(Credentials::of(engine));
        let heartbeat = config.network.heartbeat;
        let metrics = Arc::new(Metrics::default());
        metrics.clock_offset.set(market_clock.offset_micros());
        let hub = Hub::start(engine, term, clock.clone(), heartbeat, metrics.clone())?;
        let dead_man = Arc::new(DeadManSwitches::of(engine));
        let sequencer = Sequencer::start(
            group_commit,
            clock.clone(),
            credentials.clone(),
            dead_man.clone(),
            hub.clone(),
            metrics.clone(),
            opening::outage_policy(config),
        )?;
        let (durable, milestones) = (sequencer.durable, sequencer.milestones);
        let mut projections = vec![console::print(&hub, startup_text.clone()).await?];
        let snapshots = restore::keep_snapshots(disk.clone(), &config.data, snapshot, milestones)?;
        projections.push(snapshots);
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
            connections_per_address: port.per_address,
            ..config.network.clone()
        }));
        let envelope_keys = EnvelopeKeys {
            market: market_id,
            opening: keys.opening,
            signing: keys.signing,
        };
        let deps = Deps {
            sequencer: sequencer.handle.clone(),
            credentials: credentials.clone(),
            admission: admission.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let services = Arc::new(Services {
            sequencer: sequencer.handle,
            fan_out: FanOut::start(&hub, &metrics),
            hub,
            password_pool: PasswordPool::start(metrics.clone())?,
            credentials,
            dead_man,
            histories,
            signing,
            envelopes: Arc::new(Envelopes::new(envelope_keys, deps)),
            clock,
            market: market_id,
            term,
            durability: config.durability,
            heartbeat,
            peers: PeerDirectory::default(),
            admission,
            login_failures: LoginFailures::new(config.network.rate_failed_logins),
            registration: config.network.registration,
            trading_days: config.network.trading_days,
            metrics,
            stopping: is_stopping,
        });
        let gateway = Gateway::new(services, port.site, port.tls, port.limits);
        spawn_watches(&gateway, market_clock, machine, config.data.last_seen());
        Ok(Self {
            listener,
            address: port.address,
            sequencer: Some(sequencer.thread),
            ops: port.ops,
            operator: open_operator_socket(config),
            gateway: Arc::new(gateway),
            stopping,
            projections,
            startup_text,
            demo_accounts: begun.demo_accounts,
        })
    }

    /// Address of the market.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address for operators; `None`: none.
    #[must_use]
    pub fn ops_address(&self) -> Option<SocketAddr> {
        self.ops.as_ref().map(|ops| ops.address)
    }

    /// Text to print at the start: open lots, their closes, the address, and the next command to type.
    #[must_use]
    pub fn startup_text(&self) -> &str {
        &self.startup_text
    }

    /// The reloader of the certificate; `None` without TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateReload> {
        self.gateway.certificate()
    }

    /// The password hasher, which counts its work.
    #[must_use]
    pub fn password_pool(&self) -> PasswordPool {
        self.gateway.services.password_pool.clone()
    }

    /// Accepts connections until `shutdown` is done. Then it accepts no more, finishes and answers pending requests,
    /// and writes everything; this takes less than ten seconds.
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
        let mut operator_socket = JoinSet::new();
        if let Some(operator) = self.operator.take() {
            operator_socket.spawn(operator.serve(Arc::downgrade(&gateway.services)));
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
                "some connections did not close in time and are dropped"
            );
            connections.shutdown().await;
        }
        // Before the journal is free for another server, whose socket would have the same name.
        operator_socket.shutdown().await;
        // The last sender to the sequencer; the sequencer ends when everything it received is durable.
        drop(self.gateway);
        let ended = sequencer.await;
        if !matches!(ended, Ok(Ok(Ok(())))) {
            return Err(sequencer_failed(ended));
        }
        if timeout(PROJECTIONS_END_WITHIN, joined(self.projections)?)
            .await
            .is_err()
        {
            tracing::warn!(
                "the console output or a file is incomplete; the next start writes the file again from the journal"
            );
        }
        Ok(())
    }
}

/// Opens the operator's socket. Without it the market runs all the same.
fn open_operator_socket(config: &Config) -> Option<OperatorSocket> {
    let path = config.data.operator_socket();
    let opened = OperatorSocket::open(path.clone());
    let warn = |error: &io::Error| {
        let path = path.display();
        tracing::warn!(%path, %error, "`auction-server user` cannot reach this server: its socket cannot be opened");
    };
    opened.inspect_err(warn).ok()
}

/// Starts the tasks that watch connections, clock and certificate, and keep the time, until the server stops.
fn spawn_watches(
    gateway: &Gateway,
    market_clock: Arc<MarketClock>,
    machine: Arc<dyn Machine>,
    last_seen: PathBuf,
) {
    let services = &gateway.services;
    let stopping = services.stopping.clone();
    tokio::spawn(last_seen::keep(last_seen, services.clock.clone(), stopping));
    let weak = Arc::downgrade(services);
    tokio::spawn(cancel_on_disconnect::cancel_on_disconnect(weak));
    let (metrics, is_stopping) = (services.metrics.clone(), services.stopping.clone());
    if let Some(certificate) = gateway.certificate() {
        let (metrics, is_stopping) = (metrics.clone(), is_stopping.clone());
        tokio::spawn(watch_certificate(
            certificate,
            machine,
            metrics,
            is_stopping,
        ));
    }
    tokio::spawn(watch_offset(market_clock, metrics, is_stopping));
}

/// The server's port, bound but not accepting connections, with its limits and its certificate.
struct Port {
    socket: TcpSocket,
    address: SocketAddr,
    limits: ConnectionLimits,
    /// Maximum number of simultaneous connections from one address.
    per_address: NonZeroU32,
    ops: Option<Ops>,
    site: Site,
    tls: Option<ServerTls>,
}

impl Port {
    fn bind(config: &Config) -> Result<Self, StartError> {
        let limits = ConnectionLimits::with(connection_limits::soft_limit())?;
        if let Some(warning) = limits.warning(&config.network) {
            tracing::warn!("{warning}");
        }
        let per_address = config.network.connections_per_address.get();
        let per_address =
            NonZeroU32::new(limits.of_one_address(per_address)).unwrap_or(NonZeroU32::MIN);
        let cannot_listen = |source| cannot_listen(config.listen, source);
        // No connection is accepted before all files have been checked.
        let socket = bind(config.listen).map_err(cannot_listen)?;
        let address = socket.local_addr().map_err(cannot_listen)?;

        let ops = ops::open(
            config.network.ops,
            config.network.public_hosts.clone(),
            &config.data.journal(),
            listen,
        )
        .map_err(|source| {
            self::cannot_listen(config.network.ops.address().unwrap_or(address), source)
        })?;
        let site = Site::new(address, &config.network);
        let tls = gateway::open_tls(&config.network.tls, &config.data, site.origins.names())?;
        if tls.is_none() && !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "others can reach this port, and passwords cross the network unencrypted; turn TLS on with \
                 --tls-cert and --tls-key"
            );
        }
        Ok(Self {
            socket,
            address,
            limits,
            per_address,
            ops,
            site,
            tls,
        })
    }
}

fn cannot_listen(address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { address, source }
}

/// Waits for threads on another thread, which may be left behind: a runtime waits for its own.
fn joined(threads: Vec<JoinHandle<()>>) -> io::Result<oneshot::Receiver<()>> {
    let (sender, all_joined) = oneshot::channel();
    let builder = thread::Builder::new().name("ending".to_owned());
    builder.spawn(move || {
        for thread in threads {
            // A failed projection has reported its error.
            let _ = thread.join();
        }
        let _ = sender.send(());
    })?;
    Ok(all_joined)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(ACCEPT_BACKLOG)
}

/// Binds an address. Nobody can connect to it yet.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restarted server must not wait for the old connections to time out.
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
    let ended = gateway.serve(stream, admitted).await;
    match ended {
        CloseReason::Closed | CloseReason::Stopping => {
            tracing::debug!(%peer, %ended, "connection ended")
        }
        _ => tracing::info!(%peer, %ended, "connection ended"),
    }
}
