//! Reads a line at the terminal without showing it.
//!
//! Echo is switched off before the question is printed, so that an immediate answer, as from a program that types, is
//! not shown either.

use std::io;

#[cfg(not(unix))]
pub fn line(question: &str) -> io::Result<String> {
    rpassword::prompt_password(question)
}

/// Asks, and reads the answer.
#[cfg(unix)]
pub fn line(question: &str) -> io::Result<String> {
    use std::io::Write as _;
    let mut terminal = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")?;
    let hiding = unix::EchoOff::begin(terminal.try_clone()?)?;
    terminal.write_all(question.as_bytes())?;
    let line = unix::read(&mut terminal);
    drop(hiding);
    terminal.write_all(b"\n")?;
    line
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Read};

    use auction_proto::limits::PASSWORD_BYTES_MAX;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };

    const INTERRUPT: u8 = 0x03;
    const END: u8 = 0x04;
    const BACKSPACE: u8 = 0x08;
    const KILL_LINE: u8 = 0x15;
    const DELETE: u8 = 0x7f;

    /// A terminal with echo switched off, until this value is dropped. Keys that would end or stop the program are read
    /// as ordinary keys, so that the program never ends with echo off.
    pub struct EchoOff {
        terminal: File,
        before: Termios,
    }

    impl EchoOff {
        pub fn begin(terminal: File) -> io::Result<Self> {
            let before = tcgetattr(&terminal)?;
            let mut hidden = before.clone();
            let shown = LocalModes::ECHO | LocalModes::ECHONL;
            hidden
                .local_modes
                .remove(shown | LocalModes::ICANON | LocalModes::ISIG);
            hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
            hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for EchoOff {
        fn drop(&mut self) {
            // Ignore errors: the terminal may be gone.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }

    /// Reads a line key by key. A line longer than any password is refused later, not truncated.
    pub fn read(keys: &mut impl Read) -> io::Result<String> {
        // Full capacity from the start: growing would leave copies in memory.
        let mut line = Vec::with_capacity(PASSWORD_BYTES_MAX + 1);
        loop {
            let mut key = [0];
            let ended = keys.read(&mut key)? == 0;
            match key[0] {
                _ if ended => return Err(io::ErrorKind::UnexpectedEof.into()),
                b'\n' | b'\r' => break,
                INTERRUPT => return Err(io::Error::other("interrupted")),
                END if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                END => break,
                KILL_LINE => line.clear(),
                BACKSPACE | DELETE => {
                    // Remove a whole character of one or more bytes.
                    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                }
                byte if line.len() <= PASSWORD_BYTES_MAX => line.push(byte),
                _ => {}
            }
        }
        let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
        String::from_utf8(line).map_err(not_text)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn keys_make_a_line() {
            let read = |keys: &str| read(&mut keys.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(read("secret\nrest"), Ok("secret".into()));
            assert_eq!(read("secret\r"), Ok("secret".into()));
            assert_eq!(read("sex\u{7f}cr\u{e9}\u{8}et\n"), Ok("secret".into()));
            assert_eq!(read("\u{7f}wrong\u{15}right\u{4}"), Ok("right".into()));
            assert_eq!(read("sec\u{3}"), Err("interrupted".into()));
            assert!(read("\u{4}").is_err());
            assert!(read("cut off").is_err());
            let long = "x".repeat(10_000);
            assert_eq!(
                read(&format!("{long}\n")).unwrap().len(),
                PASSWORD_BYTES_MAX + 1
            );
        }
    }
}
