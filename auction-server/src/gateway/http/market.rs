//! HTTP at the market's port: its pages, and the WebSocket at `/ws`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::{
    CONNECTION, HOST, HeaderValue, LOCATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, STRICT_TRANSPORT_SECURITY, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::origins::{AllowedOrigins, Foreign};
use super::pages;
use crate::config::Network;
use crate::gateway::admission::Admitted;
use crate::gateway::http::{Request, Response, converse, field, text};
use crate::gateway::session::{self, Channel, CloseReason, HELLO_TIMEOUT, Services};
use crate::gateway::trusted_proxies::TrustedProxies;
use crate::platform::occasional::Occasional;

/// Path of the WebSocket.
const WEBSOCKET: &str = "/ws";
/// The field in which proxies name the client.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// The only version of WebSocket.
const WEBSOCKET_VERSION: &str = "13";

/// For a year: HSTS, RFC 6797. Only for public names: it holds for all ports of a host, and browsers would apply it to
/// other servers on `localhost` too.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The page and its WebSocket as clients and proxies reach them.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) origins: AllowedOrigins,
    pub(crate) proxies: TrustedProxies,
    /// Path under which a proxy passes requests on: empty, or without `/` at its end.
    base_path: String,
    refusals: Occasional,
    unnamed: Occasional,
}

/// The site, as one connection reaches it.
#[derive(Clone, Copy)]
pub(crate) struct Reached<'a> {
    pub(crate) site: &'a Site,
    pub(crate) is_tls: bool,
}

/// An upgrade to WebSocket, and the admission of its client if that was only known now.
type Upgraded = (OnUpgrade, Option<Admitted>);

/// Answers a connection whose client speaks HTTP, and serves the session if it upgrades to WebSocket.
pub(crate) async fn serve<S>(
    stream: S,
    services: Arc<Services>,
    reached: Reached<'_>,
    admitted: Admitted,
) -> CloseReason
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let metrics = &services.metrics;
    let other = metrics.connections_other.held();
    let upgrade: Mutex<Option<Upgraded>> = Mutex::new(None);
    let stopping = services.stopping.clone();
    let conversation = converse(stream, stopping, |request| {
        let (response, handed_on) = reached.answer(request, &admitted, &services);
        if handed_on.is_some() {
            *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = handed_on;
        }
        std::future::ready(response)
    });
    if let Err(error) = conversation.await {
        return CloseReason::Stream(std::io::Error::other(error));
    }
    let upgrade = upgrade.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some((upgrade, client)) = upgrade else {
        return CloseReason::Closed;
    };
    match upgrade.await {
        Ok(stream) => {
            drop(other);
            let _open = metrics.connections_websocket.held();
            let channel = Channel::websocket(TokioIo::new(stream)).await;
            let hello_by = Instant::now() + HELLO_TIMEOUT;
            // Held to the end: the client counts as long as it is connected.
            let client = client.as_ref().unwrap_or(&admitted);
            let client_address = client.client_address().clone();
            session::serve(channel, hello_by, client_address, services.clone()).await
        }
        Err(error) => CloseReason::Stream(std::io::Error::other(error)),
    }
}

impl Reached<'_> {
    /// Answers one request, and tells browsers to use TLS alone for a public name that they reached over TLS.
    fn answer(
        self,
        request: Request,
        admitted: &Admitted,
        services: &Services,
    ) -> (Response, Option<Upgraded>) {
        let is_strict = self.is_tls && self.site.origins.is_public(field(&request, HOST));
        let (mut response, upgraded) = self.site.answer(request, admitted, services);
        if is_strict {
            response
                .headers_mut()
                .insert(STRICT_TRANSPORT_SECURITY, TLS_ALONE);
        }
        (response, upgraded)
    }
}

impl Site {
    /// The site of a server that listens at this address.
    pub(crate) fn new(listens: SocketAddr, network: &Network) -> Self {
        Self {
            origins: AllowedOrigins::new(listens, network.public_hosts.clone()),
            proxies: TrustedProxies::new(network),
            base_path: network.base_path.clone(),
            refusals: Occasional::default(),
            unnamed: Occasional::default(),
        }
    }

    fn answer(
        &self,
        mut request: Request,
        admitted: &Admitted,
        services: &Services,
    ) -> (Response, Option<Upgraded>) {
        if let Err(foreign) = self.check_names(&request, admitted) {
            return (foreign.refusal(), None);
        }
        let path = match self.path_of(request.uri().path()) {
            Ok(path) => path.to_owned(),
            Err(response) => return (*response, None),
        };
        if path != WEBSOCKET {
            return (pages::answer(&request, &path), None);
        }
        let response = match accept(&request) {
            Ok(response) => response,
            Err(response) => return (*response, None),
        };
        self.check_forwarding(&request, admitted);
        let client = match admitted.proxy() {
            None => None,
            Some(proxy) => {
                let fields = request.headers().get_all(FORWARDED_FOR).iter();
                // A field that is not text names nobody.
                let fields = fields.map(|field| field.to_str().unwrap_or_default());
                let client = self.proxies.client(proxy, fields);
                match services.admission.enter(client) {
                    Ok(client) => Some(client),
                    Err(why) => {
                        services.metrics.turned_away.add_one();
                        let text_of = format!("{why}\n");
                        return (text(StatusCode::TOO_MANY_REQUESTS, text_of), None);
                    }
                }
            }
        };
        let upgrade = hyper::upgrade::on(&mut request);
        (response, Some((upgrade, client)))
    }

