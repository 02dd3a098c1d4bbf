//! The market's signed statements about its journal (checkpoints and receipts), compared with the public journal as it
//! is read.
//!
//! Each statement claims the hashes of ranges of records: a checkpoint of all records up to its own, a receipt of its
//! own record too, and of each range in its path. Each range is hashed again as its records are read, and the first
//! that differs contains the first wrong record: dropped, changed or moved.

use std::collections::BTreeMap;

use auction_core::{MarketId, Sequence, Term};
use auction_proto::merkle::{Frontier, Hash, leaf_hash, path_ranges};
use auction_proto::{
    AnySigned, Chain, Checkpoint, CheckpointStatement, EquivocationProof, Proven, PublicKey,
    Receipt, ReceiptError, SignedCheckpoint, StatementError,
};

/// Checkpoints and receipts to compare with a journal.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    market: Option<MarketId>,
    /// Claims about ranges of records not yet reached, by first and last record.
    claims: BTreeMap<(u64, u64), Claim>,
    /// Ranges that contain the current record.
    begun: Vec<Begun>,
    /// Checkpoints by their record.
    checkpoints: BTreeMap<u64, (Checkpoint, SignedCheckpoint)>,
    /// Terms in which the checkpoints were signed, the lowest of each record. A leader signs what it or a leader before
    /// it wrote, so no record up to there can be of a higher term.
    terms: BTreeMap<u64, Term>,
    /// Number of the last record read.
    read: u64,
    /// Number of the last record up to which all agree with the signed statements.
    sound: u64,
}

/// The signed statement that a record contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// A checkpoint, by its record.
    Checkpoint(Sequence),
    /// A receipt, by its record.
    Receipt(Sequence),
}

/// Reason why a checkpoint or a receipt cannot be compared with a journal.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The receipt is invalid.
    #[error("the receipt: {0}")]
    Receipt(#[from] ReceiptError),
    /// The checkpoint is invalid.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] StatementError),
    /// It is of another market than the earlier statements.
    #[error("it is of market {found}, and an earlier one is of market {expected}")]
    OtherMarket {
        /// The statement's market.
        found: MarketId,
        /// The market of the earlier statements.
        expected: MarketId,
    },
    /// The market has signed two different journals up to the same record: fraud.
    #[error("the market has signed two different journals up to record {sequence}: that is fraud")]
    Equivocation {
        /// The record.
        sequence: Sequence,
        /// Both statements, as a proof for third parties.
        proof: Box<EquivocationProof>,
    },
    /// The market has signed two different journals.
    #[error(
        "the market has signed different records from {first} to {last}: that is fraud; keep all that it has signed"
    )]
    Differs {
        /// The first of the differing records.
        first: Sequence,
        /// The last of them.
        last: Sequence,
    },
}

/// Difference between a journal and the one that the market had signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAsSigned {
    /// A record differs, or has another place, from what the market had signed.
    #[error("{}, which the market has signed in {signed_in}", wrong(*first, *last))]
    Record {
        /// No record before this one is wrong.
        first: Sequence,
        /// The first wrong record is at most this one; equal to [`first`](Self::Record::first) when it is known
        /// exactly.
        last: Sequence,
        /// The statement that proves it.
        signed_in: SignedIn,
    },
    /// The records agree with the signed ones, but their commits differ.
    #[error(
        "the records up to {sequence} are divided into other commits than the market has signed in its checkpoint there"
    )]
    Commits {
        /// The record of the checkpoint.
        sequence: Sequence,
    },
    /// The records agree with the signed ones, but a frame claims a later term than the checkpoint that covers it.
    #[error(
        "the records up to {last} are said to be of term {found}, and the market has signed records up to {signed} in term {term}"
    )]
    Term {
        /// The frame's last record.
        last: Sequence,
        /// The frame's term.
        found: Term,
        /// The record of the checkpoint.
        signed: Sequence,
        /// The term in which it was signed.
        term: Term,
    },
    /// The journal ends before a signed record.
    #[error(
        "the journal ends with record {last}, and the market has signed {signed} in {signed_in}: {}",
        missing(*first, *last)
    )]
    EndMissing {
        /// No record before this one is wrong; the first missing record is this one or a later one.
        first: Sequence,
        /// The journal's last record.
        last: Sequence,
        /// The last signed record.
        signed: Sequence,
        /// The statement that proves it.
        signed_in: SignedIn,
    },
    /// The journal is another market's.
    #[error(
        "it is the journal of market {found}, but the given receipts and checkpoints are of {expected}"
    )]
    OtherMarket {
        /// The journal's market.
        found: MarketId,
        /// The market that signed.
        expected: MarketId,
    },
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    hash: Hash,
    signed_in: SignedIn,
}

