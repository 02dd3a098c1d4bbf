//! All steps from a bid to its proof, as a trader takes them: bid, receipt, checkpoint, export, verify; and a server
//! that changes its journal after it has signed it, and recomputes everything else correctly.

use std::fs;
use std::path::{Path, PathBuf};

use auction_core::{MarketId, Term};
use auction_proto::record::leaves;
use auction_proto::{
    Chain, PublicFrame, PublicJournalDecoder, PublicPart, begin_public_journal, end_public_journal,
};
use serde_json::Value;

use crate::line::PASSWORD;
use crate::person::{Person, Ran};
use crate::proof::public_journal;
use crate::test_market::TestMarket;

/// A public journal in which nothing was opened: the leaves of each frame.
#[derive(Clone)]
struct Journal {
    market: MarketId,
    frames: Vec<Vec<Vec<u8>>>,
}

impl Journal {
    fn read(bytes: &[u8]) -> Self {
        let mut decoder = PublicJournalDecoder::new();
        let mut journal = Self {
            market: MarketId::default(),
            frames: Vec::new(),
        };
        let mut rest = bytes;
        while let Some(part) = decoder.next_part(&mut rest).unwrap() {
            match part {
                PublicPart::Market(market) => journal.market = market,
                PublicPart::Frame(frame) => {
                    assert!(frame.openings.is_empty());
                    let leaves = leaves(frame.public).map(Result::unwrap);
                    journal.frames.push(leaves.collect());
                }
                PublicPart::End { .. } => break,
            }
        }
        journal
    }

    /// Writes it as a dishonest server would, with a recomputed chain.
    fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        begin_public_journal(self.market, &mut out);
        let (mut chain, mut next) = (Chain::genesis(self.market), 1);
        for frame in self.frames.iter().filter(|frame| !frame.is_empty()) {
            // The version, and each record's length and part.
            let mut public = vec![1];
            for (sequence, leaf) in (next..).zip(frame) {
                let part = [varint(sequence), past_varint(&leaf[5..]).to_vec()].concat();
                public.extend_from_slice(&(part.len() as u32).to_le_bytes());
                public.extend_from_slice(&part);
            }
            let count = frame.len() as u32;
            chain = chain.next(next, count, &public);
            PublicFrame {
                first: next,
                count,
                term: Term(1),
                public: &public,
                openings: &[],
                chain,
            }
            .append(&mut out);
            next += u64::from(count);
        }
        end_public_journal(next - 1, chain, &mut out);
        out
    }

    /// Position of a record: its frame, and its index there.
    fn find(&self, record: u64) -> (usize, usize) {
        let mut before = 0;
        for (at, frame) in self.frames.iter().enumerate() {
            let count = frame.len() as u64;
            if record <= before + count {
                return (at, (record - before - 1) as usize);
            }
            before += count;
        }
        panic!("there is no record {record}");
    }

    fn leaf(&mut self, record: u64) -> &mut Vec<u8> {
        let (frame, at) = self.find(record);
        &mut self.frames[frame][at]
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number as u8) | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn past_varint(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    &bytes[end + 1..]
}

/// A leaf's number and time, and the bytes after them.
fn split(leaf: &[u8]) -> (&[u8], &[u8]) {
    let rest = past_varint(past_varint(&leaf[5..]));
    leaf.split_at(leaf.len() - rest.len())
}

struct Market {
    test_market: TestMarket,
    journal: Vec<u8>,
    tom: Person,
    mia: Person,
    /// The record of tom's bid.
    record: u64,
}

