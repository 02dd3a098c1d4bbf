//! Signals that a running server survives: sent when a terminal closes, logs are rotated or a certificate is
//! renewed.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::gateway::CertificateReload;
use crate::platform::clock::{Machine as _, ThisMachine};

/// SIGHUP, SIGUSR1 and SIGUSR2, which would end the process without a handler.
pub(crate) struct OtherSignals {
    hangup: Signal,
    user_1: Signal,
    user_2: Signal,
}

impl OtherSignals {
    /// Receives them from now on. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Handles them for ever: SIGHUP reloads the certificate, if there is one, and the others do nothing.
    pub(crate) async fn handle(mut self, certificate: Option<CertificateReload>) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => match certificate.clone() {
                    Some(certificate) => reload(certificate).await,
                    None => tracing::info!("SIGHUP: there is no certificate to read again; the server goes on"),
                },
                _ = self.user_1.recv() => tracing::info!("SIGUSR1 is ignored; the server goes on"),
                _ = self.user_2.recv() => tracing::info!("SIGUSR2 is ignored; the server goes on"),
            }
        }
    }
}

async fn reload(certificate: CertificateReload) {
    // The files may lie on a slow disk.
    let read = certificate.clone();
    match tokio::task::spawn_blocking(move || read.reload()).await {
        Ok(Ok(fingerprint)) => {
            tracing::info!(
                %fingerprint,
                "SIGHUP: the certificate was read again, and new connections get it"
            );
            if let Some(warning) = certificate.warning(ThisMachine.utc()) {
                tracing::warn!("{warning}");
            }
        }
        Ok(Err(error)) => tracing::error!(
            "SIGHUP: the certificate is not replaced, and the server goes on with the one it has: {error}"
        ),
        Err(error) => tracing::error!(%error, "SIGHUP: the certificate is not replaced"),
    }
}
