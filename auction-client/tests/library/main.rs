//! The library against a server that says what the test tells it, over connections in memory and in virtual
//! time.

mod script;

mod greeting;
mod requests;
mod watching;
