//! The screen as a person meets it: keys and events in, text out.

mod stage;
mod telling;
mod mine;
mod typing;
mod golden;
mod laws;
