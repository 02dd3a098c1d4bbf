//! Projections of the durable market: the live feed, its signatures, the files and the console. Each can be slow,
//! absent or restarted; the market never waits for it.

pub mod console;
pub mod console_text;
pub mod fan_out;
pub mod signing;
pub mod feed;
pub mod follower;
pub mod activity;
pub mod bid_history;
pub mod bids;
pub mod market_data;
pub mod settlement;
pub mod trades;
