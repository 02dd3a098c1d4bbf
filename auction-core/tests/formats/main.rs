//! Worked cases of each format through the engine, according to the rules; and the life cycle common to all lots.

#[path = "../market/disclosed.rs"]
mod disclosed;
mod house;
mod dutch;
mod sealed;
mod uniform;
mod call;
mod day;
mod life;
mod winning;
mod funds;
mod cheating;
