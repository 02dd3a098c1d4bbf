//! State of a command: its connection to a market, and the session remembered for it.

pub mod state_dir;
pub mod market_key;
pub mod device_key;
pub mod proof_file;
pub mod trust;
pub mod wire_trace;
mod no_echo;
pub mod password;
pub mod login;

use std::path::PathBuf;

use auction_client::{
    Client, Code, ConnectionError, LoggedIn, Lots, LotsOf, MarketKey, PublicKey, Request,
    RequestError, Tls, Trust, tcp,
};
use auction_core::{AccountMode, Lot, LotId, Market, Name, RequestId};

use crate::args::Shared;
use crate::args::server::ServerAddress;
use crate::args::target::{Target, unknown_lot, unknown_symbol};
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::output::out::Out;
use crate::session::market_key::KeyStore;
use crate::session::state_dir::{SessionStore, StoredSession};
use crate::session::trust::{ServerTrust, not_connected};
use crate::session::wire_trace::WireTrace;

/// A connected command.
pub struct Context {
    pub client: Client,
    pub out: Out,
    pub server: ServerAddress,
    /// The market's signing key; `None`: it signs nothing.
    pub key: Option<PublicKey>,
    pub state_dir: PathBuf,
    pub session_store: SessionStore,
}

impl Context {
    /// Connects to the market, and keeps its key or compares it with the kept one.
    pub async fn connect(shared: &Shared) -> Result<Self, Failure> {
        let mut context = Self::connect_to_anyone(shared).await?;
        let server = context.server.to_string();
        context.key = context.key_store().meet(&context.client, &server).await?;
        Ok(context)
    }

    /// Connects to the market without checking its key.
    pub async fn connect_to_anyone(shared: &Shared) -> Result<Self, Failure> {
        let state_dir = shared.state_dir()?;
        let server = shared.server.clone();
        let server_trust = ServerTrust::find(shared, &state_dir)?;
        let trust = server_trust.as_ref().map(ServerTrust::trust).transpose()?;
        let trace = shared.trace_wire.then(|| WireTrace::new(shared.format()));
        let client = connect(&server, trust, trace).await;
        let client =
            client.map_err(|error| not_connected(error, &server, server_trust.as_ref()))?;
        if let Some(server_trust) = server_trust {
            server_trust.remember();
        }
        let session_store = SessionStore::new(&state_dir, &server.to_string(), client.market_id());
        let out = Out::new(shared.format());
        Ok(Self {
            client,
            out,
            server,
            key: None,
            state_dir,
            session_store,
        })
    }

    /// Returns the file of the market's key.
    pub fn key_store(&self) -> KeyStore {
        KeyStore::new(&self.state_dir, self.client.market_id())
    }

    /// Returns the market and its key, for signed data.
    pub fn market_key(&self) -> Result<MarketKey, Failure> {
        let market = self.client.market_id();
        let key = self.key.map(|key| MarketKey { market, key });
        key.ok_or_else(|| Failure::failed("this market signs nothing").with_code("not_signed"))
    }

    /// Resumes the remembered session.
    pub async fn resume(&self) -> Result<LoggedIn, Failure> {
        let Some(stored) = self.session_store.load()? else {
            let server = &self.server;
            let message = format!("not logged in at {server}; `auction login NAME` logs in");
            return Err(Failure::not_logged_in(message));
        };
        match self.client.resume(stored.token).await {
            Ok(logged_in) => Ok(logged_in),
            Err(RequestError::Refused(refused))
                if matches!(refused.code, Code::SESSION_CLOSED | Code::SESSION_EXPIRED) =>
            {
                self.session_store.forget()?;
                let name = stored.name;
                let message = format!(
                    "{name}'s session was closed or has expired; `auction login {name}` logs in again"
                );
                Err(Failure::not_logged_in(message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a request, and returns its answer with its id, which identifies the receipt.
    pub async fn request<R: Request>(&self, request: R) -> Result<(R::Answer, RequestId), Failure> {
        let mut asked = self.client.submit(request).await?;
        let answer = (&mut asked).await?;
        let number = asked.request_id().expect("what is answered has a number");
        Ok((answer, number))
    }

    /// Returns the one named lot that accepts bids, and how traders pay, without a snapshot of the whole market.
    pub async fn open_lot(
        &self,
        target: Target,
        number: Option<LotId>,
    ) -> Result<(Lot, AccountMode), Failure> {
        let question = target.question(number);
        let Lots { lots, accounts, .. } = match (self.client.lots(question).await, question) {
            (Ok(found), _) => found,
            (Err(RequestError::Refused(refused)), _) if refused.code == Code::UNKNOWN_KIND => {
                // A server that does not have this question yet.
                let market = self.client.snapshot().await?;
                let lot = target.open_lot(&market, number)?.clone();
                return Ok((lot, market.accounts()));
            }
            (Err(RequestError::Refused(refused)), LotsOf::Symbol(symbol))
                if refused.code == Code::UNKNOWN_SYMBOL =>
            {
                return Err(unknown_symbol(symbol));
            }
            (Err(RequestError::Refused(refused)), LotsOf::Lot(lot))
                if refused.code == Code::UNKNOWN_LOT =>
            {
                return Err(unknown_lot(lot));
            }
            (Err(error), _) => return Err(error.into()),
        };
        let found: Vec<&Lot> = lots.iter().collect();
        for lot in found.iter().filter(|_| number.is_some()) {
            target.check(lot)?;
        }
        Ok((target.open_lot_of(&found)?.clone(), accounts))
    }

    /// Forgets the session.
    pub fn forget(&self) -> Result<(), Failure> {
        self.session_store.forget()
    }

    /// Returns the remembered session, if any.
    pub fn stored(&self) -> Option<StoredSession> {
        // Ignore errors: the session only marks the user's name, so reading works without.
        self.session_store.load().ok().flatten()
    }

    /// Returns the name of the user whose session is remembered. Reading does not resume it.
    pub fn own(&self) -> Option<Name> {
        self.stored().map(|stored| stored.name)
    }

    /// Returns the market from the logged-in user's point of view, now.
    pub fn view<'a>(&self, market: &'a Market) -> View<'a> {
        View {
            market,
            own: self.own(),
            now: self.client.clock().now(),
        }
    }
}

/// Connects: over TLS if trust is configured, and with a trace if requested.
async fn connect(
    server: &ServerAddress,
    trust: Option<Trust>,
    trace: Option<WireTrace>,
) -> Result<Client, ConnectionError> {
    let address = server.address.clone();
    match (trust, trace) {
        (None, None) => Client::connect(address).await,
        (Some(trust), None) => Client::connect_tls(&address, &trust).await,
        (None, Some(trace)) => {
            Client::connect_with(move || trace.clone().follow(tcp(address.clone()))).await
        }
        (Some(trust), Some(trace)) => {
            let tls = Tls::new(server.host(), &trust)?;
            Client::connect_with(move || {
                let (tls, address) = (tls.clone(), address.clone());
                let stream = async move { tls.wrap(tcp(address).await?).await };
                trace.clone().follow(stream)
            })
            .await
        }
    }
}
