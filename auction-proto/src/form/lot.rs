//! Lots as everyone sees them. To add a format: a variant at the end of [`BookForm`], and a form of its book.

use auction_core::{
    Book, EnglishBook, Lot, LotId, Outcome, Phase, Price, Quantity, ReserveStatus, SoldBy, Symbol,
    Terms, Timestamp, UnsoldBecause, UserId,
};

form!(struct LotForm: Lot = "auction_core::Lot" {
    id: LotId,
    symbol: Symbol,
    quantity: Quantity,
    base_price: Price,
    opened_at: Timestamp,
    closes_at: Timestamp,
    extensions: u32,
    terms: Terms,
    phase: Phase,
    book: Book,
});

form!(enum PhaseForm: Phase = "auction_core::Phase" {
    0 = Open,
    1 = Closed { at: Timestamp, outcome: Outcome },
});

form!(enum BookForm: Book = "auction_core::Book" {
    0 = English(EnglishBook),
});

form!(struct EnglishBookForm: EnglishBook = "auction_core::EnglishBook" {
    price: Option<Price>,
    leader: Option<UserId>,
    least: Option<Price>,
    bids: u32,
    bidders: u32,
    reserve: ReserveStatus,
});

form!(enum ReserveStatusForm: ReserveStatus = "auction_core::ReserveStatus" {
    0 = None,
    1 = NotMet,
    2 = Met,
});

form!(enum OutcomeForm: Outcome = "auction_core::Outcome" {
    0 = Sold { winner: UserId, price: Price, by: SoldBy, runner_up: Option<Price> },
    1 = Unsold { because: UnsoldBecause, highest: Option<Price> },
});

form!(enum SoldByForm: SoldBy = "auction_core::SoldBy" {
    0 = HighestBid,
    1 = BuyNow,
});

form!(enum UnsoldBecauseForm: UnsoldBecause = "auction_core::UnsoldBecause" {
    0 = NoBids,
    1 = ReserveNotMet,
});
