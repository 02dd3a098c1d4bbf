//! Output of the program: the market, its events and failures, in words and in JSON.

pub mod escape;
pub mod failure;
pub mod colour;
pub mod out;
pub mod theme;
pub mod time;
pub mod table;
pub mod names;
pub mod scalar;
pub mod call;
pub mod day;
pub mod lot;
pub mod lots;
pub mod json;
pub mod event;
pub mod countdown;
