//! Detection of equivocation: statements signed by the market are kept for a while, and compared with later ones from
//! any source. Nothing here waits, and memory is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use auction_core::{Digest, FeedSequence, MarketId, Sequence};
use auction_proto::limits::FEED_ENTRIES_MAX;
use auction_proto::{
    AnySigned, AnyStatement, Checkpoint, Conflict, EquivocationProof, PublicKey, StatementError,
};

use crate::limits::{EQUIVOCATION_BYTES_MAX, EQUIVOCATION_STATEMENTS_MAX};

/// Remembers the market's signed statements, to notice contradictions.
///
/// It keeps the latest [`EQUIVOCATION_STATEMENTS_MAX`] statements with new content, as received. A contradiction to an
/// older one is not noticed here; a kept [checkpoint](crate::Client::checkpoint_since) reveals it.
///
/// ```
/// use auction_client::EquivocationDetector;
/// # use auction_core::{Digest, FeedSequence, MarketId, Sequence, Term, Timestamp};
/// # use auction_proto::{AnySigned, BatchStatement, Checkpoint, SignedBatch, SigningKey};
/// # let key = SigningKey::new(&[7; 32]);
/// # let signed = |digest| {
/// #     let checkpoint = Checkpoint { sequence: Sequence(1), chain: [0; 32], root: [0; 32] };
/// #     let place = FeedSequence(9);
/// #     let batch = BatchStatement {
/// #         market: MarketId([1; 16]), term: Term(1), time: Timestamp::from_secs(1), checkpoint,
/// #         after: place, through: place, digest: Digest([digest; 32]), entries: Default::default(),
/// #     };
/// #     AnySigned::Batch(SignedBatch::sign(&batch, &key))
/// # };
/// # let (first, second) = (signed(1), signed(2));
/// let mut detector = EquivocationDetector::new(MarketId([1; 16]), key.public());
/// assert!(detector.check(&first)?.1.is_none());
/// let (_, equivocation) = detector.check(&second)?;
/// let equivocation = equivocation.expect("two digests at one place");
/// assert_eq!(equivocation.proof.verify(MarketId([1; 16]), &key.public()), Ok(equivocation.conflict));
/// # Ok::<(), auction_proto::StatementError>(())
/// ```
#[derive(Debug)]
pub struct EquivocationDetector {
    market: MarketId,
    key: PublicKey,
    /// Kept statements, the oldest first.
    kept: VecDeque<Kept>,
    bytes: usize,
    /// Batches with events, by the place of the last event and the place before the first.
    batches: BTreeMap<(FeedSequence, FeedSequence), Arc<AnySigned>>,
    digests: BTreeMap<FeedSequence, (Digest, Arc<AnySigned>)>,
    checkpoints: BTreeMap<Sequence, (Checkpoint, Arc<AnySigned>)>,
}

/// Two contradicting statements signed by the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Both statements as received: anyone who has the market's key can check them.
    pub proof: EquivocationProof,
    /// The contradiction.
    pub conflict: Conflict,
}

impl EquivocationDetector {
    /// Creates a detector without statements.
    #[must_use]
    pub fn new(market: MarketId, key: PublicKey) -> Self {
        Self {
            market,
            key,
            kept: VecDeque::new(),
            bytes: 0,
            batches: BTreeMap::new(),
            digests: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
        }
    }

    /// Verifies a statement; returns its content, and the equivocation that it proves together with an earlier one.
    ///
    /// # Errors
    /// [`StatementError`] when the statement is invalid; it is not kept then.
    pub fn check(
        &mut self,
        signed: &AnySigned,
    ) -> Result<(AnyStatement, Option<Equivocation>), StatementError> {
        let statement = signed.verify(self.market, &self.key)?;
        let equivocation = self.compare(signed, &statement);
        Ok((statement, equivocation))
    }

    /// Compares a verified statement: `statement` is the content of `signed`, as returned by [`AnySigned::verify`]. A
    /// contradicting statement is not kept, so that later ones are compared with the first of the two.
    pub fn compare(
        &mut self,
        signed: &AnySigned,
        statement: &AnyStatement,
    ) -> Option<Equivocation> {
        let claims = Claims::of(statement);
        if let Some(equivocation) = self.contradicted(signed, statement, &claims) {
            return Some(equivocation);
        }
        self.keep(signed, &claims);
        None
    }

