//! `auction status`

use serde_json::json;

use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::output::time::moment;
use crate::session::Context;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let market = context.client.snapshot().await?;
    let (welcome, clock, stored) = (
        context.client.welcome(),
        context.client.clock(),
        context.stored(),
    );
    let (lots, open) = (market.lots().len(), market.open_lots());
    let (stocks, users) = (market.stocks().count(), market.users().len());
    let server = Escaped(&welcome.server).to_string();
    let key = context.key.map(|key| key.fingerprint().to_string());
    let micros = |duration: std::time::Duration| duration.as_micros();
    context.out.print(
        |_| {
            let user = match &stored {
                Some(stored) => format!("{} until {}", stored.name, moment(stored.expires_at)),
                None => "nobody; `auction login NAME` logs in".to_owned(),
            };
            format!(
                "market       {}\nits key      {}\nserver       {} at {}, protocol {}\nserver time  {}, give or take {} us\n\
                 round trip   {} us\nlots         {open} open of {lots}\nstocks       {stocks}\n\
                 users        {users}\nlogged in    {user}",
                market.id(),
                key.as_deref().unwrap_or("none; it signs nothing"),
                server,
                context.server,
                welcome.version,
                clock.now(),
                micros(clock.error()),
                micros(clock.round_trip()),
            )
        },
        || {
            json!({
                "market": market.id().to_string(),
                "key_fingerprint": key,
                "server": server,
                "address": context.server.to_string(),
                "protocol": welcome.version,
                "server_time": clock.now().to_string(),
                "clock_error_us": u64::try_from(micros(clock.error())).unwrap_or(u64::MAX),
                "round_trip_us": u64::try_from(micros(clock.round_trip())).unwrap_or(u64::MAX),
                "feed_sequence": market.feed_sequence().0,
                "open_lots": open,
                "lots": lots,
                "stocks": stocks,
                "users": users,
                "user": stored.as_ref().map(|stored| stored.name.to_string()),
            })
        },
    )
}
