//! A market that lies about its signed statements, and a library that rejects them.

use std::convert::Infallible;

use auction_client::{Client, ReceiptOf, SignedError};
use auction_core::{
    Actor, Command, Event, LotId, PublicEvent, Record, RequestId, Sequence, SessionId, Term,
    Timestamp, UserId,
};
use auction_proto::merkle::{
    Hash, Subtrees, consistency_path, inclusion_path, leaf_hash, node_hash, root,
};
use auction_proto::{
    Checkpoint, CheckpointStatement, ClientMessage, Receipt, ServerMessage, SignedCheckpoint,
    SigningKey, encode_record,
};

use crate::script::{Line, MARKET, connected, logged_in, price};

fn key() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

/// A journal of bids: one record per request.
#[derive(Clone)]
struct Journal(Vec<u64>);

impl Subtrees for Journal {
    type Error = Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
        if level == 0 {
            return Ok(leaf_hash(&self.leaf(index + 1)));
        }
        let left = self.subtree(level - 1, 2 * index)?;
        let right = self.subtree(level - 1, 2 * index + 1)?;
        Ok(node_hash(&left, &right))
    }
}

impl Journal {
    fn leaf(&self, sequence: u64) -> Vec<u8> {
        let lot = LotId(1);
        let record = Record {
            sequence: Sequence(sequence),
            at: Timestamp::from_secs(1_000),
            rules: 1,
            actor: Actor::User(UserId(1)),
            request: Some((SessionId(3), RequestId(self.0[sequence as usize - 1]))),
            command: Command::Bid {
                lot,
                price: price("1.40"),
            },
            events: [Event::Public(PublicEvent::LotBegan { lot })]
                .into_iter()
                .collect(),
        };
        let mut public = Vec::new();
        encode_record(&record, &[0; 16], &mut public, &mut Vec::new());
        public
    }

    fn checkpoint(&self, size: u64) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            sequence: Sequence(size),
            chain: [size as u8; 32],
            root: root(&mut self.clone(), size).unwrap(),
        };
        let statement = CheckpointStatement {
            market: MARKET,
            term: Term(1),
            time: Timestamp::from_secs(2_000),
            checkpoint,
        };
        SignedCheckpoint::sign(&statement, &key())
    }

    fn since(&self, old: u64, size: u64) -> SignedCheckpoint {
        let path = consistency_path(&mut self.clone(), old, size).unwrap();
        self.checkpoint(size).with_consistency(path)
    }

    fn receipt(&self, record: u64, size: u64) -> Receipt {
        let path = inclusion_path(&mut self.clone(), record - 1, size).unwrap();
        let signed = self.checkpoint(size);
        Receipt {
            record: self.leaf(record).try_into().unwrap(),
            private: None,
            path: path.try_into().unwrap(),
            statement: signed.statement,
            signature: signed.signature,
        }
    }
}

async fn answer(line: &mut Line, with: impl Into<ServerMessage>) -> ClientMessage {
    let (number, asked) = line.next().await;
    line.say(number, with).await;
    asked
}

async fn since(
    (client, line): (&Client, &mut Line),
    kept: &SignedCheckpoint,
    with: SignedCheckpoint,
) -> Result<SignedCheckpoint, SignedError> {
    let public = key().public();
    let (newest, _) = tokio::join!(client.checkpoint_since(kept, &public), answer(line, with));
    newest
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_not_signed_with_the_key_is_rejected() {
    let (client, _door, mut line) = connected().await;
    let signed = Journal((1..=5).collect()).checkpoint(5);
    let public = key().public();
    let (given, _) = tokio::join!(
        client.checkpoint(&public),
        answer(&mut line, signed.clone())
    );
    assert_eq!(given.unwrap(), signed);
    let mut forged = signed.clone();
    forged.signature.0[0] ^= 1;
    let (given, _) = tokio::join!(client.checkpoint(&public), answer(&mut line, forged));
    assert!(
        matches!(given, Err(SignedError::Checkpoint(_))),
        "{given:?}"
    );
    // The kept checkpoint must be the market's too; otherwise nothing is sent.
    let mut kept = signed;
    kept.signature.0[0] ^= 1;
    let refused = client.checkpoint_since(&kept, &public).await;
    assert!(matches!(refused, Err(SignedError::Kept(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_does_not_continue_a_checkpoint_is_reported() {
    let (client, _door, mut line) = connected().await;
    let honest = Journal((1..=9).collect());
    let kept = honest.checkpoint(5);
    let mut asking = (&client, &mut line);
    for size in [5, 6, 9] {
        let newest = honest.since(5, size);
        let given = since((asking.0, asking.1), &kept, newest.clone()).await;
        assert_eq!(given.unwrap(), newest);
    }
    // A record was changed, one was dropped, two were swapped; each within the signed part.
    let lies = [
        Journal(vec![1, 2, 77, 4, 5, 6, 7, 8, 9]),
        Journal(vec![1, 3, 4, 5, 6, 7, 8, 9]),
        Journal(vec![1, 2, 4, 3, 5, 6, 7, 8, 9]),
    ];
    for lie in lies {
        for size in [5, 6, 8] {
            // With the lie's own proof, the honest proof, and no proof.
            let honest_path = honest.since(5, size).consistency;
            let mut answers = [lie.since(5, size), lie.since(5, size), lie.checkpoint(size)];
            answers[1].consistency = honest_path;
            for newest in answers {
                asking = (&client, asking.1);
                let told = since((asking.0, asking.1), &kept, newest.clone()).await;
                let Err(SignedError::NotContinued {
                    kept: old,
                    newest: new,
                    signed,
                }) = told
                else {
                    panic!("{size}: {told:?}");
                };
                assert_eq!(old.checkpoint.sequence, Sequence(5));
                assert_eq!(new.checkpoint.sequence, Sequence(size));
                assert_eq!(*signed, newest);
            }
        }
    }
    // The journal is shorter than the signed one.
    let told = since((asking.0, asking.1), &kept, honest.checkpoint(3)).await;
    assert!(
        matches!(told, Err(SignedError::NotContinued { .. })),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_receipt_of_another_record_or_a_flipped_bit_is_rejected() {
    let (client, _door, mut line) = logged_in().await;
    let journal = Journal(vec![11, 12, 13, 14, 15]);
    let public = key().public();
    let [third, second] = [journal.receipt(3, 5), journal.receipt(2, 5)];
    for of in [
        ReceiptOf::Record(Sequence(3)),
        ReceiptOf::Request(RequestId(13)),
    ] {
        let (given, _) = tokio::join!(
            client.receipt(of, &public),
            answer(&mut line, third.clone())
        );
        assert_eq!(given.unwrap(), third);
        let (given, _) = tokio::join!(
            client.receipt(of, &public),
            answer(&mut line, second.clone())
        );
        let Err(SignedError::OtherRecord { found }) = given else {
            panic!("{given:?}");
        };
        assert_eq!(found, Sequence(2));
        let mut changed = third.clone();
        let mut record = changed.record.to_vec();
        *record.last_mut().unwrap() ^= 1;
        changed.record = record.try_into().unwrap();
        let (given, _) = tokio::join!(client.receipt(of, &public), answer(&mut line, changed));
        assert!(matches!(given, Err(SignedError::Receipt(_))), "{given:?}");
    }
}
