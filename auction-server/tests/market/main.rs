//! The market end to end: the real server, over real sockets, with several clients, and what must hold when it is
//! killed, its disk fails, or someone sends it rubbish.

mod house;
mod line;
mod ledger;
mod bidding;
mod sessions;
mod ending;
mod kill;
mod durable;
