//! Lots as everyone sees them. To add a format: a variant at the end of [`BookForm`], and a form of its book.

use auction_core::{
    AllocatedBy, Book, DutchBook, EnglishBook, LeastWinning, Lot, LotId, Outcome, Phase, Price,
    Quantity, ReserveStatus, SealedBook, SoldBy, Symbol, Taken, Terms, Timestamp, UniformBook,
    UnsoldBecause, UserId,
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
    halted_since: Option<Timestamp>,
    book: Book,
});

form!(enum PhaseForm: Phase = "auction_core::Phase" {
    0 = Open,
    1 = Closed { at: Timestamp, outcome: Outcome },
    2 = Scheduled,
});

form!(enum BookForm: Book = "auction_core::Book" {
    0 = English(EnglishBook),
    1 = Dutch(DutchBook),
    2 = Sealed(SealedBook),
    3 = Uniform(UniformBook),
});

form!(struct EnglishBookForm: EnglishBook = "auction_core::EnglishBook" {
    price: Option<Price>,
    leader: Option<UserId>,
    least: Option<Price>,
    bids: u32,
    bidders: u32,
    reserve: ReserveStatus,
});

form!(enum LeastWinningForm: LeastWinning = "auction_core::LeastWinning" {
    0 = Bid(Price),
    1 = AtLeast(Price),
    2 = Nothing,
});

form!(struct DutchBookForm: DutchBook = "auction_core::DutchBook" {
    taken: Option<Taken>,
});

form!(struct TakenForm: Taken = "auction_core::Taken" {
    bidder: UserId,
    price: Price,
});

form!(struct SealedBookForm: SealedBook = "auction_core::SealedBook" {
    bidders: u32,
    has_reserve: bool,
});

form!(struct UniformBookForm: UniformBook = "auction_core::UniformBook" {
    bidders: u32,
    has_reserve: bool,
});

form!(enum ReserveStatusForm: ReserveStatus = "auction_core::ReserveStatus" {
    0 = None,
    1 = NotMet,
    2 = Met,
});

form!(enum OutcomeForm: Outcome = "auction_core::Outcome" {
    0 = Sold { winner: UserId, price: Price, by: SoldBy, runner_up: Option<Price> },
    1 = Unsold { because: UnsoldBecause, highest: Option<Price> },
    2 = Allocated {
        sold: u64, buyers: u32, lowest: Price, by: AllocatedBy, highest_rejected: Option<Price>,
    },
});

form!(enum SoldByForm: SoldBy = "auction_core::SoldBy" {
    0 = HighestBid,
    1 = BuyNow,
    2 = FirstTake,
    3 = SecondHighestBid,
    4 = Reserve,
    5 = LeastBid,
});

form!(enum AllocatedByForm: AllocatedBy = "auction_core::AllocatedBy" {
    0 = EnoughForAll,
    1 = Time,
    2 = ProRata,
});

form!(enum UnsoldBecauseForm: UnsoldBecause = "auction_core::UnsoldBecause" {
    0 = NoBids,
    1 = ReserveNotMet,
    2 = Cancelled,
});
