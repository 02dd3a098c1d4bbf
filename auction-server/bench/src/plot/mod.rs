//! Pictures of what was measured, as SVG.

mod curves;
mod aims;
mod bars;
mod canvas;

pub use aims::aims;
pub use bars::{Panel, bars};
pub use curves::{Curve, curves};
