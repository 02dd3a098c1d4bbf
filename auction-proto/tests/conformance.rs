//! Conformance vectors for clients in other languages, run through this crate. These tests never write them:
//! `conformance/README.md` explains how a new folder is made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use auction_core::{Market, MarketId, RequestId};
use auction_proto::merkle::{Frontier, Root, check_consistency, check_inclusion, leaf_hash};
use auction_proto::{
    BodyError, Chain, ClientMessage, FeedError, Frame, FrameDecoder, FrameError, JsonError, Kind,
    PublicKey, Sender, ServerMessage, Signature, SignedBatch, SignedCheckpoint, SigningKey,
    SnapshotAssembler, StatementError, limits,
};
use serde_json::{Value, json};

/// All vectors of a file, from every folder that has it.
fn vectors(file: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let folders = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    assert!(!folders.is_empty());
    let files = folders.iter().map(|folder| folder.join(file));
    let read = |file: PathBuf| -> Vec<Value> {
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    };
    let vectors: Vec<_> = files.filter(|file| file.exists()).flat_map(read).collect();
    assert!(!vectors.is_empty());
    vectors
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {vector}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The one frame in these bytes.
fn whole_frame(mut bytes: &[u8]) -> Frame<'_> {
    let frame = Frame::split_from(&mut bytes, limits::FRAME_BYTES_MAX)
        .unwrap()
        .unwrap();
    assert!(bytes.is_empty());
    frame
}

/// Decodes a message of either side, and returns it as a line of JSON and as a frame.
fn decode(from: &str, frame: Frame<'_>) -> Result<(Value, Vec<u8>), BodyError> {
    let (mut line, mut again) = (Vec::new(), Vec::new());
    match from {
        "client" => {
            let message = ClientMessage::decode(frame.kind, frame.body)?;
            message.encode_json(frame.request, &mut line);
            message.encode(frame.request, &mut again);
        }
        "server" => {
            let message = ServerMessage::decode(frame.kind, frame.body)?;
            message.encode_json(frame.request, &mut line);
            message.encode(frame.request, &mut again);
        }
        other => panic!("{other}"),
    }
    Ok((serde_json::from_slice(&line).unwrap(), again))
}

#[test]
fn messages_agree_in_both_encodings_and_include_every_kind() {
    let mut kinds = BTreeSet::new();
    for vector in vectors("messages.json") {
        let (name, from) = (text(&vector, "name"), text(&vector, "from"));
        let hex = bytes(text(&vector, "hex"));
        let frame = whole_frame(&hex);
        kinds.insert(frame.kind);
        let (json, again) = decode(from, frame).unwrap();
        assert_eq!(json, vector["json"], "{name}");
        assert_eq!(again, hex, "{name}");
        let line = json.to_string();
        let mut of_json = Vec::new();
        match from {
            "client" => {
                let (request, message) = ClientMessage::decode_json(line.as_bytes()).unwrap();
                message.encode(request, &mut of_json);
            }
            _ => {
                let (request, message) = ServerMessage::decode_json(line.as_bytes()).unwrap();
                message.encode(request, &mut of_json);
            }
        }
        assert_eq!(of_json, hex, "{name}");
    }
    let missing: Vec<_> = Kind::ALL
        .iter()
        .filter(|kind| !kinds.contains(kind))
        .collect();
    assert!(
        missing.is_empty(),
        "no vectors of {missing:?}: make them anew, see conformance/README.md"
    );
}

#[test]
fn bodies_that_are_none_are_refused_for_their_reason() {
    for vector in vectors("bodies.json") {
        let hex = bytes(text(&vector, "hex"));
        let error = match decode(text(&vector, "from"), whole_frame(&hex)) {
            Err(BodyError::Malformed(_)) => "malformed",
            Err(BodyError::UnknownKind(_)) => "unknown_kind",
            Ok((json, _)) => panic!("{vector} is {json}"),
        };
        assert_eq!(error, vector["error"], "{vector}");
    }
}

