//! The terminal: set up for the screen, and restored in any case.

use std::io::{self, Write as _, stdout};
use std::panic;
use std::sync::Once;
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyEventKind,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc;

use crate::screen::events::Input;

/// Maximum number of waiting keys; the terminal keeps further ones.
const KEYS_WAITING_MAX: usize = 64;

/// A terminal in screen mode, until this value is dropped.
pub struct Screen {
    pub terminal: Terminal<CrosstermBackend<io::Stdout>>,
}

impl Screen {
    /// Sets the terminal up.
    pub fn begin() -> io::Result<Self> {
        restore_at_panic();
        enable_raw_mode()?;
        // From here on dropping restores it, also when one of the next steps fails.
        let screen = Self {
            terminal: Terminal::new(CrosstermBackend::new(stdout()))?,
        };
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(screen)
    }

    /// Rings the terminal's bell.
    pub fn ring(&mut self) {
        let mut out = stdout();
        // Ignore errors: the terminal may have no bell.
        let _ = out.write_all(b"\x07").and_then(|()| out.flush());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal. Errors are ignored, because it may be gone.
fn restore() {
    let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Restores the terminal before a panic is reported, and ends the program: its state after a panic must not be shown as
/// valid.
fn restore_at_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            tell(info);
            std::process::exit(PANICKED);
        }));
    });
}

/// Exit code of a Rust program after a panic.
const PANICKED: i32 = 101;

/// Starts a thread that reads keys: waiting in another task would block it. It ends with the program.
pub fn keys() -> io::Result<mpsc::Receiver<io::Result<Input>>> {
    let (press, pressed) = mpsc::channel(KEYS_WAITING_MAX);
    let read = move || {
        loop {
            let input = match event::read() {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Ok(Input::Key(key)),
                Ok(Event::Paste(text)) => Ok(Input::Paste(text)),
                Ok(Event::Resize(columns, rows)) => Ok(Input::Resize(columns, rows)),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            let failed = input.is_err();
            if press.blocking_send(input).is_err() || failed {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read)?;
    Ok(pressed)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read as _;
    use std::time::{Duration, Instant};

    use pty_process::blocking::{Command, open};
    use rustix::termios::tcgetattr;

    use super::*;

    /// Variable that selects the process that must panic.
    const PANICS: &str = "AUCTION_TEST_PANICS";
    const DEADLINE: Duration = Duration::from_secs(60);

    /// Does nothing, unless the test below starts it at its own terminal.
    #[test]
    fn panics_at_a_screen() {
        if std::env::var_os(PANICS).is_none() {
            return;
        }
        let mut screen = Screen::begin().unwrap();
        let drawn = screen
            .terminal
            .draw(|frame| frame.render_widget("well", frame.area()));
        drawn.unwrap();
        panic!("this cannot be");
    }

    #[test]
    fn a_panic_restores_the_terminal_and_is_reported_there() {
        let (mut seen, terminal) = open().unwrap();
        seen.resize(pty_process::Size::new(24, 80)).unwrap();
        let before = tcgetattr(&terminal).unwrap();
        let this = "screen::terminal::tests::panics_at_a_screen";
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(PANICS, "1")
            .spawn_borrowed(&terminal)
            .unwrap();
        let reader = thread::spawn(move || {
            let (mut written, mut bytes) = (Vec::new(), [0; 4_096]);
            // The end is an error, once no process holds the terminal any more.
            while let Ok(count @ 1..) = seen.read(&mut bytes) {
                written.extend_from_slice(&bytes[..count]);
            }
            String::from_utf8(written).unwrap()
        });
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = program.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < DEADLINE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(PANICKED));
        let after = tcgetattr(&terminal).unwrap();
        assert_eq!(after.local_modes, before.local_modes);
        assert_eq!(after.input_modes, before.input_modes);
        drop(terminal);
        let written = reader.join().unwrap();
        let place = |text: &str| {
            let found = written.rfind(text);
            found.unwrap_or_else(|| panic!("no {text:?} in {written:?}"))
        };
        assert!(place("well") < place("\x1b[?1049l"));
        assert!(place("\x1b[?1049l") < place("this cannot be"));
        assert!(
            place("\x1b[?25l") < place("\x1b[?25h"),
            "the cursor is back"
        );
    }
}
