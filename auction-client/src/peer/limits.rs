//! All limits among peers, with the behaviour at each limit.

use std::time::Duration;

/// Longest message of the mesh, in bytes: a signed batch in its frame. A longer one is refused unread, and counts as
/// misbehaviour.
pub const GOSSIP_BYTES_MAX: usize = auction_proto::limits::BATCH_STATEMENT_BYTES_MAX + 256;
/// Time without new signed data after which the view is stale, and reports it.
pub const STALE_AFTER: Duration = Duration::from_secs(5);
/// Maximum age of a batch, by the market's time, to be passed on. An older one is ignored: it spread long ago.
pub const PASSED_ON_WITHIN: Duration = Duration::from_secs(10);
/// Assumed error of the machine's clock, while nothing else gives the market's time.
pub const WALL_CLOCK_ERROR_MAX: Duration = Duration::from_secs(60);
/// Assumed drift between two clocks: one part in this many.
pub const DRIFT_PARTS: u32 = 1_000;

/// Maximum number of batches that wait for earlier ones. With one more, the one furthest ahead is dropped, and
/// requested again.
pub const WAITING_BATCHES_MAX: usize = 1_024;
/// Maximum size of these batches, in bytes.
pub const WAITING_BYTES_MAX: usize = 8 << 20;
/// Maximum number of batches cached for other peers; the oldest is dropped.
pub const CACHED_BATCHES_MAX: usize = 4_096;
/// Maximum size of these batches, in bytes.
pub const CACHED_BYTES_MAX: usize = 16 << 20;
/// Largest snapshot accepted from other peers, in bytes of its parts; the download of a larger one is abandoned.
pub const SNAPSHOT_BYTES_MAX: usize = 256 << 20;

/// Time for a gap to close by itself before a peer is asked: batches overtake each other.
pub const GAP_WAIT: Duration = Duration::from_millis(250);
/// Time limit for an answer; then another peer is asked.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Wait between two requests after no peer had an answer.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Maximum size of an answer with batches, in bytes; the requester asks for the rest.
pub const RANGE_BYTES_MAX: usize = 1 << 20;
/// Longest answer, in bytes: a part of a snapshot, or a signed statement of one, in its frame, and its prefix.
pub const ANSWER_BYTES_MAX: usize = auction_proto::limits::FRAME_BYTES_MAX + 256;

/// Maximum number of peers known at a time; messages of further ones are ignored.
pub const PEERS_MAX: usize = 256;
/// Number of batches that one peer can send at once, before any is checked; more are ignored, and count as
/// misbehaviour.
pub const BATCHES_BURST: u32 = 4_000;
/// Number of batches that one peer can send per second: more than any market signs.
pub const BATCHES_PER_SECOND: u32 = 1_000;
/// Number of requests that one peer can send at once; more are answered [`Busy`](super::PeerResponse::Busy).
pub const REQUESTS_BURST: u32 = 64;
/// Number of requests that one peer can send per second.
pub const REQUESTS_PER_SECOND: u32 = 16;
/// Number of misbehaviours after which a peer is banned. A peer that checks what it passes on causes none; a few allow
/// for errors.
pub const MISBEHAVIOURS_MAX: u32 = 3;

/// Wait between two attempts to get a newer snapshot for later joiners.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Maximum number of inbound connections; one more is closed at once.
pub const INBOUND_MAX: u32 = 64;
/// Maximum number of peers kept. A further one gets addresses of others, and is disconnected after
/// [`INTRODUCED_WITHIN`]: so the publisher's work does not grow with the number of watchers.
pub const PEERS_KEPT: usize = 32;
/// Time for a surplus peer to ask for other peers.
pub const INTRODUCED_WITHIN: Duration = Duration::from_secs(5);
/// Maximum number of addresses in one answer.
pub const INTRODUCED_MAX: usize = 16;
/// Maximum number of inbound connections being opened at a time.
pub const INBOUND_PENDING_MAX: u32 = 16;
/// Maximum number of outbound connections.
pub const OUTBOUND_MAX: u32 = 16;
/// Maximum number of connections with the same peer: both may have opened one at once.
pub const SAME_PEER_MAX: u32 = 2;
/// Number of following peers below which known addresses are dialled again.
pub const PEERS_WANTED: usize = 4;
/// Interval between these attempts.
pub const DIAL_EVERY: Duration = Duration::from_secs(3);
/// Number of addresses dialled at a time, chosen at random.
pub const DIAL_AT_ONCE: usize = 8;
/// Number of failed attempts after which an address received from a peer is forgotten.
pub const TRIES_MAX: u32 = 64;
/// Maximum number of banned peers remembered; the oldest is forgotten.
pub const BANNED_MAX: usize = 4_096;
/// Maximum number of addresses kept; further ones are ignored.
pub const ADDRESSES_MAX: usize = 256;
/// Maximum number of updates that wait for the watcher; with more, it restarts with a snapshot.
pub const UPDATES_WAITING_MAX: usize = 4_096;

/// Longest request to a relay, in bytes: an envelope in its frame.
pub const RELAY_REQUEST_BYTES_MAX: usize = auction_proto::limits::ENVELOPE_BYTES + 32;
/// Longest response of a relay, in bytes: an answer in its frame.
pub const RELAY_RESPONSE_BYTES_MAX: usize = auction_proto::limits::ANSWER_BYTES + 32;
/// Time limit for a relayed request; then it counts as lost.
pub const RELAY_RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of requests that one peer can have relayed at once; more are refused.
pub const RELAY_REQUESTS_BURST: u32 = 16;
/// Number of requests that one peer can have relayed per second.
pub const RELAY_REQUESTS_PER_SECOND: u32 = 4;
/// Maximum number of requests that a peer relays at a time; as many wait, and more are refused.
pub const RELAYED_CONCURRENTLY_MAX: usize = 32;
/// Maximum number of peers asked to relay the same envelope.
pub const RELAYS_MAX: usize = 8;
