//! The signal that the server is ending.

use tokio::sync::watch;

/// Waits until the server is ending.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error: the server is gone already.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
