//! Formats and their terms. To add a format: add a variant at the end of [`TermsForm`], and a form of its terms.

use alloc::boxed::Box;

use auction_core::{
    BookShown, CallTerms, Collar, DayTerms, DutchTerms, EnglishTerms, MarginalPriority, OpenLot,
    Price, Quantity, SealedPricing, SealedTerms, Side, SoftClose, SoftCloseMode, Span, StepBand,
    Steps, Symbol, Terms, Timestamp, UniformPricing, UniformTerms,
};

form!(struct OpenLotForm: OpenLot = "auction_core::OpenLot" {
    symbol: Symbol,
    quantity: Quantity,
    opens_at: Option<Timestamp>,
    closes_at: Timestamp,
    terms: Terms,
    reserve: Option<Price>,
});

form!(enum TermsForm: Terms = "auction_core::Terms" {
    0 = English(EnglishTerms),
    1 = Dutch(DutchTerms),
    2 = Sealed(SealedTerms),
    3 = Uniform(UniformTerms),
    4 = Call(CallTerms),
    5 = Day(Box<DayTerms>),
});

form!(struct EnglishTermsForm: EnglishTerms = "auction_core::EnglishTerms" {
    steps: Steps,
    #[serde(default)]
    buy_now: Option<Price>,
    soft_close: SoftClose,
});

form!(struct DutchTermsForm: DutchTerms = "auction_core::DutchTerms" {
    start: Price,
    step: Price,
    interval: Span,
    floor: Price,
});

form!(struct SealedTermsForm: SealedTerms = "auction_core::SealedTerms" {
    pricing: SealedPricing,
});

form!(enum SealedPricingForm: SealedPricing = "auction_core::SealedPricing" {
    0 = FirstPrice,
    1 = SecondPrice,
});

form!(struct UniformTermsForm: UniformTerms = "auction_core::UniformTerms" {
    pricing: UniformPricing,
    priority: MarginalPriority,
    bids_max: u32,
});

form!(enum UniformPricingForm: UniformPricing = "auction_core::UniformPricing" {
    0 = Uniform,
    1 = PayAsBid,
});

form!(enum MarginalPriorityForm: MarginalPriority = "auction_core::MarginalPriority" {
    0 = Time,
    1 = ProRata,
});

form!(struct CallTermsForm: CallTerms = "auction_core::CallTerms" {
    tick: Price,
    book: BookShown,
    #[serde(default)]
    collar: Option<Collar>,
    extensions_max: u32,
    market_extension: bool,
    extend_by: Span,
    random_end: Span,
    #[serde(default)]
    no_cancel: Option<Span>,
});

form!(enum BookShownForm: BookShown = "auction_core::BookShown" {
    0 = Open,
    1 = Closed,
});

form!(struct CollarForm: Collar = "auction_core::Collar" {
    absolute: Price,
    basis_points: u32,
});

form!(enum SideForm: Side = "auction_core::Side" {
    0 = Buy,
    1 = Sell,
});

form!(struct StepBandForm: StepBand = "auction_core::StepBand" {
    from: Price,
    step: Price,
});

form!(struct SoftCloseForm: SoftClose = "auction_core::SoftClose" {
    mode: SoftCloseMode,
    extend_within: Span,
    extend_by: Span,
    #[serde(default)]
    extensions_max: Option<u32>,
});

form!(enum SoftCloseModeForm: SoftCloseMode = "auction_core::SoftCloseMode" {
    0 = Add,
    1 = Reset,
});
