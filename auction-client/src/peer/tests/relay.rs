//! Relaying peers: envelopes arrive unchanged, nothing else is relayed, and no peer gets more than its share. The
//! content of an envelope is arbitrary bytes here: a peer cannot read it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auction_core::{LotId, Price, RequestId};
use auction_proto::limits::{ANSWER_BYTES, ENVELOPE_BYTES};
use auction_proto::{
    Bid, ClientMessage, Code, Envelope, GetSnapshot, Refused, SealedAnswer, SealingKey,
    SealingKeyStatement, ServerMessage, SigningKey,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::super::limits::{
    RELAY_REQUESTS_BURST, RELAY_REQUESTS_PER_SECOND, RELAYED_CONCURRENTLY_MAX,
};
use super::super::relay::RelayServer;
use super::super::*;
use crate::client::relay::{Relay, RelayError};
use crate::peer::tests::fixture::{MARKET, pinned};

/// Time limit that suffices on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn envelope(byte: u8) -> Envelope {
    let sealed = vec![byte; ENVELOPE_BYTES].try_into().unwrap();
    Envelope { sealed }
}

fn answer() -> SealedAnswer {
    let sealed = vec![0xa5; ANSWER_BYTES].try_into().unwrap();
    SealedAnswer { sealed }
}

fn key() -> SealingKey {
    let statement = SealingKeyStatement {
        market: MARKET,
        key: [5; 32],
    };
    SealingKey::sign(&statement, &SigningKey::new(&[6; 32]))
}

/// A connection to a server that records what arrives.
#[derive(Clone, Default)]
struct Line {
    came: Arc<Mutex<Vec<Envelope>>>,
}

impl Relay for Line {
    async fn sealing_key(&self) -> Result<SealingKey, RelayError> {
        Ok(key())
    }

    async fn relay(&self, brought: Envelope) -> Result<SealedAnswer, RelayError> {
        self.came.lock().unwrap().push(brought.clone());
        if brought == envelope(0) {
            let refused = Refused::new(Code::ENVELOPE_UNREADABLE, "it does not open");
            return Err(RelayError::Refused(Box::new(refused)));
        }
        Ok(answer())
    }
}

fn joining(peers: Vec<Multiaddr>) -> JoinConfig {
    JoinConfig {
        pin: Pin::Market(pinned()),
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        peers,
        local_network: false,
        wall_clock: None,
    }
}

async fn two() -> (PeerWatch, PeerWatch, PeerRelay) {
    let mut relay = PeerWatch::join(joining(Vec::new()), None).unwrap();
    relay.listening().await;
    let away = PeerWatch::join(joining(relay.addresses()), None).unwrap();
    let begun = Instant::now();
    let carrier = loop {
        if let Some(carrier) = away.relays().await.into_iter().next() {
            break carrier;
        }
        assert!(begun.elapsed() < PATIENCE, "no relay is connected");
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(carrier.peer(), relay.id());
    (relay, away, carrier)
}

#[tokio::test]
async fn envelopes_and_answers_pass_through_a_relay_unchanged() {
    let (relay, _away, carrier) = two().await;
    let line = Line::default();
    relay.relay(line.clone()).await;
    let told = carrier.sealing_key().await.unwrap();
    assert_eq!(told, key());
    assert_eq!(carrier.relay(envelope(7)).await.unwrap(), answer());
    let refused = carrier.relay(envelope(0)).await.unwrap_err();
    assert!(
        matches!(&refused, RelayError::Refused(refused) if refused.code == Code::ENVELOPE_UNREADABLE),
        "{refused:?}"
    );
    assert_eq!(*line.came.lock().unwrap(), [envelope(7), envelope(0)]);
    // A relay that has left is reported.
    drop(relay);
    assert!(matches!(
        carrier.relay(envelope(7)).await,
        Err(RelayError::Lost(_))
    ));
}

#[tokio::test]
async fn a_peer_that_was_not_asked_to_carry_says_so() {
    let (_relay, _away, carrier) = two().await;
    let refused = carrier.relay(envelope(7)).await.unwrap_err();
    let RelayError::Refused(refused) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.code, Code::BUSY);
    assert!(refused.message.contains("--relay"), "{}", &*refused.message);
}

#[test]
fn a_peer_that_floods_is_refused_and_others_are_carried() {
    let (line, mut handed) = mpsc::channel(1_000);
    let mut relay = RelayServer::new();
    relay.set_feed(Some(line));
    let at = Duration::from_secs;
    let request = || RelayRequest::Envelope(envelope(1));
    let mut taken = |now, from| relay.take(now, from, request()).is_ok();
    let of_flooder = (0..1_000).filter(|_| taken(at(1), "flooder")).count();
    assert_eq!(of_flooder, RELAY_REQUESTS_BURST as usize);
    assert!(taken(at(1), "other"));
    let later = (0..1_000).filter(|_| taken(at(2), "flooder")).count();
    assert_eq!(later, RELAY_REQUESTS_PER_SECOND as usize);
    let mut carried = 0;
    while handed.try_recv().is_ok() {
        carried += 1;
    }
    assert_eq!(carried, of_flooder + 1 + later);
}

#[test]
fn a_line_that_has_no_room_refuses_more_and_so_does_a_lost_one() {
    let (line, handed) = mpsc::channel(RELAYED_CONCURRENTLY_MAX);
    let mut relay = RelayServer::new();
    relay.set_feed(Some(line));
    let taken = (0..1_000_u32).filter(|from| {
        let taken = relay.take(Duration::ZERO, *from, RelayRequest::Key);
        // This test does not wait for the response.
        taken.is_ok()
    });
    assert_eq!(taken.count(), RELAYED_CONCURRENTLY_MAX);
    drop(handed);
    let refused = relay.take(Duration::ZERO, 7_000, RelayRequest::Key);
    assert!(matches!(refused, Err(RelayResponse::Refused(_))));
}

/// A connection may be logged in. Requests of others must not use its session: so nothing is passed on as it came.
#[test]
fn only_envelopes_and_key_requests_are_relayed() {
    for request in [RelayRequest::Key, RelayRequest::Envelope(envelope(9))] {
        assert_eq!(RelayRequest::decode(&request.encode()), Some(request));
    }
    let price = Price::parse("1.40").unwrap();
    let bid = Bid {
        lot: LotId(1),
        price,
    };
    let others: [ClientMessage; 2] = [bid.into(), GetSnapshot {}.into()];
    for message in others {
        let mut bytes = Vec::new();
        message.encode(RequestId(0), &mut bytes);
        assert_eq!(RelayRequest::decode(&bytes), None, "{message:?}");
    }
    let mut twice = RelayRequest::Key.encode();
    twice.extend(RelayRequest::Key.encode());
    assert_eq!(RelayRequest::decode(&twice), None);
    for length in [0, 1, 13, 600, 10_000] {
        assert_eq!(
            RelayRequest::decode(&vec![0xa5; length]),
            None,
            "{length} bytes"
        );
        assert_eq!(RelayResponse::decode(&vec![0xa5; length]), None);
    }
    let delivered = [RelayResponse::Key(key()), RelayResponse::Answer(answer())];
    for response in delivered {
        assert_eq!(
            RelayResponse::decode(&response.clone().encode()),
            Some(response)
        );
    }
    let mut bytes = Vec::new();
    let goodbye = auction_proto::Goodbye {
        code: Code::BUSY,
        message: auction_proto::Text::of("no"),
    };
    ServerMessage::from(goodbye).encode(RequestId(0), &mut bytes);
    assert_eq!(RelayResponse::decode(&bytes), None);
}
