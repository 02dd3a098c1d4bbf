//! Vectors of signed data of a market: keys, signatures, trees, proofs, chains. See `conformance/README.md`.

use std::convert::Infallible;

use auction_core::{MarketId, Sequence, Term, Timestamp};
use auction_proto::merkle::{
    Frontier, Hash, Root, Subtrees, check_consistency, check_inclusion, consistency_path,
    inclusion_path, leaf_hash, node_hash, root,
};
use auction_proto::{
    BatchStatement, Chain, Checkpoint, CheckpointStatement, SignedBatch, SignedCheckpoint,
    SigningKey,
};
use serde_json::{Value, json};

const MARKET: MarketId = MarketId([7; 16]);
/// Numbers of records of the trees.
const SIZES: [u64; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 21, 32];
/// The order of the group of Ed25519, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub fn vectors() -> Vec<Value> {
    [
        keys(),
        signatures(),
        trees(),
        inclusions(),
        consistencies(),
        chains(),
    ]
    .concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keys() -> Vec<Value> {
    let secrets = [[0x42; 32], std::array::from_fn(|at| at as u8)];
    let keys = secrets.iter().enumerate().map(|(number, secret)| {
        let key = SigningKey::new(secret).public();
        json!({
            "what": "key",
            "name": format!("key {number}"),
            "secret": hex(secret),
            "key": hex(&key.0),
            "fingerprint": key.fingerprint().to_string(),
        })
    });
    keys.collect()
}

fn signatures() -> Vec<Value> {
    let key = SigningKey::new(&[0x42; 32]);
    let public = key.public().0;
    let checkpoint = Checkpoint {
        sequence: Sequence(2),
        chain: [0xc4; 32],
        root: [0xd4; 32],
    };
    let (market, term, time) = (MARKET, Term(1), Timestamp::from_secs(1_795_352_408));
    let signed = SignedCheckpoint::sign(
        &CheckpointStatement {
            market,
            term,
            time,
            checkpoint: checkpoint.clone(),
        },
        &key,
    );
    let batch = SignedBatch::sign(
        &BatchStatement {
            market,
            term,
            time,
            checkpoint,
            after: auction_core::FeedSequence(9),
            through: auction_core::FeedSequence(9),
            digest: auction_core::Digest([0xd1; 32]),
            entries: Default::default(),
        },
        &key,
    );
    let mut vectors = Vec::new();
    let mut add =
        |name: &str, purpose: &str, statement: &[u8], signature: &[u8], key: &[u8], valid: bool| {
            vectors.push(json!({
                "what": "signature",
                "name": name,
                "purpose": purpose,
                "statement": hex(statement),
                "signature": hex(signature),
                "key": hex(key),
                "valid": valid,
            }));
        };
    let (of_checkpoint, of_batch) = ("auction.checkpoint.1", "auction.batch.1");
    let (statement, signature) = (&signed.statement[..], &signed.signature.0);
    add(
        "a checkpoint",
        of_checkpoint,
        statement,
        signature,
        &public,
        true,
    );
    add(
        "a batch",
        of_batch,
        &batch.statement,
        &batch.signature.0,
        &public,
        true,
    );
    add(
        "for another purpose",
        of_batch,
        statement,
        signature,
        &public,
        false,
    );
    let mut changed = statement.to_vec();
    changed[20] ^= 1;
    add(
        "a bit of the statement changed",
        of_checkpoint,
        &changed,
        signature,
        &public,
        false,
    );
    for (name, at) in [("a bit of R changed", 3), ("a bit of s changed", 40)] {
        let mut changed = *signature;
        changed[at] ^= 1;
        add(name, of_checkpoint, statement, &changed, &public, false);
    }
    // The same signature in another form: s + order.
    let mut other = *signature;
    let mut carry = 0;
    for (byte, order) in other[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    add(
        "s is not below the group's order",
        of_checkpoint,
        statement,
        &other,
        &public,
        false,
    );
    let key = SigningKey::new(&[0x43; 32]).public().0;
    add(
        "another key",
        of_checkpoint,
        statement,
        signature,
        &key,
        false,
    );
    // The neutral element as key and as R: with s = 0 it would be a valid signature of everything.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut anything = [0; 64];
    anything[0] = 1;
    add(
        "a key of small order",
        of_checkpoint,
        statement,
        &anything,
        &neutral,
        false,
    );
    vectors
}

/// The tree whose record `n` is the text `record n`, from 1.
struct Tree;

impl Subtrees for Tree {
    type Error = Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
        if level == 0 {
            return Ok(leaf_hash(&leaf(index + 1)));
        }
        let left = self.subtree(level - 1, 2 * index)?;
        let right = self.subtree(level - 1, 2 * index + 1)?;
        Ok(node_hash(&left, &right))
    }
}

