//! Sessions over streams other than sockets: a simulated network, and connections within this process with virtual
//! time.

mod stage;
mod network;
mod half_open;
mod expiry;
