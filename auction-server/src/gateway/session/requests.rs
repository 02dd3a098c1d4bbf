//! The requests of a client, message by message.

use auction_core::{RequestId, Terms};
use auction_proto::{
    ClientMessage, Code, Hello, Pong, Refused, Text, VERSION, VERSION_OF_DAYS, VERSION_OLDEST,
    Welcome, disturbs_display, version_in_common,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::channel::Request;
use super::close_reason::CloseReason;
use super::connection::Connection;
use super::filter::FeedFilter;
use super::login::State;
use crate::journal::Durability;
use crate::market::live_session::LiveSession;
use crate::sequencer::direct_read::is_order;
use crate::sequencer::queue::Commands;

/// Name and version of the server in the welcome.
const SERVER: &str = concat!("auction-server/", env!("CARGO_PKG_VERSION"));
/// The same for a server that acknowledges commands before they are on disk: `auction status` shows it to everyone.
const SERVER_RELAXED: &str = concat!(
    "auction-server/",
    env!("CARGO_PKG_VERSION"),
    " (durability is relaxed)"
);

/// Answer to an auctioneer who opens a trading day, or halts the whole market, on a server without trading days.
const DAYS_ARE_OFF: &str = "trading days and halts of the whole market are off on this server: its operator has set \
                            --trading-days off";

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) async fn handle(&mut self, asked: Request) -> Result<(), CloseReason> {
        let Request { request, message } = asked;
        let message = match message {
            Ok(message) => message,
            Err(refused) => {
                self.refused(request, refused);
                return Ok(());
            }
        };
        // An answer with number 0 would look like a message of the server's own accord.
        if request == RequestId(0) {
            self.refuse(request, Code::MALFORMED, "request numbers begin at 1");
            return Ok(());
        }
        if self.login.is_greeting() {
            return self.greet(request, &message);
        }
        if is_order(&message) {
            self.submission.orders_in_a_row = self.submission.orders_in_a_row.saturating_add(1);
            self.add_to_batch(request, message);
            return Ok(());
        }
        self.submission.orders_in_a_row = 0;
        // Earlier commands are decided first.
        self.submit_batch();
        match message {
            ClientMessage::Hello(_) => {
                let text = "hello comes once, as the first message";
                self.refuse(request, Code::OUT_OF_ORDER, text);
            }
            ClientMessage::Register(body) => {
                self.register(request, body.name, body.password).await;
            }
            ClientMessage::Login(body) => self.log_in(request, body.name, body.password).await,
            ClientMessage::Resume(body) => self.resume(request, &body.token).await,
            ClientMessage::ChangePassword(body) => {
                self.change_password(request, &body.old, &body.new).await;
            }
            ClientMessage::ListSessions(_) => self.list_sessions(request),
            ClientMessage::Watch(body) => {
                self.watch(request, FeedFilter::all(), body.resume).await?
            }
            ClientMessage::WatchSymbols(body) => {
                let filter = FeedFilter::of(body.symbols.into_vec());
                self.watch(request, filter, body.resume).await?;
            }
            ClientMessage::GetSnapshot(_) => self.get_snapshot(request).await?,
            ClientMessage::GetHistory(body) => self.history(request, &body).await,
            ClientMessage::GetLots(body) => self.lots(request, body.of).await,
            ClientMessage::GetTrades(body) => self.trades(request, &body).await,
            ClientMessage::Ping(body) => {
                let server_time = self.services.clock.now();
                self.reply(
                    request,
                    &Pong {
                        client_time: body.client_time,
                        server_time,
                    },
                );
            }
            ClientMessage::GetLeastWinning(body) => self.least_winning(request, body.lot).await,
            ClientMessage::WatchAccount(_) => {
                if self.active_session_within_rate(request).is_some() {
                    self.watch_account(request).await?;
                }
            }
            ClientMessage::GetActivity(body) => self.activity(request, body),
            ClientMessage::GetBalance(body) => self.balance(request, body).await,
            ClientMessage::GetOrders(body) => self.orders(request, body.lot).await,
            ClientMessage::Logout(_) => self.log_out(request).await,
            ClientMessage::GetMarketKey(_) => self.market_key(request),
            ClientMessage::WatchSigned(body) => self.watch_signed(request, body.resume).await?,
            ClientMessage::GetCheckpoint(body) => self.checkpoint(request, body.since),
            ClientMessage::GetReceipt(body) => self.receipt(request, body.of),
            ClientMessage::ListDevices(_) => self.list_devices(request),
            ClientMessage::GetSealingKey(_) => self.sealing_key(request),
            ClientMessage::Envelope(envelope) => self.envelope(request, &envelope).await,
            ClientMessage::OfferPeer(body) => self.offer_peer(request, &body.path),
            ClientMessage::GetPeers(_) => self.get_peers(request),
            command => {
                self.add_to_batch(request, command);
                self.submit_batch();
            }
        }
        Ok(())
    }

    fn greet(&mut self, request: RequestId, message: &ClientMessage) -> Result<(), CloseReason> {
        let ClientMessage::Hello(Hello {
            version_min,
            version_max,
            client,
        }) = message
        else {
            self.refuse(request, Code::OUT_OF_ORDER, "the first message is hello");
            return Ok(());
        };
        let oldest = match *self.tells_days.borrow() {
            true => VERSION_OF_DAYS,
            false => VERSION_OLDEST,
        };
        let version = version_in_common(*version_min, *version_max);
        let Some(version) = version.filter(|version| *version >= oldest) else {
            let text = format!(
                "this server speaks versions {oldest} to {VERSION}, and {version_min} to {version_max} were offered"
            );
            let refused = Refused::new(Code::VERSION_UNSUPPORTED, text).with_number(VERSION);
            self.refused(request, refused);
            return Err(CloseReason::Version);
        };
        if let Some(char) = client.chars().find(|char| disturbs_display(*char)) {
            let char = u32::from(char);
            let text = format!("hello.client: U+{char:04X} is not displayed; expected plain text");
            self.refused(request, Refused::new(Code::MALFORMED, text));
            return Ok(());
        }
        tracing::debug!(client = ?&**client, "hello");
        let welcome = Welcome {
            version,
            market: self.services.market,
            term: self.services.term,
            time: self.services.clock.now(),
            server: Text::of(match self.services.durability {
                Durability::Strict => SERVER,
                Durability::Relaxed => SERVER_RELAXED,
            }),
            heartbeat_ms: u32::try_from(self.services.heartbeat.as_millis())
                .expect("a heartbeat is short"),
        };
        self.version = version;
        self.reply(request, &welcome);
        let took = self.login.begun_at.elapsed();
        self.services.metrics.greeted.observe_time(took, 1);
        self.login.state = State::Ready(None);
        Ok(())
    }

    /// Adds a command to the batch that is submitted together.
    fn add_to_batch(&mut self, request: RequestId, message: ClientMessage) {
        let Some(active_session) = self.active_session_within_rate(request) else {
            return;
        };
        let needs_days = match &message {
            ClientMessage::OpenLot(open) => matches!(open.terms, Terms::Day(_)),
            // Version 1 cannot tell that the whole market is halted either.
            message => matches!(message, ClientMessage::HaltAll(_)),
        };
        if needs_days && !self.services.trading_days {
            self.refused(request, Refused::new(Code::NOT_PERMITTED, DAYS_ARE_OFF));
            return;
        }
        let command = message
            .into_command(active_session.session)
            .expect("all other messages are handled");
        self.submission.batch.push((request, command));
    }

    /// Submits the batch of commands. The answer comes when they are durable; the connection goes on meanwhile.
    pub(super) fn submit_batch(&mut self) {
        if self.submission.batch.is_empty() {
            return;
        }
        let Some(&LiveSession { session, .. }) = self.login.session() else {
            unreachable!("commands are gathered within a session, and submitted before it is left")
        };
        let commands = Commands {
            session,
            commands: std::mem::take(&mut self.submission.batch),
            reply: self.submission.reply_channel.clone(),
        };
        let count = commands.commands.len();
        self.submission.reply_channel.begin(count);
        match self.services.sequencer.submit(commands) {
            Ok(()) => {}
            Err((why, commands)) => {
                self.submission.reply_channel.end(count);
                for (request, _) in commands.commands {
                    self.refuse_unsubmitted(request, why);
                }
            }
        }
    }
}
