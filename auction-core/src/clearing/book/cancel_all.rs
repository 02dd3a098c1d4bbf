//! Cancelling all orders of an owner, a bounded step at a time.

use super::order::Event;
use super::order_book::Book;
use crate::UserId;

/// A cancelling of all orders that an owner had when it began, in steps: other commands can come between them. What
/// the owner enters meanwhile stays.
///
/// ```
/// # use auction_core::clearing::book::{Book, BookTerms, CancelAll};
/// # use auction_core::UserId;
/// # let mut book = Book::new(BookTerms::default())?;
/// let mut all = CancelAll::begin(&book, UserId(7));
/// while !book.cancel_all(&mut all, 100_000, |event| println!("{event:?}")) {
///     // serve what has come in meanwhile
/// }
/// # Ok::<(), auction_core::clearing::call::BookTermsError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CancelAll {
    owner: UserId,
    last_place: u64,
    next: u32,
}

impl CancelAll {
    /// The beginning.
    #[must_use]
    pub fn begin(book: &Book, owner: UserId) -> Self {
        Self {
            owner,
            last_place: book.last_place(),
            next: 0,
        }
    }
}

impl Book {
    /// Takes one step, which looks at so many orders at most, and returns whether that was the last. Each
    /// cancelled order is an [`Event::Cancelled`], in the order of the [slots](super::OrderKey::slot). A step of no
    /// orders does nothing.
    pub fn cancel_all(
        &mut self,
        all: &mut CancelAll,
        orders: u32,
        mut sink: impl FnMut(Event),
    ) -> bool {
        let end = all.next.saturating_add(orders).min(self.arena.slot_count());
        for slot in all.next..end {
            let Some(key) = self.arena.key(slot) else {
                continue;
            };
            if key.place() > all.last_place || self.arena.slot(slot).owner != all.owner {
                continue;
            }
            let order = self.order_at(slot);
            self.take_out(slot, order.side);
            sink(Event::Cancelled {
                order: key,
                quantity: order.open,
            });
        }
        all.next = end;
        end == self.arena.slot_count()
    }
}
