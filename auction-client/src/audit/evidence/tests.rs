//! A market that recomputes its journal after a lie, compared with what it had signed before.

use auction_core::{
    Actor, Command, Event, LotId, Price, PublicEvent, Record, RequestId, SessionId, Term,
    Timestamp, UserId,
};
use auction_proto::merkle::{Subtrees, inclusion_path, node_hash};
use auction_proto::{SigningKey, encode_record};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const MARKET: MarketId = MarketId([7; 16]);
const RECORDS_MAX: usize = 40;

fn key() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

/// Leaf of a record with a bid; each amount is different, so that no two leaves are equal.
fn leaf(sequence: u64, units: u64) -> Vec<u8> {
    let lot = LotId(1);
    let price = Price::from_units(units).unwrap();
    let record = Record {
        sequence: Sequence(sequence),
        at: Timestamp::from_secs(1_000 + units),
        rules: 1,
        actor: Actor::User(UserId(1)),
        request: Some((SessionId(1), RequestId(units))),
        command: Command::Bid { lot, price },
        events: [Event::Public(PublicEvent::LotBegan { lot })]
            .into_iter()
            .collect(),
    };
    let (mut public, mut private) = (Vec::new(), Vec::new());
    encode_record(&record, &[0; 16], &mut public, &mut private);
    public
}

/// A journal: the bid of each record, and the number of records of each commit.
#[derive(Clone, Debug)]
struct Journal {
    bids: Vec<u64>,
    commits: Vec<usize>,
    /// First record that a leader of the second term wrote.
    second_term: Option<u64>,
}

impl Journal {
    fn leaves(&self) -> Vec<Vec<u8>> {
        let bids = (1..).zip(&self.bids);
        bids.map(|(sequence, units)| leaf(sequence, *units))
            .collect()
    }

    /// Record numbers at which commits end, with the chain there.
    fn ends(&self) -> Vec<(u64, Chain)> {
        let (mut chain, mut first) = (Chain::genesis(MARKET), 0);
        let leaves = self.leaves();
        let mut ends = Vec::new();
        for count in &self.commits {
            let end = (first + count).min(leaves.len());
            if end > first {
                let public = leaves[first..end].concat();
                chain = chain.next(first as u64 + 1, (end - first) as u32, &public);
                ends.push((end as u64, chain));
            }
            first = end;
        }
        ends
    }

    fn term(&self, record: u64) -> Term {
        match self.second_term {
            Some(first) if record >= first => Term(2),
            _ => Term(1),
        }
    }

    fn signed(&self, (sequence, chain): (u64, Chain)) -> SignedCheckpoint {
        let mut tree = Tree(self.leaves());
        let checkpoint = Checkpoint {
            sequence: Sequence(sequence),
            chain: chain.0,
            root: auction_proto::merkle::root(&mut tree, sequence).unwrap(),
        };
        let statement = CheckpointStatement {
            market: MARKET,
            term: self.term(sequence),
            time: Timestamp::from_secs(2_000),
            checkpoint,
        };
        SignedCheckpoint::sign(&statement, &key())
    }

    fn receipt(&self, record: u64, end: (u64, Chain)) -> Receipt {
        let signed = self.signed(end);
        let leaves = self.leaves();
        let public = leaves[record as usize - 1].clone();
        let path = inclusion_path(&mut Tree(leaves), record - 1, end.0).unwrap();
        Receipt {
            record: public.try_into().unwrap(),
            private: None,
            path: path.try_into().unwrap(),
            statement: signed.statement,
            signature: signed.signature,
        }
    }

    /// Reads the journal as `verify` does.
    fn hold(&self, mut evidence: Evidence) -> Result<(), NotAsSigned> {
        evidence.begin(MARKET)?;
        let mut leaves = self.leaves().into_iter();
        let mut read = 0;
        for (end, chain) in self.ends() {
            for leaf in leaves.by_ref().take((end - read) as usize) {
                evidence.record(leaf_hash(&leaf))?;
            }
            read = end;
            evidence.commit(chain, self.term(end))?;
        }
        evidence.end()
    }
}

struct Tree(Vec<Vec<u8>>);

