//! `auction login NAME`

use auction_core::Name;
use serde_json::json;

use crate::desk::Desk;
use crate::failure::Failure;
use crate::json::role;
use crate::password::{Asked, password};
use crate::span::moment;

pub async fn run(desk: &Desk, name: Name) -> Result<(), Failure> {
    let password = password(Asked::Once).await?;
    let logged_in = desk.log_in(name, password).await?;
    let until = logged_in.expires_at;
    desk.out.tell(
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
