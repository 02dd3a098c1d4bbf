//! Accounts of users: cash and shares, sessions, and the view that each user has of their own account.

pub(crate) mod ledger;
pub(crate) mod sessions;
pub(crate) mod standing;
pub(crate) mod view;
mod view_days;
