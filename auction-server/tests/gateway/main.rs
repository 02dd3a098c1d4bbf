//! The gateway over real sockets: every protocol that it speaks, and its treatment of misbehaving clients.

mod market;
mod lines;
mod websocket;
mod plain;
mod https;
mod signs_of_life;
mod symbols;
mod fan_out;
mod ops;
mod order_entry;
mod limits;
mod floods;
mod foreign;
mod proxied;
mod real_proxies;
