//! The manual: how to use this crate, page by page.
//!
//! 1. [`embed`]: decide, journal, tell.
//! 2. [`time`]: deadlines, and what happens at them.
//! 3. [`sessions`]: requests that can be sent twice.
//! 4. [`feed`]: the public market.
//! 5. [`english`]: the ascending auction, with a worked example.
//! 6. [`snapshots`]: beginning again without replaying everything, and the digest.
//! 7. [`limits`]: how much of everything, and what is answered then.
//! 8. [`absent`]: what is deliberately not here.

#[doc = include_str!("../docs/embed.md")]
pub mod embed {}
#[doc = include_str!("../docs/time.md")]
pub mod time {}
#[doc = include_str!("../docs/sessions.md")]
pub mod sessions {}
#[doc = include_str!("../docs/feed.md")]
pub mod feed {}
#[doc = include_str!("../docs/english.md")]
pub mod english {}
#[doc = include_str!("../docs/snapshots.md")]
pub mod snapshots {}
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}
#[doc = include_str!("../docs/absent.md")]
pub mod absent {}
