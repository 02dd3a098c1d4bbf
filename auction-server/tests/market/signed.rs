//! Signed data of the market, as seen by clients that trust nothing else.

use auction_core::{Command, FeedSequence, LotId, Market, MarketId, Price, RequestId, Sequence};
use auction_proto::merkle::{Root, check_consistency};
use auction_proto::{
    BidMaximum, CheckpointStatement, Code, GetCheckpoint, GetMarketKey, GetReceipt, MarketKey,
    PublicKey, Receipt, ReceiptOf, ResumePoint, ServerMessage, SignedBatch, SignedCheckpoint,
    SnapshotAssembler, WatchSigned,
};

use crate::line::Line;
use crate::test_market::TestMarket;

fn key_of(line: &mut Line) -> (MarketId, PublicKey) {
    match line.ask(&GetMarketKey {}) {
        ServerMessage::MarketKey(MarketKey { market, key }) => (market, key),
        other => panic!("{other:?}"),
    }
}

fn checkpoint(line: &mut Line, since: Option<Sequence>) -> (CheckpointStatement, SignedCheckpoint) {
    let (market, key) = key_of(line);
    match line.ask(&GetCheckpoint { since }) {
        ServerMessage::SignedCheckpoint(signed) => (signed.verify(market, &key).unwrap(), signed),
        other => panic!("{other:?}"),
    }
}

/// The newest checkpoint, once it covers a record; it extends an older one.
fn checkpoint_of(
    line: &mut Line,
    record: Sequence,
    old: &CheckpointStatement,
) -> CheckpointStatement {
    loop {
        let since = old.checkpoint.sequence;
        let (new, signed) = checkpoint(line, Some(since));
        let path = signed.consistency.expect("it was asked for");
        let (old, root) = (Root::of(&old.checkpoint), Root::of(&new.checkpoint));
        check_consistency(&old, &root, &path).unwrap();
        if new.checkpoint.sequence >= record {
            return new;
        }
    }
}

