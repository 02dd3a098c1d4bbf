//! Limits of the gateway, with the behaviour at each limit.

use std::time::Duration;

/// Maximum number of sessions in `sessions.toml`; a longer file is refused.
pub const SESSIONS_MAX: usize = 1_000;
/// Maximum number of connections whose logon has not been accepted; the next one is closed at once.
pub const LOGONS_PENDING_MAX: usize = 64;
/// Time that a connection has to complete TLS and its logon; then it is closed.
pub const LOGON_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that an accepted logon waits for a session of the market; then it goes on without.
pub const MARKET_WAIT: Duration = Duration::from_secs(5);
/// Time that clients have to answer a logout when the gateway ends; then it ends.
pub const LOGOUT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest message, in bytes. A longer one is not read: the session logs out, or before the logon the connection closes.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Maximum number of fields of a message; more are refused.
pub const FIELDS_MAX: usize = 256;
/// Maximum number of entries of a repeating group of a client; more are refused.
pub const GROUP_ENTRIES_MAX: usize = 64;
/// Longest `ClOrdID` and other identifiers of clients, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// Messages of one client that wait for the session; further ones wait in the socket.
pub const INBOX: usize = 256;
/// Messages for one client that wait for its socket; market data waits behind them, and is then sent as a snapshot.
pub const OUTBOX: usize = 1_024;
/// Results of tasks that wait for their session; further tasks wait.
pub const RESULTS: usize = 1_024;
/// Changes of the market that a session can be behind; beyond that its subscriptions start again with snapshots.
pub const CHANGES_BEHIND_MAX: usize = 4_096;
/// Closed orders that a session remembers for status requests and to recognise a used `ClOrdID`; the oldest is forgotten.
pub const CLOSED_ORDERS_KEPT: usize = 100_000;
/// Maximum number of subscriptions of a session; the next one is refused.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Largest file `sessions.toml`, in bytes.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Wait before a request without an answer is sent again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Levels of one side of a book in market data; worse ones are left out.
pub const BOOK_LEVELS_MAX: usize = 1_000;
/// Trades of a trading day that a slow subscriber can be behind; the oldest are left out.
pub const TRADES_BEHIND_MAX: usize = 256;
