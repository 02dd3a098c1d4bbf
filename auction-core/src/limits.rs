//! Every limit of the core, by name, with the effect of reaching it.

/// Greatest price, in ten-thousandths: 999,999,999.9999. A JavaScript number holds it, and 128 bits hold its product
/// with any quantity. A larger number does not parse.
pub const PRICE_MAX: u64 = 9_999_999_999_999;
/// Greatest quantity of a lot, a bid or an order. A larger number does not parse.
pub const QUANTITY_MAX: u64 = 1_000_000_000_000;
/// Ceiling of price x quantity of one bid, in ten-thousandths; above it the bid is refused.
pub const AMOUNT_MAX: u64 = 1_000_000_000_000_000_000;
/// Greatest profit or loss that a company can publish, in ten-thousandths.
pub const PROFIT_MAX: i64 = 999_999_999_999_999_999;
/// Most cash in all accounts of a market together, in ten-thousandths; a deposit above it is refused.
pub const CASH_MAX: u64 = AMOUNT_MAX;
/// Most shares of one stock that deposits can bring into a market; a deposit above it is refused.
pub const SHARES_DEPOSITED_MAX: u64 = 1_000_000_000_000_000_000;

/// Longest symbol, in bytes.
pub const SYMBOL_BYTES_MAX: usize = 8;
/// Longest security code, in bytes.
pub const SECURITY_BYTES_MAX: usize = 16;
/// Shortest user name, in bytes.
pub const NAME_BYTES_MIN: usize = 2;
/// Longest user name, in bytes.
pub const NAME_BYTES_MAX: usize = 32;
/// Longest stored credential, in bytes (an argon2id string takes about 100).
pub const CREDENTIAL_BYTES_MAX: usize = 256;

/// Most users of a market; registering another is refused.
pub const USERS_MAX: usize = 10_000_000;
/// Most stocks of a market; listing another is refused.
pub const STOCKS_MAX: usize = 1_000_000;
/// Most lots of a market, closed ones included; opening another is refused.
pub const LOTS_MAX: usize = 10_000_000;
/// Most open sessions of one user; opening another closes the oldest.
pub const SESSIONS_PER_USER_MAX: usize = 16;
/// Most devices of one account; adding another is refused.
pub const DEVICES_PER_USER_MAX: usize = 8;
/// Outcomes of accepted requests kept for each session; an unknown request below them is stale.
pub const OUTCOMES_KEPT: usize = 1_024;
/// Most bands of a step table.
pub const STEP_BANDS_MAX: usize = 32;
/// Most orders of a call auction's book, and most bids of a lot of many units; another is refused.
pub const BOOK_ORDERS_MAX: usize = 4_000_000;
/// Most orders of one trader in a call auction's book; another is refused.
pub const BOOK_ORDERS_PER_TRADER_MAX: usize = 10_000;
/// Most call auctions in which one trader can have orders at a time; an order in another is refused. A suspension
/// cancels all of the trader's orders in one record.
pub const CALLS_PER_TRADER_MAX: usize = 16_384;
/// Most phases of a trading day; terms with more are refused.
pub const DAY_PHASES_MAX: usize = 16;
/// Most live orders of a trading day, parked ones included; another is refused. The change of a phase tells of each in
/// one record.
pub const DAY_ORDERS_MAX: usize = 1 << 17;
/// Orders that a cancel-all cancels at most, rounded up to whole lots; it says when some are left.
pub const CANCEL_ALL_MAX: usize = 1 << 17;
/// Most price levels of each side that are published of an open call book: those nearest to the crossing.
pub const DEPTH_LEVELS_MAX: usize = 10;
/// Most live sealed bids of a lot; another is refused. All of them are opened in one record at the close.
pub const SEALED_BIDS_MAX: usize = 65_536;
/// Most live bids that the terms of a lot can allow a trader; terms of more are refused.
pub const BIDS_PER_TRADER_MAX: u32 = 1_000;
/// Most bids that one public event opens; the opening of more takes several events.
pub const BIDS_OPENED_MAX: usize = 24;
/// Longest time between the opening of a lot and its close, and longest soft-close span: 366 days.
pub const SPAN_MAX_MICROS: u64 = 366 * 24 * 60 * 60 * 1_000_000;
/// Greatest timestamp: the end of the year 9999, in microseconds UTC.
pub const TIMESTAMP_MAX_MICROS: u64 = 253_402_300_799_999_999;
