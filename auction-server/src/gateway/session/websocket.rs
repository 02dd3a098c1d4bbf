//! The messages of a WebSocket. The HTTP handshake is done before.

use std::io;

use auction_proto::limits::REQUEST_BYTES_MAX;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message as Raw, Utf8Bytes};

use super::close_reason::CloseReason;
use crate::platform::encoding::Encoding;

/// Maximum size of a message, and of a fragment: a frame, whose length field does not count itself.
const MESSAGE_BYTES_MAX: usize = REQUEST_BYTES_MAX + size_of::<u32>();
/// Size of the read buffer, in bytes.
const READ_BUFFER_BYTES: usize = 4_096;
/// Number of output bytes that are collected before a write.
const WRITE_BUFFER_BYTES: usize = 64 * 1_024;
/// Maximum number of output bytes: the largest JSON message, and spare room. More ends the connection.
const WRITE_BUFFER_BYTES_MAX: usize = 16 << 20;

/// A received message.
pub(super) enum Message {
    /// JSON.
    Text(Utf8Bytes),
    /// A frame.
    Binary(Bytes),
}

/// A WebSocket, and the message that was read and not taken yet.
pub(super) struct WebSocket<S> {
    socket: WebSocketStream<S>,
    unread: Option<Message>,
    encoding: Option<Encoding>,
    /// True when the answer to a ping waits to be written.
    owes_pong: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) async fn server(io: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        Self {
            socket: WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await,
            unread: None,
            encoding: None,
            owes_pong: false,
        }
    }

    /// Returns the encoding of the first message; `None` before it.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// Waits for a message or a sign of life.
    pub(super) async fn read(&mut self) -> Result<(), CloseReason> {
        let message = match self.socket.next().await {
            None | Some(Ok(Raw::Close(_))) => return Err(CloseReason::Closed),
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(Raw::Text(text))) => Message::Text(text),
            Some(Ok(Raw::Binary(bytes))) => Message::Binary(bytes),
            // The library answers pings, but reads on when the client does not take the answers, and keeps them.
            Some(Ok(Raw::Ping(_))) => {
                self.owes_pong = true;
                return Ok(());
            }
            Some(Ok(Raw::Pong(_) | Raw::Frame(_))) => return Ok(()),
        };
        let encoding = match message {
            Message::Text(_) => Encoding::Json,
            Message::Binary(_) => Encoding::Binary,
        };
        if *self.encoding.get_or_insert(encoding) != encoding {
            return Err(CloseReason::MixedMessages);
        }
        self.unread = Some(message);
        Ok(())
    }

    /// Returns whether the answer to a ping must be written before more is read.
    pub(super) fn owes_pong(&self) -> bool {
        self.owes_pong
    }

    /// Takes the message that was read.
    pub(super) fn take(&mut self) -> Option<Message> {
        self.unread.take()
    }

    /// Writes messages that end at these positions, and the answer to a ping.
    pub(super) async fn write(
        &mut self,
        encoding: Encoding,
        bytes: Vec<u8>,
        ends: impl Iterator<Item = usize>,
    ) -> Result<(), CloseReason> {
        let bytes = Bytes::from(bytes);
        let mut start = 0;
        for end in ends {
            let message = match encoding {
                Encoding::Binary => Raw::Binary(bytes.slice(start..end)),
                Encoding::Json => {
                    // Without the line end.
                    let text = bytes.slice(start..end - 1);
                    Raw::Text(Utf8Bytes::try_from(text).expect("JSON is text"))
                }
            };
            self.socket.feed(message).await?;
            start = end;
        }
        self.socket.flush().await?;
        self.owes_pong = false;
        Ok(())
    }

    /// Closes the WebSocket, and reads the remaining input.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        let closed = self.socket.close(None).await;
        while let Some(Ok(_)) = self.socket.next().await {}
        closed.map_err(io::Error::other)
    }
}

impl From<Error> for CloseReason {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Closed,
            Error::Io(error) => Self::Stream(error),
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::TooLong {
                most: REQUEST_BYTES_MAX,
            },
            other => Self::Stream(io::Error::other(other)),
        }
    }
}
