//! `auction register NAME`

use auction_core::Name;
use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Desk;
use crate::session::password::{Asked, password};

pub async fn run(desk: &Desk, name: Name) -> Result<(), Failure> {
    let password = password(Asked::Twice).await?;
    let user = desk.client.register(name, password).await?;
    desk.out.tell(
        |_| format!("Registered {name}. Next: auction login {name}"),
        || json!({ "user": name.as_str(), "user_id": user.0 }),
    )
}
