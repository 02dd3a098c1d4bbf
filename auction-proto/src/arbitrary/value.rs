//! Single values.

use alloc::string::String;

use auction_core::limits::{
    AMOUNT_MAX, PRICE_MAX, PROFIT_MAX, QUANTITY_MAX, SPAN_MAX_MICROS, TIMESTAMP_MAX_MICROS,
};
use auction_core::{
    AccountMode, Amount, Asset, Credential, DeviceKey, Digest, EndCommitment, FeedSequence, LotId,
    MarketId, Name, OrderId, Price, Profit, Quantity, RandomEnd, RequestId, Role, SecurityCode,
    Seed, Sequence, SessionId, Side, Span, Symbol, Term, Timestamp, TokenHash, UserId,
};
use proptest::array::{uniform16, uniform32};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::encoding::secret::{Secret, Token};
use crate::encoding::text::Text;

/// A number up to `most`: small, anywhere, or the maximum itself.
pub(super) fn number(most: u64) -> BoxedStrategy<u64> {
    prop_oneof![0..=most.min(300), 0..=most, Just(most)].boxed()
}

pub(super) fn small() -> BoxedStrategy<u32> {
    number(u64::from(u32::MAX))
        .prop_map(|number| u32::try_from(number).expect("in range"))
        .boxed()
}

/// Any price.
pub fn price() -> BoxedStrategy<Price> {
    number(PRICE_MAX)
        .prop_map(|units| Price::from_units(units).expect("in range"))
        .boxed()
}

pub(super) fn maybe_price() -> BoxedStrategy<Option<Price>> {
    option::of(price()).boxed()
}

/// Any amount.
pub fn amount() -> BoxedStrategy<Amount> {
    number(AMOUNT_MAX)
        .prop_map(|units| Amount::from_units(units).expect("in range"))
        .boxed()
}

pub(super) fn asset() -> BoxedStrategy<Asset> {
    prop_oneof![
        amount().prop_map(Asset::Cash),
        (symbol(), quantity()).prop_map(|(symbol, quantity)| Asset::Shares { symbol, quantity }),
    ]
    .boxed()
}

pub(super) fn account_mode() -> BoxedStrategy<AccountMode> {
    select(&[AccountMode::Credit, AccountMode::Funds][..]).boxed()
}

/// Any profit or loss.
pub fn profit() -> BoxedStrategy<Profit> {
    (-PROFIT_MAX..=PROFIT_MAX)
        .prop_map(|units| Profit::from_units(units).expect("in range"))
        .boxed()
}

pub(super) fn quantity() -> BoxedStrategy<Quantity> {
    number(QUANTITY_MAX - 1)
        .prop_map(|shares| Quantity::new(shares + 1).expect("in range"))
        .boxed()
}

/// Any time.
pub fn timestamp() -> BoxedStrategy<Timestamp> {
    number(TIMESTAMP_MAX_MICROS)
        .prop_map(|at| Timestamp::from_micros(at).expect("in range"))
        .boxed()
}

/// Any user's number.
pub fn user_id() -> BoxedStrategy<UserId> {
    small().prop_map(UserId).boxed()
}

/// Any lot's number.
pub fn lot_id() -> BoxedStrategy<LotId> {
    small().prop_map(LotId).boxed()
}

pub(super) fn order_id() -> BoxedStrategy<OrderId> {
    small().prop_map(OrderId).boxed()
}

pub(super) fn side() -> BoxedStrategy<Side> {
    select(&[Side::Buy, Side::Sell][..]).boxed()
}

pub(super) fn session_id() -> BoxedStrategy<SessionId> {
    number(u64::MAX).prop_map(SessionId).boxed()
}

pub(super) fn request_id() -> BoxedStrategy<RequestId> {
    number(u64::MAX).prop_map(RequestId).boxed()
}

pub(super) fn sequence() -> BoxedStrategy<Sequence> {
    number(u64::MAX).prop_map(Sequence).boxed()
}

pub(super) fn feed_sequence() -> BoxedStrategy<FeedSequence> {
    number(u64::MAX).prop_map(FeedSequence).boxed()
}