fn leaf(record: u64) -> Vec<u8> {
    format!("record {record}").into_bytes()
}

fn head(size: u64) -> Root {
    let hash = root(&mut Tree, size).unwrap_or_else(|never| match never {});
    let mut frontier = Frontier::new();
    (1..=size).for_each(|record| frontier.push(leaf_hash(&leaf(record)), |_, _| {}));
    assert_eq!(frontier.root(), Root { size, hash });
    Root { size, hash }
}

fn trees() -> Vec<Value> {
    let trees = SIZES.iter().map(|size| {
        let leaves: Vec<_> = (1..=*size).map(|record| hex(&leaf(record))).collect();
        json!({
            "what": "tree",
            "name": format!("the tree of {size}"),
            "leaves": leaves,
            "root": hex(&head(*size).hash),
        })
    });
    trees.collect()
}

fn paths(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| hex(hash)).collect()
}

fn inclusions() -> Vec<Value> {
    let mut vectors = Vec::new();
    for size in SIZES {
        for record in [1, size / 2, size - size.min(1), size] {
            if record == 0 || record > size {
                continue;
            }
            let honest =
                inclusion_path(&mut Tree, record - 1, size).unwrap_or_else(|never| match never {});
            let mut changed = honest.clone();
            changed
                .first_mut()
                .into_iter()
                .for_each(|hash| hash[7] ^= 1);
            let longer = [honest.clone(), vec![[0; 32]]].concat();
            for (name, leaf, path) in [
                ("", leaf(record), honest.clone()),
                (", of another leaf", leaf(record + 100), honest.clone()),
                (", a bit changed", leaf(record), changed),
                (", a hash too many", leaf(record), longer),
            ] {
                if name.ends_with("changed") && path.is_empty() {
                    continue;
                }
                let root = head(size);
                let valid = check_inclusion(&root, record, &leaf, &path).is_ok();
                vectors.push(json!({
                    "what": "inclusion",
                    "name": format!("record {record} of {size}{name}"),
                    "leaf": hex(&leaf),
                    "record": record,
                    "size": size,
                    "root": hex(&root.hash),
                    "path": paths(&path),
                    "valid": valid,
                }));
            }
        }
    }
    vectors
}

fn consistencies() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (old, size) in [
        (1, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (3, 7),
        (4, 7),
        (6, 8),
        (7, 8),
        (8, 9),
        (5, 21),
        (16, 21),
        (16, 32),
        (21, 32),
    ] {
        let honest = consistency_path(&mut Tree, old, size).unwrap_or_else(|never| match never {});
        let mut changed = honest.clone();
        changed.last_mut().into_iter().for_each(|hash| hash[7] ^= 1);
        let mut other = head(old);
        other.hash[0] ^= 1;
        for (name, before, path) in [
            ("", head(old), honest.clone()),
            (", a bit of the path changed", head(old), changed),
            (", of another older tree", other, honest.clone()),
        ] {
            if name.ends_with("changed") && path.is_empty() {
                continue;
            }
            let root = head(size);
            let valid = check_consistency(&before, &root, &path).is_ok();
            vectors.push(json!({
                "what": "consistency",
                "name": format!("{size} behind {old}{name}"),
                "old_size": old,
                "old_root": hex(&before.hash),
                "size": size,
                "root": hex(&root.hash),
                "path": paths(&path),
                "valid": valid,
            }));
        }
    }
    vectors
}

fn chains() -> Vec<Value> {
    let mut chain = Chain::genesis(MARKET);
    let mut frames = vec![];
    let mut next = 1;
    for count in [1_u32, 3, 2] {
        let public: Vec<u8> = (0..count as u8 * 5).collect();
        chain = chain.next(next, count, &public);
        frames.push(json!({
            "first": next.to_string(),
            "count": count,
            "public": hex(&public),
            "chain": chain.to_string(),
        }));
        next += u64::from(count);
    }
    vec![json!({
        "what": "chain",
        "name": "three commits",
        "market": hex(&MARKET.0),
        "frames": frames,
    })]
}
