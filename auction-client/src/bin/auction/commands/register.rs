//! `auction register NAME`

use auction_core::Name;
use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Context;
use crate::session::password::{Prompts, password};

pub async fn run(context: &Context, name: Name) -> Result<(), Failure> {
    let password = password(Prompts::Twice).await?;
    let user = context.client.register(name, password).await?;
    context.out.print(
        |_| format!("Registered {name}. Next: auction login {name}"),
        || json!({ "user": name.as_str(), "user_id": user.0 }),
    )
}