#[derive(Debug)]
struct Begun {
    first: u64,
    last: u64,
    claim: Claim,
    tree: Frontier,
}

impl std::fmt::Display for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checkpoint(record) => write!(f, "the checkpoint of record {record}"),
            Self::Receipt(record) => write!(f, "the receipt of record {record}"),
        }
    }
}

fn wrong(first: Sequence, last: Sequence) -> String {
    match first == last {
        true => format!("record {first} is not the one"),
        false => format!("the records from {first} to {last} are not those"),
    }
}

fn missing(first: Sequence, last: Sequence) -> String {
    match first > last {
        true => format!("record {first} is missing"),
        false => format!("a record from {first} on is missing"),
    }
}

impl Evidence {
    /// Adds a checkpoint.
    pub(crate) fn checkpoint(
        &mut self,
        signed: &SignedCheckpoint,
        market: MarketId,
        key: &PublicKey,
    ) -> Result<CheckpointStatement, EvidenceError> {
        let statement = signed.verify(market, key)?;
        self.same_market(market)?;
        let signed_in = SignedIn::Checkpoint(statement.checkpoint.sequence);
        self.tree(signed, &statement, signed_in)?;
        Ok(statement)
    }

    /// Adds a receipt.
    pub(crate) fn receipt(
        &mut self,
        receipt: &Receipt,
        market: MarketId,
        key: &PublicKey,
    ) -> Result<Proven, EvidenceError> {
        let proven = receipt.verify(market, key)?;
        self.same_market(market)?;
        let record = proven.record.sequence;
        let signed_in = SignedIn::Receipt(record);
        let checkpoint = &proven.checkpoint.checkpoint;
        let signed = SignedCheckpoint {
            statement: receipt.statement.clone(),
            signature: receipt.signature,
            consistency: None,
        };
        self.tree(&signed, &proven.checkpoint, signed_in)?;
        let leaf = leaf_hash(&receipt.record);
        self.claim((record.0, record.0), leaf, signed_in)?;
        let ranges = path_ranges(record.0 - 1, checkpoint.sequence.0);
        for (range, hash) in ranges.into_iter().zip(&receipt.path) {
            self.claim((range.start + 1, range.end), *hash, signed_in)?;
        }
        Ok(proven)
    }

    fn same_market(&mut self, found: MarketId) -> Result<(), EvidenceError> {
        let expected = *self.market.get_or_insert(found);
        match found == expected {
            true => Ok(()),
            false => Err(EvidenceError::OtherMarket { found, expected }),
        }
    }

    fn tree(
        &mut self,
        signed: &SignedCheckpoint,
        statement: &CheckpointStatement,
        signed_in: SignedIn,
    ) -> Result<(), EvidenceError> {
        let checkpoint = &statement.checkpoint;
        let sequence = checkpoint.sequence;
        let kept = self.checkpoints.entry(sequence.0);
        let (known, first) = kept.or_insert_with(|| (checkpoint.clone(), signed.clone()));
        if known != checkpoint {
            let proof = Box::new(EquivocationProof {
                first: AnySigned::Checkpoint(first.clone()),
                second: AnySigned::Checkpoint(signed.clone()),
            });
            return Err(EvidenceError::Equivocation { sequence, proof });
        }
        let term = self.terms.entry(sequence.0).or_insert(statement.term);
        *term = statement.term.min(*term);
        match sequence.0 {
            0 => Ok(()),
            last => self.claim((1, last), checkpoint.root, signed_in),
        }
    }

