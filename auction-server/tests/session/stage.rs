//! A market in memory, and the services of a session around it, without a listening port.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use std::time::Duration;

use auction_core::{
    Caller, Command, Credential, Engine, Listing, Market, MarketId, Name, NewSession, OpenLot,
    Price, Profit, Quantity, Registration, Reply, Role, SecurityCode, Span, Symbol, Term, Terms,
    Timestamp, UserId,
};
use auction_proto::Token;
use auction_server::testing::config::data_dir::DataDir;
use auction_server::testing::config::{Config, OnOutage, RegistrationMode};
use auction_server::testing::gateway::admission::{Admission, Admitted};
use auction_server::testing::gateway::login_failures::LoginFailures;
use auction_server::testing::gateway::session::relayed::{Deps, EnvelopeKeys, Envelopes};
use auction_server::testing::gateway::session::{self, Channel, CloseReason, Services};
use auction_server::testing::journal::{Batch, Durability, Log, RealDisk};
use auction_server::testing::market::credentials::Credentials;
use auction_server::testing::market::dead_man::DeadManSwitches;
use auction_server::testing::market::group_commit::GroupCommit;
use auction_server::testing::market::startup::OutagePolicy;
use auction_server::testing::platform::clock::{Clock, MarketClock, ThisMachine};
use auction_server::testing::platform::metrics::Metrics;
use auction_server::testing::platform::password_pool::PasswordPool;
use auction_server::testing::projections::fan_out::FanOut;
use auction_server::testing::projections::feed::Hub;
use auction_server::testing::projections::follower::Follower;
use auction_server::testing::projections::signing::{Signer, Signing, open_keys};
use auction_server::testing::sequencer::Sequencer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

/// Interval of heartbeats between server and client.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// A market with some lots and some traders, `trader-1` and so on, each with a session.
pub struct Stage {
    pub services: Arc<Services>,
    pub tokens: Vec<Token>,
    visit: Arc<Admitted>,
    runtime: tokio::runtime::Runtime,
    /// The server runs until this is dropped.
    _running: watch::Sender<bool>,
    _data: TempDir,
}

/// A log that keeps nothing: these tests kill no server.
struct NoLog;

impl Log for NoLog {
    fn append(&mut self, _batch: &Batch<'_>) -> io::Result<()> {
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn early_warning(&mut self) -> Option<io::Error> {
        None
    }
}

impl Stage {
    /// The hub sends time, sequence number and digest every `beat` of real time.
    pub fn new(lots: u32, traders: u32, beat: Duration) -> Self {
        let clock = MarketClock::continuing(Arc::new(ThisMachine), Timestamp::default());
        let clock: Arc<dyn Clock> = Arc::new(clock);
        Self::with_clock(lots, traders, beat, clock)
    }

    /// The same, with a clock from the test.
    pub fn with_clock(lots: u32, traders: u32, beat: Duration, clock: Arc<dyn Clock>) -> Self {
        let (market, term) = (MarketId([9; 16]), Term(1));
        let mut group_commit = GroupCommit::new(Engine::new(market), Box::new(NoLog));
        let mut decide = |command| {
            let done = group_commit.decide(clock.now(), Caller::Operator, command);
            let reply = done.unwrap().reply;
            group_commit.commit().unwrap();
            reply
        };
        for number in 1..=lots {
            let symbol = Symbol::parse(&format!("S{number}")).unwrap();
            decide(Command::ListStock(Listing {
                symbol,
                security: SecurityCode::parse("1").unwrap(),
                price: Price::parse("1").unwrap(),
                profit: Profit::from_units(0).unwrap(),
            }));
            decide(Command::OpenLot(Box::new(OpenLot {
                symbol,
                quantity: Quantity::new(1).unwrap(),
                opens_at: None,
                closes_at: clock.now().saturating_add(Span::from_secs(86_400)),
                terms: Terms::English(auction_core::EnglishTerms::default()),
                reserve: None,
            })));
        }
        let mut tokens = Vec::new();
        for number in 1..=traders {
            let user = UserId(number);
            let credential = Credential::new(b"none").unwrap();
            let (name, role) = (format!("trader-{number}"), Role::Trader);
            let name = Name::parse(&name).unwrap();
            decide(Command::Register(Box::new(Registration {
                name,
                role,
                credential,
            })));
            let token = Token::new([u8::try_from(number).unwrap(); 32]);
            let (token_hash, expires_at) = (
                token.hash(),
                clock.now().saturating_add(Span::from_secs(86_400)),
            );
            let opened = decide(Command::OpenSession(Box::new(NewSession {
                user,
                token_hash,
                expires_at,
            })));
            assert!(matches!(opened, Reply::SessionOpened(_)));
            tokens.push(token);
        }
        Self::around(group_commit, clock, (market, term), tokens, beat)
    }

