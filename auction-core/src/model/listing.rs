//! Users and stocks of the market, as the public sees them.

use crate::model::command::{Listing, Role};
use crate::{Name, Price, Profit};

/// Public data of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct User {
    /// The name.
    pub name: Name,
    /// The role.
    pub role: Role,
}

/// A listed stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stock {
    /// The row of the stock list.
    pub listing: Listing,
    /// The latest profit: published by its company, or listed since.
    pub profit: Profit,
    /// Price of its last call auction in which anything traded.
    pub last_uncross: Option<Price>,
}
