//! Errors of the client, told apart by the remedy.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use auction_core::{MarketId, Price, RequestId, Timestamp};
use auction_proto::{
    BodyError, Code, FrameError, Goodbye, Kind, Refused, SnapshotError, StatementError,
};

use crate::fingerprint::Fingerprint;

/// Reason why there is no connection, or no longer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nothing answers at the address, or the address is invalid.
    #[error("could not connect: {0}")]
    Connect(Arc<io::Error>),
    /// The TLS handshake failed: the server is not trusted, or speaks no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server speaks TLS, and this connection is plain.
    #[error("the server speaks TLS, and this connection does not")]
    SpeaksTls,
    /// The connection failed while it was in use.
    #[error("the connection failed: {0}")]
    Io(Arc<io::Error>),
    /// The server closed the connection without giving a reason.
    #[error("the server closed the connection")]
    Ended,
    /// The server gave a reason for closing the connection.
    #[error("the server closed the connection: {} ({})", .0.message, .0.code)]
    Goodbye(Box<Goodbye>),
    /// The server refused the greeting, or refused to resume the session.
    #[error("{} ({})", .0.message, .0.code)]
    Refused(Box<Refused>),
    /// The server did not answer in time.
    #[error("the server did not answer within {0:?}")]
    TimedOut(Duration),
    /// The bytes received are no frames: perhaps the server is not an auction server.
    #[error("the server does not speak the auction protocol: {0}")]
    Frame(#[from] FrameError),
    /// The body of a frame cannot be decoded as a message.
    #[error("the server sent a message that cannot be read: {0}")]
    Body(#[from] BodyError),
    /// The server sent a message that is no answer to the request.
    #[error("the server answered with {0}, which is no answer to the request")]
    Unexpected(Kind),
    /// The server chose a version that was not offered.
    #[error("the server chose version {0} of the protocol, which was not offered")]
    Version(u16),
    /// The parts of a snapshot do not fit together.
    #[error("the server sent an inconsistent snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The server sent signed data whose signature is not the market's: it has another key, or someone intercepts the
    /// connection.
    #[error("the server sent data that the market has not signed: {0}")]
    NotSigned(#[from] StatementError),
    /// Another market answers at the address now; requests meant for the first are not sent to it.
    #[error("there is another market at this address now: {found} instead of {before}")]
    OtherMarket {
        /// The market that the client knew.
        before: MarketId,
        /// The market that answers now.
        found: MarketId,
    },
    /// A request with this id is in flight already.
    #[error("a request with the id {0} is in flight already")]
    InFlight(RequestId),
    /// The client was closed.
    #[error("the client was closed")]
    Closed,
}

/// Reason why TLS failed, told apart by the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The server does not speak TLS at this port, or not version 1.3; holds a description of its answer.
    #[error("the server does not speak TLS 1.3 at this port: {0}")]
    NotSpoken(String),
    /// The certificate is not the pinned one: another server, a new certificate, or an interceptor.
    #[error(
        "the server's certificate is not the pinned one: it should be {pinned}, and is {found}"
    )]
    OtherCertificate {
        /// The pinned fingerprint.
        pinned: Fingerprint,
        /// The fingerprint of the server's certificate.
        found: Fingerprint,
    },
    /// No trusted authority has signed the certificate.
    #[error("no trusted authority has signed the server's certificate, {found}")]
    UnknownAuthority {
        /// The certificate's fingerprint.
        found: Fingerprint,
    },
    /// The certificate is for another name.
    #[error("the server's certificate is not for {expected}, but for {}", presented.join(", "))]
    OtherName {
        /// The name that the client connected to.
        expected: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// The certificate has expired.
    #[error(
        "the server's certificate expired at {since}; its operator must renew it, or a clock is wrong"
    )]
    Expired {
        /// The last moment at which it was valid.
        since: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error(
        "the server's certificate is good from {from} on; perhaps this machine's clock is wrong"
    )]
    NotYetValid {
        /// The first moment at which it is valid.
        from: Timestamp,
    },
    /// The machine has no root certificates.
    #[error("this machine has no root certificates{0}")]
    NoAuthorities(String),
    /// The given authorities are not PEM certificates.
    #[error("the given authorities are not PEM certificates: {0}")]
    Authorities(String),
    /// The host is neither a DNS name nor an IP address, so no certificate can match it.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Host(String),
    /// Any other failure.
    #[error("TLS failed: {0}")]
    Failed(String),
}

impl ConnectionError {
    /// Converts the error of a failed attempt to open a stream.
    pub(crate) fn connecting(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match tls {
            Some(tls) => Self::Tls(TlsError::clone(tls)),
            None => Self::Connect(Arc::new(error)),
        }
    }
}

/// Reason why a request failed. The three variants differ in what is known, and so in what to do next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// The market refused the request and gave the reason; nothing was done. The refusal contains the remedy: for a bid
    /// too low, `price` is the least acceptable bid.
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// The request was sent, and no answer came: it may have been carried out or not. Look at the market before sending
    /// it again. (A request that only reads can simply be repeated.)
    #[error("no answer came, so it is not known whether this was done: {0}")]
    OutcomeUnknown(#[source] ConnectionError),
    /// The request was never sent: nothing was done.
    #[error("nothing was sent: {0}")]
    NotConnected(#[source] ConnectionError),
}

/// Reason why a bid failed.
pub type BidError = RequestError;

impl RequestError {
    /// Returns the market's refusal, if this is one.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::OutcomeUnknown(_) | Self::NotConnected(_) => None,
        }
    }

    /// Returns the least acceptable bid if the market refused a bid as too low.
    #[must_use]
    pub fn least_bid(&self) -> Option<Price> {
        let refused = self.refused()?;
        let too_low = refused.code == Code::BID_TOO_LOW;
        refused.price.filter(|_| too_low)
    }
}
