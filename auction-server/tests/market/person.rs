//! A user at a terminal: the real program `auction`, with a separate home folder.

use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::line::PASSWORD;
use crate::test_market::{ended, text, without_settings};

/// The program, built next to the server. Building the tests of this crate builds no programs of other crates.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let server = Path::new(env!("CARGO_BIN_EXE_auction-server"));
        let folder = server.parent().unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "build",
                "--quiet",
                "--package",
                "auction-client",
                "--bin",
                "auction",
            ])
            .args(["--profile", profile, "--target-dir"])
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = ended(&mut cargo);
        assert!(output.status.success(), "{}", text(output.stderr));
        folder.join(format!("auction{}", std::env::consts::EXE_SUFFIX))
    })
}

/// A user with a separate home folder.
pub struct Person {
    home: TempDir,
    server: SocketAddr,
}

/// Result of a command: its exit code, and the JSON on standard output or standard error.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub json: Value,
}

impl Person {
    pub fn at(server: SocketAddr) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home, server }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program, in the environment of this user.
    pub fn program(&self) -> Command {
        let mut command = Command::new(program());
        without_settings(&mut command);
        command
            .env("AUCTION_SERVER", self.server.to_string())
            .env("AUCTION_HOME", self.home.path());
        command
    }

    /// A command that is not run yet, with `--json`, and with `--yes` if it has a price: these tests bid what they like.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.exact_command(line);
        let has_price = ["bid ", "order ", "replace "].iter();
        if has_price.clone().any(|name| line.starts_with(name)) {
            command.arg("--yes");
        }
        command
    }

    /// The same with no other arguments than these.
    pub fn exact_command(&self, line: &str) -> Command {
        let mut command = self.program();
        command
            .arg("--json")
            .args(line.split(' ').filter(|word| !word.is_empty()))
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        Ran::of(self.command(line).env("AUCTION_PASSWORD", PASSWORD))
    }

    /// Runs a command that must succeed, and returns its output.
    pub fn does(&self, line: &str) -> Value {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.json);
        ran.json
    }

    /// Runs a command that must end with this exit code, and returns the error.
    pub fn fails(&self, line: &str, code: i32) -> Value {
        let mut ran = self.run(line);
        assert_eq!(ran.code, code, "{line}: {}", ran.json);
        let error = ran.json["error"].take();
        assert_eq!(error["exit_code"], code, "{line}: {error}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
        error
    }

    /// Runs a command with a first line on standard input.
    pub fn run_with_input(&self, line: &str, input: &str) -> Ran {
        let mut command = self.command(line);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        Ran::from_output(output)
    }

    pub fn watches(&self, line: &str) -> Subscribed {
        let mut process = self.command(line).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Subscribed { process, lines }
    }
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        Self::from_output(ended(command))
    }

    fn from_output(output: std::process::Output) -> Self {
        let (printed, said) = (text(output.stdout), text(output.stderr));
        let code = output.status.code().unwrap();
        let told = if code == 0 { &printed } else { &said };
        assert!(
            code == 0 || printed.is_empty(),
            "a failure printed {printed}"
        );
        let json = serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {told}"));
        Self { code, json }
    }
}

/// A running `auction watch --json`.
pub struct Subscribed {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Subscribed {
    /// The next line; `None` at the end.
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line).unwrap() {
            0 => None,
            _ => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// The next line about this event.
    pub fn until(&mut self, event: &str) -> Value {
        loop {
            let line = self
                .next()
                .unwrap_or_else(|| panic!("it ended without {event}"));
            if line["event"] == event {
                return line;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Reads to the end, and returns the exit code.
    pub fn end(mut self) -> i32 {
        while self.next().is_some() {}
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
