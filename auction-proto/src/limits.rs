//! All limits of the protocol, by name. The comment of each says what happens when it is exceeded.

/// Maximum length of a frame from a client, in bytes, as its length field counts. A longer one is refused with
/// `frame_too_large`, and the connection ends: the frames after it can no longer be separated.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Maximum length of a frame from a server, in bytes, as its length field counts. No body can be longer, because
/// every list and text in it has its own limit.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Maximum length of the name of a client or server program, in bytes; a longer one is malformed.
pub const PROGRAM_BYTES_MAX: usize = 64;
/// Maximum length of a message for people, in bytes; a longer one is cut.
pub const MESSAGE_BYTES_MAX: usize = 256;
/// Maximum length of a password, in bytes; a longer one is malformed.
pub const PASSWORD_BYTES_MAX: usize = 128;

/// Maximum number of sessions in one list: the maximum number that a user can have.
pub const SESSIONS_LISTED_MAX: usize = auction_core::limits::SESSIONS_PER_USER_MAX;
/// Maximum number of bids in one answer to `get_history`; without a lower limit in the request, the newest are sent.
pub const HISTORY_BIDS_MAX: usize = 1_024;
/// Maximum number of holdings in one answer to `get_balance`; a client asks again for those after them.
pub const HOLDINGS_LISTED_MAX: usize = 4_096;
/// Maximum number of orders in one answer to `get_orders`: as many as a trader can have in one call auction.
pub const ORDERS_LISTED_MAX: usize = auction_core::limits::BOOK_ORDERS_PER_TRADER_MAX;
/// Maximum number of public events in one feed frame; a larger commit takes several frames.
pub const FEED_ENTRIES_MAX: usize = 1_024;
/// Maximum number of symbols in one `watch_symbols`; more are malformed.
pub const SYMBOLS_WATCHED_MAX: usize = 64;
/// Maximum number of users in one part of a snapshot; more take several parts.
pub const PART_USERS_MAX: usize = 4_096;
/// Maximum number of stocks in one part of a snapshot; more take several parts.
pub const PART_STOCKS_MAX: usize = 4_096;
/// Maximum number of lots in one part of a snapshot; more take several parts.
pub const PART_LOTS_MAX: usize = 512;
/// Maximum number of shown orders of trading days in one part of a snapshot; more take several parts, each with the lot
/// again.
pub const PART_DAY_ORDERS_MAX: usize = 4_096;

/// Maximum number of orders in one part of an account; more take several parts.
pub const PART_ORDERS_MAX: usize = 4_096;
/// Maximum number of leads in one part of an account; more take several parts.
pub const PART_LEADS_MAX: usize = 4_096;
/// Maximum number of events in one `account_feed`; more take several.
pub const ACCOUNT_ENTRIES_MAX: usize = 1_024;
/// Maximum number of entries in one answer to `get_activity`; a client asks again for those after them.
pub const ACTIVITY_ENTRIES_MAX: usize = 1_024;
/// Maximum number of lots in one answer to `get_lots`: the newest ones.
pub const LOTS_MAX: usize = 256;

/// Maximum number of trades in one answer to `get_trades`; a client asks again for those after them.
pub const TRADES_LISTED_MAX: usize = 4_096;

/// Maximum length of the statement of a signed batch, in bytes; a longer one is malformed. Larger commits take
/// several batches.
pub const BATCH_STATEMENT_BYTES_MAX: usize = 64 * 1024;
/// Maximum number of parts of a signed snapshot: as many as the largest market has.
pub const SNAPSHOT_PARTS_MAX: usize = 20_000;
/// Maximum length of the statement of a signed snapshot, in bytes; a longer one is malformed.
pub const SNAPSHOT_STATEMENT_BYTES_MAX: usize = 704 * 1024;
/// Maximum length of a part of a signed snapshot, in bytes; none is longer.
pub const SNAPSHOT_PART_BYTES_MAX: usize = FRAME_BYTES_MAX - 64;
/// Maximum length of the statement of a checkpoint, in bytes; a longer one is malformed.
pub const CHECKPOINT_STATEMENT_BYTES_MAX: usize = 256;
/// Maximum length of the public part of a record that has a receipt, in bytes; for a longer one a receipt is refused
/// with `no_receipt`.
pub const RECEIPT_RECORD_BYTES_MAX: usize = 256 * 1024;
/// Maximum length of a private part in a receipt, in bytes; a longer one is left out.
pub const RECEIPT_PRIVATE_BYTES_MAX: usize = 64 * 1024;
/// Maximum number of hashes in a proof: more than the levels of a tree of [`TREE_LEAVES_MAX`] leaves.
pub const TREE_PATH_MAX: usize = 64;
/// Maximum number of records of a tree in a proof; a proof for a larger tree is refused.
pub const TREE_LEAVES_MAX: u64 = 1 << 48;

/// Maximum number of devices in one list: the maximum number that a user can have.
pub const DEVICES_LISTED_MAX: usize = auction_core::limits::DEVICES_PER_USER_MAX;
/// Maximum length of the statement of a sealing key, in bytes; a longer one is malformed.
pub const SEALING_KEY_STATEMENT_BYTES_MAX: usize = 64;
/// Length of the sealed contents of an envelope, in bytes: equal for all requests, so that it reveals nothing.
pub const ENVELOPE_CONTENTS_BYTES: usize = 512;
/// Length of an envelope, in bytes: its contents with HPKE's key and tag. A longer one is malformed, a shorter one
/// does not open.
pub const ENVELOPE_BYTES: usize = 32 + ENVELOPE_CONTENTS_BYTES + 16;
/// Length of the sealed contents of an answer, in bytes: equal for all answers.
pub const ANSWER_CONTENTS_BYTES: usize = 768;
/// Length of an answer to an envelope, in bytes.
pub const ANSWER_BYTES: usize = 32 + ANSWER_CONTENTS_BYTES + 16;

/// Maximum number of events of one journalled record; a record with more cannot be encoded.
pub const RECORD_EVENTS_MAX: usize = 1 << 20;

/// Maximum length of the path of an offered peer, in bytes; a longer one is malformed.
pub const PEER_PATH_BYTES_MAX: usize = 128;
/// Maximum length of a peer's address, in bytes; none is longer.
pub const PEER_ADDRESS_BYTES_MAX: usize = 192;
/// Maximum number of peers in one answer to `get_peers`; if there are more, they are chosen at random.
pub const PEERS_LISTED_MAX: usize = 8;

/// Maximum length of one frame of a public journal, in bytes, without its header: as many as a frame of the journal
/// can have. A header that claims more is refused before memory is allocated for it. 16 MiB.
pub const PUBLIC_FRAME_BYTES_MAX: usize = 16 << 20;
