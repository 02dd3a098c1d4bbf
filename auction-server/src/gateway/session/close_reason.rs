//! Reasons why a connection ends.

use std::io;

use auction_proto::{Code, FrameError};

/// Reason why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum CloseReason {
    /// The client closed it.
    #[error("closed by the client")]
    Closed,
    /// The stream failed.
    #[error(transparent)]
    Stream(#[from] io::Error),
    /// The client did not send its hello in time.
    #[error("no hello in time")]
    NoHello,
    /// The client did not read its messages.
    #[error("the client does not read")]
    TooSlow,
    /// The client was silent for too long.
    #[error("nothing came for two heartbeats; a client that lives sends a ping")]
    Silent,
    /// A message exceeds the maximum length.
    #[error("a message of more than {most} bytes")]
    TooLong {
        /// The limit.
        most: usize,
    },
    /// The bytes are not valid frames.
    #[error(transparent)]
    NotFrames(FrameError),
    /// A binary message of a WebSocket is not one frame.
    #[error("a binary message of a WebSocket is one frame, whole and alone")]
    NotOneFrame,
    /// Text and binary messages on one WebSocket.
    #[error("a WebSocket keeps to what its first message was, text or binary")]
    MixedMessages,
    /// Client and server have no protocol version in common.
    #[error("no version in common")]
    Version,
    /// The client speaks version 1, and the market has what that version cannot tell.
    #[error("this market has trading days, which version 1 cannot tell: speak version 2")]
    Outgrown,
    /// Refused: one connection too many, or no TLS on a port that requires it. The client has the reason already.
    #[error("sent away")]
    SentAway,
    /// The server is ending.
    #[error("the server is ending")]
    Stopping,
}

impl CloseReason {
    /// Returns the code of the last message to the client; `None` when the client would not read it, or has it already.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Closed | Self::Stream(_) | Self::TooSlow | Self::SentAway => None,
            Self::NoHello | Self::Silent => Some(Code::TIMED_OUT),
            Self::TooLong { .. } => Some(Code::FRAME_TOO_LARGE),
            Self::NotFrames(_) | Self::NotOneFrame | Self::MixedMessages => Some(Code::MALFORMED),
            Self::Version | Self::Outgrown => Some(Code::VERSION_UNSUPPORTED),
            Self::Stopping => Some(Code::SHUTTING_DOWN),
        }
    }
}
