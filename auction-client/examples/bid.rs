//! Registers, logs in, bids, and follows the market until the feed shows the bid:
//!
//! ```sh
//! AUCTION_PASSWORD=correct-horse cargo run -p auction-client --example bid -- 127.0.0.1:2022 mia AAPL 9000
//! ```

use std::error::Error;

use auction_client::{BidError, Client, Code, RequestError, Secret, Update};
use auction_core::{Name, Price, PublicEvent, Symbol};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, symbol, price] = arguments.as_slice() else {
        return Err("give ADDRESS NAME SYMBOL PRICE".into());
    };
    let password = std::env::var("AUCTION_PASSWORD")?;
    let outcome = run(address, name, &password, symbol, price).await?;
    println!("{outcome}");
    Ok(())
}

/// Bids, and returns a description of the outcome.
pub async fn run(
    address: &str,
    name: &str,
    password: &str,
    symbol: &str,
    price: &str,
) -> Result<String, Box<dyn Error>> {
    let client = Client::connect(address.to_owned()).await?;
    let name = Name::parse(name)?;
    let secret = || Secret::new(password.to_owned());
    match client.register(name, secret()?).await {
        Ok(user) => println!("registered as user {user}"),
        Err(RequestError::Refused(refused)) if refused.code == Code::NAME_TAKEN => {}
        Err(error) => return Err(error.into()),
    }
    let session = client.login(name, secret()?).await?;

    // Watch before bidding, so that no event in between is missed.
    let mut watch = client.watch().await?;
    let symbol = Symbol::parse(symbol)?;
    let lots = watch.market().lots_of(symbol);
    let lot = *lots.last().ok_or("no lot of this stock")?;
    let placed = match client.bid(lot, Price::parse(price)?).await {
        Ok(placed) => placed,
        // Nothing was done. A refusal contains the remedy.
        Err(BidError::Refused(refused)) => {
            let least = refused
                .price
                .map(|price| format!("; the price that would do: {price}"));
            return Ok(format!(
                "refused: {}{}",
                refused.message,
                least.unwrap_or_default()
            ));
        }
        // The outcome is unknown: look at the market before bidding again.
        Err(error) => return Err(error.into()),
    };
    // An answered bid is durable. The feed shows it to everyone at this place or before.
    while watch.market().feed_sequence() < placed.feed_sequence {
        if let Update::Event { at, event, .. } = watch.next().await {
            tell(at, &event);
        }
    }
    let leads = watch.market().lot(lot).and_then(|lot| lot.leader()) == Some(session.user);
    Ok(format!(
        "accepted, and {name} {}",
        if leads { "leads" } else { "does not lead" }
    ))
}

fn tell(at: impl std::fmt::Display, event: &PublicEvent) {
    match event {
        PublicEvent::BidAccepted(bid) => {
            println!(
                "{at} lot {}: user {} leads at {}",
                bid.lot, bid.leader, bid.price
            );
        }
        PublicEvent::LotClosed { lot, outcome } => println!("{at} lot {lot} closed: {outcome:?}"),
        other => println!("{at} {other:?}"),
    }
}
