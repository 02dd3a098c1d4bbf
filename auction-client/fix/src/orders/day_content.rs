//! Values that only orders of trading days have.

use auction_core::{DayReply, DayRest, FillRole, LapseReason, SelfTrade, TimeInForce};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Part of an order's content that only trading days have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayPart {
    pub time_in_force: TimeInForce,
    pub post_only: bool,
    pub self_trade: SelfTrade,
}

/// A sum of price x shares, in ten-thousandths. Text in the log: JSON numbers are too short for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value(pub u128);

impl Value {
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

/// Outcome of an order's acceptance, for the case that the events of it are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtOnce {
    pub traded: u64,
    pub value: Value,
    pub lapsed: Option<LapseReason>,
}

impl AtOnce {
    pub(super) fn of(reply: &DayReply) -> Self {
        Self {
            traded: reply.traded,
            value: Value(reply.value),
            lapsed: match reply.rest {
                DayRest::Lapsed { because, .. } => Some(because),
                DayRest::None
                | DayRest::Rests { .. }
                | DayRest::Parked { .. }
                | DayRest::Keeps { .. } => None,
            },
        }
    }
}

/// A trade of a day, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTrade {
    pub number: u64,
    pub role: FillRole,
}
