//! Reads lines from standard input without blocking other tasks.

use std::io;
use std::sync::mpsc as blocking;
use std::thread;

use tokio::sync::mpsc;

use crate::output::failure::Failure;

/// Reads lines from standard input. A line is read only on request, so that a password can be read in between.
pub struct LineReader {
    ask: blocking::Sender<()>,
    typed: mpsc::Receiver<Option<String>>,
    asked: bool,
}

impl LineReader {
    /// Starts a thread that waits at the terminal: waiting in another task would block it. The thread ends with the
    /// program.
    pub fn begin() -> Result<Self, Failure> {
        let (ask, asked) = blocking::channel();
        let (type_one, typed) = mpsc::channel(1);
        let read = move || {
            while let Ok(()) = asked.recv() {
                let mut line = String::new();
                // Treat a read error as the end of input.
                let count = io::stdin().read_line(&mut line).unwrap_or(0);
                let line = (count > 0).then(|| line.trim().to_owned());
                if type_one.blocking_send(line).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("lines".to_owned())
            .spawn(read)?;
        Ok(Self {
            ask,
            typed,
            asked: false,
        })
    }

    /// Returns the next line; `None`: the end. Cancel-safe: a line that was not returned is returned by the next call.
    pub async fn next(&mut self) -> Option<String> {
        if !self.asked {
            self.ask.send(()).ok()?;
            self.asked = true;
        }
        let line = self.typed.recv().await;
        self.asked = false;
        line.flatten()
    }
}
