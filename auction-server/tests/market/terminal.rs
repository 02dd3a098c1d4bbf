//! A real pseudo-terminal with a program: the test types keys and reads the screen.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use pty_process::blocking::{Pts, Pty};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use crate::test_market::{DEADLINE, until};

/// A terminal. Dropping it kills its program.
pub struct Terminal {
    program: Child,
    keys: Arc<Pty>,
    here: Pts,
    shown: Arc<(Mutex<Shown>, Condvar)>,
}

struct Shown {
    terminal: vt100::Parser,
    /// All bytes written so far.
    bytes: Vec<u8>,
}

impl Terminal {
    /// Starts a program at a terminal with this number of columns and rows.
    pub fn start(command: &Command, columns: u16, rows: u16) -> Self {
        let (keys, here) = pty_process::blocking::open().unwrap();
        keys.resize(pty_process::Size::new(rows, columns)).unwrap();
        let mut program = pty_process::blocking::Command::new(command.get_program())
            .args(command.get_args())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        for (name, value) in command.get_envs() {
            program = match value {
                Some(value) => program.env(name, value),
                None => program.env_remove(name),
            };
        }
        let program = program.spawn_borrowed(&here).unwrap();
        let shown = Shown {
            terminal: vt100::Parser::new(size(rows), size(columns), 0),
            bytes: Vec::new(),
        };
        let (keys, shown) = (
            Arc::new(keys),
            Arc::new((Mutex::new(shown), Condvar::new())),
        );
        let (from, into) = (keys.clone(), shown.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // When the other side is closed, the read fails.
            while let Ok(count @ 1..) = (&*from).read(&mut bytes) {
                let mut shown = into.0.lock().unwrap();
                shown.terminal.process(&bytes[..count]);
                shown.bytes.extend_from_slice(&bytes[..count]);
                into.1.notify_all();
            }
        });
        Self {
            program,
            keys,
            here,
            shown,
        }
    }

    /// Presses keys.
    pub fn types(&self, keys: &str) {
        (&*self.keys).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows this.
    pub fn until(&self, text: &str) {
        self.until_it(text, |screen| screen.contains(text));
    }

    /// Waits until the screen no longer shows this.
    pub fn until_no(&self, text: &str) {
        self.until_it(text, |screen| !screen.contains(text));
    }

    fn until_it(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let (shown, changed) = &*self.shown;
        let waits = |shown: &mut Shown| !is_so(&shown.terminal.screen().contents());
        let guard = shown.lock().unwrap();
        let (guard, _) = changed.wait_timeout_while(guard, DEADLINE, waits).unwrap();
        let screen = guard.terminal.screen().contents();
        drop(guard);
        assert!(is_so(&screen), "in vain: {what:?}; it shows\n{screen}");
    }

    /// Resizes the terminal.
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut shown = self.shown.0.lock().unwrap();
        shown.terminal.set_size(size(rows), size(columns));
        drop(shown);
        self.keys
            .resize(pty_process::Size::new(rows, columns))
            .unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program), signal).unwrap();
    }

    /// Waits until the program has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let program = &mut self.program;
        until("the program at the terminal ends", || {
            program.try_wait().unwrap()
        })
    }

    /// Asserts that the terminal is as it was before the program: normal screen, visible cursor, and echoed line input.
    pub fn assert_given_back(&self) {
        let modes = tcgetattr(&self.here).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
        let (shown, changed) = &*self.shown;
        let waits = |shown: &mut Shown| shown.terminal.screen().alternate_screen();
        let guard = shown.lock().unwrap();
        let (guard, _) = changed.wait_timeout_while(guard, DEADLINE, waits).unwrap();
        let screen = guard.terminal.screen();
        assert!(!screen.alternate_screen());
        assert!(!screen.hide_cursor());
        assert!(!screen.bracketed_paste());
    }

    /// All text written to the terminal so far.
    pub fn written(&self) -> String {
        let shown = self.shown.0.lock().unwrap();
        String::from_utf8_lossy(&shown.bytes).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn size(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}
