//! The trading day against an oracle that is written differently: a plain list of orders, searched again for every trade,
//! and a schedule that is read again for every deadline.
//!
//! Random tests are short. `AUCTION_LONG=1 cargo test --release -p auction-core --test day random` runs
//! more than a thousand times as many commands: some ten million. `AUCTION_DAYS=20000` in its place runs as many days, each
//! of other commands, so that a long run can be split.

#[path = "../clearing/oracle.rs"]
mod ladder;
#[path = "../market/disclosed.rs"]
mod disclosed;
mod oracle;
mod steps;
mod laws;
mod market;
mod told;
mod shown;
mod state;
mod own;
mod lies;
mod pair;
mod vectors;
mod cases;
mod random;
