//! The journal against everything a disk, a crash and a neighbour can do to it.

mod crash;
mod faulty_disk;
mod opening;
mod workload;