impl Subtrees for Tree {
    type Error = std::convert::Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        if level == 0 {
            return Ok(leaf_hash(&self.0[index as usize]));
        }
        let left = self.subtree(level - 1, 2 * index)?;
        let right = self.subtree(level - 1, 2 * index + 1)?;
        Ok(node_hash(&left, &right))
    }
}

/// Change of a journal after it was signed.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Drop,
    Change,
    /// Swaps the record with the next one.
    Swap,
    Insert,
    /// Drops the record and all after it.
    Truncate,
}

impl Lie {
    /// Returns the changed journal, and its first wrong record.
    fn told(self, journal: &Journal, at: usize) -> (Journal, u64) {
        let mut told = journal.clone();
        let at = match self {
            Self::Swap => at.min(told.bids.len() - 2),
            _ => at,
        };
        match self {
            Self::Drop => drop(told.bids.remove(at)),
            Self::Change => told.bids[at] += 1_000,
            Self::Swap => told.bids.swap(at, at + 1),
            Self::Insert => told.bids.insert(at, 9_999),
            Self::Truncate => told.bids.truncate(at),
        }
        // Every record is in some commit.
        told.commits.push(2);
        (told, at as u64 + 1)
    }
}

fn journals() -> impl Strategy<Value = Journal> {
    let commits = proptest::collection::vec(1..6_usize, RECORDS_MAX);
    let bids = (2..=RECORDS_MAX).prop_map(|count| (1..=count as u64).collect());
    (bids, commits).prop_map(|(bids, commits)| Journal {
        bids,
        commits,
        second_term: None,
    })
}

