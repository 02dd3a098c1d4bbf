//! `auction key`

use serde_json::json;

use crate::args::Shared;
use crate::output::failure::Failure;
use crate::output::time::moment;
use crate::session::Context;

pub async fn show(context: &Context) -> Result<(), Failure> {
    let key = context.market_key()?;
    let fingerprint = key.key.fingerprint();
    // Without a writable folder there is no kept key.
    let kept = context.key_store().load()?;
    context.out.print(
        |_| {
            let kept = match &kept {
                Some(kept) => format!("since {}, from {}", moment(kept.at), kept.server),
                None => "not, for its file cannot be written".to_owned(),
            };
            format!(
                "market  {}\nkey     {fingerprint}\nkept    {kept}\n\
                 The server prints this fingerprint when it starts. Compare them once, over another channel than this \
                 connection.",
                key.market
            )
        },
        || {
            let [market, key] = [json!(key)["market"].clone(), json!(key)["key"].clone()];
            json!({
                "market": market,
                "key": key,
                "fingerprint": fingerprint.to_string(),
                "kept_at": kept.as_ref().map(|kept| kept.at.to_string()),
            })
        },
    )
}

pub async fn forget(shared: &Shared) -> Result<(), Failure> {
    let context = Context::connect_to_anyone(shared).await?;
    let (market, kept) = (context.client.market_id(), context.key_store());
    // Forget a damaged file, too.
    let known = kept.load().ok().flatten();
    kept.forget()?;
    let fingerprint = known.map(|kept| kept.key.fingerprint().to_string());
    context.out.print(
        |_| match &fingerprint {
            Some(fingerprint) => format!(
                "Forgotten: the key {fingerprint} of market {market}. The next command keeps the market's key of that time."
            ),
            None => format!("No key of market {market} was kept."),
        },
        || json!({ "market": market.to_string(), "forgotten": fingerprint }),
    )
}
