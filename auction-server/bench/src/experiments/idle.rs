//! Idle connections: memory of each in the server.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use auction_core::{RequestId, Timestamp};
use auction_proto::{Ping, encode_frame};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::processes::resident_kib;
use crate::report::Section;
use crate::row::{Aim, Row, Theirs, Told, Unit, grouped};
use crate::setup::{Others, Setup};
use crate::target::{Target as _, unexpected};
use crate::targets::auction::{Auction, Durability};
use crate::targets::auction_line::Greeted;

const CONNECTIONS: usize = 15_000;
const CONNECTIONS_QUICK: usize = 500;
/// Above any usual limit of one address: all these connections come from one.
const MORE_PER_ADDRESS: [&str; 2] = ["--connections-per-address", "20000"];
/// Number of files that this process needs in addition to one per connection.
const OTHER_FILES: usize = 200;
/// Interval at which each connection shows that it is alive: one that is silent for two heartbeats is dropped.
const ALIVE_EVERY: Duration = Duration::from_secs(3);
/// Duration for which all connections are held.
const HELD: Duration = Duration::from_secs(12);
const LOTS: u32 = 1_000;

pub fn ask(setup: &Setup) -> io::Result<Section> {
    let folder = setup.folder.within("idle")?;
    let server = Auction::start_with(
        &setup.server,
        &folder,
        LOTS,
        1,
        Durability::Strict,
        &MORE_PER_ADDRESS,
    )?;
    let wanted = match setup.others {
        Others::LeftOut => CONNECTIONS_QUICK,
        Others::Measured => CONNECTIONS,
    };
    let count = wanted.min(files()?.saturating_sub(OTHER_FILES));
    setup.say(&format!("idle: opening {count} connections"));
    let before = resident_kib(server.pid())?;
    let mut held: Vec<TcpStream> = Vec::new();
    let mut alive_at = Instant::now();
    let begun = Instant::now();
    while held.len() < count {
        let (stream, _) = Greeted::new(server.address())?.into_parts();
        stream.set_nonblocking(true)?;
        held.push(stream);
        if alive_at.elapsed() > ALIVE_EVERY {
            show_life(&mut held)?;
            alive_at = Instant::now();
        }
    }
    let took = begun.elapsed();
    let until = Instant::now() + HELD.min(setup.measured * 8);
    while Instant::now() < until {
        show_life(&mut held)?;
        std::thread::sleep(ALIVE_EVERY.min(setup.measured));
    }
    show_life(&mut held)?;
    let open = server.metric("auction_connections{encoding=\"binary\"}")?;
    let after = resident_kib(server.pid())?;
    let each = (after.saturating_sub(before)) as f64 / count as f64;
    let limited = match count < wanted {
        true => format!(" ({wanted} were wanted; this system gives a process no more files)"),
        false => String::new(),
    };
    let header = [
        "connections held idle",
        "open in the server",
        "server's memory before",
        "after",
        "a connection",
        "opened and greeted in",
    ];
    let row = Row {
        what: format!(
            "{} connections held idle{limited}, memory of each",
            grouped(count as u64)
        ),
        unit: Unit::Kib,
        ours: vec![each],
        beside: "-".to_owned(),
        theirs: Theirs::Nobody,
        aim: Aim::Stated,
        told: Told::InShort,
    };
    let line = [
        count.to_string(),
        format!("{open:.0}"),
        format!("{:.1} MiB", before as f64 / 1_024.0),
        format!("{:.1} MiB", after as f64 / 1_024.0),
        format!("{each:.1} KiB"),
        format!("{:.1} s", took.as_secs_f64()),
    ];
    Ok(Section {
        title: "Connections held idle".to_owned(),
        text: vec![
            "Connections to one server that have introduced themselves, hear its heartbeats and show that they live. \
             Memory is what the process has resident; the system's own of a \
             socket comes on top."
                .to_owned(),
            format!("- `{}`", server.started_as()),
        ],
        tables: vec![vec![header.map(str::to_owned).to_vec(), line.to_vec()]],
        rows: vec![row],
        ..Section::default()
    })
}

/// Sends a ping on each connection, and reads the received bytes.
///
/// # Errors
/// When a connection was closed.
pub(super) fn show_life(held: &mut [TcpStream]) -> io::Result<()> {
    let mut ping = Vec::new();
    let client_time = Timestamp::from_secs(0);
    encode_frame(RequestId(u64::MAX), &Ping { client_time }, &mut ping);
    let mut input = [0; 4_096];
    for stream in held {
        stream.write_all(&ping)?;
        match stream.read(&mut input) {
            Ok(0) => return Err(unexpected("a connection that was held was ended")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Maximum number of files of this process, after raising its limit as far as the system permits.
pub(super) fn files() -> io::Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    Ok(limit.maximum.map_or(usize::MAX, |most| most as usize))
}
