//! `auction login NAME`

use auction_core::Name;
use serde_json::json;

use crate::output::failure::Failure;
use crate::output::json::role;
use crate::output::time::moment;
use crate::session::Desk;
use crate::session::password::{Asked, password};

pub async fn run(desk: &Desk, name: Name) -> Result<(), Failure> {
    let password = password(Asked::Once).await?;
    let logged_in = desk.client.login(name, password).await?;
    desk.remember(&logged_in)?;
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
