//! Structured logs, on standard error: what the one who runs the server may need afterwards. What they look at
//! while it runs is [`announce`](crate::announce), on standard output.
//!
//! No password, token, hash, hidden maximum or reserve is ever logged: their types show nothing of them.

use crate::config::LogFormat;

/// Begins to log. A second call in a process changes nothing.
pub fn begin(format: LogFormat) {
    let logs = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // A log that cannot be written (its disk is full, nobody reads it) would panic in whoever logs.
        .log_internal_errors(false)
        .with_max_level(tracing::Level::INFO);
    // An error says that logs were begun before, as in tests.
    let _ = match format {
        LogFormat::Human => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
}
