//! Each format's deciding cases as the rules give them, through the engine; and what all lots go through.

#[path = "../market/disclosed.rs"]
mod disclosed;
mod house;
mod dutch;
mod sealed;
mod uniform;
mod call;
mod life;
mod winning;
mod funds;
mod cheating;
