//! Who and what the market knows: its users and its stocks, as everyone sees them.

use crate::model::command::{Listing, Role};
use crate::{Name, Price, Profit};

/// What everyone knows of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct User {
    /// The name.
    pub name: Name,
    /// What they may do.
    pub role: Role,
}

/// A listed stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stock {
    /// As it is listed.
    pub listing: Listing,
    /// The latest profit: published by its company, or listed since.
    pub profit: Profit,
    /// What it traded at in its last call auction in which anything did.
    pub last_uncross: Option<Price>,
}