pub(super) fn term() -> BoxedStrategy<Term> {
    number(u64::MAX).prop_map(Term).boxed()
}

/// Any market's identity.
pub fn market_id() -> BoxedStrategy<MarketId> {
    uniform16(any::<u8>()).prop_map(MarketId).boxed()
}

/// Any digest.
pub fn digest() -> BoxedStrategy<Digest> {
    uniform32(any::<u8>()).prop_map(Digest).boxed()
}

pub(super) fn token() -> BoxedStrategy<Token> {
    uniform32(any::<u8>()).prop_map(Token::new).boxed()
}

pub(super) fn token_hash() -> BoxedStrategy<TokenHash> {
    uniform32(any::<u8>()).prop_map(TokenHash).boxed()
}

pub(super) fn device_key() -> BoxedStrategy<DeviceKey> {
    uniform32(any::<u8>()).prop_map(DeviceKey).boxed()
}

pub(super) fn seed() -> BoxedStrategy<Seed> {
    uniform32(any::<u8>()).prop_map(Seed).boxed()
}

pub(super) fn commitment() -> BoxedStrategy<EndCommitment> {
    uniform32(any::<u8>()).prop_map(EndCommitment).boxed()
}

pub(super) fn random_end() -> BoxedStrategy<RandomEnd> {
    (span(), uniform16(any::<u8>()))
        .prop_map(|(before_close, salt)| RandomEnd { before_close, salt })
        .boxed()
}

pub(super) fn span() -> BoxedStrategy<Span> {
    number(SPAN_MAX_MICROS)
        .prop_map(|span| Span::from_micros(span).expect("in range"))
        .boxed()
}

pub(super) fn credential() -> BoxedStrategy<Credential> {
    vec(any::<u8>(), 0..=256)
        .prop_map(|bytes| Credential::new(&bytes).expect("in range"))
        .boxed()
}

/// A text whose first byte is taken from `first` and whose other bytes are taken from `first` and `more`.
fn text_of(
    first: &'static str,
    more: &'static str,
    length_min: usize,
    length_max: usize,
) -> BoxedStrategy<String> {
    let byte = |bytes: &str| select(bytes.as_bytes().to_vec()).prop_map(char::from);
    let others = prop_oneof![8 => byte(first), 1 => byte(more)];
    (byte(first), vec(others, length_min - 1..length_max))
        .prop_map(|(first, others)| core::iter::once(first).chain(others).collect())
        .boxed()
}

/// Any symbol.
pub fn symbol() -> BoxedStrategy<Symbol> {
    text_of("ABCXYZ019", ".-", 1, 8)
        .prop_map(|text| Symbol::parse(&text).expect("in the pattern"))
        .boxed()
}

/// Any security code.
pub fn security() -> BoxedStrategy<SecurityCode> {
    text_of("AZaz0123456789", ".-_", 1, 16)
        .prop_map(|text| SecurityCode::parse(&text).expect("in the pattern"))
        .boxed()
}

/// Any user's name.
pub fn name() -> BoxedStrategy<Name> {
    text_of("abcxyz019", ".-_", 2, 32)
        .prop_map(|text| Name::parse(&text).expect("in the pattern"))
        .boxed()
}

/// Any role.
pub fn role() -> BoxedStrategy<Role> {
    prop_oneof![
        Just(Role::Trader),
        symbol().prop_map(Role::Company),
        Just(Role::Auctioneer),
    ]
    .boxed()
}

pub(super) fn secret() -> BoxedStrategy<Secret> {
    let chars = select(alloc::vec!['a', 'Z', '0', ' ', '"', '\\', '\n', '\u{e9}']);
    vec(chars, 1..=64)
        .prop_map(|chars| {
            let text: String = chars.into_iter().collect();
            Secret::new(text).expect("not too long")
        })
        .boxed()
}

pub(super) fn text<const MAX: usize>() -> BoxedStrategy<Text<MAX>> {
    vec(any::<char>(), 0..=MAX)
        .prop_map(|chars| {
            let text: String = chars.into_iter().collect();
            Text::of(text)
        })
        .boxed()
}
