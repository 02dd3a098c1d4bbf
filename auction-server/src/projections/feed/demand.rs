//! Count of watchers that need each batch at once. While there are none, the commits do not wake the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of watchers that need each batch at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Demand(Arc<AtomicUsize>);

/// One of these watchers, until it is dropped.
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
