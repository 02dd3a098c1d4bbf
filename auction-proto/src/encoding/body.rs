//! Trait of all message bodies: the facts that framing needs.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encoding::kind::Kind;

/// The body of a kind. Only this crate implements it: kinds are permanent.
pub trait Body: Serialize + DeserializeOwned + sealed::Sealed {
    /// The kind.
    const KIND: Kind;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}
