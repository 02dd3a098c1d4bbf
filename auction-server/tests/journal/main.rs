//! The journal against everything a disk, a crash and a neighbour can do to it.

mod opening;
mod workload;
