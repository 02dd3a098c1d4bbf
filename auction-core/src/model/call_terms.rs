//! The public terms of a call auction, which a trading day's calls share.

use crate::clearing::call::Collar;
use crate::{Price, Span};

/// The public terms of a call auction.
///
/// The lot has no single seller: its [quantity](crate::OpenLot::quantity) is the *round lot*, and orders are for multiples of
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallTerms {
    /// The price grid of limits; not zero.
    pub tick: Price,
    /// Open or closed book.
    pub book: BookShown,
    /// Greatest distance of the price from the reference; `None`: unlimited. When the price is outside, the call is
    /// extended; after the last extension, the price is the nearer bound.
    pub collar: Option<Collar>,
    /// Maximum number of extensions by a price outside the collar.
    pub extensions_max: u32,
    /// Enables one extension when market orders would stay unfilled.
    pub market_extension: bool,
    /// Duration of an extension; longer than the random end and the no-cancel window together.
    pub extend_by: Span,
    /// The uncross happens at a random time within this window before the close, or at the close; zero: at the close.
    pub random_end: Span,
    /// Duration of the no-cancel window before the random end: from its start to the uncross, orders can only be added
    /// or improved; `None`: there is no such window.
    pub no_cancel: Option<Span>,
}

/// A tick of 0.01, a closed book, no collar, no random end, no no-cancel window.
impl Default for CallTerms {
    fn default() -> Self {
        Self {
            tick: Price::from_units(100).expect("a small price"),
            book: BookShown::Closed,
            collar: None,
            extensions_max: 1,
            market_extension: false,
            extend_by: Span::from_secs(60),
            random_end: Span::ZERO,
            no_cancel: None,
        }
    }
}

/// Publication of a call auction's book while it runs. The indicative result of an uncross is published in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BookShown {
    /// Open: quantities by price near the crossing are published.
    Open,
    /// Closed: nothing more is published.
    Closed,
}
