//! Signals that a running server survives: sent when a terminal closes, logs are rotated or a certificate is
//! renewed.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::logging::LogControl;
use crate::config::{ConfigError, Resolved, Setting};
use crate::gateway::CertificateReload;
use crate::platform::clock::{Machine as _, ThisMachine};
use crate::platform::service_manager::ServiceManager;

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

    /// Handles them for ever: SIGHUP reloads what can be reloaded, and the others do nothing.
    pub(crate) async fn handle(mut self, reload: Reload) {
        let at_start = (reload.read_settings)().ok();
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    reload.manager.reloading();
                    reload.run(at_start.as_ref()).await;
                    reload.manager.ready();
                }
                _ = self.user_1.recv() => tracing::info!("SIGUSR1 is ignored; the server goes on"),
                _ = self.user_2.recv() => tracing::info!("SIGUSR2 is ignored; the server goes on"),
            }
        }
    }
}

/// Reads the settings from flags, environment and file.
pub(crate) type ReadSettings = Box<dyn Fn() -> Result<Resolved, Vec<ConfigError>> + Send + Sync>;

/// Parts of the server that SIGHUP reloads.
pub(crate) struct Reload {
    /// The certificate, if there is one.
    pub(crate) certificate: Option<CertificateReload>,
    pub(crate) logs: LogControl,
    pub(crate) log_file: Option<PathBuf>,
    pub(crate) manager: Arc<ServiceManager>,
    pub(crate) read_settings: ReadSettings,
}

impl Reload {
    async fn run(&self, at_start: Option<&Resolved>) {
        if let Some(path) = &self.log_file {
            let logs = self.logs.clone();
            // The file may lie on a slow disk.
            match tokio::task::spawn_blocking(move || logs.reopen()).await {
                Ok(Ok(())) => {
                    tracing::info!(file = %path.display(), "SIGHUP: the log file is open again")
                }
                Ok(Err(error)) => tracing::error!("SIGHUP: the old log file stays in use: {error}"),
                Err(error) => tracing::error!(%error, "SIGHUP: the old log file stays in use"),
            }
        }
        match (self.read_settings)() {
            Ok(settings) => self.take(&settings, at_start),
            Err(faults) => {
                for fault in faults {
                    tracing::error!("SIGHUP: the settings stay as they are: {fault}");
                }
            }
        }
        match self.certificate.clone() {
            Some(certificate) => reload(certificate).await,
            None => {
                tracing::info!("SIGHUP: there is no certificate to read again; the server goes on");
            }
        }
    }

    fn take(&self, settings: &Resolved, at_start: Option<&Resolved>) {
        self.logs.set_level(settings.config.log_level);
        let text = |of: &Resolved, setting| {
            let given = of.in_force.iter().find(|given| given.setting == setting);
            given.map(|given| given.text.clone())
        };
        let Some(at_start) = at_start else { return };
        let changed = Setting::ALL.into_iter().filter(|setting| {
            *setting != Setting::LogLevel && text(settings, *setting) != text(at_start, *setting)
        });
        let changed: Vec<_> = changed.map(Setting::key).collect();
        if !changed.is_empty() {
            let changed = changed.join(", ");
            tracing::warn!(
                "SIGHUP: these settings have changed and count at the next start: {changed}"
            );
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
