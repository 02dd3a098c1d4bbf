//! The random end of a call auction: drawn outside the core, fixed in secret, and opened so that everyone can
//! check that it was fixed before.
//!
//! `commitment = SHA-256("auction.end.1" ‖ lot u32 ‖ microseconds before the close u64 ‖ salt)`, numbers
//! little-endian.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::{LotId, Span};

const COMMITMENT_PURPOSE: &[u8] = b"auction.end.1";

/// Random numbers drawn outside the core, from which a random end is computed. Its `Debug` hides them.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seed(pub [u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Time of a call auction's uncross, relative to its close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RandomEnd {
    /// Time before the close. A halt moves the close, and the uncross with it.
    pub before_close: Span,
    /// Makes the commitment unguessable.
    pub salt: [u8; 16],
}

/// Commitment to a [`RandomEnd`], which fixes the end without revealing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EndCommitment(pub [u8; 32]);

impl RandomEnd {
    /// Computes the end from a seed: every microsecond up to `longest` before the close is equally likely.
    pub(crate) fn drawn(seed: Seed, longest: Span) -> Self {
        let (number, salt) = seed.0.split_at(16);
        let number = u128::from_le_bytes(number.try_into().expect("half of 32 bytes"));
        // The number is so much larger than the span that no time is favoured by more than one part in 2^80.
        let micros = number % (u128::from(longest.micros()) + 1);
        let micros = u64::try_from(micros).expect("no more than a span");
        Self {
            before_close: Span::from_micros(micros).expect("no longer than a span"),
            salt: salt.try_into().expect("half of 32 bytes"),
        }
    }

    /// Returns the commitment that was published when the end was fixed.
    #[must_use]
    pub fn commitment(&self, lot: LotId) -> EndCommitment {
        let mut hash = Sha256::new_with_prefix(COMMITMENT_PURPOSE);
        hash.update(lot.0.to_le_bytes());
        hash.update(self.before_close.micros().to_le_bytes());
        hash.update(self.salt);
        EndCommitment(hash.finalize().into())
    }
}
