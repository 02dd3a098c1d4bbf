//! Who may do what.

use super::Engine;
use crate::model::command::{Actor, Role};
use crate::model::reject::Reject;
use crate::{Symbol, UserId};

/// What an actor needs for a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Bid,
    Publish(Symbol),
    RunLots,
    Operate,
    TellTime,
}

impl Engine {
    /// Who acts, if they have the right; `None` is the operator, or the clock.
    #[inline]
    pub(super) fn require(&self, actor: Actor, right: Right) -> Result<Option<UserId>, Reject> {
        let user = match (actor, right) {
            (Actor::Clock, Right::TellTime) => return Ok(None),
            (Actor::Clock, _) => unreachable!("the clock asks for nothing but what is due"),
            (Actor::Operator, Right::Bid | Right::TellTime) => return Err(Reject::NotByOperator),
            (Actor::Operator, _) => return Ok(None),
            (Actor::User(user), _) => user,
        };
        let role = self
            .market
            .user(user)
            .ok_or(Reject::UnknownUser { user })?
            .role;
        match (right, role) {
            (Right::Bid, Role::Trader) | (Right::RunLots, Role::Auctioneer) => {}
            (Right::Publish(symbol), Role::Company(own)) if symbol == own => {}
            (Right::Publish(_), Role::Company(own)) => return Err(Reject::NotYourStock { own }),
            _ => return Err(Reject::NotPermitted { role }),
        }
        if self.roster.is_suspended(user) {
            return Err(Reject::Suspended);
        }
        Ok(Some(user))
    }

    #[inline]
    pub(super) fn require_trader(&self, actor: Actor) -> Result<UserId, Reject> {
        let trader = self.require(actor, Right::Bid)?;
        Ok(trader.expect("who may bid is a user"))
    }
}
