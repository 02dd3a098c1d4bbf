//! Why a connection ends.

use std::io;

use auction_proto::{Code, FrameError};

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum CloseReason {
    /// The client closed it.
    #[error("closed by the client")]
    Closed,
    /// The stream failed.
    #[error(transparent)]
    Stream(#[from] io::Error),
    /// The client took too long to introduce itself.
    #[error("no hello in time")]
    NoHello,
    /// The client did not read what it was sent.
    #[error("the client does not read")]
    TooSlow,
    /// The client said nothing for too long.
    #[error("nothing came for two heartbeats; a client that lives sends a ping")]
    Silent,
    /// A message is longer than it can be.
    #[error("a message of more than {most} bytes")]
    TooLong {
        /// The limit.
        most: usize,
    },
    /// The bytes are no frames.
    #[error(transparent)]
    NotFrames(FrameError),
    /// A binary message of a WebSocket is not one frame.
    #[error("a binary message of a WebSocket is one frame, whole and alone")]
    NotOneFrame,
    /// Text and binary messages on one WebSocket.
    #[error("a WebSocket keeps to what its first message was, text or binary")]
    MixedMessages,
    /// Client and server speak no version in common.
    #[error("no version in common")]
    Version,
    /// It was one too many, or spoke without TLS where TLS is spoken; it was told so.
    #[error("sent away")]
    SentAway,
    /// The server is ending.
    #[error("the server is ending")]
    Stopping,
}

impl CloseReason {
    /// What the client is told as the last; nothing when it would not hear it, or was told already.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Closed | Self::Stream(_) | Self::TooSlow | Self::SentAway => None,
            Self::NoHello | Self::Silent => Some(Code::TIMED_OUT),
            Self::TooLong { .. } => Some(Code::FRAME_TOO_LARGE),
            Self::NotFrames(_) | Self::NotOneFrame | Self::MixedMessages => Some(Code::MALFORMED),
            Self::Version => Some(Code::VERSION_UNSUPPORTED),
            Self::Stopping => Some(Code::SHUTTING_DOWN),
        }
    }
}
