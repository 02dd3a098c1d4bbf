//! The one door, over real sockets: every language that it speaks, and what it does about clients that do not
//! behave.

mod market;
mod lines;
mod websocket;
mod plain;
mod signs_of_life;
mod symbols;
mod fan_out;
mod ops;
mod order_entry;
mod limits;
mod floods;
mod foreign;
