//! JSON Schema of each value, in JSON and in bytes (feature `schema`).
//!
//! JSON Schema alone does not describe the binary form. Additional keywords, which begin with `x-`, describe it,
//! so that a client in another language can be generated from the schema instead of written by hand:
//!
//! | keyword | on | says |
//! |---|---|---|
//! | `x-fields` | an object | its fields in the order of their bytes |
//! | `x-number` | a case of `oneOf` | the variant's number |
//! | `x-binary` | any other value | `varint`, `zigzag`, `bool`, `text`, `bytes`, `list`, `option` |
//! | `x-minimum`, `x-maximum` | a number | its range, as digits, because JSON's numbers are exact only to 2^53 |
//! | `x-decimals` | money | minimum and maximum number of decimals in JSON; the number counts the smallest unit |
//! | `x-bytes-min`, `x-bytes-max` | `text`, `bytes` | minimum and maximum number of bytes |
//! | `x-pattern` | `text` | texts that the binary form accepts, if JSON also accepts letters of the other case |
//! | `x-names` | a code | its names and their numbers |
//! | `x-kind` | a message | its kind |

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::marker::PhantomData;

use auction_core::limits::{
    AMOUNT_MAX, BIDS_OPENED_MAX, CREDENTIAL_BYTES_MAX, DEPTH_LEVELS_MAX, NAME_BYTES_MAX,
    NAME_BYTES_MIN, PRICE_MAX, PROFIT_MAX, QUANTITY_MAX, SECURITY_BYTES_MAX, SPAN_MAX_MICROS,
    STEP_BANDS_MAX, SYMBOL_BYTES_MAX, TIMESTAMP_MAX_MICROS,
};
use auction_core::{
    Amount, Credential, DeviceKey, Digest, EndCommitment, FeedSequence, LotId, MarketId, Name,
    OpenedBid, OrderId, Price, Profit, Quantity, Quote, RequestId, SecurityCode, Seed, Sequence,
    SessionId, Span, StepBand, Steps, Symbol, Term, Timestamp, TokenHash, UserId,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::encoding::bytes::Bytes;
use crate::encoding::code::Code;
use crate::encoding::list::List;
use crate::encoding::secret::{Secret, Token};
use crate::encoding::text::Text;
use crate::limits::PASSWORD_BYTES_MAX;

/// A value whose form the schema can describe.
pub(crate) trait Shaped {
    /// Name of its definition; `None`: it is described inline wherever it occurs.
    const NAME: Option<&'static str>;

    fn shape(generator: &mut SchemaGenerator) -> Schema;
}

/// Wrapper of a value's type, for schemars, which requires a type that implements its trait.
pub(crate) struct Shape<T>(PhantomData<T>);

impl<T> Default for Shape<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Shaped> JsonSchema for Shape<T> {
    fn inline_schema() -> bool {
        T::NAME.is_none()
    }

    fn schema_name() -> Cow<'static, str> {
        T::NAME.unwrap_or("inline").into()
    }

    fn schema_id() -> Cow<'static, str> {
        core::any::type_name::<T>().into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::shape(generator)
    }
}

/// Describes a struct: the fields of `Described`, in the order of their bytes.
pub(crate) fn in_order<Described: JsonSchema>(
    generator: &mut SchemaGenerator,
    fields: &[&str],
) -> Schema {
    let mut schema = Described::json_schema(generator);
    schema.insert("x-fields".into(), json!(fields));
    schema
}

