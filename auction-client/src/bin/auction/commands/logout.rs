//! `auction logout`

use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Context;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let name = context.resume().await?.name;
    context.client.logout().await?;
    context.forget()?;
    context.out.print(
        |_| format!("Logged out {name}."),
        || json!({ "user": name.as_str(), "logged_out": true }),
    )
}