    /// Refuses a request under a foreign name or from a page of another origin. The operator may not know that a proxy
    /// changes the names: the log says what would let the request in.
    fn check_names(&self, request: &Request, admitted: &Admitted) -> Result<(), Foreign> {
        let foreign = match self.origins.check(request, admitted.proxy().is_some()) {
            Ok(()) => return Ok(()),
            Err(foreign) => foreign,
        };
        let from = admitted.client_address().address();
        self.refusals.log(|unlogged| match &foreign {
            Foreign::Host { host } => tracing::warn!(
                ?from,
                unlogged,
                "a request for the host {host:?} was refused: if browsers reach this server by that name, start it with \
                 --public-host"
            ),
            Foreign::Origin { origin, host } => tracing::warn!(
                ?from,
                unlogged,
                "a request of the page at {origin:?} was refused: it came for the host {host:?}. If it is this server's \
                 page behind a proxy, let the proxy pass the Host field on with its port, or start the server with \
                 --public-host and the name of that page"
            ),
        });
        Err(foreign)
    }

    /// Logs a proxy that names no client, and one that is not trusted.
    fn check_forwarding(&self, request: &Request, admitted: &Admitted) {
        let names_client = request.headers().contains_key(FORWARDED_FOR);
        let from = admitted.client_address().address();
        match admitted.proxy() {
            Some(proxy) if !names_client => self.unnamed.log(|unlogged| {
                tracing::warn!(
                    %proxy,
                    unlogged,
                    "the proxy names no client in X-Forwarded-For: all its clients share the limits of one address"
                );
            }),
            None if names_client => self.unnamed.log(|unlogged| {
                tracing::warn!(
                    ?from,
                    unlogged,
                    "X-Forwarded-For is not believed: if this is the address of your proxy, start the server with \
                     --trusted-proxy"
                );
            }),
            _ => {}
        }
    }

    /// Returns the path below the base path, or the answer for a path outside.
    fn path_of<'r>(&self, path: &'r str) -> Result<&'r str, Box<Response>> {
        let base = &self.base_path;
        match path.strip_prefix(base.as_str()) {
            Some(below) if below.starts_with('/') => Ok(below),
            // The page's own paths are relative to the folder; the root is what a start prints.
            Some("") => Err(redirect(base)),
            _ if path == "/" => Err(redirect(base)),
            _ => {
                let why = format!("the page of this server is at {base}/\n");
                Err(Box::new(text(StatusCode::NOT_FOUND, why)))
            }
        }
    }
}

fn redirect(base_path: &str) -> Box<Response> {
    let mut response = text(StatusCode::FOUND, "");
    let location = HeaderValue::try_from(format!("{base_path}/"));
    let location = location.expect("a base path has only characters of addresses");
    response.headers_mut().insert(LOCATION, location);
    Box::new(response)
}

/// Answers the handshake of RFC 6455, section 4.2.
fn accept(request: &Request) -> Result<Response, Box<Response>> {
    let lists = |name, token: &str| {
        let mut tokens = field(request, name).split(',');
        tokens.any(|listed| listed.trim().eq_ignore_ascii_case(token))
    };
    let is_websocket = request.version() == Version::HTTP_11
        && lists(UPGRADE, "websocket")
        && lists(CONNECTION, "upgrade");
    if !is_websocket {
        let why = "this is where WebSocket begins: ask for an upgrade to it\n";
        let mut refusal = text(StatusCode::UPGRADE_REQUIRED, why);
        let websocket = HeaderValue::from_static("websocket");
        refusal.headers_mut().insert(UPGRADE, websocket);
        return Err(Box::new(refusal));
    }
    if field(request, SEC_WEBSOCKET_VERSION) != WEBSOCKET_VERSION {
        let mut refusal = text(
            StatusCode::UPGRADE_REQUIRED,
            "the version of WebSocket is 13\n",
        );
        let version = HeaderValue::from_static(WEBSOCKET_VERSION);
        refusal.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
        return Err(Box::new(refusal));
    }
    let key = field(request, SEC_WEBSOCKET_KEY);
    if key.is_empty() {
        let why = "Sec-WebSocket-Key is missing\n";
        return Err(Box::new(text(StatusCode::BAD_REQUEST, why)));
    }
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).expect("base64");
    let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let fields = response.headers_mut();
    fields.clear();
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}
