//! The terminal: taken over for the screen, and given back whatever happens.

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

/// Most keys that wait to be taken; then the terminal keeps the rest.
const KEYS_WAITING_MAX: usize = 64;

/// A terminal that shows the screen, until this is dropped.
pub struct Screen {
    pub terminal: Terminal<CrosstermBackend<io::Stdout>>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn begin() -> io::Result<Self> {
        restore_at_panic();
        enable_raw_mode()?;
        // From here on it is given back, also when one of the next steps fails.
        let screen = Self {
            terminal: Terminal::new(CrosstermBackend::new(stdout()))?,
        };
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(screen)
    }

    /// Makes the terminal call for attention.
    pub fn ring(&mut self) {
        let mut out = stdout();
        // A terminal without a bell has none.
        let _ = out.write_all(b"\x07").and_then(|()| out.flush());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. A terminal that has gone needs nothing.
fn restore() {
    let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic anywhere is told on a terminal that was given back, and ends the program: what it has left behind may
/// not be shown as if all were well.
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

/// The exit code that Rust programs end with after a panic.
const PANICKED: i32 = 101;

/// Begins a thread that reads keys: nothing else can wait there without holding all up. It ends with the program.
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

    /// Says to this program that it is the one that is to panic.
    const PANICS: &str = "AUCTION_TEST_PANICS";
    const DEADLINE: Duration = Duration::from_secs(60);

    /// Does nothing, unless the test below starts it at a terminal of its own.
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
    fn after_a_panic_the_terminal_is_as_before_and_tells_of_it() {
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
            // The end comes as an error, when nobody holds the terminal any more.
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
