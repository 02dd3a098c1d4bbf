//! `auction suspend NAME`, `auction reinstate NAME`

use auction_client::{Code, ReinstateUser, SuspendUser};
use auction_core::Name;
use auction_proto::Done;
use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Context;

/// Action on a user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Suspend,
    Reinstate,
}

pub async fn run(context: &Context, name: Name, act: Act) -> Result<(), Failure> {
    let own = context.resume().await?.name;
    if act == Act::Suspend && name == own {
        let message = "this is your own account: once it is suspended you could not reinstate it; another auctioneer can suspend you";
        return Err(Failure::refused(Code::NOT_PERMITTED, message));
    }
    let market = context.client.snapshot().await?;
    let user = market.user_named(name).ok_or_else(|| {
        let message = format!("there is no user {name}; accounts are made with `auction register`");
        Failure::refused(Code::UNKNOWN_USER, message)
    })?;
    let accepted = match act {
        Act::Suspend => context.client.ask(SuspendUser { user }).await?,
        Act::Reinstate => context.client.ask(ReinstateUser { user }).await?,
    };
    let suspended = act == Act::Suspend;
    context.out.print(
        |_| match suspended {
            true => format!(
                "{name} is suspended: what they have bid binds, and they can do nothing more."
            ),
            false => format!("{name} is reinstated."),
        },
        || {
            json!({
                "accepted": true,
                "user": name.as_str(),
                "suspended": suspended,
                "repeated": accepted.done == Done::Before,
            })
        },
    )
}
