//! Signed messages of a market, under a published key: `42` 32 times.

use auction_core::{
    AccountMode, Actor, Command, Digest, Event, FeedSequence, LotId, PrivateEvent, Record,
    RequestId, Role, Sequence, SessionId, Term, UserId,
};
use auction_proto::{
    BatchStatement, Checkpoint, CheckpointStatement, ClientMessage, FeedEntry, Follows,
    GetCheckpoint, GetMarketKey, GetReceipt, List, MarketKey, Receipt, ReceiptOf, ResumePoint,
    ServerMessage, SignedBatch, SignedCheckpoint, SignedSnapshot, SigningKey, SnapshotBytes,
    SnapshotPart, SnapshotStatement, SnapshotUser, WatchSigned, encode_record, merkle,
};

use super::{MARKET, at, bid_accepted, name, price};

pub fn key() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

/// Checkpoint of the journal of two records: another record, and a hidden maximum.
pub fn checkpoint() -> Checkpoint {
    let other = merkle::leaf_hash(b"another record");
    Checkpoint {
        sequence: Sequence(2),
        chain: [0xc4; 32],
        root: merkle::node_hash(&other, &merkle::leaf_hash(&record().0)),
    }
}

/// Public and private bytes of the hidden maximum.
fn record() -> (Vec<u8>, Vec<u8>) {
    let (lot, bidder, maximum) = (LotId(3), UserId(2), price("2"));
    let set = PrivateEvent::MaximumSet {
        lot,
        bidder,
        maximum,
        leads: true,
    };
    let record = Record {
        sequence: Sequence(2),
        at: at(7),
        rules: 1,
        actor: Actor::User(bidder),
        request: Some((SessionId(9), RequestId(15))),
        command: Command::BidMaximum { lot, maximum },
        events: [Event::Private(set)].into_iter().collect(),
    };
    let (mut public, mut private) = (Vec::new(), Vec::new());
    encode_record(&record, &[0x5a; 16], &mut public, &mut private);
    (public, private)
}

pub fn batch(entries: Vec<FeedEntry>) -> BatchStatement {
    let after = FeedSequence(1_000);
    BatchStatement {
        market: MARKET,
        term: Term(1),
        time: at(8),
        checkpoint: checkpoint(),
        after,
        through: FeedSequence(after.0 + entries.len() as u64),
        digest: Digest([0xd1; 32]),
        entries: List::new(entries).unwrap(),
    }
}

fn signed_checkpoint() -> SignedCheckpoint {
    let statement = CheckpointStatement {
        market: MARKET,
        term: Term(1),
        time: at(8),
        checkpoint: checkpoint(),
    };
    SignedCheckpoint::sign(&statement, &key())
}

pub fn receipt() -> Receipt {
    let (public, private) = record();
    let signed = signed_checkpoint();
    Receipt {
        record: public.try_into().unwrap(),
        private: Some(private.try_into().unwrap()),
        path: List::new(vec![merkle::leaf_hash(b"another record")]).unwrap(),
        statement: signed.statement,
        signature: signed.signature,
    }
}

fn parts() -> (SnapshotStatement, SnapshotBytes) {
    let mia = SnapshotUser {
        user: UserId(1),
        name: name("mia"),
        role: Role::Trader,
    };
    let part = SnapshotPart {
        market: MARKET,
        index: 0,
        follows: Follows::Nothing,
        feed_sequence: FeedSequence(1),
        at: at(7),
        accounts: AccountMode::Credit,
        users: List::new(vec![mia]).unwrap(),
        stocks: List::default(),
        lots: List::default(),
    };
    let (bytes, hash) = SnapshotBytes::of(&part);
    let statement = SnapshotStatement {
        market: MARKET,
        term: Term(1),
        time: at(8),
        checkpoint: checkpoint(),
        feed_sequence: part.feed_sequence,
        digest: Digest([0xd1; 32]),
        parts: List::new(vec![hash]).unwrap(),
    };
    (statement, bytes)
}

pub fn client() -> Vec<(&'static str, ClientMessage)> {
    let resume = ResumePoint {
        market: MARKET,
        feed_sequence: FeedSequence(1_000),
    };
    let since = Some(Sequence(1));
    let of_request = ReceiptOf::Request(RequestId(15));
    let of_record = ReceiptOf::Record(Sequence(2));
    vec![
        ("get_market_key", GetMarketKey {}.into()),
        ("watch_signed", WatchSigned { resume: None }.into()),
        (
            "watch_signed_from",
            WatchSigned {
                resume: Some(resume),
            }
            .into(),
        ),
        ("get_checkpoint", GetCheckpoint { since: None }.into()),
        ("get_checkpoint_since", GetCheckpoint { since }.into()),
        ("get_receipt", GetReceipt { of: of_request }.into()),
        ("get_receipt_of_record", GetReceipt { of: of_record }.into()),
    ]
}

pub fn answers() -> Vec<(&'static str, ServerMessage)> {
    let (statement, bytes) = parts();
    let consistent = signed_checkpoint();
    let path = vec![merkle::leaf_hash(&record().0)];
    vec![
        (
            "market_key",
            MarketKey {
                market: MARKET,
                key: key().public(),
            }
            .into(),
        ),
        (
            "signed_snapshot",
            SignedSnapshot::sign(&statement, &key()).into(),
        ),
        ("snapshot_bytes", bytes.into()),
        ("signed_checkpoint", signed_checkpoint().into()),
        (
            "signed_checkpoint_consistent",
            consistent.with_consistency(path).into(),
        ),
        ("receipt", receipt().into()),
    ]
}

pub fn feed() -> Vec<(&'static str, ServerMessage)> {
    let entry = FeedEntry {
        at: at(7),
        event: auction_core::PublicEvent::BidAccepted(bid_accepted(Some("1.40"))),
    };
    vec![
        (
            "signed_batch",
            SignedBatch::sign(&batch(vec![entry]), &key()).into(),
        ),
        (
            "signed_batch_empty",
            SignedBatch::sign(&batch(Vec::new()), &key()).into(),
        ),
    ]
}
