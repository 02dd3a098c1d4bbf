//! `auction status`

use auction_core::{Span, Timestamp};
use serde_json::json;

use crate::args::time::machine_time;
use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::output::time::moment;
use crate::session::Context;

/// Difference between the server's clock and this machine's from which on it is shown; a smaller one is within the
/// clocks' accuracy.
const OFFSET_LOUD: Span = Span::from_secs(1);

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
    let server_time = clock.now();
    let machine_time = machine_time();
    context.out.print(
        |_| {
            let user = match &stored {
                Some(stored) => format!("{} until {}", stored.name, moment(stored.expires_at)),
                None => "nobody; `auction login NAME` logs in".to_owned(),
            };
            format!(
                "market       {}\nits key      {}\nserver       {} at {}, protocol {}\nserver time  {}, give or take {} us{}\n\
                 round trip   {} us\nlots         {open} open of {lots}\nstocks       {stocks}\n\
                 users        {users}\nlogged in    {user}",
                market.id(),
                key.as_deref().unwrap_or("none; it signs nothing"),
                server,
                context.server,
                welcome.version,
                server_time,
                micros(clock.error()),
                offset_words(server_time, machine_time),
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
                "server_time": server_time.to_string(),
                "server_ahead_us": ahead_us(server_time, machine_time),
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

/// Server time minus this machine's, in microseconds.
fn ahead_us(server: Timestamp, machine: Timestamp) -> i64 {
    server.micros().cast_signed() - machine.micros().cast_signed()
}

/// Describes a clock difference: one of the two clocks is wrong, and the program cannot know which.
fn offset_words(server: Timestamp, machine: Timestamp) -> String {
    let (ahead, behind) = (server.since(machine), machine.since(server));
    let side = if ahead > behind { "ahead of" } else { "behind" };
    let by = ahead.max(behind);
    if by < OFFSET_LOUD {
        return String::new();
    }
    format!(
        "; that is {} {side} this machine's clock",
        by.whole_seconds()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_difference_of_a_second_is_shown() {
        let now = Timestamp::from_secs(1_800_000_000);
        let second = Span::from_secs(1);
        let almost = Span::from_micros(999_999).unwrap();
        for (server, words, ahead) in [
            (now, "", 0),
            (now.saturating_add(almost), "", 999_999),
            (now.saturating_sub(almost), "", -999_999),
            (
                now.saturating_add(second),
                "; that is 1s ahead of this machine's clock",
                1_000_000,
            ),
            (
                now.saturating_sub(second),
                "; that is 1s behind this machine's clock",
                -1_000_000,
            ),
        ] {
            assert_eq!(offset_words(server, now), words);
            assert_eq!(ahead_us(server, now), ahead);
        }
    }
}