impl Market {
    /// mia wins S1; tom bids on S2, mia after him on S3, and the market signs all of it.
    fn played() -> Self {
        let test_market = TestMarket::with_lots(3);
        test_market.write(
            "users.csv",
            &format!("name,role,password\nann,auctioneer,{PASSWORD}\n"),
        );
        let server = test_market.open();
        let [ann, mia, tom] = ["ann", "mia", "tom"].map(|name| {
            let person = Person::at(server.address());
            if name != "ann" {
                person.does(&format!("register {name}"));
            }
            person.does(&format!("login {name}"));
            person
        });
        let file = |name: &str| test_market.path().join(name).display().to_string();
        let bid = mia.does("bid S1 1.40");
        let (request, out) = (bid["request"].as_str().unwrap(), file("by-number.json"));
        let receipt = mia.does(&format!("receipt --request {request} --out {out}"));
        assert_eq!(receipt["what"], "a bid of 1.40 on #1");
        mia.does(&format!("receipt S1 --out {}", file("mia.json")));
        ann.does("close S1");
        tom.does("bid S2 3");
        let receipt = tom.does(&format!("receipt --out {}", file("tom.json")));
        assert_eq!(receipt["what"], "a bid of 3.00 on #2");
        let record = receipt["record"].as_str().unwrap().parse().unwrap();
        mia.does("bid S3 4");
        // It covers mia's bid, because her receipt comes after a checkpoint that does.
        mia.does(&format!("receipt S3 --out {}", file("mia-3.json")));
        let signed = mia.does(&format!("checkpoint --out {}", file("checkpoint.json")));
        let signed_up_to: u64 = signed["record"].as_str().unwrap().parse().unwrap();
        assert!(signed_up_to > record);
        server.end();
        let journal = public_journal(&test_market);
        Self {
            test_market,
            journal,
            tom,
            mia,
            record,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.test_market.path().join(name)
    }

    fn verify(&self, who: &Person, journal: &[u8], arguments: &str) -> Ran {
        let file = self.file("market.auctpub");
        fs::write(&file, journal).unwrap();
        let line = format!("verify {} {arguments}", file.display());
        Ran::of(&mut who.command(&line))
    }
}

fn held(name: &Path, as_what: &str) -> String {
    format!("--{as_what} {}", name.display())
}

#[test]
fn a_receipt_proves_a_bid_after_the_market_is_gone() {
    let market = Market::played();
    let all = [
        held(&market.file("mia.json"), "receipt"),
        held(&market.file("mia-3.json"), "receipt"),
        held(&market.file("checkpoint.json"), "checkpoint"),
    ]
    .join(" ");
    let ran = market.verify(&market.mia, &market.journal, &all);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told: Vec<&str> = ran.json["bids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bid| bid["what"].as_str().unwrap())
        .collect();
    for what in [
        "bid 1.40: you lead at 1.40",
        "closed: sold to mia (you) at 1.40",
        "bid 4.00: you lead at 4.00",
    ] {
        assert!(told.iter().any(|told| told.starts_with(what)), "{told:?}");
    }
    assert_eq!(ran.json["receipts"].as_array().unwrap().len(), 2);

    // The receipt alone proves it to anyone with the market's key, and to nobody else.
    let file = market.file("tom.json").display().to_string();
    let checked = market.mia.run(&format!("receipt check {file}"));
    assert_eq!(
        (checked.code, &checked.json["verified"]),
        (0, &Value::from(true))
    );
    let fingerprint = checked.json["fingerprint"].as_str().unwrap().to_owned();
    let stranger = Person::at("127.0.0.1:1".parse().unwrap());
    let error = stranger.fails(&format!("receipt check {file}"), 1);
    assert_eq!(
        (&error["code"], &error["key"]),
        (&"key_unknown".into(), &fingerprint.clone().into())
    );
    stranger.does(&format!("receipt check {file} --key {fingerprint}"));
    let other = "8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6";
    let error = stranger.fails(&format!("receipt check {file} --key {other}"), 1);
    assert_eq!(error["code"], "other_key");
    let text = fs::read_to_string(&file).unwrap();
    let receipt = text.find("\"receipt\"").unwrap();
    for at in (receipt + 30..text.len() - 4).step_by(41) {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        fs::write(market.file("changed.json"), changed).unwrap();
        let changed = market.file("changed.json").display().to_string();
        stranger.fails(&format!("receipt check {changed} --key {fingerprint}"), 1);
    }
}

#[test]
fn a_journal_changed_after_signing_is_caught_by_signatures() {
    let market = Market::played();
    let honest = Journal::read(&market.journal);
    let record = market.record;
    let dropped = {
        let mut lie = honest.clone();
        let (frame, at) = lie.find(record);
        lie.frames[frame].remove(at);
        lie
    };
    let changed = {
        let mut lie = honest.clone();
        let leaf = lie.leaf(record);
        // The time, one microsecond later.
        let at = 5 + varint(record).len();
        leaf[at] ^= 1;
        lie
    };
    let swapped = {
        let mut lie = honest.clone();
        let [one, other] = [record, record + 1].map(|record| lie.leaf(record).clone());
        let join = |head: &[u8], rest: &[u8]| [head, rest].concat();
        *lie.leaf(record) = join(split(&one).0, split(&other).1);
        *lie.leaf(record + 1) = join(split(&other).0, split(&one).1);
        lie
    };
    let cut = {
        let mut lie = honest.clone();
        let (frame, at) = lie.find(record);
        lie.frames.truncate(frame + 1);
        lie.frames[frame].truncate(at);
        lie
    };
    let receipt = held(&market.file("tom.json"), "receipt");
    let checkpoint = held(&market.file("checkpoint.json"), "checkpoint");
    for (name, lie) in [
        ("honest", &honest),
        ("dropped", &dropped),
        ("changed", &changed),
        ("swapped", &swapped),
        ("cut", &cut),
    ] {
        let bytes = lie.write();
        let by_rules = market.verify(&market.tom, &bytes, "");
        assert_eq!(by_rules.code, 0, "{name}: {by_rules:?}");
        for evidence in [&receipt, &checkpoint] {
            let ran = market.verify(&market.tom, &bytes, evidence);
            if name == "honest" {
                assert_eq!(ran.code, 0, "{ran:?}");
                continue;
            }
            let error = &ran.json["error"];
            assert_eq!(
                (ran.code, &error["code"]),
                (1, &"not_as_signed".into()),
                "{name}: {ran:?}"
            );
            let number = |field: &str| error[field].as_str().unwrap().parse::<u64>().unwrap();
            let (first, last) = (number("first"), number("last"));
            assert!(first <= record && record <= last, "{name}: {ran:?}");
            if evidence == &receipt {
                assert_eq!(first, record, "{name}: {ran:?}");
            }
        }
    }
}
