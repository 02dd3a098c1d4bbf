//! Every limit of the protocol, by name. What happens at a limit stands beside it.

/// Longest frame from a client, in bytes that its length field may name. A longer one is refused with
/// `frame_too_large`, and the connection ends: what follows can no longer be told apart.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Longest frame from a server, in bytes that its length field may name. No body can be longer: every list
/// and text in it has a limit of its own.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Longest name of a client or server program, in bytes; a longer one is malformed.
pub const PROGRAM_BYTES_MAX: usize = 64;
/// Longest message for people, in bytes; a longer one is cut.
pub const MESSAGE_BYTES_MAX: usize = 256;
/// Longest password, in bytes; a longer one is malformed.
pub const PASSWORD_BYTES_MAX: usize = 128;

/// Most sessions that a server lists: as many as a user can have.
pub const SESSIONS_LISTED_MAX: usize = auction_core::limits::SESSIONS_PER_USER_MAX;
/// Most bids of one answer to `get_history`; a client asks for fewer, or gets the newest so many.
pub const HISTORY_BIDS_MAX: usize = 1_024;
/// Most holdings of one answer to `get_balance`; a client asks for those behind them.
pub const HOLDINGS_LISTED_MAX: usize = 4_096;
/// Most orders of one answer to `get_orders`: as many as a trader can have in one call auction.
pub const ORDERS_LISTED_MAX: usize = auction_core::limits::BOOK_ORDERS_PER_TRADER_MAX;
/// Most public events of one feed frame; a larger commit takes several frames.
pub const FEED_ENTRIES_MAX: usize = 1_024;
/// Most symbols of one `watch_symbols`; more are malformed.
pub const SYMBOLS_WATCHED_MAX: usize = 64;
/// Most users of one part of a snapshot; more take several parts.
pub const PART_USERS_MAX: usize = 4_096;
/// Most stocks of one part of a snapshot; more take several parts.
pub const PART_STOCKS_MAX: usize = 4_096;
/// Most lots of one part of a snapshot; more take several parts.
pub const PART_LOTS_MAX: usize = 512;

/// Most orders of one part of an account; more take several parts.
pub const PART_ORDERS_MAX: usize = 4_096;
/// Most leads of one part of an account; more take several parts.
pub const PART_LEADS_MAX: usize = 4_096;
/// Most events of one `account_feed`; more take several.
pub const ACCOUNT_ENTRIES_MAX: usize = 1_024;
/// Maximum number of entries in one answer to `get_activity`; a client asks for those behind them.
pub const ACTIVITY_ENTRIES_MAX: usize = 1_024;

/// Longest statement of a signed batch, in bytes; a longer one is malformed. Larger commits take several batches.
pub const BATCH_STATEMENT_BYTES_MAX: usize = 64 * 1024;
/// Most parts of a signed snapshot: as many as the largest market has.
pub const SNAPSHOT_PARTS_MAX: usize = 20_000;
/// Longest statement of a signed snapshot, in bytes; a longer one is malformed.
pub const SNAPSHOT_STATEMENT_BYTES_MAX: usize = 704 * 1024;
/// Longest part of a signed snapshot, in bytes; none is longer.
pub const SNAPSHOT_PART_BYTES_MAX: usize = FRAME_BYTES_MAX - 64;
/// Longest statement of a checkpoint, in bytes; a longer one is malformed.
pub const CHECKPOINT_STATEMENT_BYTES_MAX: usize = 256;
/// Longest public part of a record that has a receipt, in bytes; for a longer one a receipt is refused with `no_receipt`.
pub const RECEIPT_RECORD_BYTES_MAX: usize = 256 * 1024;
/// Longest private part in a receipt, in bytes; a longer one stays closed.
pub const RECEIPT_PRIVATE_BYTES_MAX: usize = 64 * 1024;
/// Most hashes of a proof: more than the levels of a tree of [`TREE_LEAVES_MAX`] leaves.
pub const TREE_PATH_MAX: usize = 64;
/// Most records of a tree that can be proved of; a proof of a larger one is refused.
pub const TREE_LEAVES_MAX: u64 = 1 << 48;

/// Most devices that a server lists: as many as a user can have.
pub const DEVICES_LISTED_MAX: usize = auction_core::limits::DEVICES_PER_USER_MAX;
/// Longest statement of a sealing key, in bytes; a longer one is malformed.
pub const SEALING_KEY_STATEMENT_BYTES_MAX: usize = 64;
/// Bytes that are sealed in an envelope, whatever it asks: its length tells nothing.
pub const ENVELOPE_CONTENTS_BYTES: usize = 512;
/// Bytes of an envelope: HPKE's key and tag go round its contents. A longer one is malformed, a shorter one does not
/// open.
pub const ENVELOPE_BYTES: usize = 32 + ENVELOPE_CONTENTS_BYTES + 16;
/// Bytes that are sealed in an answer, whatever it tells.
pub const ANSWER_CONTENTS_BYTES: usize = 768;
/// Bytes of an answer to an envelope.
pub const ANSWER_BYTES: usize = 32 + ANSWER_CONTENTS_BYTES + 16;

/// Most events of one journalled record; a record of more cannot be encoded.
pub const RECORD_EVENTS_MAX: usize = 65_536;

/// Longest path of an offered peer, in bytes; a longer one is malformed.
pub const PEER_PATH_BYTES_MAX: usize = 128;
/// Longest address of a peer, in bytes; none is longer.
pub const PEER_ADDRESS_BYTES_MAX: usize = 192;
/// Most peers of one answer to `get_peers`; when there are more, they are chosen at random.
pub const PEERS_LISTED_MAX: usize = 8;

/// Most bytes of one frame of a public journal, its header left out: as many as a frame of the journal can have. One
/// that says it has more is refused before anything is taken for it. 16 MiB.
pub const PUBLIC_FRAME_BYTES_MAX: usize = 16 << 20;
