//! The user's account: its state, its events, and the dead-man switch of a session.

use auction_core::{AccountEvent, SessionId, Span, StandingLead, StandingOrder, Timestamp};

use super::snapshot::Follows;
use crate::encoding::list::List;
use crate::limits::{ACCOUNT_ENTRIES_MAX, PART_LEADS_MAX, PART_ORDERS_MAX, SESSIONS_LISTED_MAX};

fields! {
    /// Asks for what concerns one's own account, on this connection. Needs a session. Answered by [`Account`]s
    /// that carry the number of this request; from there on [`AccountFeed`] tells everything that happens.
    struct WatchAccount = WATCH_ACCOUNT {}

    /// A part of what stands of one's account.
    struct Account = ACCOUNT {
        /// The place of this part among the parts, from 0.
        index: u32,
        /// Whether another part follows.
        follows: Follows,
        /// The sessions with a dead-man switch; in the first part alone.
        dead_men: List<DeadManOf, SESSIONS_LISTED_MAX>,
        /// Lots that one leads, in the order of their numbers.
        leads: List<StandingLead, PART_LEADS_MAX>,
        /// Orders on lots that have not closed, by lot and order.
        orders: List<StandingOrder, PART_ORDERS_MAX>,
    }

    /// The dead-man switch of a session.
    struct DeadManOf {
        /// The session.
        session: SessionId,
        /// How long it may be away.
        grace: Span,
    }

    /// What has happened to one's account, in order.
    struct AccountFeed = ACCOUNT_FEED {
        /// The events of one commit, or a part of them.
        entries: List<AccountEntry, ACCOUNT_ENTRIES_MAX>,
    }

    /// Something that happened to one's account.
    struct AccountEntry {
        /// When it happened.
        at: Timestamp,
        /// What.
        event: AccountEvent,
    }

    /// Sets the dead-man switch of this session: when it is away for so long, or ends, the server pulls its user's
    /// open orders. For traders. Answered by [`Accepted`](super::Accepted).
    struct SetDeadMan = SET_DEAD_MAN {
        /// How long the session may be away; nothing clears the switch. JSON can leave it out.
        #[serde(default)]
        grace: Option<Span>,
    }
}
