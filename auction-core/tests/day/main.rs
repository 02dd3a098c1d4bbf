//! The trading day against an oracle that is written differently: a plain list of orders, searched again for every trade,
//! and a schedule that is read again for every deadline.

#[path = "../clearing/oracle.rs"]
mod ladder;
mod oracle;
mod vectors;
