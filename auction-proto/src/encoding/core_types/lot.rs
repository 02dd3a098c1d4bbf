//! Lots as everyone sees them. To add a format: add a variant at the end of [`BookForm`], and a form of its book.

use alloc::boxed::Box;
use alloc::vec::Vec;

use auction_core::clearing::call::Cross;
use auction_core::{
    AllocatedBy, Book, BookDepth, CallBook, Candidates, DayBook, DutchBook, EndCommitment,
    EnglishBook, Indicative, LadderStep, Lot, LotId, NoCrossBecause, OrderId, OrderState, Outcome,
    OwnOrder, Phase, Price, Quantity, Quote, ReserveStatus, SealedBook, Side, SoldBy, Symbol,
    Taken, Terms, Timestamp, UniformBook, UnsoldBecause, UserId,
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
    4 = Call(CallBook),
    5 = Day(Box<DayBook>),
});

form!(struct EnglishBookForm: EnglishBook = "auction_core::EnglishBook" {
    price: Option<Price>,
    leader: Option<UserId>,
    least: Option<Price>,
    bids: u32,
    bidders: u32,
    reserve: ReserveStatus,
});

// The name in the schema is frozen.
use auction_core::WinningThreshold as LeastWinning;
form!(enum LeastWinningForm: LeastWinning = "auction_core::WinningThreshold" {
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

form!(struct CallBookForm: CallBook = "auction_core::CallBook" {
    traders: u32,
    reference: Option<Price>,
    market_extended: bool,
    end: Option<EndCommitment>,
});

form!(struct QuoteForm: Quote = "auction_core::Quote" {
    price: Price,
    quantity: u64,
});

form!(struct BookDepthForm: BookDepth = "auction_core::BookDepth" {
    market_buy: u64,
    market_sell: u64,
    buys: Vec<Quote>,
    sells: Vec<Quote>,
});

form!(struct CrossForm: Cross = "auction_core::clearing::call::Cross" {
    price: Price,
    volume: u64,
    surplus: i64,
    decided_by: LadderStep,
});

form!(enum IndicativeForm: Indicative = "auction_core::Indicative" {
    0 = Cross(Cross),
    1 = NoCross { best_buy: Option<Quote>, best_sell: Option<Quote> },
});

form!(enum LadderStepForm: LadderStep = "auction_core::LadderStep" {
    0 = Market,
    1 = Volume,
    2 = Surplus,
    3 = Pressure,
    4 = Reference,
    5 = Collar,
});

form!(struct OwnOrderForm: OwnOrder = "auction_core::OwnOrder" {
    order: OrderId,
    side: Side,
    quantity: Quantity,
    limit: Option<Price>,
    state: OrderState,
});

form!(enum OrderStateForm: OrderState = "auction_core::OrderState" {
    0 = Live,
    1 = Closed { filled: u64, price: Option<Price> },
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
    3 = Crossed {
        price: Price, volume: u64, surplus: i64, by: LadderStep, candidates: Option<Candidates>, traders: u32,
    },
    4 = NoCross { because: NoCrossBecause, best_buy: Option<Quote>, best_sell: Option<Quote> },
    5 = Day { close: Option<Price>, average: Option<Price>, volume: u128, trades: u64 },
});

form!(struct CandidatesForm: Candidates = "auction_core::Candidates" {
    lowest: Price,
    highest: Price,
});

form!(enum NoCrossBecauseForm: NoCrossBecause = "auction_core::NoCrossBecause" {
    0 = NothingCrosses,
    1 = NoPrice,
    2 = Collar,
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
