//! `auction login NAME`

use auction_core::Name;
use serde_json::json;

use crate::output::failure::Failure;
use crate::output::json::role;
use crate::output::time::moment;
use crate::session::Context;
use crate::session::password::{Prompts, password};

pub async fn run(context: &Context, name: Name) -> Result<(), Failure> {
    let password = password(Prompts::Once).await?;
    let logged_in = context.log_in(name, password).await?;
    let until = logged_in.expires_at;
    context.out.print(
        |_| {
            format!(
                "Logged in as {name} until {}. Next: auction lots",
                moment(until)
            )
        },
        || {
            json!({
                "user": name.as_str(),
                "role": role(logged_in.role),
                "session": logged_in.session.0,
                "expires_at": until.to_string(),
            })
        },
    )
}