#[test]
fn streams_are_the_frames_they_hold_whole_and_byte_by_byte() {
    for vector in vectors("frames.json") {
        let stream = bytes(text(&vector, "hex"));
        for step in [1, stream.len().max(1)] {
            let mut decoder = match text(&vector, "from") {
                "client" => FrameDecoder::after_preface(limits::REQUEST_BYTES_MAX),
                _ => FrameDecoder::new(limits::FRAME_BYTES_MAX),
            };
            let (frames, then) = read_stream(&mut decoder, stream.chunks(step));
            // The decoder alone does not know that a preface is still expected.
            let in_preface = text(&vector, "name") == "cut_in_its_preface";
            let then = if in_preface { "incomplete" } else { then };
            assert_eq!(json!(frames), vector["frames"], "{vector}");
            assert_eq!(then, vector["then"], "{vector}");
        }
    }
}

fn read_stream<'a>(
    decoder: &mut FrameDecoder,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> (Vec<String>, &'static str) {
    let mut frames = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.next_frame(&mut chunk) {
                Ok(None) => break,
                Ok(Some(frame)) => frames.push(hex_of(frame)),
                Err(FrameError::Preface { .. }) => return (frames, "no_preface"),
                Err(FrameError::TooLong { .. }) => return (frames, "too_long"),
                Err(FrameError::TooShort { .. }) => return (frames, "too_short"),
            }
        }
    }
    let then = if decoder.is_inside_frame() {
        "incomplete"
    } else {
        "whole"
    };
    (frames, then)
}

