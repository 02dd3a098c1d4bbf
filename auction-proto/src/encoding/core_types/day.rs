//! The trading day: its terms, its orders, its book, and the values of its events.

use alloc::vec::Vec;

use auction_core::limits::DAY_PHASES_MAX;
use auction_core::{
    Amount, CallTerms, Collar, CorridorKind, DayBook, DayHaltCause, DayOrder, DayOrderState,
    DayPhase, DayReply, DayRest, DayStatistics, DayTerms, EndCommitment, FillRole, LapseReason,
    LotId, OrderId, OwnDayOrder, PhaseBegan, Price, Quantity, ScheduledPhase, SelfTrade,
    ShownOrder, ShownOrders, Side, Span, StandingDayOrder, TimeInForce, Timestamp, TraderLimits,
};
use serde::de::Error as _;
use serde::{Deserializer, Serializer};

use crate::encoding::list::{List, write_list};
use crate::encoding::wire::{Ref, Wire};
use crate::limits::PART_DAY_ORDERS_MAX;

form!(struct DayTermsForm: DayTerms = "auction_core::DayTerms" {
    call: CallTerms,
    phases: Vec<ScheduledPhase>,
    #[serde(default)]
    static_corridor: Option<Collar>,
    #[serde(default)]
    dynamic_corridor: Option<Collar>,
    volatility_length: Span,
    volatility_random_end: Span,
    interruptions_max: u32,
});

form!(struct ScheduledPhaseForm: ScheduledPhase = "auction_core::ScheduledPhase" {
    phase: DayPhase,
    begins_after: Span,
});

form!(enum DayPhaseForm: DayPhase = "auction_core::DayPhase" {
    0 = PreOpen,
    1 = Call,
    2 = Continuous,
    3 = Volatility,
    4 = AtLast,
});

form!(struct DayOrderForm: DayOrder = "auction_core::DayOrder" {
    side: Side,
    quantity: Quantity,
    #[serde(default)]
    limit: Option<Price>,
    time_in_force: TimeInForce,
    post_only: bool,
    self_trade: SelfTrade,
});

form!(enum TimeInForceForm: TimeInForce = "auction_core::TimeInForce" {
    0 = Day,
    1 = Until(Timestamp),
    2 = ImmediateOrCancel,
    3 = FillOrKill,
    4 = AtOpen,
    5 = AtClose,
    6 = Auction,
});

form!(enum SelfTradeForm: SelfTrade = "auction_core::SelfTrade" {
    0 = Refuse,
    1 = CancelNewest,
    2 = CancelOldest,
    3 = CancelBoth,
    4 = Decrement,
});

form!(enum FillRoleForm: FillRole = "auction_core::FillRole" {
    0 = Maker,
    1 = Taker,
    2 = Call,
});

form!(enum LapseReasonForm: LapseReason = "auction_core::LapseReason" {
    0 = Rest,
    1 = FillOrKill,
    2 = SelfTrade,
    3 = Uncross,
    4 = Until,
    5 = Close,
    6 = Funds,
});

form!(enum CorridorKindForm: CorridorKind = "auction_core::CorridorKind" {
    0 = Static,
    1 = Dynamic,
});

form!(enum DayHaltCauseForm: DayHaltCause = "auction_core::DayHaltCause" {
    0 = CrossedAtCollar,
    1 = Interruptions,
});

form!(enum DayOrderStateForm: DayOrderState = "auction_core::DayOrderState" {
    0 = Parked,
    1 = Resting,
});

form!(struct OwnDayOrderForm: OwnDayOrder = "auction_core::OwnDayOrder" {
    order: OrderId,
    content: DayOrder,
    traded: u64,
    value: u128,
    state: DayOrderState,
});

form!(struct StandingDayOrderForm: StandingDayOrder = "auction_core::StandingDayOrder" {
    lot: LotId,
    order: OwnDayOrder,
});

form!(struct TraderLimitsForm: TraderLimits = "auction_core::TraderLimits" {
    #[serde(default)]
    order_quantity: Option<Quantity>,
    #[serde(default)]
    order_value: Option<Amount>,
    #[serde(default)]
    open_orders: Option<u32>,
    #[serde(default)]
    long: Option<u64>,
    #[serde(default)]
    short: Option<u64>,
    #[serde(default)]
    orders_per_second: Option<u32>,
});

