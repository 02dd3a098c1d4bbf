//! Permissions: the commands that each actor may use.

use super::Engine;
use crate::model::command::{Actor, Role};
use crate::model::reject::Reject;
use crate::{Symbol, UserId};

/// Permission that a command requires of its actor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    Bid,
    Publish(Symbol),
    RunLots,
    Operate,
    TellTime,
}

impl Engine {
    /// Returns the acting user, if they have the permission; `None` is the operator, or the clock.
    #[inline]
    pub(super) fn require(
        &self,
        actor: Actor,
        permission: Permission,
    ) -> Result<Option<UserId>, Reject> {
        let user = match (actor, permission) {
            (Actor::Clock, Permission::TellTime) => return Ok(None),
            (Actor::Clock, _) => unreachable!("the clock asks for nothing but what is due"),
            (Actor::Operator, Permission::Bid | Permission::TellTime) => {
                return Err(Reject::NotByOperator);
            }
            (Actor::Operator, _) => return Ok(None),
            (Actor::User(user), _) => user,
        };
        let role = self
            .market
            .user(user)
            .ok_or(Reject::UnknownUser { user })?
            .role;
        match (permission, role) {
            (Permission::Bid, Role::Trader) | (Permission::RunLots, Role::Auctioneer) => {}
            (Permission::Publish(symbol), Role::Company(own)) if symbol == own => {}
            (Permission::Publish(_), Role::Company(own)) => {
                return Err(Reject::NotYourStock { own });
            }
            _ => return Err(Reject::NotPermitted { role }),
        }
        if self.sessions.is_suspended(user) {
            return Err(Reject::Suspended);
        }
        Ok(Some(user))
    }

    /// Checks that someone may open, halt, move and close lots; the clock may not be asked about.
    pub(crate) fn check_runs_lots(&self, actor: Actor) -> Result<(), Reject> {
        self.require(actor, Permission::RunLots).map(|_| ())
    }

    #[inline]
    pub(super) fn require_trader(&self, actor: Actor) -> Result<UserId, Reject> {
        let trader = self.require(actor, Permission::Bid)?;
        Ok(trader.expect("who may bid is a user"))
    }
}
