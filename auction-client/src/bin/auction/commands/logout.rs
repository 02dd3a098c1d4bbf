//! `auction logout`

use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Desk;

pub async fn run(desk: &Desk) -> Result<(), Failure> {
    let name = desk.resume().await?.name;
    desk.client.logout().await?;
    desk.forget()?;
    desk.out.tell(
        |_| format!("Logged out {name}."),
        || json!({ "user": name.as_str(), "logged_out": true }),
    )
}
