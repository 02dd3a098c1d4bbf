//! Where a command stands: connected to a market, with the session that is remembered for it.

pub mod state_dir;
pub mod market_key;
pub mod device_key;
pub mod proof_file;
pub mod trust;
pub mod wire_trace;
mod no_echo;
pub mod password;

use std::path::PathBuf;

use auction_client::{
    Client, Code, ConnectionError, LoggedIn, MarketKey, PublicKey, Request, RequestError, Tls,
    Trust, tcp,
};
use auction_core::{Market, Name, RequestId};

use crate::args::Shared;
use crate::args::server::ServerAddress;
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::output::out::Out;
use crate::session::market_key::KeptKey;
use crate::session::state_dir::{Remembered, Stored};
use crate::session::trust::{Trusting, not_connected};
use crate::session::wire_trace::Trace;

/// A connected command.
pub struct Desk {
    pub client: Client,
    pub out: Out,
    pub server: ServerAddress,
    /// The key that the market signs with; `None`: it signs nothing.
    pub key: Option<PublicKey>,
    pub home: PathBuf,
    remembered: Remembered,
}

impl Desk {
    /// Connects to the market, and keeps its key or compares it with the one that was kept.
    pub async fn connect(shared: &Shared) -> Result<Self, Failure> {
        let mut desk = Self::connect_to_anyone(shared).await?;
        let server = desk.server.to_string();
        desk.key = desk.kept_key().meet(&desk.client, &server).await?;
        Ok(desk)
    }

    /// Connects to the market, whatever key it has.
    pub async fn connect_to_anyone(shared: &Shared) -> Result<Self, Failure> {
        let home = shared.home()?;
        let server = shared.server.clone();
        let trusting = Trusting::find(shared, &home)?;
        let trust = trusting.as_ref().map(Trusting::trust).transpose()?;
        let trace = shared.trace_wire.then(|| Trace::new(shared.form()));
        let client = connect(&server, trust, trace).await;
        let client = client.map_err(|error| not_connected(error, &server, trusting.as_ref()))?;
        if let Some(trusting) = trusting {
            trusting.remember();
        }
        let remembered = Remembered::new(&home, &server.to_string(), client.market_id());
        let out = Out::new(shared.form());
        Ok(Self {
            client,
            out,
            server,
            key: None,
            home,
            remembered,
        })
    }

    /// Where the market's key is kept.
    pub fn kept_key(&self) -> KeptKey {
        KeptKey::new(&self.home, self.client.market_id())
    }

    /// The market and its key, for what is signed.
    pub fn market_key(&self) -> Result<MarketKey, Failure> {
        let market = self.client.market_id();
        let key = self.key.map(|key| MarketKey { market, key });
        key.ok_or_else(|| Failure::failed("this market signs nothing").with_code("not_signed"))
    }

    /// Goes on with the session that is remembered.
    pub async fn resume(&self) -> Result<LoggedIn, Failure> {
        let Some(stored) = self.remembered.load()? else {
            let server = &self.server;
            let message = format!("not logged in at {server}; `auction login NAME` logs in");
            return Err(Failure::not_logged_in(message));
        };
        match self.client.resume(stored.token).await {
            Ok(logged_in) => Ok(logged_in),
            Err(RequestError::Refused(refused))
                if matches!(refused.code, Code::SESSION_CLOSED | Code::SESSION_EXPIRED) =>
            {
                self.remembered.forget()?;
                let name = stored.name;
                let message = format!(
                    "{name}'s session was closed or has expired; `auction login {name}` logs in again"
                );
                Err(Failure::not_logged_in(message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks, and gives the number of the request with the answer: by it a receipt is found.
    pub async fn ask<R: Request>(&self, request: R) -> Result<(R::Answer, RequestId), Failure> {
        let mut asked = self.client.submit(request).await?;
        let answer = (&mut asked).await?;
        let number = asked.number().expect("what is answered has a number");
        Ok((answer, number))
    }

    /// Remembers a session that was opened.
    pub fn remember(&self, logged_in: &LoggedIn) -> Result<(), Failure> {
        let LoggedIn {
            name,
            session,
            expires_at,
            ..
        } = *logged_in;
        let token = logged_in.token.clone();
        let token = token.ok_or_else(|| Failure::failed("the server gave no token to remember"))?;
        self.remembered.save(&Stored {
            name,
            session,
            token,
            expires_at,
        })
    }

    /// Forgets the session.
    pub fn forget(&self) -> Result<(), Failure> {
        self.remembered.forget()
    }

    /// The session that is remembered, if any.
    pub fn stored(&self) -> Option<Stored> {
        // What only marks one's own name need not stop anyone from reading.
        self.remembered.load().ok().flatten()
    }

    /// Whose session is remembered. To read, it is not gone on with.
    pub fn own(&self) -> Option<Name> {
        self.stored().map(|stored| stored.name)
    }

    /// The market through the eyes of whoever is logged in, now.
    pub fn view<'a>(&self, market: &'a Market) -> View<'a> {
        View {
            market,
            own: self.own(),
            now: self.client.clock().now(),
        }
    }
}

/// Connects: over TLS when there is someone to trust, and shown when it is traced.
async fn connect(
    server: &ServerAddress,
    trust: Option<Trust>,
    trace: Option<Trace>,
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
