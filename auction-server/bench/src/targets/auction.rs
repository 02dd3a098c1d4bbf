//! Our server, in its default configuration.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use auction_core::Name;

use crate::processes::{Program, Worked, free_port, here, processor_time, typed, worked};
use crate::target::{Speaker, Target, unexpected};
use crate::workload::Trader;

use super::auction_line::Accounts;

/// Duration of the lots, longer than any measurement.
const OPEN_FOR: &str = "6h";
/// Name of the server's thread that prepares the journal's segments.
const PREPARES: &str = "journal-prepare";
/// Text before the address in the server's first output.
const LISTENS: &str = "The market listens on ";

/// A server with its own market, and traders that have logged in once.
#[derive(Debug)]
pub struct Auction {
    program: Program,
    command: Command,
    folder: PathBuf,
    started_as: String,
    started_in: Duration,
    ops: u16,
    durability: Durability,
    accounts: Accounts,
}

/// Time of the server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After the sync: the default.
    Strict,
    /// After the write.
    Relaxed,
}

impl Auction {
    /// Starts `server` on `lots` lots and logs `traders` in.
    pub fn start(
        server: &Path,
        folder: &Path,
        lots: u32,
        traders: u32,
        durability: Durability,
    ) -> io::Result<Self> {
        Self::start_with(server, folder, lots, traders, durability, &[])
    }

    /// Starts the server with additional flags.
    pub fn start_with(
        server: &Path,
        folder: &Path,
        lots: u32,
        traders: u32,
        durability: Durability,
        flags: &[&str],
    ) -> io::Result<Self> {
        let mut stocks = String::from("Security,Symbol,Price,Profit\n");
        for n in 1..=lots {
            stocks.push_str(&format!("{n:05},S{n},0.00,0\n"));
        }
        fs::write(folder.join("stocks.csv"), stocks)?;
        let ops = free_port()?;
        let mut command = Command::new(server);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--ops-listen",
            &here(ops).to_string(),
        ]);
        command.args(["--lots", &lots.to_string(), "--open-for", OPEN_FOR]);
        if durability == Durability::Relaxed {
            command.args(["--durability", "relaxed"]);
        }
        command.args(flags).arg("--data").arg(folder);
        let started_as = typed(&command);
        let begun = Instant::now();
        let (program, address) = started(&mut command, folder)?;
        let started_in = begun.elapsed();
        let accounts = Accounts::make(address, "trader", traders)?;
        Ok(Self {
            program,
            command,
            folder: folder.to_owned(),
            started_as,
            started_in,
            ops,
            durability,
            accounts,
        })
    }

    /// Time from the start until it listened.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Kills the server and starts it again. Returns the time until it listens.
    pub fn crash(&mut self) -> io::Result<Duration> {
        self.program.kill()?;
        let begun = Instant::now();
        let (program, address) = started(&mut self.command, &self.folder)?;
        let started_in = begun.elapsed();
        self.program = program;
        self.accounts.moved_to(address);
        Ok(started_in)
    }

    /// Name of a trader's account.
    pub fn account(&self, trader: Trader) -> Name {
        self.accounts.name(trader)
    }

    /// Address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.accounts.address()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Work of its thread that prepares the journal's segments.
    pub fn written_ahead(&self) -> io::Result<Worked> {
        worked(self.pid(), PREPARES)
    }

    /// Value of a metric, as operators see it: the first line that begins with the name.
    pub fn metric(&self, name: &str) -> io::Result<f64> {
        let mut stream = TcpStream::connect(here(self.ops))?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.ok_or_else(|| unexpected(format!("the server measures no {name}")))
    }
}

/// Starts a server, and waits until it listens.
fn started(command: &mut Command, folder: &Path) -> io::Result<(Program, SocketAddr)> {
    let mut program = Program::start(command, folder)?;
    let address = program.wait_for(|said| {
        let (_, said) = said.split_once(LISTENS)?;
        said.split_once(".\n")?.0.parse().ok()
    })?;
    Ok((program, address))
}

impl Target for Auction {
    fn name(&self) -> String {
        match self.durability {
            Durability::Strict => "auction-server".to_owned(),
            Durability::Relaxed => "auction-server, relaxed".to_owned(),
        }
    }

    fn started_as(&self) -> String {
        self.started_as.clone()
    }

    fn connect(&mut self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        self.accounts.connect(trader)
    }

    fn processor_time(&self) -> io::Result<Duration> {
        processor_time(self.program.pid())
    }
}
