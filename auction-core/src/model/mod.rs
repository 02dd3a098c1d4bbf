//! Commands, and the events and records decided on them. Plain data and the arithmetic of the rules.

pub(crate) mod steps;
pub(crate) mod random_end;
pub(crate) mod call_terms;
pub(crate) mod day;
pub(crate) mod command;
pub(crate) mod schedule;
pub(crate) mod format;
pub(crate) mod listing;
pub(crate) mod reject;
pub(crate) mod private_event;
pub(crate) mod event;
pub(crate) mod record;
