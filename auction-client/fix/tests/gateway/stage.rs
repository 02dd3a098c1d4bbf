//! Support for tests: a market with the real server, and gateways before it, each in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auction_client::{Client, MovePhase, Secret};
use auction_core::{Book, DayBook, DayPhase, LotId, Name, Timestamp};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::wire::{DEADLINE, PASSWORD, Wire};

/// Stocks of the market, each with one lot that stays open: its format is its name.
pub const LOTS: &str = "\
symbol,format,quantity,open_for,start,step,interval,floor
CALL,call,1,1h,,,,
ENG,english,3,1h,,,,
VICK,vickrey,10,1h,,,,
UNI,uniform,100,1h,,,,
DUT,dutch,5,1h,20,0.01,1h,5
";
/// A trading day of [`with_day`](Stage::with_day), of the stock `CALL`.
const DAY_LOTS: &str = "\
symbol,format,quantity,schedule
CALL,day,1,\"pre-open 1h, call 1h, continuous 1h, call 1h, at-last 1h\"
";
pub const DAY: LotId = LotId(1);
pub const CALL: LotId = LotId(1);
pub const ENG: LotId = LotId(2);
pub const VICK: LotId = LotId(3);
pub const UNI: LotId = LotId(4);
pub const DUT: LotId = LotId(5);

/// A market with its server, and the folder of its gateways.
pub struct Stage {
    folder: TempDir,
    server: Option<Process>,
    pub market: SocketAddr,
    gateway: Option<Process>,
    /// Address of the gateway.
    pub fix: SocketAddr,
    runtime: Runtime,
}

/// A program that runs. It is killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Ignore errors: it may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session of `sessions.toml` for each of the test's accounts, and more.
const SESSIONS: &str = r#"
[[session]]
comp_id = "MIA"
user = "mia"

[[session]]
comp_id = "NED"
user = "ned"

[[session]]
comp_id = "OLD"
user = "ned"
version = "FIX.4.4"
cancel_on_disconnect = "1s"
password_env = "NED_PASSWORD"

[[session]]
comp_id = "MIA-44"
user = "mia"
version = "FIX.4.4"

[[session]]
comp_id = "MIA-COPY"
user = "mia"
drop_copy = true
"#;

impl Stage {
    /// Starts a market with [`LOTS`], the traders `mia`, `ned` and `sue`, the auctioneer `ann`, and a gateway, of which `sue` has no
    /// session.
    pub fn open() -> Self {
        Self::with_lots(LOTS)
    }

    /// Starts a market with one trading day, whose phases wait for [`next_phase`](Self::next_phase).
    pub fn with_day() -> Self {
        let stage = Self::with_lots(DAY_LOTS);
        assert_eq!(stage.day().phase, Some(DayPhase::PreOpen));
        stage
    }