fn lies() -> impl Strategy<Value = Lie> {
    prop_oneof![
        Just(Lie::Drop),
        Just(Lie::Change),
        Just(Lie::Swap),
        Just(Lie::Insert),
        Just(Lie::Truncate)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_change_of_signed_records_is_caught_and_no_other_blamed(
        journal in journals(), lie in lies(), at: Index,
        checkpoints in proptest::collection::vec(any::<Index>(), 0..3),
        receipts in proptest::collection::vec(any::<(Index, Index)>(), 0..3),
    ) {
        let ends = journal.ends();
        let (mut evidence, public) = (Evidence::default(), key().public());
        let mut covered = 0;
        for place in checkpoints {
            let end = *place.get(&ends);
            evidence.checkpoint(&journal.signed(end), MARKET, &public).unwrap();
            covered = covered.max(end.0);
        }
        for (place, record) in receipts {
            let end = *place.get(&ends);
            let record = 1 + record.index(end.0 as usize) as u64;
            evidence.receipt(&journal.receipt(record, end), MARKET, &public).unwrap();
            covered = covered.max(end.0);
        }
        let (told, wrong) = lie.told(&journal, at.index(journal.bids.len()));
        match told.hold(evidence) {
            Ok(()) => prop_assert!(wrong > covered, "{lie:?} at {wrong} of {covered}"),
            Err(NotAsSigned::Record { first, last, .. }) => {
                prop_assert!(first.0 <= wrong && wrong <= last.0, "{first} {wrong} {last}");
            }
            Err(NotAsSigned::EndMissing { first, last, .. }) => {
                prop_assert!(first.0 <= wrong && wrong <= last.0 + 1 && last.0 < covered);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn receipts_for_all_records_identify_the_first_wrong_one(
        journal in journals(), lie in lies(), at: Index,
    ) {
        let ends = journal.ends();
        let (mut evidence, public) = (Evidence::default(), key().public());
        let all = *ends.last().unwrap();
        for record in 1..=all.0 {
            evidence.receipt(&journal.receipt(record, all), MARKET, &public).unwrap();
        }
        let (told, wrong) = lie.told(&journal, at.index(journal.bids.len()));
        match told.hold(evidence) {
            Err(NotAsSigned::Record { first, last, .. }) => {
                prop_assert_eq!((first.0, last.0), (wrong, wrong));
            }
            Err(NotAsSigned::EndMissing { first, last, .. }) => {
                prop_assert_eq!((first.0, last.0 + 1), (wrong, wrong));
            }
            other => prop_assert!(wrong > all.0, "{other:?}"),
        }
    }

    #[test]
    fn an_honest_journal_holds_against_all_that_was_signed_of_it(journal in journals()) {
        let (mut evidence, public) = (Evidence::default(), key().public());
        for end in journal.ends() {
            evidence.checkpoint(&journal.signed(end), MARKET, &public).unwrap();
            for record in 1..=end.0 {
                evidence.receipt(&journal.receipt(record, end), MARKET, &public).unwrap();
            }
        }
        prop_assert_eq!(journal.hold(evidence), Ok(()));
    }
}

fn small() -> Journal {
    Journal {
        bids: (1..=8).collect(),
        commits: vec![3, 3, 2],
        second_term: None,
    }
}

#[test]
fn the_same_records_in_other_commits_contradict_a_checkpoint() {
    let journal = small();
    for commits in [vec![2, 4, 2], vec![8]] {
        let mut evidence = Evidence::default();
        let signed = journal.signed(journal.ends()[1]);
        evidence
            .checkpoint(&signed, MARKET, &key().public())
            .unwrap();
        let told = Journal { commits, ..small() };
        let sequence = Sequence(6);
        assert_eq!(told.hold(evidence), Err(NotAsSigned::Commits { sequence }));
    }
}

#[test]
fn two_journals_signed_up_to_one_record_are_a_checkable_fraud() {
    let public = key().public();
    let (told, _) = Lie::Change.told(&small(), 2);
    let mut evidence = Evidence::default();
    let (one, other) = (small(), told);
    evidence
        .checkpoint(&one.signed(one.ends()[1]), MARKET, &public)
        .unwrap();
    let receipt = other.receipt(5, other.ends()[1]);
    let Err(EvidenceError::Equivocation { sequence, proof }) =
        evidence.receipt(&receipt, MARKET, &public)
    else {
        panic!("the two contradict each other");
    };
    assert_eq!(sequence, Sequence(6));
    assert!(proof.verify(MARKET, &public).is_ok());

    // Up to different records: each is valid alone, but they contradict each other.
    let mut evidence = Evidence::default();
    evidence
        .receipt(&one.receipt(1, one.ends()[1]), MARKET, &public)
        .unwrap();
    let later = other.receipt(1, other.ends()[2]);
    let differs = evidence.receipt(&later, MARKET, &public);
    let Err(EvidenceError::Differs { first, last }) = differs else {
        panic!("{differs:?}");
    };
    assert!(first <= Sequence(3) && Sequence(3) <= last);
}

#[test]
fn evidence_of_another_market_or_key_is_none() {
    let journal = small();
    let signed = journal.signed(journal.ends()[0]);
    let mut evidence = Evidence::default();
    let other = SigningKey::new(&[1; 32]).public();
    assert!(matches!(
        evidence.checkpoint(&signed, MARKET, &other),
        Err(EvidenceError::Checkpoint(_))
    ));
    evidence
        .checkpoint(&signed, MARKET, &key().public())
        .unwrap();
    let found = MarketId([8; 16]);
    let expected = MARKET;
    assert_eq!(
        evidence.begin(found),
        Err(NotAsSigned::OtherMarket { found, expected })
    );
}

/// The chain does not cover terms, so nothing but the checkpoint reveals the change.
#[test]
fn a_term_above_the_one_that_signed_the_record_contradicts_it() {
    let journal = Journal {
        second_term: Some(4),
        ..small()
    };
    let ends = journal.ends();
    let held = |signed: &[usize], second_term| {
        let mut evidence = Evidence::default();
        for &end in signed {
            let checkpoint = journal.signed(ends[end]);
            evidence
                .checkpoint(&checkpoint, MARKET, &key().public())
                .unwrap();
        }
        let told = Journal {
            second_term,
            ..small()
        };
        told.hold(evidence)
    };
    assert_eq!(held(&[0, 1, 2], Some(4)), Ok(()));
    let wrong = NotAsSigned::Term {
        last: Sequence(3),
        found: Term(2),
        signed: Sequence(3),
        term: Term(1),
    };
    assert_eq!(held(&[0, 2], Some(1)), Err(wrong));
    // Beyond the last checkpoint a term is only claimed.
    assert_eq!(held(&[0], Some(7)), Ok(()));
}
