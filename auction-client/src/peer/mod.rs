//! Following a market from peer to peer: what the market signs is passed on by those who watch it, and costs its server
//! nothing more. Nobody on the way has to be trusted, for nothing is taken or passed on that the market's key has not
//! signed.
//!
//! [`View`] is all that a peer knows and decides, without IO: what comes from others goes in with the time, and what is
//! to be done comes out.

pub mod limits;
mod letter;
mod freshness;
mod rate;
mod kept;
mod fetch;
mod view;
#[cfg(test)]
mod tests;

pub use fetch::Snapshot;
pub use letter::{Answer, Ask, Letter, LetterError};
pub use view::{Action, Input, Offence, Pinned, Standing, Told, Verdict, View};
