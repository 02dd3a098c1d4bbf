//! Requests of the auctioneer about lots and users, other than opening lots.

use auction_core::{Command, LotId, UserId};

fields! {
    /// Closes a lot early: it is settled now by its rules, without an extension. For auctioneers.
    struct CloseLot = CLOSE_LOT {
        /// The lot.
        lot: LotId,
    }

    /// Takes a lot back before its first bid: nothing is sold. For auctioneers.
    struct CancelLot = CANCEL_LOT {
        /// The lot.
        lot: LotId,
    }

    /// Stops a lot's time: it takes nothing but cancels until it is resumed. For auctioneers.
    struct HaltLot = HALT_LOT {
        /// The lot.
        lot: LotId,
    }

    /// Lets a halted lot go on: its opening and its close come later by as long. For auctioneers.
    struct ResumeLot = RESUME_LOT {
        /// The lot.
        lot: LotId,
    }

    /// Lets a user do nothing more until they are reinstated; what they have bid binds. For auctioneers.
    struct SuspendUser = SUSPEND_USER {
        /// The user.
        user: UserId,
    }

    /// Ends a suspension. For auctioneers.
    struct ReinstateUser = REINSTATE_USER {
        /// The user.
        user: UserId,
    }
}

macro_rules! commands {
    ($($name:ident { $field:ident })*) => {$(
        impl From<$name> for Command {
            fn from(body: $name) -> Self {
                Self::$name { $field: body.$field }
            }
        }
    )*};
}

commands! {
    CloseLot { lot }
    CancelLot { lot }
    HaltLot { lot }
    ResumeLot { lot }
    SuspendUser { user }
    ReinstateUser { user }
}
