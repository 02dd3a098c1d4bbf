//! What can go wrong, told apart by what can be done about it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use auction_core::{MarketId, Price, Timestamp};
use auction_proto::{
    BodyError, Code, FrameError, Goodbye, Kind, Refused, SnapshotError, StatementError,
};

use crate::fingerprint::Fingerprint;

/// Why there is no connection, or no longer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody answers at the address, or it is none.
    #[error("could not connect: {0}")]
    Connect(Arc<io::Error>),
    /// TLS came to nothing: who answers is not who is trusted, or speaks no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server answered in TLS, and this connection is plain.
    #[error("the server speaks TLS, and this connection does not")]
    SpeaksTls,
    /// The connection failed while it was in use.
    #[error("the connection failed: {0}")]
    Io(Arc<io::Error>),
    /// The server closed the connection without a word.
    #[error("the server closed the connection")]
    Ended,
    /// The server said why it closes the connection.
    #[error("the server closed the connection: {} ({})", .0.message, .0.code)]
    Goodbye(Box<Goodbye>),
    /// The server refused to talk, or refused the session to go on with.
    #[error("{} ({})", .0.message, .0.code)]
    Refused(Box<Refused>),
    /// The server did not answer in time.
    #[error("the server did not answer within {0:?}")]
    TimedOut(Duration),
    /// What came are no frames: perhaps it is not a market's server.
    #[error("the server does not speak the auction protocol: {0}")]
    Frame(#[from] FrameError),
    /// A frame's body is no message.
    #[error("the server sent a message that cannot be read: {0}")]
    Body(#[from] BodyError),
    /// The server answered with something that is no answer to what it was asked.
    #[error("the server answered with {0}, which does not belong here")]
    Unexpected(Kind),
    /// The server chose a version that was not offered.
    #[error("the server chose version {0} of the protocol, which was not offered")]
    Version(u16),
    /// The parts of a snapshot do not fit together.
    #[error("the server sent a snapshot that does not fit together: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The server sent as the market's what the market has not signed: its key is another, or someone stands between.
    #[error("the server sent what the market has not signed: {0}")]
    NotSigned(#[from] StatementError),
    /// There is another market at the address now: what was asked of the first is not asked of it.
    #[error("there is another market at this address now: {found} instead of {before}")]
    OtherMarket {
        /// The market that the client knew.
        before: MarketId,
        /// The one that answers now.
        found: MarketId,
    },
    /// The client was closed.
    #[error("the client was closed")]
    Closed,
}

/// Why TLS came to nothing, told apart by what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// What answers speaks no TLS there, or none of version 1.3; holds what it did instead.
    #[error("the server does not speak TLS 1.3 at this port: {0}")]
    NotSpoken(String),
    /// The certificate is not the one that was pinned: another server, a new certificate, or someone in between.
    #[error(
        "the server is not the one that was pinned: the certificate should be {pinned}, and is {found}"
    )]
    OtherCertificate {
        /// What was pinned.
        pinned: Fingerprint,
        /// What the server showed.
        found: Fingerprint,
    },
    /// Nobody who is trusted vouches for the certificate.
    #[error("no authority that is trusted here vouches for the server's certificate, {found}")]
    UnknownAuthority {
        /// The certificate.
        found: Fingerprint,
    },
    /// The certificate is someone else's.
    #[error("the server's certificate is not for {expected}, but for {}", presented.join(", "))]
    OtherName {
        /// The name that was connected to.
        expected: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// The certificate's time has run out.
    #[error(
        "the server's certificate expired at {since}; its operator must renew it, or a clock is wrong"
    )]
    Expired {
        /// The last moment at which it was good.
        since: Timestamp,
    },
    /// The certificate's time has not come.
    #[error(
        "the server's certificate is good from {from} on; perhaps this machine's clock is wrong"
    )]
    NotYetValid {
        /// The first moment at which it is good.
        from: Timestamp,
    },
    /// The machine has no authorities to trust.
    #[error("this machine has no list of authorities to trust{0}")]
    NoAuthorities(String),
    /// A list of authorities is none.
    #[error("the authorities to trust are no certificates as PEM: {0}")]
    Authorities(String),
    /// TLS needs to know whom to expect.
    #[error("{0:?} is neither a name nor a number that a certificate can be for")]
    Host(String),
    /// Anything else.
    #[error("TLS failed: {0}")]
    Failed(String),
}

impl ConnectionError {
    /// What it means that there is no stream.
    pub(crate) fn connecting(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match tls {
            Some(tls) => Self::Tls(TlsError::clone(tls)),
            None => Self::Connect(Arc::new(error)),
        }
    }
}

/// Why a request did not succeed. The three differ in what is known, and so in what to do next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// The market said no, and why; nothing was done. The remedy stands in it: for a bid too low, `price` is
    /// the least bid.
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// The request was sent, and no answer came: it may have been done or not. Look at the market before
    /// asking again. (A request that only reads can simply be asked again.)
    #[error("no answer came, so it is not known whether this was done: {0}")]
    OutcomeUnknown(#[source] ConnectionError),
    /// The request was never sent: nothing was done.
    #[error("nothing was sent: {0}")]
    NotConnected(#[source] ConnectionError),
}

/// Why a bid did not succeed.
pub type BidError = RequestError;

impl RequestError {
    /// The market's refusal, when it refused.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::OutcomeUnknown(_) | Self::NotConnected(_) => None,
        }
    }

    /// The least bid that would do, when the market refused one as too low.
    #[must_use]
    pub fn least_bid(&self) -> Option<Price> {
        let refused = self.refused()?;
        let too_low = refused.code == Code::BID_TOO_LOW;
        refused.price.filter(|_| too_low)
    }
}