    fn contradicted(
        &self,
        signed: &AnySigned,
        statement: &AnyStatement,
        claims: &Claims<'_>,
    ) -> Option<Equivocation> {
        let checkpoint = self.checkpoints.get(&claims.checkpoint.sequence);
        let checkpoint = checkpoint.filter(|(known, _)| known != claims.checkpoint);
        let digest = claims.digest.and_then(|(place, digest)| {
            let known = self.digests.get(&place);
            known.filter(|(known, _)| *known != digest)
        });
        let suspects = checkpoint.map(|(_, signed)| signed).into_iter();
        let suspects = suspects.chain(digest.map(|(_, signed)| signed));
        let mut suspects = suspects.chain(self.overlapping(claims.events));
        suspects.find_map(|first| {
            // It was verified when it was received.
            let known = first.verify(self.market, &self.key).ok()?;
            let conflict = known.conflict(statement)?;
            let proof = EquivocationProof {
                first: AnySigned::clone(first),
                second: signed.clone(),
            };
            Some(Equivocation { proof, conflict })
        })
    }

    /// Returns the batches that have an event in common with these places.
    fn overlapping(
        &self,
        events: Option<(FeedSequence, FeedSequence)>,
    ) -> impl Iterator<Item = &Arc<AnySigned>> {
        let (after, through) = events.unwrap_or_default();
        let first = (FeedSequence(after.0.saturating_add(1)), FeedSequence(0));
        // A batch that ends after this place begins after `through`.
        let end = through.0.saturating_add(FEED_ENTRIES_MAX as u64);
        let kept = self.batches.range(first..);
        let kept = kept.take_while(move |((last, _), _)| last.0 < end);
        kept.filter(move |((_, before), _)| *before < through)
            .map(|(_, signed)| signed)
    }

    /// Keeps a statement with new content.
    fn keep(&mut self, signed: &AnySigned, claims: &Claims<'_>) {
        let checkpoint = claims.checkpoint.sequence;
        let batch = claims.events.map(|(after, through)| (through, after));
        let digest = claims.digest.map(|(place, _)| place);
        let kept = Kept {
            checkpoint: (!self.checkpoints.contains_key(&checkpoint)).then_some(checkpoint),
            digest: digest.filter(|place| !self.digests.contains_key(place)),
            batch: batch.filter(|place| !self.batches.contains_key(place)),
            bytes: size(signed),
        };
        if kept.says_nothing() {
            return;
        }
        let signed = Arc::new(signed.clone());
        if let Some(sequence) = kept.checkpoint {
            let checkpoint = (claims.checkpoint.clone(), signed.clone());
            self.checkpoints.insert(sequence, checkpoint);
        }
        if let (Some(_), Some((place, digest))) = (kept.digest, claims.digest) {
            self.digests.insert(place, (digest, signed.clone()));
        }
        if let Some(place) = kept.batch {
            self.batches.insert(place, signed);
        }
        self.bytes += kept.bytes;
        self.kept.push_back(kept);
        while (self.bytes > EQUIVOCATION_BYTES_MAX || self.kept.len() > EQUIVOCATION_STATEMENTS_MAX)
            && let Some(oldest) = self.kept.pop_front()
        {
            self.bytes -= oldest.bytes;
            oldest.checkpoint.map(|at| self.checkpoints.remove(&at));
            oldest.digest.map(|at| self.digests.remove(&at));
            oldest.batch.map(|at| self.batches.remove(&at));
        }
    }
}

/// Index entries of a kept statement.
#[derive(Debug)]
struct Kept {
    checkpoint: Option<Sequence>,
    digest: Option<FeedSequence>,
    batch: Option<(FeedSequence, FeedSequence)>,
    bytes: usize,
}

impl Kept {
    fn says_nothing(&self) -> bool {
        self.checkpoint.is_none() && self.digest.is_none() && self.batch.is_none()
    }
}

/// Size of a statement in bytes, including about the size of its index entries.
fn size(signed: &AnySigned) -> usize {
    let statement = match signed {
        AnySigned::Batch(batch) => batch.statement.len(),
        AnySigned::Snapshot(snapshot) => snapshot.statement.len(),
        AnySigned::Checkpoint(checkpoint) => checkpoint.statement.len(),
    };
    statement + 2 * size_of::<AnySigned>()
}

/// The claims of a statement that another can contradict.
struct Claims<'a> {
    checkpoint: &'a Checkpoint,
    digest: Option<(FeedSequence, Digest)>,
    /// Place before its first event and place of its last, if it has events.
    events: Option<(FeedSequence, FeedSequence)>,
}

impl<'a> Claims<'a> {
    fn of(statement: &'a AnyStatement) -> Self {
        match statement {
            AnyStatement::Batch(batch) => Self {
                checkpoint: &batch.checkpoint,
                digest: Some((batch.through, batch.digest)),
                events: (batch.after < batch.through).then_some((batch.after, batch.through)),
            },
            AnyStatement::Snapshot(snapshot) => Self {
                checkpoint: &snapshot.checkpoint,
                digest: Some((snapshot.feed_sequence, snapshot.digest)),
                events: None,
            },
            AnyStatement::Checkpoint(checkpoint) => Self {
                checkpoint: &checkpoint.checkpoint,
                digest: None,
                events: None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
