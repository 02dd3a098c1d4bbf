//! Every limit of the client, by name. What happens at a limit stands beside it.

use std::time::Duration;

/// Most requests that can be on their way at a time; the next one waits for an answer to one of them.
pub const IN_FLIGHT_MAX: usize = 64;
/// How long one try to connect may take, with greeting and resuming; then it counts as failed.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request is tried when nothing else is said, over as many connections as it takes. After that
/// it fails: as not connected when it was never sent, else with its outcome unknown.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The wait before the first new try to connect, at most.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The wait before any later try, at most.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// The shortest heartbeat that a server's word is taken for; a shorter one counts as this.
pub const HEARTBEAT_MIN: Duration = Duration::from_millis(200);
/// The longest; a longer one counts as this.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(60);
/// How much is read at a time.
pub const READ_BYTES: usize = 16 * 1024;
/// The largest signed snapshot that is taken from a server, in bytes of its parts; a larger one ends the connection.
pub const SIGNED_SNAPSHOT_BYTES_MAX: usize = 1 << 30;
/// Most signed statements that a [`EquivocationDetector`](crate::EquivocationDetector) keeps to compare with later ones; the oldest goes.
pub const EQUIVOCATION_STATEMENTS_MAX: usize = 4_096;
/// Most bytes of them.
pub const EQUIVOCATION_BYTES_MAX: usize = 16 << 20;

/// How far ahead an envelope expires: as far as a server takes it.
pub const ENVELOPE_LIFETIME: auction_core::Span = auction_core::Span::from_secs(60);
/// How long one try to have an envelope carried may take; then it is carried again.
pub const RELAY_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait before it is carried again by the same.
pub const RELAY_AGAIN_AFTER: Duration = Duration::from_millis(500);
