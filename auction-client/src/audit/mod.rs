//! Proving a market's results without its server: the public journal, checked by whoever has it.

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
/// the rules. It holds the market, what is known of open lots, and one frame at most.
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

/// What a public journal proves.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The market, as its records leave it.
    pub market: Market,
    /// How many records there are: they are numbered from 1.
    pub records: u64,
    /// The chain after the last: compare it with what the market has signed.
    pub chain: Chain,
    /// How far the records could be judged.
    pub counts: Counts,
}

/// How many records could be judged, and how far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many frames they came in.
    pub frames: u64,
    /// The rules give exactly these.
    pub decided: u64,
    /// What is public of these is what the rules can give; what else they hang on is hidden.
    pub allowed: BTreeMap<Held, u64>,
    /// Nothing of these is public but that they happened.
    pub held: u64,
    /// How many private parts were opened, each as its record had committed to it.
    pub opened: u64,
}

/// A record that is what the rules give.
#[derive(Clone, Copy, Debug)]
pub struct ReplayedRecord<'a> {
    /// Its place in the journal.
    pub sequence: Sequence,
    /// When it was decided.
    pub at: Timestamp,
    /// How far it could be judged.
    pub judged: Judged,
    /// What everyone sees of what was decided.
    pub events: &'a [Option<PublicEvent>],
    /// The record, when nothing of it is hidden any more.
    pub whole: Option<&'a Record>,
    /// The market after it.
    pub market: &'a Market,
}

/// Why a public journal proves nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProofError {
    /// The file is none, is cut off, or was changed after the market had written it.
    #[error("{0}")]
    Journal(#[from] PublicJournalError),
    /// A private part is not the one that its record committed to.
    #[error("{source}")]
    Opening {
        /// Its record.
        sequence: Sequence,
        /// What is wrong.
        source: RecordError,
    },
    /// The journal is not the one that the market had signed.
    #[error("{0}")]
    Signed(#[from] NotAsSigned),
    /// The market itself decided something that the rules do not give.
    #[error("{foul}")]
    Foul {
        /// The first such record, and what the rules give.
        foul: Box<Foul>,
        /// The market before it.
        market: Box<Market>,
    },
}

impl Verifier {
    /// At the beginning of a journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a checkpoint against the journal, before its first byte is taken: what the market dropped, changed or put
    /// elsewhere after it had signed it is found then. Gives what the checkpoint says.
    ///
    /// # Errors
    /// [`EvidenceError`] when it is none of this market's, or contradicts what was taken before.
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

    /// Holds a receipt against the journal, as [`hold_checkpoint`](Self::hold_checkpoint) does a checkpoint. Gives what
    /// the receipt proves.
    ///
    /// # Errors
    /// [`EvidenceError`] when it proves nothing, or contradicts what was taken before.
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

    /// Takes the next bytes, and shows each record that is what the rules give.
    ///
    /// # Errors
    /// [`ProofError`] names the first thing that is wrong. The verifier is of no more use then.
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
                    self.evidence.commit(frame.chain)?;
                }
                PublicPart::End { .. } => {}
            }
        }
        Ok(())
    }

    /// What all of it proves, when there are no more bytes.
    ///
    /// # Errors
    /// [`ProofError`] when the end has not come.
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
