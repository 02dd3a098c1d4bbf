//! `auction passwd`

use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Context;
use crate::session::password::change;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let name = context.resume().await?.name;
    let (old, new) = change().await?;
    context.client.change_password(old, new).await?;
    context.out.print(
        |_| {
            format!(
                "The password of {name} is changed. Your other sessions and all devices are logged out."
            )
        },
        || json!({ "user": name.as_str(), "changed": true }),
    )
}
