//! Kinds of messages: permanent numbers, in one table. The body of a kind never changes once it has shipped: a change
//! is a new kind, and a number is never reused.

use core::fmt;

/// Kind of a message. A number that this version does not know is kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u16);

/// Side that sends a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Kinds 1 to 127.
    Client,
    /// Kinds 128 to 255.
    Server,
    /// Other numbers: not assigned yet.
    Nobody,
}

/// Defines numbers with names in one table: a constant for each, the list of all, and their names.
macro_rules! numbered {
    ($type:ident: $($(#[$doc:meta])* $number:literal $constant:ident $name:literal;)*) => {
        impl $type {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// All known numbers, in order.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// Name, as JSON, metrics and the documents write it; `None` for an unknown number.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use numbered;

numbered! {
    Kind:

    /// The first message of a connection.
    1 HELLO "hello";
    /// Creates a trader's account.
    2 REGISTER "register";
    /// Opens a session.
    3 LOGIN "login";
    /// Continues a session.
    4 RESUME "resume";
    /// Closes this connection's session.
    5 LOGOUT "logout";
    /// Asks for the user's sessions.
    6 LIST_SESSIONS "list_sessions";
    /// Closes a session of the user.
    7 CLOSE_SESSION "close_session";
    /// Bids openly.
    8 BID "bid";
    /// States a hidden maximum.
    9 BID_MAXIMUM "bid_maximum";
    /// Publishes a profit.
    10 PUBLISH_PROFIT "publish_profit";
    /// Opens a lot.
    11 OPEN_LOT "open_lot";
    /// Moves a close.
    12 EXTEND_LOT "extend_lot";
    /// Asks for the feed.
    13 WATCH "watch";
    /// Asks for the current state of the market.
    14 GET_SNAPSHOT "get_snapshot";
    /// Asks for the bids of a lot.
    15 GET_HISTORY "get_history";
    /// Asks for the time.
    16 PING "ping";
    /// Asks for the feed of some stocks.
    17 WATCH_SYMBOLS "watch_symbols";
    /// Closes a lot early.
    18 CLOSE_LOT "close_lot";
    /// Cancels a lot.
    19 CANCEL_LOT "cancel_lot";
    /// Halts a lot.
    20 HALT_LOT "halt_lot";
    /// Resumes a halted lot.
    21 RESUME_LOT "resume_lot";
    /// Suspends a user.
    22 SUSPEND_USER "suspend_user";
    /// Ends a suspension.
    23 REINSTATE_USER "reinstate_user";
    /// Places a hidden order.
    24 PLACE_ORDER "place_order";
    /// Replaces a hidden order.
    25 REPLACE_ORDER "replace_order";
    /// Cancels a hidden order.
    26 CANCEL_ORDER "cancel_order";
    /// Asks for the winning threshold of a lot.
    27 GET_LEAST_WINNING "get_least_winning";
    /// Asks for the user's account and the events that concern it.
    28 WATCH_ACCOUNT "watch_account";
    /// Sets the dead-man switch of the session.
    29 SET_DEAD_MAN "set_dead_man";
    /// Pays into an account.
    30 DEPOSIT "deposit";
    /// Pays out of an account.
    31 WITHDRAW "withdraw";
    /// Asks for the holdings of a trader.
    32 GET_BALANCE "get_balance";
    /// Asks for the user's orders.
    33 GET_ORDERS "get_orders";
    /// Asks for the market's key.
    34 GET_MARKET_KEY "get_market_key";
    /// Asks for the signed feed.
    35 WATCH_SIGNED "watch_signed";
    /// Asks for a checkpoint of the journal.
    36 GET_CHECKPOINT "get_checkpoint";
    /// Asks for a receipt.
    37 GET_RECEIPT "get_receipt";
    /// Adds a device to the user's account.
    38 ADD_DEVICE "add_device";
    /// Asks for the user's devices.
    39 LIST_DEVICES "list_devices";
    /// Asks for the public key for sealing envelopes.
    40 GET_SEALING_KEY "get_sealing_key";
    /// A request of a device, sealed to the market.
    41 ENVELOPE "envelope";
    /// Offers a peer to others.
    42 OFFER_PEER "offer_peer";
    /// Asks for peers.
    43 GET_PEERS "get_peers";
    /// Asks for a page of the user's own activity.
    44 GET_ACTIVITY "get_activity";

    /// Places an order on a trading day.
    45 PLACE_DAY_ORDER "place_day_order";
    /// Replaces an order on a trading day.
    46 REPLACE_DAY_ORDER "replace_day_order";
    /// Cancels all orders of a trader.
    47 CANCEL_ALL "cancel_all";
    /// Moves the end of a phase of a trading day.
    48 MOVE_PHASE "move_phase";
    /// Halts the whole market.
    49 HALT_ALL "halt_all";
    /// Resumes the whole market.
    50 RESUME_ALL "resume_all";
    /// Sets limits of traders.
    51 SET_LIMITS "set_limits";
    /// Asks for the trades of a trading day.
    52 GET_TRADES "get_trades";

    /// Asks for the lots of a stock, or for one lot.
    60 GET_LOTS "get_lots";
    /// Changes the user's password.
    65 CHANGE_PASSWORD "change_password";

    /// Answers `hello`.
    128 WELCOME "welcome";
    /// Answers a request that was refused.
    129 REFUSED "refused";
    /// Answers a command that was accepted.
    130 ACCEPTED "accepted";
    /// Answers `login` and `resume`.
    131 LOGGED_IN "logged_in";
    /// Answers `list_sessions`.
    132 SESSIONS "sessions";
    /// A part of the current state of the market.
    133 SNAPSHOT_PART "snapshot_part";
    /// Answers `watch` when the feed continues without a snapshot.
    134 RESUMED "resumed";
    /// Public events of one commit.
    135 FEED "feed";
    /// Shows that the connection is alive.
    136 HEARTBEAT "heartbeat";
    /// Answers `ping`.
    137 PONG "pong";
    /// Answers `get_history`.
    138 HISTORY "history";
    /// The last message of a connection.
    139 GOODBYE "goodbye";
    /// Public events of some stocks.
    140 FILTERED_FEED "filtered_feed";
    /// Announces a snapshot instead of the continuation of the feed.
    141 RESYNC "resync";
    /// Answers `get_least_winning`.
    142 LEAST_WINNING "least_winning";
    /// A part of what stands of one's account.
    143 ACCOUNT "account";
    /// Events that concern the user's account.
    144 ACCOUNT_FEED "account_feed";
    /// Answers `get_balance`.
    145 BALANCE "balance";
    /// Answers `get_orders`.
    146 ORDERS "orders";
    /// Result that an uncross of a call auction would have now.
    147 INDICATIVE "indicative";
    /// Answers `get_market_key`.
    148 MARKET_KEY "market_key";
    /// Public events, signed.
    149 SIGNED_BATCH "signed_batch";
    /// The current state of the market, signed.
    150 SIGNED_SNAPSHOT "signed_snapshot";
    /// A part of the current state of the market, covered by the signed snapshot before it.
    151 SNAPSHOT_BYTES "snapshot_bytes";
    /// Answers `get_checkpoint`.
    152 SIGNED_CHECKPOINT "signed_checkpoint";
    /// Answers `get_receipt`.
    153 RECEIPT "receipt";
    /// Answers `list_devices`.
    154 DEVICES "devices";
    /// Answers `get_sealing_key`.
    155 SEALING_KEY "sealing_key";
    /// Answers `envelope`.
    156 SEALED_ANSWER "sealed_answer";
    /// Answers `offer_peer`.
    157 PEER_OFFERED "peer_offered";
    /// Answers `get_peers`.
    158 PEERS "peers";
    /// Answers `get_activity`.
    159 ACTIVITY "activity";
    /// A part of the state of the user's account: orders on trading days.
    160 DAY_ORDERS "day_orders";
    /// Answers `get_trades`.
    161 TRADES "trades";
    /// Answers `get_lots`.
    175 LOTS "lots";
}

impl Kind {
    /// Kinds that can answer a request of this kind: one of these, or several `snapshot_part`.
    /// [`REFUSED`](Self::REFUSED), which can answer any request, is not listed. Empty for a kind that is not a
    /// request.
    #[must_use]
    pub const fn answers(self) -> &'static [Self] {
        match self {
            Self::HELLO => &[Self::WELCOME],
            Self::LOGIN | Self::RESUME => &[Self::LOGGED_IN],
            Self::LIST_SESSIONS => &[Self::SESSIONS],
            Self::WATCH | Self::WATCH_SYMBOLS => {
                &[Self::RESUMED, Self::SNAPSHOT_PART, Self::RESYNC]
            }
            Self::GET_SNAPSHOT => &[Self::SNAPSHOT_PART],
            Self::GET_HISTORY => &[Self::HISTORY],
            Self::GET_LEAST_WINNING => &[Self::LEAST_WINNING],
            Self::WATCH_ACCOUNT => &[Self::ACCOUNT, Self::DAY_ORDERS],
            Self::GET_BALANCE => &[Self::BALANCE],
            Self::GET_ORDERS => &[Self::ORDERS],
            Self::PING => &[Self::PONG],
            Self::GET_MARKET_KEY => &[Self::MARKET_KEY],
            Self::WATCH_SIGNED => &[
                Self::RESUMED,
                Self::SIGNED_SNAPSHOT,
                Self::SNAPSHOT_BYTES,
                Self::RESYNC,
            ],
            Self::GET_CHECKPOINT => &[Self::SIGNED_CHECKPOINT],
            Self::GET_RECEIPT => &[Self::RECEIPT],
            Self::LIST_DEVICES => &[Self::DEVICES],
            Self::GET_SEALING_KEY => &[Self::SEALING_KEY],
            Self::ENVELOPE => &[Self::SEALED_ANSWER],
            Self::OFFER_PEER => &[Self::PEER_OFFERED],
            Self::GET_PEERS => &[Self::PEERS],
            Self::GET_ACTIVITY => &[Self::ACTIVITY],
            Self::GET_LOTS => &[Self::LOTS],
            Self::GET_TRADES => &[Self::TRADES],
            _ => match self.sender() {
                Sender::Client => &[Self::ACCEPTED],
                Sender::Server | Sender::Nobody => &[],
            },
        }
    }

    /// Returns true for a kind that a server sends without a request.
    #[must_use]
    pub const fn is_unasked(self) -> bool {
        matches!(
            self,
            Self::FEED
                | Self::FILTERED_FEED
                | Self::ACCOUNT_FEED
                | Self::HEARTBEAT
                | Self::RESYNC
                | Self::GOODBYE
                | Self::INDICATIVE
                | Self::SIGNED_BATCH
        )
    }

    /// Side that sends this kind, derived from its number.
    #[must_use]
    pub const fn sender(self) -> Sender {
        match self.0 {
            1..=127 => Sender::Client,
            128..=255 => Sender::Server,
            _ => Sender::Nobody,
        }
    }
}

/// Writes the name, or the number of an unknown kind.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "kind {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use core::fmt::Write;

    use super::*;

    #[test]
    fn the_numbers_and_names_of_kinds_are_these_for_ever() {
        let mut table = String::new();
        for kind in Kind::ALL {
            write!(table, "{} {kind}, ", kind.0).unwrap();
        }
        assert_eq!(
            table,
            "1 hello, 2 register, 3 login, 4 resume, 5 logout, 6 list_sessions, 7 close_session, \
             8 bid, 9 bid_maximum, 10 publish_profit, 11 open_lot, 12 extend_lot, 13 watch, \
             14 get_snapshot, 15 get_history, 16 ping, 17 watch_symbols, \
             18 close_lot, 19 cancel_lot, 20 halt_lot, 21 resume_lot, 22 suspend_user, \
             23 reinstate_user, 24 place_order, 25 replace_order, 26 cancel_order, \
             27 get_least_winning, 28 watch_account, 29 set_dead_man, 30 deposit, \
             31 withdraw, 32 get_balance, 33 get_orders, 34 get_market_key, 35 watch_signed, \
             36 get_checkpoint, 37 get_receipt, 38 add_device, 39 list_devices, 40 get_sealing_key, \
             41 envelope, 42 offer_peer, 43 get_peers, 44 get_activity, \
             45 place_day_order, 46 replace_day_order, 47 cancel_all, 48 move_phase, 49 halt_all, \
             50 resume_all, 51 set_limits, 52 get_trades, 60 get_lots, 65 change_password, \
             128 welcome, 129 refused, 130 accepted, 131 logged_in, 132 sessions, \
             133 snapshot_part, 134 resumed, 135 feed, 136 heartbeat, 137 pong, 138 history, \
             139 goodbye, 140 filtered_feed, 141 resync, 142 least_winning, \
             143 account, 144 account_feed, 145 balance, 146 orders, 147 indicative, \
             148 market_key, 149 signed_batch, 150 signed_snapshot, 151 snapshot_bytes, \
             152 signed_checkpoint, 153 receipt, 154 devices, 155 sealing_key, 156 sealed_answer, \
             157 peer_offered, 158 peers, 159 activity, 160 day_orders, 161 trades, 175 lots, "
        );
    }
}
