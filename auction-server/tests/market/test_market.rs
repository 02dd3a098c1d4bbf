//! Support for tests: a data folder with the real server, in a separate process.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

/// Time limit of every wait. Generous: it only keeps a broken server from blocking the tests for ever.
pub const DEADLINE: Duration = Duration::from_secs(120);
/// Polling interval for conditions without a notification.
pub const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A market for tests: a data folder, and the settings with which its servers start.
pub struct TestMarket {
    folder: TempDir,
    settings: BTreeMap<String, String>,
}

impl TestMarket {
    /// Creates a folder with only these stocks. Servers listen on a free port of this machine.
    pub fn with_stocks(stocks: &str) -> Self {
        let test_market = Self {
            folder: tempfile::tempdir().unwrap(),
            settings: BTreeMap::new(),
        };
        test_market.write("stocks.csv", stocks);
        test_market
            .set("listen", "127.0.0.1:0")
            .set("ops-listen", "off")
            // These clients send no pings, and must not be dropped for it.
            .set("heartbeat", "60s")
    }

    /// Creates a folder with `count` stocks, `S1`, `S2` and so on, all of them opened for an hour at a base price of
    /// 1.00. The security code of `S7` is `00007`, its profit 7.
    pub fn with_lots(count: u32) -> Self {
        Self::with_stocks(&stocks(count))
            .set("lots", &count.to_string())
            .set("open-for", "1h")
    }

    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// The command of the server, not started yet.
    pub fn server(&self) -> Command {
        let mut command = self.program(&[]);
        let flag = |(key, value)| format!("--{key}={value}");
        command.args(self.settings.iter().map(flag));
        command
    }

    /// The program on this folder, without settings from the environment of this test.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auction-server"));
        command
            .args(arguments)
            .arg("--data")
            .arg(self.path())
            .stdin(Stdio::null());
        without_settings(&mut command);
        command
    }

    /// Starts a server and waits until it accepts connections.
    pub fn open(&self) -> Server {
        Server::start(self.server())
    }

    /// Starts a server that must fail to start; returns its exit code and its output.
    pub fn fails_to_open(&self) -> (Option<i32>, String) {
        let output = ended(&mut self.server());
        (output.status.code(), text(output.stderr))
    }

    /// Output of an export, as rows of cells without the header.
    pub fn export(&self, what: &str) -> Vec<Vec<String>> {
        let output = ended(&mut self.program(&["export", what]));
        assert!(output.status.success(), "{}", text(output.stderr));
        let rows = text(output.stdout);
        let cells = |row: &str| row.split(',').map(str::to_owned).collect();
        rows.lines().skip(1).map(cells).collect()
    }

    /// Verifies the whole journal and returns the output.
    pub fn verified(&self) -> String {
        let output = ended(&mut self.program(&["verify"]));
        let (printed, said) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{printed}{said}");
        printed
    }

    /// Verifies the whole journal and returns the digest of the market.
    pub fn verified_digest(&self) -> String {
        let printed = self.verified();
        let digest = printed.lines().find_map(|line| line.strip_prefix("digest"));
        digest.expect("a digest").trim().to_owned()
    }
}

/// A stock list with `count` rows.
pub fn stocks(count: u32) -> String {
    let rows = (1..=count).map(|n| format!("{n:05},S{n},1.00,{n}\n"));
    std::iter::once("Security,Symbol,Price,Profit\n".to_owned())
        .chain(rows)
        .collect()
}

/// Removes the settings in the environment of this test.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUCTION_") {
            command.env_remove(name);
        }
    }
}

/// Runs a program that ends by itself.
pub fn ended(command: &mut Command) -> Output {
    command.output().unwrap()
}

pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Waits until `found` finds something.
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "in vain: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// A running server. It is killed when it is dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
    printed: Heard,
    said: Heard,
}

impl Server {
    /// Starts one and waits until it accepts connections.
    pub fn start(command: Command) -> Self {
        let mut server = Self::spawn(command);
        let begun = Instant::now();
        let line = loop {
            let printed = server.printed.text();
            if let Some((line, _)) = printed.split_once(".\n") {
                break line.to_owned();
            }
            let has_ended = server.process.try_wait().unwrap().is_some();
            assert!(
                !has_ended && begun.elapsed() < DEADLINE,
                "the door stays closed: {}",
                server.said.text()
            );
            thread::sleep(LOOK_EVERY);
        };
        let address = line.rsplit(' ').next().unwrap();
        server.address = address.parse().unwrap();
        server
    }

    /// Starts one without waiting until it accepts connections.
    pub fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let printed = Heard::of(process.stdout.take().unwrap());
        let said = Heard::of(process.stderr.take().unwrap());
        Self {
            process,
            address: ([127, 0, 0, 1], 0).into(),
            printed,
            said,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it with a signal that cannot be caught, and waits until it is gone.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Stops it with a signal that cannot be caught, and waits until all its threads are stopped.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        let pid = Pid::from_child(&self.process);
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    /// Returns the exit status, if it has ended.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// Waits until it has ended, and returns its standard error.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let process = &mut self.process;
        let status = until("the server ends", || process.try_wait().unwrap());
        self.said.until_ended();
        (status, self.said.text())
    }

    /// Shuts it down cleanly.
    pub fn end(self) {
        self.end_and_hear();
    }

    /// Shuts it down cleanly, and returns its standard error.
    pub fn end_and_hear(self) -> String {
        self.signal(Signal::TERM);
        let (status, said) = self.wait();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }

    /// Standard output so far.
    pub fn printed(&self) -> String {
        self.printed.text()
    }

    /// Standard error so far.
    pub fn said(&self) -> String {
        self.said.text()
    }

    /// Waits until standard output holds `text`.
    pub fn until_printed(&self, text: &str) {
        self.printed.until(text);
    }

    /// Returns whether standard error contains `text` so far.
    pub fn has_said(&self, text: &str) -> bool {
        self.said.text().contains(text)
    }

    /// Waits until standard error holds `text`.
    pub fn until_said(&self, text: &str) {
        self.said.until(text);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Output of a process, read continuously so that the process never waits.
#[derive(Clone)]
struct Heard(Arc<(Mutex<Text>, Condvar)>);

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    ended: bool,
}

impl Heard {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let heard = Self(Arc::default());
        let here = heard.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            loop {
                let count = source.read(&mut bytes).unwrap_or(0);
                let (text, changed) = &*here.0;
                let mut text = text.lock().unwrap();
                text.bytes.extend_from_slice(&bytes[..count]);
                text.ended = count == 0;
                changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        heard
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap().bytes).into_owned()
    }

    fn until(&self, what: &str) {
        self.wait(|text| String::from_utf8_lossy(&text.bytes).contains(what));
        let text = self.text();
        assert!(text.contains(what), "{what:?} is not in: {text}");
    }

    fn until_ended(&self) {
        self.wait(|_| false);
    }

    /// Waits until the condition holds, or the output has ended.
    fn wait(&self, is_so: impl Fn(&Text) -> bool) {
        let (text, changed) = &*self.0;
        let waits = |text: &mut Text| !text.ended && !is_so(text);
        let guard = text.lock().unwrap();
        let _ = changed.wait_timeout_while(guard, DEADLINE, waits).unwrap();
    }
}
