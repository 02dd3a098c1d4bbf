//! All limits of the client, with the behaviour at each limit.

use std::time::Duration;

/// Maximum number of requests in flight; the next one waits for an answer to one of them.
pub const IN_FLIGHT_MAX: usize = 64;
/// Maximum duration of one attempt to connect, including greeting and resuming; then it counts as failed.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Default time limit of a request, over as many connections as needed. After that it fails: as not connected if it was
/// never sent, else with its outcome unknown.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum wait before the first attempt to reconnect.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// Maximum wait before any later attempt.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Shortest heartbeat interval accepted from a server; a shorter one counts as this.
pub const HEARTBEAT_MIN: Duration = Duration::from_millis(200);
/// Longest heartbeat interval accepted from a server; a longer one counts as this.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(60);
/// Size of one read, in bytes.
pub const READ_BYTES: usize = 16 * 1024;
/// Largest signed snapshot accepted from a server, in bytes of its parts; a larger one ends the connection.
pub const SIGNED_SNAPSHOT_BYTES_MAX: usize = 1 << 30;
/// Maximum number of signed statements that a [`EquivocationDetector`](crate::EquivocationDetector) keeps to compare
/// with later ones; the oldest is dropped.
pub const EQUIVOCATION_STATEMENTS_MAX: usize = 4_096;
/// Maximum size of these statements, in bytes.
pub const EQUIVOCATION_BYTES_MAX: usize = 16 << 20;

/// Lifetime of an envelope: the longest that a server accepts.
pub const ENVELOPE_LIFETIME: auction_core::Span = auction_core::Span::from_secs(60);
/// Maximum duration of one attempt to relay an envelope; then it is relayed again.
pub const RELAY_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait before an envelope is relayed again through the same relay.
pub const RELAY_AGAIN_AFTER: Duration = Duration::from_millis(500);
