//! What is believed of the signed feed: what the market's key has signed, as long as it does not contradict itself.

use auction_core::{Digest, FeedSequence, Market};
use auction_proto::{
    AnySigned, AnyStatement, Kind, MarketKey, SignedSnapshot, SnapshotAssembler, SnapshotBytes,
    SnapshotStatement, StatementError,
};

use crate::audit::equivocation::{Equivocation, EquivocationDetector};
use crate::error::ConnectionError;

/// The key that is believed, and what is known of what it has signed.
pub(crate) struct FeedVerifier {
    pub(crate) key: MarketKey,
    detector: EquivocationDetector,
    /// The digest that the market must have at the end of the events that are not told yet.
    pub(crate) due: Option<(FeedSequence, Digest)>,
    /// Whether fraud was told already: once is enough.
    reported: bool,
}

/// How something fits with what was consistency before.
pub(crate) enum Consistency {
    Consistent,
    Equivocation(Box<Equivocation>),
    /// It was told that the market contradicts itself.
    Repeated,
}

/// A signed snapshot whose parts are coming.
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

    /// Checks what came, and compares it with what came before.
    pub(crate) fn check(
        &mut self,
        signed: AnySigned,
    ) -> Result<(AnyStatement, Consistency), ConnectionError> {
        let (statement, equivocation) = self.detector.check(&signed)?;
        let consistency = match equivocation {
            None => Consistency::Consistent,
            Some(_) if self.reported => Consistency::Repeated,
            Some(equivocation) => {
                tracing::error!(conflict = %equivocation.conflict, "the market has signed two things of which one is a lie");
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

    /// A snapshot begins: its parts follow.
    pub(crate) fn begin(&mut self, signed: SignedSnapshot) -> Result<(), ConnectionError> {
        let statement = signed.verify(self.key.market, &self.key.key)?;
        self.begun = Some((signed, statement));
        self.parts = SnapshotAssembler::new();
        Ok(())
    }

    /// Takes a part, and gives the market when it is whole, and as it was signed.
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
