//! The manual: how to use this crate, page by page.
//!
//! Most pages begin with the market of [`opening`], so that their examples compile as shown.
//!
//! 1. [`embed`]: decide, journal, reply.
//! 2. [`time`]: deadlines, and what happens at them.
//! 3. [`sessions`]: requests that can be sent twice.
//! 4. [`feed`]: the public market.
//! 5. [`lots`]: the life cycle of a lot, common to all formats.
//! 6. [`english`]: the ascending auction, with a worked example, like the other formats.
//! 7. [`dutch`]: the falling price.
//! 8. [`sealed`]: first-price and second-price.
//! 9. [`uniform`]: many shares, at one price or as bid.
//! 10. [`call`]: many buyers and many sellers, at one price.
//! 11. [`book`]: an order book alone.
//! 12. [`day`]: many buyers and many sellers, all day.
//! 13. [`accounts`]: cash and shares, reserved and settled.
//! 14. [`snapshots`]: restarting without replaying everything, and the digest.
//! 15. [`limits`]: all limits, and the error at each.
//! 16. [`formats`]: how to add a format.
//! 17. [`absent`]: features that are deliberately absent.

pub mod opening;
#[doc = include_str!("../../docs/embed.md")]
pub mod embed {}
#[doc = include_str!("../../docs/time.md")]
pub mod time {}
#[doc = include_str!("../../docs/sessions.md")]
pub mod sessions {}
#[doc = include_str!("../../docs/feed.md")]
pub mod feed {}
#[doc = include_str!("../../docs/lots.md")]
pub mod lots {}
#[doc = include_str!("../../docs/english.md")]
pub mod english {}
#[doc = include_str!("../../docs/dutch.md")]
pub mod dutch {}
#[doc = include_str!("../../docs/sealed.md")]
pub mod sealed {}
#[doc = include_str!("../../docs/uniform.md")]
pub mod uniform {}
#[doc = include_str!("../../docs/call.md")]
pub mod call {}
#[doc = include_str!("../../docs/book.md")]
pub mod book {}
#[doc = include_str!("../../docs/day.md")]
pub mod day {}
#[doc = include_str!("../../docs/accounts.md")]
pub mod accounts {}
#[doc = include_str!("../../docs/snapshots.md")]
pub mod snapshots {}
#[doc = include_str!("../../docs/limits.md")]
pub mod limits {}
#[doc = include_str!("../../docs/formats.md")]
pub mod formats {}
#[doc = include_str!("../../docs/absent.md")]
pub mod absent {}
