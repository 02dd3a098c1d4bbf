//! Sessions over streams that are no sockets: a simulated network, and connections within this process whose time
//! goes as fast as it can.

mod stage;
mod network;
mod half_open;
mod expiry;
