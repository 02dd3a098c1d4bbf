//! The whole engine against an oracle that is written differently: a plain list of all offers, from which everything is
//! recomputed at each step.

#[path = "../clearing/oracle.rs"]
mod ladder;
mod oracle;
mod opening;
mod orders;
mod lot;
mod formats;
mod calls;
mod accounts;
mod listed;
mod terms;
mod turn;
mod offers;
mod steps;
mod disclosed;
mod laws;
mod sessions;
mod access;
mod records;
mod secrets;
mod no_trace;
mod fast_path;
