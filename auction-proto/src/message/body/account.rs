//! The user's account: its state, its events, and the dead-man switch of a session.

use auction_core::{AccountEvent, SessionId, Span, StandingLead, StandingOrder, Timestamp};

use super::snapshot::Follows;
use crate::encoding::list::List;
use crate::limits::{ACCOUNT_ENTRIES_MAX, PART_LEADS_MAX, PART_ORDERS_MAX, SESSIONS_LISTED_MAX};

fields! {
    /// Asks for the state and the events of the user's own account, on this connection. Needs a session. Answered by
    /// [`Account`]s that carry the number of this request; from there on, [`AccountFeed`] carries every event.
    struct WatchAccount = WATCH_ACCOUNT {}

    /// A part of the state of the user's account.
    struct Account = ACCOUNT {
        /// The place of this part among the parts, from 0.
        index: u32,
        /// `More` if another part follows.
        follows: Follows,
        /// The sessions with a dead-man switch; in the first part alone.
        dead_men: List<DeadManOf, SESSIONS_LISTED_MAX>,
        /// Lots that the user leads, in the order of their numbers.
        leads: List<StandingLead, PART_LEADS_MAX>,
        /// Orders on lots that have not closed, by lot and order.
        orders: List<StandingOrder, PART_ORDERS_MAX>,
    }

    /// The dead-man switch of a session.
    struct DeadManOf {
        /// The session.
        session: SessionId,
        /// Longest time that it may be away.
        grace: Span,
    }

    /// Events of the user's account, in order.
    struct AccountFeed = ACCOUNT_FEED {
        /// The events of one commit, or a part of them.
        entries: List<AccountEntry, ACCOUNT_ENTRIES_MAX>,
    }

    /// One event of the user's account.
    struct AccountEntry {
        /// Time of the event.
        at: Timestamp,
        /// The event.
        event: AccountEvent,
    }

    /// Sets the dead-man switch of this session: when it is away for that long, or ends, the server cancels its user's
    /// open orders. For traders. Answered by [`Accepted`](super::Accepted).
    struct SetDeadMan = SET_DEAD_MAN {
        /// Longest time that the session may be away; nothing clears the switch. JSON can leave it out.
        #[serde(default)]
        grace: Option<Span>,
    }
}
