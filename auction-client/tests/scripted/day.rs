//! Orders on trading days: the typed requests.

use auction_client::{CancelAll, CancelOrder, Client, PlaceDayOrder};
use auction_core::{
    DayOrder, DayReply, DayRest, FeedSequence, LotId, OrderId, Quantity, Reply, SelfTrade, Side,
    TimeInForce,
};
use auction_proto::{Accepted, ClientMessage, Done};

use crate::script::{Line, logged_in, price};

const DAY: LotId = LotId(3);

fn accepted(reply: Reply) -> Accepted {
    Accepted {
        feed_sequence: FeedSequence(4),
        done: Done::Now,
        reply,
    }
}

async fn replies(line: &mut Line, expected: impl Into<ClientMessage>, reply: Reply) {
    let (number, message) = line.next().await;
    assert_eq!(message, expected.into());
    line.say(number, accepted(reply)).await;
}

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_and_its_reply_says_what_traded() {
    let (client, _door, mut line) = logged_in().await;
    let order = DayOrder {
        side: Side::Buy,
        quantity: Quantity::ONE,
        limit: Some(price("1.10")),
        time_in_force: TimeInForce::FillOrKill,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    };
    let reply = DayReply {
        order: OrderId(7),
        traded: 1,
        value: 11_000,
        rest: DayRest::None,
    };
    let asked = tokio::spawn(async move { client.place_day_order(DAY, order).await });
    let expected = PlaceDayOrder { lot: DAY, order };
    replies(&mut line, expected, Reply::DayOrder(reply)).await;
    assert_eq!(asked.await.unwrap().unwrap(), reply);
}

async fn cancel_all(client: Client, line: &mut Line, parts: &[(u32, u32, bool)]) -> (u32, u32) {
    let all = CancelAll {
        trader: None,
        lot: Some(DAY),
    };
    let asked = tokio::spawn(async move { client.cancel_all(Some(DAY)).await });
    for (cancelled, kept, more) in parts.iter().copied() {
        let reply = Reply::AllCancelled {
            cancelled,
            kept,
            more,
        };
        replies(line, all.clone(), reply).await;
    }
    let all = asked.await.unwrap().unwrap();
    assert!(!all.more);
    (all.cancelled, all.kept)
}

#[tokio::test(start_paused = true)]
async fn a_cancel_all_is_repeated_until_nothing_is_left() {
    let (client, _door, mut line) = logged_in().await;
    let parts = [(4_096, 0, true), (4_096, 0, true), (8, 2, false)];
    let all = cancel_all(client.clone(), &mut line, &parts).await;
    assert_eq!(all, (8_200, 2));
    // A server that cancels nothing and claims that there is more is not asked for ever.
    let all = cancel_all(client.clone(), &mut line, &[(0, 9, true)]).await;
    assert_eq!(all, (0, 9));
    let asked = tokio::spawn(async move { client.cancel_order(DAY, OrderId(7)).await });
    let expected = CancelOrder {
        lot: DAY,
        order: OrderId(7),
    };
    replies(&mut line, expected, Reply::Done).await;
    assert!(asked.await.unwrap().is_ok());
}
