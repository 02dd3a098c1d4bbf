//! Verifying a market's results without its server, from the public journal.

pub(crate) mod evidence;
pub(crate) mod equivocation;

use std::collections::BTreeMap;

use auction_core::audit::{Audit, ClosedRecord, Foul, Held, Judged};
use auction_core::{Market, MarketId, PublicEvent, Record, Sequence, Timestamp};
use auction_proto::merkle::leaf_hash;
use auction_proto::record::leaves;
use auction_proto::{
    Chain, CheckpointStatement, Opening, Proven, PublicJournalDecoder, PublicJournalError,
    PublicKey, PublicPart, PublicRecord, Receipt, RecordError, SignedCheckpoint,
};

use crate::audit::evidence::{Evidence, EvidenceError, NotAsSigned};

/// Checks a public journal as its bytes come: the chain, every opening against its commitment, and every record against
/// the rules. Memory: the market, the known data of open lots, and at most one frame.
///
/// ```
/// use auction_client::Verifier;
/// use auction_proto::{Chain, begin_public_journal, end_public_journal};
/// # use auction_core::MarketId;
///
/// # let market = MarketId([7; 16]);
/// # let mut bytes = Vec::new();
/// # begin_public_journal(market, &mut bytes);
/// # end_public_journal(0, Chain::genesis(market), &mut bytes);
/// let mut verifier = Verifier::new();
/// for piece in bytes.chunks(7) {
///     verifier.take(piece, |judged| println!("{}: {:?}", judged.sequence, judged.judged))?;
/// }
/// let proof = verifier.finish()?;
/// assert_eq!(proof.records, 0);
/// # Ok::<(), auction_client::ProofError>(())
/// ```
#[derive(Debug, Default)]
pub struct Verifier {
    decoder: PublicJournalDecoder,
    audit: Option<Audit>,
    counts: Counts,
    evidence: Evidence,
}

/// Result of a verified public journal.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The market after the last record.
    pub market: Market,
    /// Number of records; they are numbered from 1.
    pub records: u64,
    /// The chain after the last record: compare it with the market's signed one.
    pub chain: Chain,
    /// Numbers of records by how far they could be judged.
    pub counts: Counts,
}

/// Numbers of records by how far they could be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Number of frames of the journal.
    pub frames: u64,
    /// Records whose public content follows completely from the rules.
    pub decided: u64,
    /// Records whose public content is possible under the rules; the rest depends on hidden data.
    pub allowed: BTreeMap<Held, u64>,
    /// Records of which only their existence is public.
    pub held: u64,
    /// Number of private parts opened, each as its record had committed to it.
    pub opened: u64,
}

/// A record that agrees with the rules.
#[derive(Clone, Copy, Debug)]
pub struct ReplayedRecord<'a> {
    /// Place of the record in the journal.
    pub sequence: Sequence,
    /// Time of the decision.
    pub at: Timestamp,
    /// Extent to which the record could be judged.
    pub judged: Judged,
    /// Public events of the decision.
    pub events: &'a [Option<PublicEvent>],
    /// The complete record, once nothing of it is hidden.
    pub whole: Option<&'a Record>,
    /// The market after the record.
    pub market: &'a Market,
}

