//! The client library requests signed proofs from a real market, and rejects invalid ones.

use std::fs;

use auction_client::{Bid, Client, Code, ReceiptOf, RequestError, Secret, SignedError};
use auction_core::{LotId, Name, Price, Sequence};

use crate::line::PASSWORD;
use crate::test_market::{DEADLINE, TestMarket};

async fn trader(address: std::net::SocketAddr) -> Client {
    let client = Client::connect(address).await.unwrap();
    let client = client.with_answer_timeout(DEADLINE);
    let name = Name::parse("mia").unwrap();
    let password = || Secret::new(PASSWORD.to_owned()).unwrap();
    // At the second start the account exists.
    let _ = client.register(name, password()).await;
    client.login(name, password()).await.unwrap();
    client
}

fn is_no_receipt(error: &SignedError) -> bool {
    let SignedError::Request(RequestError::Refused(refused)) = error else {
        return false;
    };
    refused.code == Code::NO_RECEIPT
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_proves_its_bid_and_continues_a_checkpoint() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = trader(server.address()).await;
    let market = mia.market_id();
    let told = mia.market_key().await.unwrap();
    assert_eq!(told.market, market);
    let kept = mia.checkpoint(&told.key).await.unwrap();
    let before = kept.verify(market, &told.key).unwrap().checkpoint.sequence;

    let (lot, price) = (LotId(1), Price::from_units(50_000_000).unwrap());
    let mut bidding = mia.submit(Bid { lot, price }).await.unwrap();
    (&mut bidding).await.unwrap();
    let number = bidding.request_id().unwrap();
    let of = ReceiptOf::Request(number);
    let receipt = mia.receipt(of, &told.key).await.unwrap();
    let proven = receipt.verify(market, &told.key).unwrap();
    let record = proven.record.sequence;
    assert_eq!(proven.asked.unwrap().request.unwrap().1, number);
    assert!(proven.checkpoint.checkpoint.sequence >= record && record > before);
    let of = ReceiptOf::Record(record);
    let again = mia.receipt(of, &told.key).await.unwrap();
    assert_eq!(again.record, receipt.record);

    let newest = mia.checkpoint_since(&kept, &told.key).await.unwrap();
    let after = newest.verify(market, &told.key).unwrap();
    assert!(after.checkpoint.sequence >= record);
    let same = mia.checkpoint_since(&newest, &told.key).await;
    assert!(same.is_ok(), "{same:?}");

    // The first record is the market's own, and there is no record a thousand numbers later.
    for record in [Sequence(1), Sequence(record.0 + 1_000)] {
        let refused = mia.receipt(ReceiptOf::Record(record), &told.key).await;
        assert!(is_no_receipt(&refused.unwrap_err()));
    }
    server.end();

    // The market loses its key: it reports that, and clients that know the old key reject it.
    fs::remove_file(test_market.path().join("market.key")).unwrap();
    let server = test_market.open();
    server.until_said("market.key was missing");
    let mia = trader(server.address()).await;
    assert_eq!(mia.market_id(), market);
    let other = mia.market_key().await.unwrap().key;
    assert_ne!(other, told.key);
    assert!(matches!(
        mia.checkpoint(&told.key).await,
        Err(SignedError::Checkpoint(_))
    ));
    assert!(matches!(
        mia.checkpoint_since(&kept, &other).await,
        Err(SignedError::Kept(_))
    ));
    assert!(matches!(
        mia.receipt(of, &told.key).await,
        Err(SignedError::Receipt(_))
    ));
    // The journal itself continues.
    assert!(mia.receipt(of, &other).await.is_ok());
    drop(mia);
    server.end();

    // It is reported once: from here on the key is the market's.
    let server = test_market.open();
    assert_eq!(
        trader(server.address())
            .await
            .market_key()
            .await
            .unwrap()
            .key,
        other
    );
    assert!(!server.has_said("was missing"));
}
