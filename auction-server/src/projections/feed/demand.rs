//! Who wants to be told at once. While nobody does, the hub is not woken by each commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many want to be told at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Demand(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct DemandGuard(Demand);

impl Demand {
    pub(super) fn register(&self) -> DemandGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        DemandGuard(self.clone())
    }

    pub(super) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for DemandGuard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
