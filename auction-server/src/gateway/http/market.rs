//! HTTP at the market's port: its pages, and the WebSocket at `/ws`.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::{
    CONNECTION, HOST, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    STRICT_TRANSPORT_SECURITY, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::origins::AllowedOrigins;
use super::pages;
use crate::gateway::admission::ClientAddress;
use crate::gateway::http::{Request, Response, converse, field, text};
use crate::gateway::session::{self, Channel, CloseReason, HELLO_TIMEOUT, Services};

/// Path of the WebSocket.
const WEBSOCKET: &str = "/ws";
/// The only version of WebSocket.
const WEBSOCKET_VERSION: &str = "13";

/// For a year: HSTS, RFC 6797. Only for public names: it holds for all ports of a host, and browsers would apply it to
/// other servers on `localhost` too.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Names by which clients reach this server, and the transport of the connection.
pub(crate) struct Site<'a> {
    pub(crate) origins: &'a AllowedOrigins,
    pub(crate) is_tls: bool,
}

/// Answers a connection whose client speaks HTTP, and serves the session if it upgrades to WebSocket.
pub(crate) async fn serve<S>(
    stream: S,
    services: Arc<Services>,
    site: Site<'_>,
    client_address: Arc<ClientAddress>,
) -> CloseReason
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let metrics = &services.metrics;
    let other = metrics.connections_other.held();
    let upgrade = Mutex::new(None);
    let stopping = services.stopping.clone();
    let conversation = converse(stream, stopping, |request| {
        let (response, handed_on) = answer(request, &site);
        if handed_on.is_some() {
            *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = handed_on;
        }
        std::future::ready(response)
    });
    if let Err(error) = conversation.await {
        return CloseReason::Stream(std::io::Error::other(error));
    }
    let upgrade: Option<OnUpgrade> = upgrade.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some(upgrade) = upgrade else {
        return CloseReason::Closed;
    };
    match upgrade.await {
        Ok(stream) => {
            drop(other);
            let _open = metrics.connections_websocket.held();
            let channel = Channel::websocket(TokioIo::new(stream)).await;
            let hello_by = Instant::now() + HELLO_TIMEOUT;
            session::serve(channel, hello_by, client_address, services.clone()).await
        }
        Err(error) => CloseReason::Stream(std::io::Error::other(error)),
    }
}

/// Answers one request, and tells browsers to use TLS alone for a public name that they reached over TLS.
fn answer(request: Request, site: &Site<'_>) -> (Response, Option<OnUpgrade>) {
    let is_strict = site.is_tls && site.origins.is_public(field(&request, HOST));
    let (mut response, upgrade) = answer_on_any_transport(request, site.origins);
    if is_strict {
        response
            .headers_mut()
            .insert(STRICT_TRANSPORT_SECURITY, TLS_ALONE);
    }
    (response, upgrade)
}

fn answer_on_any_transport(
    mut request: Request,
    origins: &AllowedOrigins,
) -> (Response, Option<OnUpgrade>) {
    if let Err(refusal) = origins.check(&request) {
        return (*refusal, None);
    }
    let path = request.uri().path();
    if path == WEBSOCKET {
        return match accept(&request) {
            Ok(response) => (response, Some(hyper::upgrade::on(&mut request))),
            Err(response) => (*response, None),
        };
    }
    (pages::answer(&request), None)
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
