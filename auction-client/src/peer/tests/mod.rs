//! Tests of a peer on a virtual clock.

mod fixture;
mod order;
mod hostile;
mod mesh;
mod relay;
