//! Verification of the signed feed: accepts statements signed with the market's key that do not contradict earlier
//! ones.

use auction_core::{Digest, FeedSequence, Market};
use auction_proto::{
    AnySigned, AnyStatement, Kind, MarketKey, SignedSnapshot, SnapshotAssembler, SnapshotBytes,
    SnapshotStatement, StatementError,
};

use crate::audit::equivocation::{Equivocation, EquivocationDetector};
use crate::error::ConnectionError;

/// The market's key, and its earlier statements.
pub(crate) struct FeedVerifier {
    pub(crate) key: MarketKey,
    detector: EquivocationDetector,
    /// Digest that the market must have after the pending events.
    pub(crate) due: Option<(FeedSequence, Digest)>,
    /// True once an equivocation was reported: it is reported only once.
    reported: bool,
}

/// Relation of a statement to earlier ones.
pub(crate) enum Consistency {
    Consistent,
    Equivocation(Box<Equivocation>),
    /// An equivocation after one was already reported.
    Repeated,
}

/// A signed snapshot of which some parts are missing.
pub(crate) struct SignedParts {
    key: MarketKey,
    begun: Option<(SignedSnapshot, SnapshotStatement)>,
    parts: SnapshotAssembler,
}

impl FeedVerifier {
    pub(crate) fn new(key: MarketKey) -> Self {
        Self {
            detector: EquivocationDetector::new(key.market, key.key),
            key,
            due: None,
            reported: false,
        }
    }

    /// Verifies a statement, and compares it with earlier ones.
    pub(crate) fn check(
        &mut self,
        signed: AnySigned,
    ) -> Result<(AnyStatement, Consistency), ConnectionError> {
        let (statement, equivocation) = self.detector.check(&signed)?;
        let consistency = match equivocation {
            None => Consistency::Consistent,
            Some(_) if self.reported => Consistency::Repeated,
            Some(equivocation) => {
                tracing::error!(conflict = %equivocation.conflict, "the market has signed two contradicting statements");
                self.reported = true;
                Consistency::Equivocation(Box::new(equivocation))
            }
        };
        Ok((statement, consistency))
    }
}

impl SignedParts {
    pub(crate) fn of(key: MarketKey) -> Self {
        Self {
            key,
            begun: None,
            parts: SnapshotAssembler::new(),
        }
    }

    /// Begins a snapshot: its parts follow.
    pub(crate) fn begin(&mut self, signed: SignedSnapshot) -> Result<(), ConnectionError> {
        let statement = signed.verify(self.key.market, &self.key.key)?;
        self.begun = Some((signed, statement));
        self.parts = SnapshotAssembler::new();
        Ok(())
    }

    /// Adds a part; returns the market once it is complete and equals the signed one.
    pub(crate) fn add(
        &mut self,
        bytes: &SnapshotBytes,
    ) -> Result<Option<(SignedSnapshot, Market)>, ConnectionError> {
        let unexpected = ConnectionError::Unexpected(Kind::SNAPSHOT_BYTES);
        let (_, statement) = self.begun.as_ref().ok_or(unexpected)?;
        let part = statement.part(bytes)?;
        let Some(mut market) = self.parts.add(part)? else {
            return Ok(None);
        };
        let is_as_signed = market.id() == statement.market
            && market.feed_sequence() == statement.feed_sequence
            && market.digest() == statement.digest;
        if !is_as_signed {
            return Err(StatementError::Malformed.into());
        }
        let whole = self.begun.take().map(|(signed, _)| (signed, market));
        Ok(whole)
    }
}
