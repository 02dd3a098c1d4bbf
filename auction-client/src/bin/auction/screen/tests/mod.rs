//! Tests of the screen from the user's side: keys and events in, text out.

mod fixture;
mod updates;
mod mine;
mod typing;
mod golden;
mod day;
mod properties;
