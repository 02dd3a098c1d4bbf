//! The journal against everything a disk, a crash and a neighbour can do to it.

mod faulty_disk;
mod workload;

mod format;
mod opening;
mod relaxed;
mod descriptors;
mod lock;
mod beside;
mod crash;
mod damage;