    fn around(
        group_commit: GroupCommit,
        clock: Arc<dyn Clock>,
        (market, term): (MarketId, Term),
        tokens: Vec<Token>,
        beat: Duration,
    ) -> Self {
        let metrics = Arc::new(Metrics::default());
        let credentials = Arc::new(Credentials::of(group_commit.engine()));
        let dead_man = Arc::new(DeadManSwitches::of(group_commit.engine()));
        let engine = group_commit.engine();
        let hub = Hub::start(engine, term, clock.clone(), beat, metrics.clone()).unwrap();
        let sequencer = Sequencer::start(
            group_commit,
            clock.clone(),
            credentials.clone(),
            dead_man.clone(),
            hub.clone(),
            metrics.clone(),
            OutagePolicy {
                on_outage: OnOutage::Extend,
                extend_by: Span::from_secs(60),
            },
        )
        .unwrap();
        let data = tempfile::tempdir().unwrap();
        let folder = DataDir::new(data.path());
        let keys = open_keys(&RealDisk, &folder).unwrap();
        let signer = Signer {
            key: keys.signing.clone(),
            market,
            term,
            clock: clock.clone(),
        };
        let (disk, durable) = (Arc::new(RealDisk), sequencer.durable.clone());
        let (signing, _) = Signing::start(signer, (disk, &folder), durable, &hub, beat).unwrap();
        let (_, histories) =
            Follower::start(Arc::new(RealDisk), &folder, sequencer.durable).unwrap();
        let admission = Arc::new(Admission::new(&Config::default().network));
        let visit = admission.enter(IpAddr::from([127, 0, 0, 1])).unwrap();
        let (running, stopping) = watch::channel(false);
        let envelope_keys = EnvelopeKeys {
            market,
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let entered = runtime.enter();
        let services = Arc::new(Services {
            sequencer: sequencer.handle,
            fan_out: FanOut::start(&hub, &metrics),
            hub,
            password_pool: PasswordPool::start(metrics.clone()).unwrap(),
            credentials,
            dead_man,
            histories,
            signing,
            envelopes,
            clock,
            market,
            term,
            durability: Durability::Strict,
            heartbeat: HEARTBEAT,
            peers: Default::default(),
            login_failures: LoginFailures::new(None),
            registration: RegistrationMode::Open,
            trading_days: false,
            admission,
            metrics,
            stopping,
        });
        drop(entered);
        Self {
            services,
            tokens,
            visit: Arc::new(visit),
            runtime,
            _running: running,
            _data: data,
        }
    }

    /// Serves a connection that speaks frames.
    pub fn serve<S>(&self, io: S) -> impl Future<Output = CloseReason> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        self.serve_channel(std::future::ready(Channel::frames(io)))
    }

    /// Serves a connection over any channel.
    pub fn serve_channel<S, C>(&self, channel: C) -> impl Future<Output = CloseReason> + use<S, C>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        C: Future<Output = Channel<S>>,
    {
        let (visit, services) = (self.visit.clone(), self.services.clone());
        async move {
            let hello_by = Instant::now() + session::HELLO_TIMEOUT;
            let client_address = visit.client_address().clone();
            session::serve(channel.await, hello_by, client_address, services).await
        }
    }

    /// Waits until the sequencer and the hub have done all requests: they run in real time, and the simulation must not
    /// get ahead of them.
    pub fn settle(&self) {
        self.runtime.block_on(async {
            let session = auction_core::SessionId(0);
            let asked = self.services.sequencer.last_request(session).await;
            assert!(asked.is_ok());
            self.services.hub.ping().await.unwrap();
        });
    }

    /// Returns the durable market.
    pub fn market(&self) -> Market {
        let market = self.runtime.block_on(self.services.hub.market());
        market.unwrap().0
    }
}