fn receipt(line: &mut Line, of: ReceiptOf) -> Result<Receipt, Code> {
    match line.ask(&GetReceipt { of }) {
        ServerMessage::Receipt(receipt) => Ok(receipt),
        ServerMessage::Refused(refused) => Err(refused.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_bid_gets_a_receipt_that_only_its_trader_can_fetch() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let (market, key) = key_of(&mut mia);
    let (first, _) = checkpoint(&mut tom, None);

    let mut asked: Vec<(RequestId, Command)> = Vec::new();
    for cents in 0..20_u64 {
        let lot = LotId(1);
        let price = Price::from_units(20_000 + 100 * cents).unwrap();
        let (body, maximum) = (
            auction_proto::Bid { lot, price },
            BidMaximum {
                lot,
                maximum: price,
            },
        );
        let (request, command) = match cents % 2 {
            0 => (tom.send(&body), Command::Bid { lot, price }),
            _ => (
                mia.send(&maximum),
                Command::BidMaximum {
                    lot,
                    maximum: price,
                },
            ),
        };
        let line = if cents % 2 == 0 { &mut tom } else { &mut mia };
        match line.answer(request) {
            ServerMessage::Accepted(_) => asked.push((request, command)),
            other => panic!("{other:?}"),
        }
    }
    let mut records = Vec::new();
    for (place, (request, command)) in asked.iter().enumerate() {
        let line = if place % 2 == 0 { &mut tom } else { &mut mia };
        let receipt = receipt(line, ReceiptOf::Request(*request)).unwrap();
        let proven = receipt.verify(market, &key).unwrap();
        let proved = proven.asked.expect("one's own is opened");
        assert_eq!(&proved.command, command);
        assert_eq!(proved.request.unwrap().1, *request);
        records.push(proven.record.sequence);
    }
    assert!(records.is_sorted());

    // By the record's number too, but only for the owner.
    let (of_tom, of_mia) = (records[0], records[1]);
    assert!(receipt(&mut tom, ReceiptOf::Record(of_tom)).is_ok());
    assert_eq!(
        receipt(&mut tom, ReceiptOf::Record(of_mia)).err(),
        Some(Code::NO_RECEIPT)
    );
    for record in [Sequence(0), Sequence(1), Sequence(u64::MAX)] {
        assert_eq!(
            receipt(&mut tom, ReceiptOf::Record(record)).err(),
            Some(Code::NO_RECEIPT)
        );
    }
    let unknown = ReceiptOf::Request(RequestId(1_000_000));
    assert_eq!(receipt(&mut tom, unknown).err(), Some(Code::NO_RECEIPT));
    let mut stranger = Line::open(server.address());
    let anyone = receipt(&mut stranger, ReceiptOf::Record(of_tom));
    assert_eq!(anyone.err(), Some(Code::NOT_LOGGED_IN));

    // The journal extends earlier checkpoints, also after a restart, under the same key.
    let last = *records.last().unwrap();
    let before = checkpoint_of(&mut stranger, last, &first);
    drop((mia, tom, stranger));
    server.end();
    let server = test_market.open();
    let mut line = Line::open(server.address());
    assert_eq!(key_of(&mut line), (market, key));
    checkpoint_of(&mut line, last, &before);
    let beyond = Some(Sequence(before.checkpoint.sequence.0 + 1_000));
    match line.ask(&GetCheckpoint { since: beyond }) {
        ServerMessage::Refused(refused) => assert_eq!(refused.code, Code::NO_RECEIPT),
        other => panic!("{other:?}"),
    }
}

/// A client that folds only signed data.
struct Believer {
    line: Line,
    market: Market,
    id: MarketId,
    key: PublicKey,
}

impl Believer {
    fn begin(mut line: Line) -> Self {
        let (id, key) = key_of(&mut line);
        let request = line.send(&WatchSigned { resume: None });
        let ServerMessage::SignedSnapshot(signed) = line.answer(request) else {
            panic!("a signed snapshot comes first")
        };
        let statement = signed.verify(id, &key).unwrap();
        let mut parts = SnapshotAssembler::new();
        let mut market = loop {
            let ServerMessage::SnapshotBytes(bytes) = line.answer(request) else {
                panic!("its parts follow")
            };
            let part = statement.part(&bytes).unwrap();
            if let Some(market) = parts.add(part).unwrap() {
                break market;
            }
        };
        assert_eq!(market.feed_sequence(), statement.feed_sequence);
        assert_eq!(market.digest(), statement.digest);
        Self {
            line,
            market,
            id,
            key,
        }
    }

    /// Takes the next batch; returns the number of new events.
    fn next(&mut self) -> usize {
        loop {
            match self.line.next().unwrap() {
                Some((_, ServerMessage::SignedBatch(signed))) => return self.take(&signed),
                Some((_, ServerMessage::Resumed(_))) => {}
                other => panic!("{other:?} came in the signed feed"),
            }
        }
    }

    fn take(&mut self, signed: &SignedBatch) -> usize {
        let batch = signed.verify(self.id, &self.key).unwrap();
        batch.apply_to(&mut self.market).unwrap().count()
    }

    fn until(&mut self, place: FeedSequence) {
        while self.market.feed_sequence() < place {
            self.next();
        }
    }
}

#[test]
fn the_signed_feed_matches_resumes_and_has_heartbeats() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut believer = Believer::begin(Line::open(server.address()));
    let mut last = FeedSequence(0);
    for cents in 0..50 {
        let price = Price::from_units(20_000 + 100 * cents).unwrap();
        let price = price.to_string();
        // A lone bidder's second bid is refused; the other lot's first is not.
        if let Ok(accepted) = mia.bid(1 + u32::from(cents > 0), &price) {
            last = accepted.feed_sequence;
        }
    }
    believer.until(last);
    let whole = mia.snapshot();
    assert_eq!(believer.market.feed_sequence(), whole.feed_sequence());
    assert_eq!(believer.market.digest(), whole.clone().digest());
    assert_eq!(believer.next(), 0, "a sign of life");

    // Another connection resumes where this one stopped, though others have bid meanwhile.
    let Believer {
        market, id, key, ..
    } = believer;
    let mut tom = Line::trader(server.address(), "tom");
    let last = tom.bid(1, "99").unwrap().feed_sequence;
    let mut line = Line::open(server.address());
    let resume = Some(ResumePoint {
        market: id,
        feed_sequence: market.feed_sequence(),
    });
    let request = line.send(&WatchSigned { resume });
    match line.answer(request) {
        ServerMessage::Resumed(resumed) => {
            assert_eq!(resumed.feed_sequence, market.feed_sequence())
        }
        other => panic!("{other:?}"),
    }
    let mut believer = Believer {
        line,
        market,
        id,
        key,
    };
    believer.until(last);
    assert_eq!(believer.market.digest(), mia.snapshot().digest());
}

#[test]
fn waiting_for_receipts_does_not_block_and_too_many_are_busy() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let asked = mia.send(&auction_proto::Bid {
        lot: LotId(1),
        price: Price::from_units(50_000_000).unwrap(),
    });
    assert!(matches!(mia.answer(asked), ServerMessage::Accepted(_)));
    let of = ReceiptOf::Request(asked);
    let first = mia.send(&GetReceipt { of });
    for _ in 1..40 {
        mia.send(&GetReceipt { of });
    }
    let client_time = auction_core::Timestamp::from_secs(1);
    let ping = mia.send(&auction_proto::Ping { client_time });
    mia.flush().unwrap();
    let (mut receipts, mut busy, mut pongs) = (0, 0, 0);
    while receipts + busy + pongs < 41 {
        match mia.next().unwrap() {
            Some((number, ServerMessage::Receipt(_))) if number >= first => receipts += 1,
            Some((_, ServerMessage::Refused(refused))) => {
                assert_eq!(refused.code, Code::BUSY);
                busy += 1;
            }
            Some((number, ServerMessage::Pong(_))) => {
                assert_eq!(number, ping);
                pongs += 1;
            }
            Some((_, ServerMessage::Heartbeat(_))) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(receipts >= 16 && pongs == 1, "{receipts} {busy} {pongs}");
}