/// Reason why a public journal is not a proof.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProofError {
    /// The file is no journal, is truncated, or was changed after the market had written it.
    #[error("{0}")]
    Journal(#[from] PublicJournalError),
    /// A private part does not match its record's commitment.
    #[error("{source}")]
    Opening {
        /// The record.
        sequence: Sequence,
        /// The mismatch.
        source: RecordError,
    },
    /// The journal differs from the one that the market had signed.
    #[error("{0}")]
    Signed(#[from] NotAsSigned),
    /// The market's decision contradicts the rules.
    #[error("{foul}")]
    Foul {
        /// The first such record, and the decision that the rules give.
        foul: Box<Foul>,
        /// The market before the record.
        market: Box<Market>,
    },
}

impl Verifier {
    /// Creates a verifier at the beginning of a journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a checkpoint to compare with the journal, before the journal's first byte: it reveals records that the
    /// market dropped, changed or moved after signing it. Returns the checkpoint's content.
    ///
    /// # Errors
    /// [`EvidenceError`] when it is not a checkpoint of this market, or contradicts a statement registered before.
    ///
    /// # Panics
    /// When the journal has begun.
    pub fn hold_checkpoint(
        &mut self,
        checkpoint: &SignedCheckpoint,
        market: MarketId,
        key: &PublicKey,
    ) -> Result<CheckpointStatement, EvidenceError> {
        assert!(self.audit.is_none(), "the journal has not begun");
        self.evidence.checkpoint(checkpoint, market, key)
    }

    /// Registers a receipt to compare with the journal, as [`hold_checkpoint`](Self::hold_checkpoint) does a
    /// checkpoint. Returns what the receipt proves.
    ///
    /// # Errors
    /// [`EvidenceError`] when it proves nothing, or contradicts a statement registered before.
    ///
    /// # Panics
    /// When the journal has begun.
    pub fn hold_receipt(
        &mut self,
        receipt: &Receipt,
        market: MarketId,
        key: &PublicKey,
    ) -> Result<Proven, EvidenceError> {
        assert!(self.audit.is_none(), "the journal has not begun");
        self.evidence.receipt(receipt, market, key)
    }

    /// Reads the next bytes, and calls `show` with every record that agrees with the rules.
    ///
    /// # Errors
    /// [`ProofError`] names the first fault. The verifier must not be used afterwards.
    pub fn take(
        &mut self,
        bytes: &[u8],
        mut show: impl FnMut(ReplayedRecord<'_>),
    ) -> Result<(), ProofError> {
        let mut input = bytes;
        while let Some(part) = self.decoder.next_part(&mut input)? {
            match part {
                PublicPart::Market(market) => {
                    self.evidence.begin(market)?;
                    self.audit = Some(Audit::new(market));
                }
                PublicPart::Frame(frame) => {
                    let audit = self
                        .audit
                        .as_mut()
                        .expect("a journal begins with its market");
                    self.counts.frames += 1;
                    let mut leaves = leaves(frame.public);
                    for record in frame.records() {
                        let (record, opening) = record?;
                        if !self.evidence.is_empty() {
                            let leaf = leaves.next().expect("a record was read");
                            let leaf = leaf.expect("it was read");
                            self.evidence.record(leaf_hash(&leaf))?;
                        }
                        judge(audit, &mut self.counts, record, opening, &mut show)?;
                    }
                    self.evidence.commit(frame.chain, frame.term)?;
                }
                PublicPart::End { .. } => {}
            }
        }
        Ok(())
    }

    /// Returns the proof, after the last bytes.
    ///
    /// # Errors
    /// [`ProofError`] when the journal is incomplete.
    pub fn finish(self) -> Result<Proof, ProofError> {
        self.decoder.finish()?;
        self.evidence.end()?;
        let audit = self
            .audit
            .unwrap_or_else(|| Audit::new(MarketId::default()));
        Ok(Proof {
            records: audit.sequence().0,
            chain: self.decoder.chain(),
            counts: self.counts,
            market: audit.market().clone(),
        })
    }
}

fn judge(
    audit: &mut Audit,
    counts: &mut Counts,
    record: PublicRecord,
    opening: Option<Opening<'_>>,
    show: &mut impl FnMut(ReplayedRecord<'_>),
) -> Result<(), ProofError> {
    let (sequence, at) = (record.sequence, record.at);
    let events = record.events.clone();
    let is_whole = record.commitment.is_none() || opening.is_some();
    counts.opened += u64::from(opening.is_some());
    let mut whole = None;
    let judged = if is_whole {
        let opened = record.open(opening);
        let opened = opened.map_err(|source| ProofError::Opening { sequence, source })?;
        let judged = audit.check_record(&opened);
        whole = Some(opened);
        judged
    } else {
        let asked = record.asked;
        audit.check_closed(&ClosedRecord {
            sequence,
            at,
            rules: record.rules,
            asked: asked.map(|asked| (asked.actor, asked.command)),
            events: record.events,
        })
    };
    let judged = judged.map_err(|foul| ProofError::Foul {
        foul: Box::new(foul),
        market: Box::new(audit.market().clone()),
    })?;
    match judged {
        Judged::Decided => counts.decided += 1,
        Judged::Allowed(held) => *counts.allowed.entry(held).or_default() += 1,
        Judged::Held => counts.held += 1,
    }
    show(ReplayedRecord {
        sequence,
        at,
        judged,
        events: &events,
        whole: whole.as_ref(),
        market: audit.market(),
    });
    Ok(())
}
