//! Building blocks of vectors.

use auction_core::RequestId;
use auction_proto::{ClientMessage, ServerMessage};
use serde_json::Value;

/// A message of either side.
#[derive(Clone, Debug)]
pub enum Message {
    Client(ClientMessage),
    Server(ServerMessage),
}

impl Message {
    pub fn from(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Server(_) => "server",
        }
    }

    pub fn kind(&self) -> u16 {
        match self {
            Self::Client(message) => message.kind().0,
            Self::Server(message) => message.kind().0,
        }
    }

    pub fn frame(&self, request: RequestId) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Client(message) => message.encode(request, &mut bytes),
            Self::Server(message) => message.encode(request, &mut bytes),
        }
        bytes
    }

    pub fn json(&self, request: RequestId) -> Value {
        let mut line = Vec::new();
        match self {
            Self::Client(message) => message.encode_json(request, &mut line),
            Self::Server(message) => message.encode_json(request, &mut line),
        }
        serde_json::from_slice(&line).expect("a line is JSON")
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Converts hexadecimal digits to bytes; spaces are ignored.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|char| !char.is_whitespace()).collect();
    let pairs = digits.chunks(2);
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16);
    pairs
        .map(|pair| byte(pair).expect("hexadecimal digits"))
        .collect()
}

/// A frame of any kind around any body.
pub fn frame(kind: u16, request: u64, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(10 + body.len()).expect("it is short");
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(&kind.to_le_bytes());
    frame.extend_from_slice(&request.to_le_bytes());
    frame.extend_from_slice(body);
    frame
}