    fn claim(
        &mut self,
        (first, last): (u64, u64),
        hash: Hash,
        signed_in: SignedIn,
    ) -> Result<(), EvidenceError> {
        let claim = Claim { hash, signed_in };
        let known = self.claims.entry((first, last)).or_insert(claim);
        match known.hash == hash {
            true => Ok(()),
            false => Err(EvidenceError::Differs {
                first: Sequence(first),
                last: Sequence(last),
            }),
        }
    }

    /// Checks the market of a journal at its beginning.
    pub(crate) fn begin(&self, found: MarketId) -> Result<(), NotAsSigned> {
        match self.market {
            Some(expected) if expected != found => {
                Err(NotAsSigned::OtherMarket { found, expected })
            }
            _ => Ok(()),
        }
    }

    /// Returns true if there is nothing to compare, so leaves are not needed.
    pub(crate) fn is_empty(&self) -> bool {
        self.market.is_none()
    }

    /// Compares the next record, given its leaf.
    pub(crate) fn record(&mut self, leaf: Hash) -> Result<(), NotAsSigned> {
        self.read += 1;
        let read = self.read;
        while let Some(entry) = self.claims.first_entry() {
            let (first, last) = *entry.key();
            if first > read {
                break;
            }
            let (claim, tree) = (entry.remove(), Frontier::new());
            self.begun.push(Begun {
                first,
                last,
                claim,
                tree,
            });
        }
        let mut wrong: Option<(u64, Claim)> = None;
        for range in &mut self.begun {
            range.tree.push(leaf, |_, _| {});
            if range.last > read {
                continue;
            }
            let holds = range.tree.root().hash == range.claim.hash;
            if holds && range.first <= self.sound + 1 {
                self.sound = read;
            }
            // Of several wrong ranges, report the narrowest.
            if !holds && wrong.is_none_or(|(first, _)| first < range.first) {
                wrong = Some((range.first, range.claim));
            }
        }
        self.begun.retain(|range| range.last > read);
        match wrong {
            None => Ok(()),
            Some((first, claim)) => Err(NotAsSigned::Record {
                first: Sequence(first.max(self.sound + 1).min(read)),
                last: Sequence(read),
                signed_in: claim.signed_in,
            }),
        }
    }

    /// Compares the end of a commit, after the last record.
    pub(crate) fn commit(&mut self, chain: Chain, term: Term) -> Result<(), NotAsSigned> {
        let mut covering = self.terms.range(self.read..);
        if let Some((&signed, &signed_term)) = covering.find(|(_, signed)| **signed < term) {
            return Err(NotAsSigned::Term {
                last: Sequence(self.read),
                found: term,
                signed: Sequence(signed),
                term: signed_term,
            });
        }
        while let Some(entry) = self.checkpoints.first_entry() {
            let sequence = *entry.key();
            if sequence > self.read {
                break;
            }
            let (checkpoint, _) = entry.remove();
            let is_its_end = sequence == self.read && checkpoint.chain == chain.0;
            if sequence > 0 && !is_its_end {
                let sequence = Sequence(sequence);
                return Err(NotAsSigned::Commits { sequence });
            }
        }
        Ok(())
    }

    /// Compares the end of the journal.
    pub(crate) fn end(&self) -> Result<(), NotAsSigned> {
        let begun = self.begun.iter().map(|begun| (begun.last, begun.claim));
        let ahead = self.claims.iter().map(|((_, last), claim)| (*last, *claim));
        let furthest = begun.chain(ahead).max_by_key(|(last, _)| *last);
        match furthest {
            None => Ok(()),
            Some((signed, claim)) => Err(NotAsSigned::EndMissing {
                first: Sequence(self.sound + 1),
                last: Sequence(self.read),
                signed: Sequence(signed),
                signed_in: claim.signed_in,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
