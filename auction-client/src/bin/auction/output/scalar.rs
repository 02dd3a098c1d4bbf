//! JSON of single values.

use auction_core::Price;
use serde_json::{Value, json};

/// Returns a price, or null.
pub fn price(price: Option<Price>) -> Value {
    price.map_or(Value::Null, |price| json!(price.to_string()))
}
