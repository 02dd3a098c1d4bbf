//! The client library at the real server: it bids once and misses nothing, even over kills.

use std::net::SocketAddr;

use auction_client::{BidPlaced, Client, RequestError, Secret, Update};
use auction_core::{LotId, Name, Price, PublicEvent};

use crate::line::PASSWORD;
use crate::test_market::{Server, TestMarket};

const LOTS: u32 = 8;
const BIDS: u64 = 400;
const KILLS: u64 = 3;

async fn trader(address: SocketAddr, name: &str) -> Client {
    let client = Client::connect(address).await.unwrap();
    let client = client.with_answer_timeout(crate::test_market::DEADLINE);
    let name = Name::parse(name).unwrap();
    let password = || Secret::new(PASSWORD.to_owned()).unwrap();
    client.register(name, password()).await.unwrap();
    client.login(name, password()).await.unwrap();
    client
}

/// The library retries: its caller notices nothing of the kills, and each bid is done once.
#[tokio::test(flavor = "multi_thread")]
async fn bids_in_flight_over_kills_are_each_answered_and_done_once() {
    let test_market = TestMarket::with_lots(LOTS);
    let server = test_market.open();
    let address = server.address();
    let test_market = test_market.set("listen", &address.to_string());
    let mia = trader(address, "mia").await;
    let tom = trader(address, "tom").await;
    let mut watch = mia.watch().await.unwrap();

    // Each lot rises in turn, so that no bid is below an earlier one.
    let bidding = tokio::spawn(async move {
        let mut answers: Vec<(Price, Result<BidPlaced, RequestError>)> = Vec::new();
        for round in 0..BIDS / u64::from(LOTS) {
            let client = if round % 2 == 0 { &mia } else { &tom };
            let mut in_flight = Vec::new();
            for lot in 1..=LOTS {
                let cents = 200 + round * u64::from(LOTS) + u64::from(lot);
                let price = Price::from_units(cents * 100).unwrap();
                let lot = LotId(lot);
                let bid = auction_client::Bid { lot, price };
                in_flight.push((price, client.submit(bid).await.unwrap()));
            }
            for (price, answer) in in_flight {
                answers.push((price, answer.await));
            }
        }
        answers
    });
    let mut running = Some(server);
    let kill = |server: Server| {
        server.kill();
        test_market.open()
    };
    let mut kills = 0;
    let last = Price::from_units((200 + BIDS) * 100).unwrap();
    loop {
        if let Update::Event {
            event: PublicEvent::BidAccepted(bid),
            ..
        } = watch.next().await
        {
            let due = (kills + 1) * BIDS / (KILLS + 1);
            if kills < KILLS && bid.price.units() / 100 - 200 >= due {
                kills += 1;
                running = running.take().map(kill);
            }
        }
        if watch
            .market()
            .lots()
            .iter()
            .any(|lot| lot.price() == Some(last))
        {
            break;
        }
    }
    let answers = bidding.await.unwrap();
    for (price, answer) in &answers {
        let placed = answer
            .as_ref()
            .unwrap_or_else(|error| panic!("{price}: {error}"));
        assert!(placed.bid.leads && placed.bid.price == Some(*price));
    }
    let mut told: Vec<String> = answers.iter().map(|(price, _)| price.to_string()).collect();
    let mut held: Vec<String> = test_market
        .export("bids")
        .into_iter()
        .map(|row| row[4].clone())
        .collect();
    told.sort();
    held.sort();
    assert_eq!(told, held);
}
