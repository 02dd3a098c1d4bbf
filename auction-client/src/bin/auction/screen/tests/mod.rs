//! The screen as a person meets it: keys and events in, text out.

mod fixture;
mod updates;
mod mine;
mod typing;
mod golden;
mod properties;