form!(struct DayStatisticsForm: DayStatistics = "auction_core::DayStatistics" {
    open: Option<Price>,
    high: Option<Price>,
    low: Option<Price>,
    last: Option<Price>,
    close: Option<Price>,
    volume: u128,
    value: u128,
    trades: u64,
});

form!(struct DayReplyForm: DayReply = "auction_core::DayReply" {
    order: OrderId,
    traded: u64,
    value: u128,
    rest: DayRest,
});

form!(enum DayRestForm: DayRest = "auction_core::DayRest" {
    0 = None,
    1 = Rests { open: Quantity },
    2 = Parked { open: Quantity },
    3 = Keeps { open: Quantity },
    4 = Lapsed { quantity: Quantity, because: LapseReason },
});

form!(struct PhaseBeganForm: PhaseBegan = "auction_core::PhaseBegan" {
    lot: LotId,
    phase: DayPhase,
    index: u8,
    ends_at: Timestamp,
    reference: Price,
    collar: Option<Collar>,
});

form!(struct ShownOrderForm: ShownOrder = "auction_core::ShownOrder" {
    number: u64,
    side: Side,
    price: Price,
    open: Quantity,
});

form!(struct DayBookForm: DayBook = "auction_core::DayBook" {
    phase: Option<DayPhase>,
    phase_ends_at: Timestamp,
    phase_index: u8,
    ends: Vec<Timestamp>,
    lengths: Vec<Span>,
    reference: Option<Price>,
    collar: Option<Collar>,
    traders: u32,
    extensions: u32,
    market_extended: bool,
    end: Option<EndCommitment>,
    halt: Option<DayHaltCause>,
    resumes_by_call: bool,
    interruptions: u32,
    last_call: Option<Price>,
    last_number: u64,
    statistics: DayStatistics,
    orders: ShownOrders,
});

/// Phases of a schedule.
impl Wire for Vec<ScheduledPhase> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        List::<ScheduledPhase, DAY_PHASES_MAX>::read(from).map(List::into_vec)
    }
}

/// Ends of the phases of a schedule.
impl Wire for Vec<Timestamp> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        List::<Timestamp, DAY_PHASES_MAX>::read(from).map(List::into_vec)
    }
}

/// Lengths of the phases of a schedule.
impl Wire for Vec<Span> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_list(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        List::<Span, DAY_PHASES_MAX>::read(from).map(List::into_vec)
    }
}

/// Shown orders of a day, or those of one part of a snapshot.
impl Wire for ShownOrders {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;

        let mut sequence = to.serialize_seq(Some(self.len()))?;
        for order in self.iter() {
            sequence.serialize_element(&Ref(&order))?;
        }
        sequence.end()
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let orders = List::<ShownOrder, PART_DAY_ORDERS_MAX>::read(from)?;
        Self::from_orders(orders).ok_or_else(|| D::Error::custom("two orders have the same number"))
    }
}

#[cfg(feature = "schema")]
mod shapes {
    use schemars::{Schema, SchemaGenerator};

    use super::{
        DAY_PHASES_MAX, PART_DAY_ORDERS_MAX, ScheduledPhase, ShownOrder, ShownOrders, Span,
        Timestamp, Vec,
    };
    use crate::encoding::list::List;
    use crate::encoding::schema::Shaped;

    macro_rules! as_list {
        ($($type:ty: $of:ty, $most:ident;)*) => {$(
            impl Shaped for $type {
                const NAME: Option<&'static str> = None;

                fn shape(generator: &mut SchemaGenerator) -> Schema {
                    List::<$of, $most>::shape(generator)
                }
            }
        )*};
    }

    as_list! {
        Vec<ScheduledPhase>: ScheduledPhase, DAY_PHASES_MAX;
        Vec<Timestamp>: Timestamp, DAY_PHASES_MAX;
        Vec<Span>: Span, DAY_PHASES_MAX;
        ShownOrders: ShownOrder, PART_DAY_ORDERS_MAX;
    }
}
