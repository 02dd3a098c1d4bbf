//! Noticing fraud: what a market has signed is kept for a while, and compared with what it signs later, whoever brings
//! it. Nothing here waits, and nothing grows without end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use auction_core::{Digest, FeedSequence, MarketId, Sequence};
use auction_proto::limits::FEED_ENTRIES_MAX;
use auction_proto::{
    AnySigned, AnyStatement, Checkpoint, Conflict, EquivocationProof, PublicKey, StatementError,
};

use crate::limits::{EQUIVOCATION_BYTES_MAX, EQUIVOCATION_STATEMENTS_MAX};

/// Remembers what a market has signed, to see when it contradicts itself.
///
/// It keeps the latest [`EQUIVOCATION_STATEMENTS_MAX`] statements that said something new, as they came. What a market contradicts after
/// that is not seen here; a kept [checkpoint](crate::Client::checkpoint_since) sees it.
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
    /// What is kept, the oldest first.
    kept: VecDeque<Kept>,
    bytes: usize,
    /// Batches that hold events, by the place of the last and the place before the first.
    batches: BTreeMap<(FeedSequence, FeedSequence), Arc<AnySigned>>,
    digests: BTreeMap<FeedSequence, (Digest, Arc<AnySigned>)>,
    checkpoints: BTreeMap<Sequence, (Checkpoint, Arc<AnySigned>)>,
}

/// A market that has signed two things of which one is a lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Both, as they came: anyone who has the market's key can check them.
    pub proof: EquivocationProof,
    /// How they contradict each other.
    pub conflict: Conflict,
}

impl EquivocationDetector {
    /// Has heard nothing of this market yet.
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

    /// Checks what came, gives what it says, and the fraud that it proves together with what came before.
    ///
    /// # Errors
    /// [`StatementError`] when it is not to be believed; it is not kept then.
    pub fn check(
        &mut self,
        signed: &AnySigned,
    ) -> Result<(AnyStatement, Option<Equivocation>), StatementError> {
        let statement = signed.verify(self.market, &self.key)?;
        let equivocation = self.compare(signed, &statement);
        Ok((statement, equivocation))
    }

    /// Compares what was checked already: `statement` is what `signed` says, and [`AnySigned::verify`] gave it. What
    /// proves a fraud is not kept, so that the first of the two is compared with whatever else comes.
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
            // It was checked when it came.
            let known = first.verify(self.market, &self.key).ok()?;
            let conflict = known.conflict(statement)?;
            let proof = EquivocationProof {
                first: AnySigned::clone(first),
                second: signed.clone(),
            };
            Some(Equivocation { proof, conflict })
        })
    }

    /// The batches that have an event in common with these places.
    fn overlapping(
        &self,
        events: Option<(FeedSequence, FeedSequence)>,
    ) -> impl Iterator<Item = &Arc<AnySigned>> {
        let (after, through) = events.unwrap_or_default();
        let first = (FeedSequence(after.0.saturating_add(1)), FeedSequence(0));
        // None that ends further on begins before.
        let end = through.0.saturating_add(FEED_ENTRIES_MAX as u64);
        let kept = self.batches.range(first..);
        let kept = kept.take_while(move |((last, _), _)| last.0 < end);
        kept.filter(move |((_, before), _)| *before < through)
            .map(|(_, signed)| signed)
    }

    /// Keeps what says something that is not known yet.
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

/// Where something that is kept is found.
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

/// Bytes of a statement, and about what it takes to find it again.
fn size(signed: &AnySigned) -> usize {
    let statement = match signed {
        AnySigned::Batch(batch) => batch.statement.len(),
        AnySigned::Snapshot(snapshot) => snapshot.statement.len(),
        AnySigned::Checkpoint(checkpoint) => checkpoint.statement.len(),
    };
    statement + 2 * size_of::<AnySigned>()
}

/// What a statement says that another can contradict.
struct Claims<'a> {
    checkpoint: &'a Checkpoint,
    digest: Option<(FeedSequence, Digest)>,
    /// The place before its first event and the place of its last, when it has any.
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
