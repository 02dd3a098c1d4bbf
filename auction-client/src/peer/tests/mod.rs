//! What must hold of a peer, on a virtual clock.

mod stage;
mod order;
mod hostile;
mod mesh;
mod relay;