    fn with_lots(lots: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("lots.csv", lots);
        write(
            "stocks.csv",
            "Security,Symbol,Price,Profit\n1,CALL,10.00,1\n2,ENG,1.00,1\n3,VICK,5.00,1\n4,UNI,2.00,1\n5,DUT,9.00,1\n",
        );
        write(
            "users.csv",
            &format!(
                "name,role,password\nann,auctioneer,{PASSWORD}\nmia,trader,{PASSWORD}\nned,trader,{PASSWORD}\nsue,trader,{PASSWORD}\n"
            ),
        );
        write("sessions.toml", SESSIONS);
        let mut stage = Self {
            market: free_address(),
            fix: free_address(),
            folder,
            server: None,
            gateway: None,
            runtime: Runtime::new().unwrap(),
        };
        stage.start_server();
        stage.start_gateway();
        stage
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn start_server(&mut self) {
        let mut command = Command::new(server_program());
        command.arg("--data").arg(self.folder.path()).args([
            "--listen",
            &self.market.to_string(),
            "--ops-listen",
            "off",
        ]);
        // Its warnings are about the test's folder.
        command.stderr(Stdio::null());
        self.server = Some(started(command, |line| {
            line.starts_with("The market listens on")
        }));
    }

    pub fn start_gateway(&mut self) {
        self.start_gateway_with(&[]);
    }

    pub fn start_gateway_with(&mut self, flags: &[&str]) {
        let mut command = self.gateway_command();
        command.args(flags);
        self.gateway = Some(started(command, |line| line.starts_with("{\"listening\"")));
    }

    /// The command of the gateway, not started yet.
    pub fn gateway_command(&self) -> Command {
        let mut command = Command::new(gateway_program());
        command
            .args([
                "--json",
                "--market",
                &self.market.to_string(),
                "--listen",
                &self.fix.to_string(),
                "--state",
            ])
            .arg(self.folder.path().join("fix"))
            .arg(self.folder.path().join("sessions.toml"))
            .env("NED_PASSWORD", PASSWORD)
            .env("AUCTION_LOG", "warn");
        command
    }

    /// Kills the gateway: it has no chance to tidy up.
    pub fn kill_gateway(&mut self) {
        self.gateway = None;
    }

    /// Asks the gateway to end.
    pub fn end_gateway(&self) {
        let process = self.gateway.as_ref().expect("a gateway").0.id();
        let status = Command::new("kill").arg(process.to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Returns the exit code of a gateway that was asked to end.
    pub fn gateway_ended(&mut self) -> Option<i32> {
        let mut process = self.gateway.take().expect("a gateway");
        process.0.wait().unwrap().code()
    }

    pub fn kill_server(&mut self) {
        self.server = None;
    }

    /// Stops the server in the middle of whatever it does, or lets it go on.
    pub fn pause_server(&self, pauses: bool) {
        let process = self.server.as_ref().expect("a server").0.id();
        let signal = if pauses { "-STOP" } else { "-CONT" };
        let status = Command::new("kill")
            .args([signal, &process.to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Bytes of memory that the gateway uses.
    pub fn gateway_memory(&self) -> u64 {
        let process = self.gateway.as_ref().expect("a gateway").0.id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Returns a session of MIA with new sequence numbers.
    pub fn mia(&self) -> Wire {
        Wire::logged_on(self.fix, "MIA")
    }

    pub fn ned(&self) -> Wire {
        Wire::logged_on(self.fix, "NED")
    }

    /// Does something with a client of the market that is logged in as a user.
    pub fn with<T, F: Future<Output = T>>(&self, user: &str, act: impl FnOnce(Client) -> F) -> T {
        self.runtime.block_on(async {
            let client = Client::connect(self.market).await.unwrap();
            let password = Secret::new(PASSWORD.into()).unwrap();
            client
                .login(Name::parse(user).unwrap(), password)
                .await
                .unwrap();
            act(client).await
        })
    }

    /// Returns the trading day.
    pub fn day(&self) -> DayBook {
        self.with("ann", async |client| {
            let market = client.snapshot().await.unwrap();
            match &market.lot(DAY).unwrap().book {
                Book::Day(day) => (**day).clone(),
                other => panic!("{other:?}"),
            }
        })
    }

    /// Ends the running phase, and waits for the next one; `None`: for the close.
    pub fn next_phase(&self, index: u8, next: Option<DayPhase>) {
        self.with("ann", async |client| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let now = u64::try_from(since.as_micros()).unwrap();
            let moved = MovePhase {
                lot: DAY,
                phase: index,
                ends_at: Timestamp::from_micros(now + 500_000).unwrap(),
            };
            client.ask(moved).await.unwrap();
        });
        until("the next phase", || self.day().phase == next);
    }

    /// Closes a lot now, by its rules.
    pub fn close(&self, lot: LotId) {
        self.with("ann", async |client| {
            client.ask(auction_client::CloseLot { lot }).await.unwrap();
        });
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

pub fn gateway_program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_auction-fix"))
}

/// The server's program beside the gateway's: a test of the whole workspace builds it.
fn server_program() -> PathBuf {
    let program = gateway_program().with_file_name("auction-server");
    assert!(
        program.exists(),
        "the server is not built: cargo build -p auction-server"
    );
    program
}

/// Starts a program, and waits until it prints a line that shows that it is ready.
fn started(mut command: Command, is_ready: impl Fn(&str) -> bool) -> Process {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUCTION_") && name != "AUCTION_LOG" {
            command.env_remove(name);
        }
    }
    let mut process = Process(command.spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap());
    let mut line = String::new();
    while !is_ready(&line) {
        line.clear();
        let read = lines.read_line(&mut line).unwrap();
        assert!(read > 0, "it ended: {command:?}");
    }
    thread::spawn(move || {
        let mut rest = Vec::new();
        lines.read_to_end(&mut rest)
    });
    process
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
