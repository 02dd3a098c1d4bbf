//! Every limit among peers, by name. What happens at a limit stands beside it.

use std::time::Duration;

/// Longest message of the mesh, in bytes: a signed batch in its frame. A longer one is refused unread, and counts as an
/// offence.
pub const GOSSIP_BYTES_MAX: usize = auction_proto::limits::BATCH_STATEMENT_BYTES_MAX + 256;
/// How long the view is fresh without hearing anything new that is signed; then it is stale, and says so.
pub const STALE_AFTER: Duration = Duration::from_secs(5);
/// How old a batch can be, by the market's own time, to be passed on. An older one is ignored: it spread long ago.
pub const PASSED_ON_WITHIN: Duration = Duration::from_secs(10);
/// How far the machine's clock is taken to be off, when nothing else tells the market's time.
pub const WALL_CLOCK_ERROR_MAX: Duration = Duration::from_secs(60);
/// How fast two clocks are taken to come apart: by one part in so many.
pub const DRIFT_PARTS: u32 = 1_000;

/// Most batches that wait for others before them. With one more, the one furthest ahead is let go, and asked for again.
pub const WAITING_BATCHES_MAX: usize = 1_024;
/// Most bytes of them.
pub const WAITING_BYTES_MAX: usize = 8 << 20;
/// Most batches that are kept for others; the oldest goes.
pub const CACHED_BATCHES_MAX: usize = 4_096;
/// Most bytes of them.
pub const CACHED_BYTES_MAX: usize = 16 << 20;
/// The largest snapshot that is taken from others, in bytes of its parts; a larger one is given up.
pub const SNAPSHOT_BYTES_MAX: usize = 256 << 20;

/// How long a gap may close by itself before someone is asked: batches overtake each other.
pub const GAP_WAIT: Duration = Duration::from_millis(250);
/// How long one answer may take; then another peer is asked.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// How long it is between two questions after nobody had an answer.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Most bytes of one answer of batches; who asked asks for the rest.
pub const RANGE_BYTES_MAX: usize = 1 << 20;
/// Longest answer, in bytes: a part of a snapshot, or a signed statement of one, in its frame, and what comes before.
pub const ANSWER_BYTES_MAX: usize = auction_proto::limits::FRAME_BYTES_MAX + 256;

/// Most peers that are known at a time; one more is not listened to.
pub const PEERS_MAX: usize = 256;
/// Batches that one peer can bring at once, before any is checked; more are ignored, and count as an offence.
pub const BATCHES_BURST: u32 = 4_000;
/// Batches that one peer can bring a second: more than any market signs.
pub const BATCHES_PER_SECOND: u32 = 1_000;
/// Questions that one peer can ask at once; more are answered [`Busy`](super::PeerResponse::Busy).
pub const REQUESTS_BURST: u32 = 64;
/// Questions that one peer can ask a second.
pub const REQUESTS_PER_SECOND: u32 = 16;
/// Offences after which a peer is cut off. None comes from a peer that checks what it passes on; a few forgive errors.
pub const MISBEHAVIOURS_MAX: u32 = 3;

/// How long it is between two tries to get a newer snapshot for those who join later.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Connections that others can open to a peer; one more is closed at once.
pub const INBOUND_MAX: u32 = 64;
/// Peers that are kept. Who comes when there are more is told of others, and let go after [`INTRODUCED_WITHIN`]: so the
/// publisher's work stays the same however many watch.
pub const PEERS_KEPT: usize = 32;
/// How long a peer that is let go has to ask for others.
pub const INTRODUCED_WITHIN: Duration = Duration::from_secs(5);
/// Most addresses of others in one answer.
pub const INTRODUCED_MAX: usize = 16;
/// Connections that are being opened by others at a time.
pub const INBOUND_PENDING_MAX: u32 = 16;
/// Connections that a peer opens itself.
pub const OUTBOUND_MAX: u32 = 16;
/// Connections with the same peer: both may have opened one at once.
pub const SAME_PEER_MAX: u32 = 2;
/// With fewer peers that follow the market, the known addresses are tried again.
pub const PEERS_WANTED: usize = 4;
/// How often.
pub const DIAL_EVERY: Duration = Duration::from_secs(3);
/// How many of them at a time, chosen at random.
pub const DIAL_AT_ONCE: usize = 8;
/// After so many tries in vain an address that was only heard of is forgotten.
pub const TRIES_MAX: u32 = 64;
/// Peers that were cut off and are remembered; the oldest is forgotten.
pub const BANNED_MAX: usize = 4_096;
/// Addresses that are kept of others; more are not taken.
pub const ADDRESSES_MAX: usize = 256;
/// News that wait for whoever follows; with more, it begins anew with a snapshot.
pub const UPDATES_WAITING_MAX: usize = 4_096;

/// Longest request that one peer hands another, in bytes: an envelope in its frame.
pub const RELAY_REQUEST_BYTES_MAX: usize = auction_proto::limits::ENVELOPE_BYTES + 32;
/// Longest response: an answer in its frame.
pub const RELAY_RESPONSE_BYTES_MAX: usize = auction_proto::limits::ANSWER_BYTES + 32;
/// How long a request may be under way; then it is lost.
pub const RELAY_RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Parcels that one peer can hand over at once; more are refused.
pub const RELAY_REQUESTS_BURST: u32 = 16;
/// Parcels that one peer can hand over a second.
pub const RELAY_REQUESTS_PER_SECOND: u32 = 4;
/// Parcels that a peer carries at a time; as many wait, and more are refused.
pub const RELAYED_CONCURRENTLY_MAX: usize = 32;
/// Peers that are asked to carry the same envelope.
pub const RELAYS_MAX: usize = 8;