/// Describes a struct `$type` by its fields.
macro_rules! shaped_struct {
    ($type:ident, $name:expr, $(#[$doc:meta])* { $($(#[$attribute:meta])* $field:ident: $of:ty),* $(,)? }) => {
        #[cfg(feature = "schema")]
        impl $crate::encoding::schema::Shaped for $type {
            const NAME: Option<&'static str> = $name;

            fn shape(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $(#[$doc])*
                #[derive(schemars::JsonSchema)]
                #[serde(deny_unknown_fields)]
                #[allow(dead_code)]
                struct Described {
                    $($(#[$attribute])* $field: $crate::encoding::schema::Shape<$of>,)*
                }
                $crate::encoding::schema::in_order::<Described>(generator, &[$(stringify!($field)),*])
            }
        }
    };
}

/// Describes an enum `$type` by its variants, each with its number.
macro_rules! shaped_enum {
    ($type:ident, $(#[$doc:meta])* {
        $($(#[$variant_doc:meta])* $number:literal = $variant:ident $(($of:ty))? $({ $($field:ident: $fof:ty),* $(,)? })?),* $(,)?
    }) => {
        #[cfg(feature = "schema")]
        impl $crate::encoding::schema::Shaped for $type {
            const NAME: Option<&'static str> = Some(stringify!($type));

            fn shape(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                use schemars::JsonSchema as _;

                $(#[$doc])*
                #[derive(schemars::JsonSchema)]
                #[serde(rename_all = "snake_case", deny_unknown_fields)]
                #[allow(dead_code)]
                enum Described {
                    $($(#[$variant_doc])*
                    #[schemars(extend("x-number" = $number $(, "x-fields" = [$(stringify!($field)),*])?))]
                    $variant $(($crate::encoding::schema::Shape<$of>))? $({ $($field: $crate::encoding::schema::Shape<$fof>),* })?,)*
                }
                Described::json_schema(generator)
            }
        }
    };
}

pub(crate) use {shaped_enum, shaped_struct};

/// Describes single values.
macro_rules! shaped {
    ($($type:ty $(as $name:literal)?, $description:literal: $shape:expr;)*) => {$(
        impl $crate::encoding::schema::Shaped for $type {
            const NAME: Option<&'static str> = $crate::encoding::schema::shaped!(@name $($name)?);

            fn shape(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = schemars::Schema::from($shape);
                if !$description.is_empty() {
                    schema.insert("description".into(), $description.into());
                }
                schema
            }
        }
    )*};
    (@name $name:literal) => { Some($name) };
    (@name) => { None };
}
pub(crate) use shaped;

shaped! {
    bool, "": object(json!({"type": "boolean", "x-binary": "bool"}));
    u8, "": small(u64::from(u8::MAX));
    u16, "": small(u64::from(u16::MAX));
    u32, "": small(u64::from(u32::MAX));
    u64, "": large(0, u64::MAX.into());
    u128, "": large(0, u128::MAX);
    i64, "": signed();
    UserId as "UserId", "A user's number, from 1.": small(u64::from(u32::MAX));
    LotId as "LotId", "A lot's number, from 1.": small(u64::from(u32::MAX));
    OrderId as "OrderId", "The number of a trader's order on a lot, from 1.": small(u64::from(u32::MAX));
    SessionId as "SessionId", "A session's number.": large(0, u64::MAX.into());
    RequestId as "RequestId", "A request's number: the client's own, rising from 1 within a session; 0 in what the server says of its own accord.": large(0, u64::MAX.into());
    FeedSequence as "FeedSequence", "A place of the feed.": large(0, u64::MAX.into());
    Term as "Term", "Who leads the market, raised at each change.": large(0, u64::MAX.into());
    Quantity as "Quantity", "A number of shares.": large(1, QUANTITY_MAX.into());
    Timestamp as "Timestamp", "Microseconds since 1970 UTC.": large(0, TIMESTAMP_MAX_MICROS.into());
    Span as "Span", "Microseconds.": large(0, SPAN_MAX_MICROS.into());
    Price as "Price", "A price, in ten-thousandths where it is bytes.": money("varint", "", 0, PRICE_MAX.into(), 2);
    Amount as "Amount", "A sum of money, in ten-thousandths where it is bytes.": money("varint", "", 0, AMOUNT_MAX.into(), 2);
    Profit as "Profit", "A profit, or a loss, in ten-thousandths where it is bytes.": money("zigzag", "-?", -i128::from(PROFIT_MAX), PROFIT_MAX.into(), 0);
    Symbol as "Symbol", "A stock's symbol; letters are folded to capitals.": name(1, SYMBOL_BYTES_MAX, ".-", "A-Z");
    SecurityCode as "SecurityCode", "A stock's security code.": name(1, SECURITY_BYTES_MAX, "._-", "A-Za-z");
    Name as "Name", "A user's name; letters are folded to small ones.": name(NAME_BYTES_MIN, NAME_BYTES_MAX, "._-", "a-z");
    Secret as "Secret", "A password.": object(json!({
        "type": "string", "minLength": 1, "maxLength": PASSWORD_BYTES_MAX,
        "x-binary": "text", "x-bytes-min": 1, "x-bytes-max": PASSWORD_BYTES_MAX,
    }));
    MarketId as "MarketId", "A market's identity.": bytes(16);
    Digest as "Digest", "The digest of a public market.": bytes(32);
    Token as "Token", "What resumes a session. Keep it secret.": bytes(32);
    EndCommitment as "EndCommitment", "What fixes a random end and does not tell it.": bytes(32);
    Seed as "Seed", "Numbers drawn at random; no message holds them.": bytes(32);
    [u8; 16], "": bytes(16);
    [u8; 32], "": bytes(32);
    Sequence as "Sequence", "The place of a record in the journal, from 1.": large(0, u64::MAX.into());
    TokenHash as "TokenHash", "The hash of a token; no message holds one.": bytes(32);
    DeviceKey as "DeviceKey", "The public half of a device's key: Ed25519.": bytes(32);
    Credential as "Credential", "A password's hash; no message holds one.": object(json!({
        "type": "string", "pattern": "^([0-9A-Fa-f]{2})*$",
        "x-binary": "bytes", "x-bytes-min": 0, "x-bytes-max": CREDENTIAL_BYTES_MAX,
    }));
    Code as "Code", "Why something was refused: its name, or the digits of its number when it has no name.": code();
}

impl<const MAX: usize> Shaped for Text<MAX> {
    const NAME: Option<&'static str> = None;

    fn shape(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "maxLength": MAX, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
            "x-binary": "text", "x-bytes-min": 0, "x-bytes-max": MAX,
        })
    }
}

impl<const MAX: usize> Shaped for Bytes<MAX> {
    const NAME: Option<&'static str> = None;

    fn shape(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "maxLength": 2 * MAX, "pattern": "^([0-9A-Fa-f]{2})*$",
            "x-binary": "bytes", "x-bytes-min": 0, "x-bytes-max": MAX,
        })
    }
}

impl<T: Shaped> Shaped for Option<T> {
    const NAME: Option<&'static str> = None;

    fn shape(generator: &mut SchemaGenerator) -> Schema {
        let some = generator.subschema_for::<Shape<T>>();
        json_schema!({"anyOf": [some, {"type": "null"}], "x-binary": "option"})
    }
}

impl<T: Shaped> Shaped for Box<T> {
    const NAME: Option<&'static str> = T::NAME;

    fn shape(generator: &mut SchemaGenerator) -> Schema {
        T::shape(generator)
    }
}

impl<T: Shaped, const MAX: usize> Shaped for List<T, MAX> {
    const NAME: Option<&'static str> = None;

    fn shape(generator: &mut SchemaGenerator) -> Schema {
        list::<T>(generator, 0, MAX)
    }
}

impl Shaped for Vec<OpenedBid> {
    const NAME: Option<&'static str> = None;

    fn shape(generator: &mut SchemaGenerator) -> Schema {
        list::<OpenedBid>(generator, 0, BIDS_OPENED_MAX)
    }
}

impl Shaped for Vec<Quote> {
    const NAME: Option<&'static str> = None;

    fn shape(generator: &mut SchemaGenerator) -> Schema {
        list::<Quote>(generator, 0, DEPTH_LEVELS_MAX)
    }
}

impl Shaped for Steps {
    const NAME: Option<&'static str> = None;

    fn shape(generator: &mut SchemaGenerator) -> Schema {
        list::<StepBand>(generator, 1, STEP_BANDS_MAX)
    }
}

fn list<T: Shaped>(generator: &mut SchemaGenerator, least: usize, most: usize) -> Schema {
    let items = generator.subschema_for::<Shape<T>>();
    json_schema!({
        "type": "array", "items": items, "minItems": least, "maxItems": most, "x-binary": "list",
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => unreachable!("shapes are objects"),
    }
}

/// A number that JSON writes as a number.
fn small(most: u64) -> Map<String, Value> {
    object(json!({
        "type": "integer", "minimum": 0, "maximum": most,
        "x-binary": "varint", "x-minimum": "0", "x-maximum": most.to_string(),
    }))
}

/// A number that JSON writes as a string of digits.
fn large(least: u64, most: u128) -> Map<String, Value> {
    object(json!({
        "type": "string", "pattern": "^[0-9]+$",
        "x-binary": "varint", "x-minimum": least.to_string(), "x-maximum": most.to_string(),
    }))
}

/// A number of either sign that JSON writes as a string of digits.
fn signed() -> Map<String, Value> {
    object(json!({
        "type": "string", "pattern": "^-?[0-9]+$",
        "x-binary": "zigzag", "x-minimum": i64::MIN.to_string(), "x-maximum": i64::MAX.to_string(),
    }))
}

fn money(
    binary: &str,
    sign: &str,
    least: i128,
    most: i128,
    decimals_min: u8,
) -> Map<String, Value> {
    object(json!({
        "type": "string", "pattern": format!(r"^{sign}[0-9]+(\.[0-9]{{1,4}})?$"),
        "x-binary": binary, "x-minimum": least.to_string(), "x-maximum": most.to_string(),
        "x-decimals": [decimals_min, 4],
    }))
}

fn name(least: usize, most: usize, inner: &str, letters: &str) -> Map<String, Value> {
    let pattern = |letters: &str| {
        let (fewest, more) = (least - 1, most - 1);
        format!("^[{letters}0-9][{letters}0-9{inner}]{{{fewest},{more}}}$")
    };
    object(json!({
        "type": "string", "pattern": pattern("A-Za-z"),
        "x-binary": "text", "x-bytes-min": least, "x-bytes-max": most, "x-pattern": pattern(letters),
    }))
}

pub(crate) fn bytes(count: usize) -> Map<String, Value> {
    let digits = 2 * count;
    object(json!({
        "type": "string", "pattern": format!("^[0-9A-Fa-f]{{{digits}}}$"),
        "x-binary": "bytes", "x-bytes-min": count, "x-bytes-max": count,
    }))
}

fn code() -> Map<String, Value> {
    let named = || {
        let named = Code::ALL.iter();
        named.filter_map(|code| code.name().map(|name| (name, code.0)))
    };
    let names: Vec<_> = named().map(|(name, _)| name).collect();
    let numbers: Map<_, _> = named()
        .map(|(name, number)| (name.to_string(), number.into()))
        .collect();
    object(json!({
        "type": "string", "anyOf": [{"enum": names}, {"pattern": "^[0-9]{1,5}$"}],
        "x-binary": "varint", "x-minimum": "0", "x-maximum": "65535", "x-names": numbers,
    }))
}
