//! Lines that a person types, while other things happen.

use std::io;
use std::sync::mpsc as blocking;
use std::thread;

use tokio::sync::mpsc;

use crate::output::failure::Failure;

/// Reads lines from standard input. A line is read only when it is asked for, so that a password can be asked for
/// in between.
pub struct LineReader {
    ask: blocking::Sender<()>,
    typed: mpsc::Receiver<Option<String>>,
    asked: bool,
}

impl LineReader {
    /// Begins a thread that waits at the terminal: nothing else can wait there without holding all up. It
    /// ends with the program.
    pub fn begin() -> Result<Self, Failure> {
        let (ask, asked) = blocking::channel();
        let (type_one, typed) = mpsc::channel(1);
        let read = move || {
            while let Ok(()) = asked.recv() {
                let mut line = String::new();
                // What cannot be read has ended.
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

    /// The next line; `None`: there is no more. Dropped before it came, the same line comes next time.
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
