//! Separation of messages in a stream of bytes: binary frames, and lines of JSON.

pub(crate) mod frame;
pub(crate) mod lines;
