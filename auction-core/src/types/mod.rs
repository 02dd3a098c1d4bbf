//! Values that cannot be invalid: money, time, symbols and ids.

pub(crate) mod money;
pub(crate) mod time;
pub(crate) mod symbol;
pub(crate) mod id;
