//! A record being judged, and questions about it.

use crate::model::event::{Event, Events, PublicEvent};
use crate::{Actor, Command, LotId, RandomEnd, Sequence, Timestamp};

/// A record being judged.
pub(super) struct Case<'a> {
    pub(super) sequence: Sequence,
    pub(super) at: Timestamp,
    /// `None`: the command is hidden.
    pub(super) asked: Option<(Actor, &'a Command)>,
    /// The events that the engine must decide, without private events that are not opened.
    pub(super) events: &'a [Option<PublicEvent>],
    /// All events, when the record is whole.
    pub(super) whole: Option<&'a Events>,
}

pub(super) fn public(event: &Event) -> Option<PublicEvent> {
    match event {
        Event::Public(event) => Some(event.clone()),
        Event::Private(_) => None,
    }
}

pub(super) fn lot_of(case: &Case<'_>) -> Option<LotId> {
    let shown = case.events.iter().flatten().find_map(PublicEvent::lot);
    shown.or_else(|| case.asked.and_then(|(_, command)| command_lot(command)))
}

pub(super) fn command_lot(command: &Command) -> Option<LotId> {
    match command {
        Command::Bid { lot, .. }
        | Command::BidMaximum { lot, .. }
        | Command::PlaceOrder { lot, .. }
        | Command::ReplaceOrder { lot, .. }
        | Command::CancelOrder { lot, .. }
        | Command::ExtendLot { lot, .. }
        | Command::CloseDue { lot }
        | Command::OpenDue { lot }
        | Command::DrawEnd { lot, .. }
        | Command::CloseLot { lot }
        | Command::CancelLot { lot }
        | Command::HaltLot { lot }
        | Command::ResumeLot { lot }
        | Command::PlaceDayOrder { lot, .. }
        | Command::ReplaceDayOrder { lot, .. }
        | Command::MovePhase { lot, .. } => Some(*lot),
        Command::CancelAll { lot, .. } => *lot,
        Command::ListStock(_)
        | Command::OpenLot(_)
        | Command::Register(_)
        | Command::OpenSession(_)
        | Command::CloseSession { .. }
        | Command::PublishProfit { .. }
        | Command::SuspendUser { .. }
        | Command::ReinstateUser { .. }
        | Command::SetDeadMan { .. }
        | Command::SetAccounts { .. }
        | Command::Deposit { .. }
        | Command::Withdraw { .. }
        | Command::AddDevice(_)
        | Command::HaltAll
        | Command::ResumeAll
        | Command::SetLimits { .. }
        | Command::SetCredential(_)
        | Command::SetAccess { .. } => None,
    }
}

pub(super) fn opened_end(case: &Case<'_>) -> Option<RandomEnd> {
    case.events.iter().flatten().find_map(|event| match event {
        PublicEvent::EndOpened { end, .. } => Some(*end),
        _ => None,
    })
}

/// Returns true if these are the events of a suspension: orders withdrawn, and their traders counted.
pub(super) fn is_withdrawal(events: &[Option<PublicEvent>]) -> bool {
    events
        .chunks(2)
        .all(|pair| matches!(pair, [None, Some(PublicEvent::BiddersCounted { .. })]))
}

pub(super) fn counted(events: &[Option<PublicEvent>]) -> impl Iterator<Item = (LotId, u32)> {
    events.iter().flatten().filter_map(|event| match event {
        PublicEvent::BiddersCounted { lot, bidders } => Some((*lot, *bidders)),
        _ => None,
    })
}
