//! Public part of a lot's bids, by format.

use alloc::boxed::Box;

use super::dutch::Taken;
use super::{CallBook, DayBook, DutchBook, EnglishBook, SealedBook, UniformBook, greatest_price};
use crate::model::event::{BidAccepted, ExtensionCause, LotOpened, ReserveStatus};
use crate::{Price, Terms, UserId};

/// Public state of a lot's bids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Book {
    /// Ascending, open.
    English(EnglishBook),
    /// Descending: the first trader to take it wins.
    Dutch(DutchBook),
    /// One sealed bid per trader for the whole lot.
    Sealed(SealedBook),
    /// Sealed bids for parts of the lot.
    Uniform(UniformBook),
    /// Two-sided, hidden orders.
    Call(CallBook),
    /// Two-sided, a whole day.
    Day(Box<DayBook>),
}

impl Book {
    pub(super) fn opened(opened: &LotOpened) -> Self {
        let has_reserve = opened.has_reserve;
        match &opened.terms {
            Terms::English(terms) => Self::English(EnglishBook::opened(
                terms,
                opened.base_price,
                greatest_price(opened.quantity),
                has_reserve,
            )),
            Terms::Dutch(_) => Self::Dutch(DutchBook::default()),
            Terms::Sealed(_) => Self::Sealed(SealedBook {
                bidders: 0,
                has_reserve,
            }),
            Terms::Uniform(_) => Self::Uniform(UniformBook {
                bidders: 0,
                has_reserve,
            }),
            Terms::Call(_) => Self::Call(CallBook::default()),
            Terms::Day(_) => Self::Day(Box::default()),
        }
    }

    pub(super) fn day(&self) -> Option<&DayBook> {
        match self {
            Self::Day(book) => Some(book),
            _ => None,
        }
    }

    pub(super) fn price(&self) -> Option<Price> {
        match self {
            Self::English(book) => book.price,
            Self::Dutch(book) => book.taken.map(|taken| taken.price),
            Self::Sealed(_) | Self::Uniform(_) | Self::Call(_) | Self::Day(_) => None,
        }
    }

    pub(super) fn leader(&self) -> Option<UserId> {
        match self {
            Self::English(book) => book.leader,
            Self::Dutch(book) => book.taken.map(|taken| taken.bidder),
            Self::Sealed(_) | Self::Uniform(_) | Self::Call(_) | Self::Day(_) => None,
        }
    }

    pub(super) fn least(&self) -> Option<Price> {
        match self {
            Self::English(book) => book.least,
            Self::Dutch(_) | Self::Sealed(_) | Self::Uniform(_) | Self::Call(_) | Self::Day(_) => {
                None
            }
        }
    }

    pub(super) fn bidders(&self) -> u32 {
        match self {
            Self::English(book) => book.bidders,
            Self::Dutch(book) => u32::from(book.taken.is_some()),
            Self::Sealed(book) => book.bidders,
            Self::Uniform(book) => book.bidders,
            Self::Call(book) => book.traders,
            Self::Day(book) => book.traders,
        }
    }

    pub(super) fn bids(&self) -> u32 {
        match self {
            Self::English(book) => book.bids,
            Self::Dutch(book) => u32::from(book.taken.is_some()),
            Self::Sealed(_) | Self::Uniform(_) | Self::Call(_) | Self::Day(_) => 0,
        }
    }

    pub(super) fn reserve(&self) -> Option<ReserveStatus> {
        let hidden = |has_reserve: bool| match has_reserve {
            true => None,
            false => Some(ReserveStatus::None),
        };
        match self {
            Self::English(book) => Some(book.reserve),
            Self::Dutch(_) | Self::Call(_) | Self::Day(_) => Some(ReserveStatus::None),
            Self::Sealed(book) => hidden(book.has_reserve),
            Self::Uniform(book) => hidden(book.has_reserve),
        }
    }

    /// Applies an open bid; `false` if the format has none.
    #[must_use]
    #[inline]
    pub(crate) fn bid_accepted(&mut self, bid: &BidAccepted) -> bool {
        match self {
            Self::English(book) => book.bid_accepted(bid),
            Self::Dutch(book) => {
                book.taken = Some(Taken {
                    bidder: bid.leader,
                    price: bid.price,
                });
            }
            Self::Sealed(_) | Self::Uniform(_) | Self::Call(_) | Self::Day(_) => return false,
        }
        true
    }

    /// Sets the number of traders with a sealed bid; `false` if the format counts differently.
    #[must_use]
    pub(crate) fn bidders_counted(&mut self, bidders: u32) -> bool {
        match self {
            Self::English(_) | Self::Dutch(_) => return false,
            Self::Sealed(book) => book.bidders = bidders,
            Self::Uniform(book) => book.bidders = bidders,
            Self::Call(book) => book.traders = bidders,
            Self::Day(book) => book.traders = bidders,
        }
        true
    }

    /// Returns the book of a call auction.
    pub(crate) fn call_mut(&mut self) -> Option<&mut CallBook> {
        match self {
            Self::Call(book) => Some(book),
            Self::English(_)
            | Self::Dutch(_)
            | Self::Sealed(_)
            | Self::Uniform(_)
            | Self::Day(_) => None,
        }
    }

    /// Returns the book of a trading day.
    pub(crate) fn day_mut(&mut self) -> Option<&mut DayBook> {
        match self {
            Self::Day(book) => Some(book),
            _ => None,
        }
    }

    /// Applies an extension of the close; `false` if the format has no such extension.
    #[must_use]
    pub(crate) fn extended(&mut self, cause: ExtensionCause) -> bool {
        match (self, cause) {
            (Self::Day(_), _) => false,
            (_, ExtensionCause::Ordered)
            | (Self::English(_), ExtensionCause::SoftClose)
            | (Self::Call(_), ExtensionCause::Volatility) => true,
            (Self::Call(book), ExtensionCause::MarketOrders) => {
                !core::mem::replace(&mut book.market_extended, true)
            }
            _ => false,
        }
    }

    /// Returns true if the format opens sealed bids at the close.
    #[must_use]
    pub(crate) fn opens_bids(&self) -> bool {
        matches!(self, Self::Sealed(_) | Self::Uniform(_))
    }
}
