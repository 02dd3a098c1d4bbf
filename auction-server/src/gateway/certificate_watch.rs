//! The dates of the certificate while the server runs: a metric, and a log entry when they come to an end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::tls::CertificateReload;
use crate::platform::clock::Machine;
use crate::platform::metrics::Metrics;

/// Interval at which the dates are compared with the machine's clock.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Keeps the metric of the certificate's end, and warns each time that its state has changed.
pub(crate) async fn watch_certificate(
    certificate: CertificateReload,
    machine: Arc<dyn Machine>,
    metrics: Arc<Metrics>,
    mut stopping: watch::Receiver<bool>,
) {
    // A start has reported the first state.
    let mut known = None;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let Some(validity) = certificate.validity() else {
            continue;
        };
        let ends = validity.not_after.micros() / 1_000_000;
        metrics.certificate_expiry.set(ends.cast_signed());
        let utc = machine.utc();
        let state = validity.at(utc);
        let has_changed = known.replace(state).is_some_and(|known| known != state);
        if let (true, Some(warning)) = (has_changed, certificate.warning(utc)) {
            tracing::warn!("{warning}");
        }
    }
}
