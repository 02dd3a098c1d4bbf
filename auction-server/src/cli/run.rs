//! Running the server as a program: signals, standard output, exit codes.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::args::{EXIT_DONE, EXIT_FAILURE};
use crate::cli::logging;
use crate::cli::signals::OtherSignals;
use crate::config::Config;
use crate::gateway::connection_limits;
use crate::platform::progress::Bar;
use crate::server::Server;

/// A second signal ends the process at once, with the code of an interrupt.
const EXIT_INTERRUPTED: i32 = 130;

/// Runs the server until a signal comes. Gives the exit code.
#[must_use]
pub fn run(config: &Config) -> u8 {
    // Kept to the end, so that the last words are written.
    let _logs = match logging::begin(config.log) {
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
        let mut bar = Bar::new();
        let started = Server::start_with_progress(config, &mut |progress| bar.show(progress)).await;
        // It is gone before anything is said.
        drop(bar);
        let server = match started {
            Ok(server) => server,
            Err(error) => return fail(&error),
        };
        // What came during the start is acted on now.
        tokio::spawn(others.handle(server.certificate()));
        match server.run(shutdown.requested()).await {
            Ok(()) => EXIT_DONE,
            Err(error) => fail(&error),
        }
    })
}

fn fail(error: &dyn std::error::Error) -> u8 {
    tracing::error!("{error}");
    EXIT_FAILURE
}

/// Ctrl-C and SIGTERM: the first asks to end, the second ends.
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
        tracing::info!("ending; once more to end at once");
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

/// How many threads serve connections: a processor is left to the sequencer, which everyone waits for.
fn workers() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    processors.saturating_sub(1).max(1)
}
