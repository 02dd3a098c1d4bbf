//! The whole engine as a value, to restart without replaying everything. A temporary form: a later version of this
//! crate may not read it, and rebuilds it from the journal.

use alloc::vec::Vec;

use crate::account::ledger::Ledger;
use crate::account::sessions::Sessions;
use crate::engine::{Engine, Limits, reserved_again};
use crate::lot::LotSecret;
use crate::market::{FoldError, Market, MarketParts};
use crate::model::command::AccountMode;
use crate::{LotId, Sequence, Timestamp};

/// Version of the snapshot's form; do not read another version.
pub const SNAPSHOT_VERSION: u16 = 6;

/// The whole engine as a value. It holds credentials and hidden maxima: protect it like the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    market: MarketParts,
    sessions: Sessions,
    hidden: Vec<LotSecret>,
    ledger: Option<Ledger>,
    limits: Limits,
    sequence: Sequence,
    at: Timestamp,
}

impl Engine {
    /// Returns the current engine as a snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            market: self.market.parts().clone(),
            sessions: self.sessions.clone(),
            hidden: self.hidden.clone(),
            ledger: self.ledger.clone(),
            limits: self.limits.clone(),
            sequence: self.sequence,
            at: self.at,
        }
    }

    /// Restores the engine of a snapshot.
    ///
    /// # Errors
    /// [`FoldError`] when the snapshot contradicts itself: rebuild it from the journal.
    pub fn restore(snapshot: Snapshot) -> Result<Self, FoldError> {
        let Snapshot {
            market,
            sessions,
            hidden,
            ledger,
            limits,
            sequence,
            at,
        } = snapshot;
        for index in 0..hidden.len().max(market.lots.len()) {
            let halves = market.lots.get(index).zip(hidden.get(index));
            if halves.is_none_or(|(lot, hidden)| !hidden.belongs_to(lot)) {
                return Err(FoldError::LotContradicted(LotId::at_index(index)));
            }
        }
        let market = Market::from_parts(market)?;
        check_ledger(ledger.as_ref(), &market, &hidden)?;
        Ok(Self::from_state(
            market, sessions, hidden, ledger, limits, sequence, at,
        ))
    }
}

/// Checks that the books balance, and reserve what the open lots require.
fn check_ledger(
    ledger: Option<&Ledger>,
    market: &Market,
    hidden: &[LotSecret],
) -> Result<(), FoldError> {
    let balanced = match ledger {
        None => market.accounts() == AccountMode::Credit,
        Some(ledger) => {
            market.accounts() == AccountMode::Funds
                && ledger.count() == market.users().len()
                && ledger.audit().is_ok()
                && reserved_again(ledger, market, hidden)? == *ledger
        }
    };
    balanced
        .then_some(())
        .ok_or(FoldError::AccountsContradicted)
}

impl Snapshot {
    /// Returns the sequence of the last record included.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }
}
