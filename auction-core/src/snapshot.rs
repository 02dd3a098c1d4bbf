//! The whole engine as a value, to begin again from without replaying everything. A disposable form: a later
//! version of this crate may not read it, and makes a new one from the journal.

use alloc::vec::Vec;

use crate::engine::Engine;
use crate::lot::HiddenLot;
use crate::market::{FoldError, Market, MarketParts};
use crate::roster::Roster;
use crate::{Sequence, Timestamp};

/// The version of the snapshot's form; another one is not to be read.
pub const SNAPSHOT_VERSION: u16 = 1;

/// The whole engine as a value. It holds credentials and hidden maxima: keep it as you keep the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    market: MarketParts,
    roster: Roster,
    hidden: Vec<HiddenLot>,
    sequence: Sequence,
    at: Timestamp,
}

impl Engine {
    /// The engine as it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            market: self.market.parts().clone(),
            roster: self.roster.clone(),
            hidden: self.hidden.clone(),
            sequence: self.sequence,
            at: self.at,
        }
    }

    /// The engine of a snapshot.
    ///
    /// # Errors
    /// [`FoldError`] when the snapshot contradicts itself: make one anew from the journal.
    pub fn restore(snapshot: Snapshot) -> Result<Self, FoldError> {
        let Snapshot {
            market,
            roster,
            hidden,
            sequence,
            at,
        } = snapshot;
        if hidden.len() != market.lots.len() {
            return Err(FoldError::Full);
        }
        Ok(Self::from_state(
            Market::from_parts(market)?,
            roster,
            hidden,
            sequence,
            at,
        ))
    }
}

impl Snapshot {
    /// The place of the last record it holds.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }
}
