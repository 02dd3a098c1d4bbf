//! Pictures of what was measured, as SVG.

mod canvas;
mod bars;
mod aims;
mod curves;

pub use aims::aims;
pub use bars::{Panel, bars};
pub use curves::{Curve, curves};
