//! The library and the program with a scripted server: the library over connections in memory and in virtual time, the
//! program over loopback.

mod script;

mod greeting;
mod requests;
mod day;
mod watching;
mod signed;
mod signer;
mod verified;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "cli")]
mod program;
#[cfg(feature = "cli")]
mod tools;
#[cfg(feature = "cli")]
mod market_key;
