//! The journal under failures of the disk, crashes and other processes.

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
mod backup;
