//! Running the server as a program: signals, standard output, exit codes.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::{EXIT_DONE, EXIT_FAILURE};
use crate::cli::logging;
use crate::cli::signals::{OtherSignals, ReadSettings, Reload};
use crate::config::Config;
use crate::gateway::connection_limits;
use crate::platform::progress::Bar;
use crate::platform::service_manager::ServiceManager;
use crate::server::Server;

/// A second signal ends the process at once, with the code of an interrupt.
const EXIT_INTERRUPTED: i32 = 130;

/// Runs the server until a signal comes. Returns the exit code. `read_again` reads the settings again, at SIGHUP.
#[must_use]
pub fn run(config: &Config, read_again: ReadSettings) -> u8 {
    // Kept to the end, so that the last log entries are written.
    let logs = match logging::begin(config) {
        Ok(logs) => logs,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            return EXIT_FAILURE;
        }
    };
    connection_limits::raise_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(async {
        let listening =
            Shutdown::listen().and_then(|shutdown| Ok((shutdown, OtherSignals::listen()?)));
        let (shutdown, others) = match listening {
            Ok(listening) => listening,
            Err(error) => return fail(&error),
        };
        let mut manager = ServiceManager::from_environment();
        let mut bar = Bar::new();
        let mut on_progress = |progress| {
            manager.starting();
            bar.show(progress);
        };
        let started = Server::start_with_progress(config, &mut on_progress).await;
        // The bar is removed before anything is printed.
        drop(bar);
        let server = match started {
            Ok(server) => server,
            Err(error) => return fail(&error),
        };
        // Signals received during the start are handled now.
        let manager = Arc::new(manager);
        let reload = Reload {
            certificate: server.certificate(),
            logs: logs.control(),
            log_file: config.log_file.clone(),
            manager: manager.clone(),
            read_settings: read_again,
        };
        tokio::spawn(others.handle(reload));
        // The port listens: a connection waits for the first accept.
        manager.ready();
        let requested = async {
            shutdown.requested().await;
            manager.stopping();
        };
        match server.run(requested).await {
            Ok(()) => EXIT_DONE,
            Err(error) => fail(&error),
        }
    })
}

fn fail(error: &dyn std::error::Error) -> u8 {
    tracing::error!("{error}");
    EXIT_FAILURE
}

/// Ctrl-C and SIGTERM: the first asks for a shutdown, the second ends the process.
struct Shutdown {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Shutdown {
    fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self {
            interrupt,
            terminate,
        })
    }

    async fn requested(mut self) {
        self.next().await;
        tracing::info!("shutting down; send the signal again to end at once");
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(EXIT_INTERRUPTED);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Number of threads that serve connections: one processor is left to the sequencer, which everyone waits for.
fn workers() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    processors.saturating_sub(1).max(1)
}