fn hex_of(frame: Frame<'_>) -> String {
    let length = u32::try_from(10 + frame.body.len()).unwrap();
    let header = [
        &length.to_le_bytes()[..],
        &frame.kind.0.to_le_bytes(),
        &frame.request.0.to_le_bytes(),
        frame.body,
    ];
    header
        .concat()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn lines_are_read_or_refused_by_the_path_of_their_field() {
    for vector in vectors("lines.json") {
        let line = text(&vector, "line");
        assert_eq!(vector["from"], "client");
        match ClientMessage::decode_json(line.as_bytes()) {
            Ok((request, message)) => {
                let mut again = Vec::new();
                message.encode_json(request, &mut again);
                let again: Value = serde_json::from_slice(&again).unwrap();
                assert_eq!(again, vector["json"], "{line}");
            }
            Err(error) => {
                assert_eq!(
                    error.request().to_string(),
                    text(&vector, "request"),
                    "{line}"
                );
                assert_eq!(error.code().to_string(), text(&vector, "error"), "{line}");
                let path = match &error {
                    JsonError::Malformed { path, .. } => path,
                    JsonError::UnknownKind { .. } => "",
                };
                assert_eq!(path, text(&vector, "path"), "{line}");
            }
        }
    }
}

#[test]
fn folds_of_feeds_and_snapshots_have_these_digests() {
    for vector in vectors("feeds.json") {
        let name = text(&vector, "name");
        let id: [u8; 16] = bytes(text(&vector, "market")).try_into().unwrap();
        let mut market = Market::new(MarketId(id));
        for (number, step) in vector["steps"].as_array().unwrap().iter().enumerate() {
            let place = format!("{name}, step {number}");
            let stream = bytes(text(step, "hex"));
            match (take(&mut market, &stream), step.get("error")) {
                (Ok(()), None) => {
                    let at = market.feed_sequence().to_string();
                    assert_eq!(at, step["feed_sequence"], "{place}");
                    assert_eq!(market.digest().to_string(), step["digest"], "{place}");
                }
                (Err(error), Some(expected)) => {
                    let error = match error {
                        FeedError::OtherMarket { .. } => "other_market",
                        FeedError::Gap { .. } => "gap",
                        FeedError::WrongEnd { .. } => "wrong_end",
                        FeedError::Contradiction { .. } => "contradiction",
                    };
                    assert_eq!(error, expected, "{place}");
                }
                (result, expected) => panic!("{place}: {result:?}, and {expected:?} was expected"),
            }
        }
    }
}

/// Folds a feed; the parts of a snapshot replace the market.
fn take(market: &mut Market, mut stream: &[u8]) -> Result<(), FeedError> {
    let mut assembler = SnapshotAssembler::new();
    while let Some(frame) = Frame::split_from(&mut stream, limits::FRAME_BYTES_MAX).unwrap() {
        assert_eq!(frame.kind.sender(), Sender::Server);
        match ServerMessage::decode(frame.kind, frame.body).unwrap() {
            ServerMessage::Feed(feed) => {
                assert_eq!(frame.request, RequestId(0));
                feed.apply_to(market)?;
            }
            ServerMessage::SnapshotPart(part) => {
                if let Some(whole) = assembler.add(part).unwrap() {
                    *market = whole;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(stream.is_empty());
    Ok(())
}

fn bytes32(vector: &Value, field: &str) -> [u8; 32] {
    bytes(text(vector, field)).try_into().unwrap()
}

fn path(vector: &Value) -> Vec<[u8; 32]> {
    let path = vector["path"].as_array().unwrap().iter();
    path.map(|hash| bytes(hash.as_str().unwrap()).try_into().unwrap())
        .collect()
}

fn root(vector: &Value, size: &str, root: &str) -> Root {
    Root {
        size: vector[size].as_u64().unwrap(),
        hash: bytes32(vector, root),
    }
}

/// Returns true if a statement of this purpose carries the market's signature, checked through its message as a
/// client does it.
fn is_signed(vector: &Value) -> bool {
    let key = PublicKey(bytes32(vector, "key"));
    let statement = bytes(text(vector, "statement"));
    let signature = Signature(bytes(text(vector, "signature")).try_into().unwrap());
    let market = MarketId([7; 16]);
    let found = match text(vector, "purpose") {
        "auction.checkpoint.1" => SignedCheckpoint {
            statement: statement.try_into().unwrap(),
            signature,
            consistency: None,
        }
        .verify(market, &key)
        .err(),
        "auction.batch.1" => SignedBatch {
            statement: statement.try_into().unwrap(),
            signature,
        }
        .verify(market, &key)
        .err(),
        other => panic!("{other}"),
    };
    !matches!(found, Some(StatementError::Signature(_)))
}

#[test]
fn keys_signatures_trees_and_proofs_are_what_the_vectors_say() {
    let mut kinds = BTreeSet::new();
    for vector in vectors("signed.json") {
        let what = text(&vector, "what");
        kinds.insert(what.to_owned());
        let holds = match what {
            "key" => {
                let key = SigningKey::new(&bytes32(&vector, "secret")).public();
                let fingerprint = key.fingerprint().to_string();
                Some(
                    key.0 == bytes32(&vector, "key") && fingerprint == text(&vector, "fingerprint"),
                )
            }
            "tree" => {
                let mut tree = Frontier::new();
                for leaf in vector["leaves"].as_array().unwrap() {
                    tree.push(leaf_hash(&bytes(leaf.as_str().unwrap())), |_, _| {});
                }
                Some(tree.root().hash == bytes32(&vector, "root"))
            }
            "chain" => {
                let market = MarketId(bytes(text(&vector, "market")).try_into().unwrap());
                let mut chain = Chain::genesis(market);
                let frames = vector["frames"].as_array().unwrap().iter();
                Some(frames.fold(true, |holds, frame| {
                    let first = text(frame, "first").parse().unwrap();
                    let count = frame["count"].as_u64().unwrap().try_into().unwrap();
                    chain = chain.next(first, count, &bytes(text(frame, "public")));
                    holds && chain.to_string() == text(frame, "chain")
                }))
            }
            _ => None,
        };
        let (found, expected) = match (what, holds) {
            (_, Some(holds)) => (holds, true),
            ("signature", _) => (is_signed(&vector), vector["valid"] == true),
            ("inclusion", _) => {
                let (tree, leaf) = (root(&vector, "size", "root"), bytes(text(&vector, "leaf")));
                let record = vector["record"].as_u64().unwrap();
                let checked = check_inclusion(&tree, record, &leaf, &path(&vector));
                (checked.is_ok(), vector["valid"] == true)
            }
            ("consistency", _) => {
                let old = root(&vector, "old_size", "old_root");
                let new = root(&vector, "size", "root");
                let checked = check_consistency(&old, &new, &path(&vector));
                (checked.is_ok(), vector["valid"] == true)
            }
            (other, _) => panic!("{other}"),
        };
        assert_eq!(found, expected, "{}", text(&vector, "name"));
    }
    assert_eq!(kinds.len(), 6);
}
