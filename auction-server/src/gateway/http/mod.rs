//! HTTP/1.1, as much of it as the ports need: small answers to `GET`, and the way out to WebSocket.

pub mod ops;
pub mod market;
mod pages;
pub mod origins;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::platform::shutdown::stopped;

/// How long the head of a request may take to come, and the next request on a connection.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may last, but for those that become WebSockets.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest head of a request, in bytes; a larger one is answered 431.
pub const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// The most fields of a head; more are answered 431.
pub const HEAD_FIELDS_MAX: usize = 64;

/// Nothing may be loaded but from this server, nothing inline run, no text become markup, and no other page may
/// frame these.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                              connect-src 'self'; base-uri 'none'; form-action 'none'; \
                              frame-ancestors 'none'; require-trusted-types-for 'script'; \
                              trusted-types 'none'";

/// A request as it is answered here: its body is not read.
pub type Request = hyper::Request<Incoming>;
/// An answer, whole.
pub type Response = hyper::Response<Full<Bytes>>;

/// A text answer.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response {
    content(status, "text/plain; charset=utf-8", text)
}

/// An answer of a media type, guarded against what browsers could make of it.
#[must_use]
pub fn content(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = HeaderValue::from_static(CONTENT_POLICY);
    fields.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Answers the requests of a connection until it ends, is handed on to another protocol, or the server is ending.
///
/// # Errors
/// What hyper says; the connection is of no more use.
pub async fn converse<S, F>(
    stream: S,
    mut stopping: watch::Receiver<bool>,
    respond: impl Fn(Request) -> F,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response>,
{
    let answer = |request: Request| {
        let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
        let response = is_get.then(|| respond(request));
        async move {
            Ok::<_, std::convert::Infallible>(match response {
                Some(response) => response.await,
                None => text(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "only GET is answered here\n",
                ),
            })
        }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .max_headers(HEAD_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .with_upgrades();
    let mut connection = pin!(connection);
    let conversation = async {
        tokio::select! {
            ended = &mut connection => ended,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    // Who takes longer is left alone.
    timeout(CONNECTION_TIMEOUT, conversation)
        .await
        .unwrap_or(Ok(()))
}

/// A field of the head; empty when it is not there, there more than once, or no text.
#[must_use]
pub fn field(request: &Request, name: HeaderName) -> &str {
    let mut all = request.headers().get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(only), None) => only.to_str().unwrap_or_default(),
        _ => "",
    }
}
