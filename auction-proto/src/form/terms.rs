//! Formats and their terms. To add a format: a variant at the end of [`TermsForm`], and a form of its terms.

use auction_core::{
    EnglishTerms, OpenLot, Price, Quantity, SoftClose, SoftCloseMode, Span, StepBand, Steps,
    Symbol, Terms, Timestamp,
};

form!(struct OpenLotForm: OpenLot = "auction_core::OpenLot" {
    symbol: Symbol,
    quantity: Quantity,
    closes_at: Timestamp,
    terms: Terms,
    reserve: Option<Price>,
});

form!(enum TermsForm: Terms = "auction_core::Terms" {
    0 = English(EnglishTerms),
});

form!(struct EnglishTermsForm: EnglishTerms = "auction_core::EnglishTerms" {
    steps: Steps,
    #[serde(default)]
    buy_now: Option<Price>,
    soft_close: SoftClose,
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
