//! PostgreSQL: one `UPDATE .. WHERE price < ..`, a transaction of its own, over its own protocol.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::processes::{Program, find, free_port, here, processor_time, typed};
use crate::target::{Answer, Speaker, Target, unexpected};
use crate::workload::{Bid, Trader};

/// Where distributions put its programs, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// It does not run as root; as this user instead.
const USER: &str = "postgres";
const ROOT: u32 = 0;
/// Connections it takes.
const CONNECTIONS_MAX: u32 = 200;
const UPDATE: &str = "UPDATE lots SET price = $2, leader = $3 WHERE id = $1 AND price < $2";

/// A PostgreSQL of its own.
#[derive(Debug)]
pub struct Postgres {
    program: Program,
    started_as: String,
    port: u16,
    version: String,
}

impl Postgres {
    pub fn start(folder: &Path, lots: u32) -> io::Result<Self> {
        let folders = || fs::read_dir(VERSIONS).into_iter().flatten().flatten();
        let folders = || folders().map(|version| version.path().join("bin"));
        let (initdb, postgres) = (find("initdb", folders())?, find("postgres", folders())?);
        let data = folder.join("data");
        fs::create_dir(&data)?;
        let runs_as_root = fs::metadata("/proc/self")?.uid() == ROOT;
        if runs_as_root {
            give_to(USER, &[folder, &data])?;
        }
        let mut init = as_user(runs_as_root, &initdb);
        init.args(["--auth", "trust", "--username", USER, "--encoding", "UTF8"]);
        let made = init
            .arg("--pgdata")
            .arg(&data)
            .current_dir(folder)
            .output()?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(io::Error::other(format!("initdb failed: {why}")));
        }
        let port = free_port()?;
        let mut command = as_user(runs_as_root, &postgres);
        command.current_dir(folder).arg("-D").arg(&data);
        command.args(["-p", &port.to_string(), "-k", "", "-h", "127.0.0.1"]);
        command.args(["-c", &format!("max_connections={CONNECTIONS_MAX}")]);
        // To its favour: no checkpoint comes between, and memory for all.
        for setting in [
            "checkpoint_timeout=1h",
            "max_wal_size=8GB",
            "shared_buffers=512MB",
        ] {
            command.args(["-c", setting]);
        }
        let started_as = format!(
            "{}; fsync and synchronous_commit are on, as by default",
            typed(&command)
        );
        let mut program = Program::start(&mut command, folder)?;
        program.wait_for(|said| said.contains("ready to accept connections").then_some(()))?;
        let mut stream = open(port)?;
        let tables = format!(
            "CREATE TABLE lots (id int PRIMARY KEY, price bigint NOT NULL, leader int) WITH (fillfactor = 50);\
             INSERT INTO lots SELECT n, 0, NULL FROM generate_series(1, {lots}) n; CHECKPOINT; VACUUM ANALYZE lots;"
        );
        for statement in tables.split_inclusive(';') {
            query(&mut stream, statement)?;
        }
        let version = String::from_utf8(Command::new(&postgres).arg("--version").output()?.stdout)
            .unwrap_or_default();
        let version = version
            .split_whitespace()
            .nth(2)
            .unwrap_or("of unknown version")
            .to_owned();
        Ok(Self {
            program,
            started_as,
            port,
            version,
        })
    }
}

impl Target for Postgres {
    fn name(&self) -> String {
        format!("PostgreSQL {}", self.version)
    }

    fn started_as(&self) -> String {
        self.started_as.clone()
    }

    fn connect(&mut self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        let mut stream = open(self.port)?;
        let mut parse = b"bid\0".to_vec();
        parse.extend_from_slice(UPDATE.as_bytes());
        parse.extend_from_slice(&[0, 0, 0]);
        let mut out = Vec::new();
        message(b'P', &parse, &mut out);
        message(b'S', &[], &mut out);
        stream.write_all(&out)?;
        read_until_ready(&mut stream)?;
        let leader = trader as i32;
        Ok((
            stream,
            Box::new(Connection {
                leader,
                updated: false,
            }),
        ))
    }

    fn processor_time(&self) -> io::Result<Duration> {
        processor_time(self.program.pid())
    }
}

struct Connection {
    leader: i32,
    /// Whether the answer that is being read has changed a row.
    updated: bool,
}

impl Speaker for Connection {
    fn bid(&mut self, bid: Bid, out: &mut Vec<u8>) {
        // To the unnamed portal from the statement "bid"; all in binary, three of them.
        let mut bind = [0; 43];
        bind[1..4].copy_from_slice(b"bid");
        bind[5..11].copy_from_slice(&[0, 1, 0, 1, 0, 3]);
        bind[11..15].copy_from_slice(&4_i32.to_be_bytes());
        bind[15..19].copy_from_slice(&(bid.lot as i32).to_be_bytes());
        bind[19..23].copy_from_slice(&8_i32.to_be_bytes());
        bind[23..31].copy_from_slice(&(bid.cents as i64).to_be_bytes());
        bind[31..35].copy_from_slice(&4_i32.to_be_bytes());
        bind[35..39].copy_from_slice(&self.leader.to_be_bytes());
        message(b'B', &bind[..41], out);
        message(b'E', &[0; 5], out);
        message(b'S', &[], out);
    }

    fn answer(&mut self, input: &mut &[u8]) -> io::Result<Option<Answer>> {
        while let Some((kind, body, rest)) = taken(input) {
            match kind {
                b'C' => self.updated = body == b"UPDATE 1\0",
                b'E' => return Err(unexpected(complaint(body))),
                b'Z' => {
                    *input = rest;
                    return Ok(Some(match std::mem::take(&mut self.updated) {
                        true => Answer::Accepted,
                        false => Answer::Refused,
                    }));
                }
                _ => {}
            }
            *input = rest;
        }
        Ok(None)
    }
}

/// A program, run by a user who is not root.
fn as_user(runs_as_root: bool, program: &Path) -> Command {
    if !runs_as_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
    command.arg(program);
    command
}

fn give_to(user: &str, folders: &[&Path]) -> io::Result<()> {
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == user).then_some(())?;
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        Some((uid, fields.next()?.parse().ok()?))
    });
    let (uid, gid) = ids.ok_or_else(|| {
        io::Error::other(format!("there is no user {user}, and root may not run it"))
    })?;
    folders
        .iter()
        .try_for_each(|folder| chown(folder, Some(uid), Some(gid)))
}

fn open(port: u16) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(here(port))?;
    let mut start = Vec::new();
    // Version 3.0 of the protocol.
    start.extend_from_slice(&196_608_i32.to_be_bytes());
    start.extend_from_slice(format!("user\0{USER}\0database\0{USER}\0\0").as_bytes());
    let mut out = (start.len() as i32 + 4).to_be_bytes().to_vec();
    out.extend_from_slice(&start);
    stream.write_all(&out)?;
    read_until_ready(&mut stream)?;
    Ok(stream)
}

fn query(stream: &mut TcpStream, sql: &str) -> io::Result<()> {
    let mut out = Vec::new();
    message(b'Q', format!("{sql}\0").as_bytes(), &mut out);
    stream.write_all(&out)?;
    read_until_ready(stream)
}

fn read_until_ready(stream: &mut TcpStream) -> io::Result<()> {
    let mut input = Vec::new();
    let mut bytes = [0; 4_096];
    loop {
        let count = stream.read(&mut bytes)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        input.extend_from_slice(&bytes[..count]);
        let mut rest = &input[..];
        while let Some((kind, body, after)) = taken(rest) {
            match kind {
                b'Z' => return Ok(()),
                b'E' => return Err(unexpected(complaint(body))),
                b'R' if body != [0; 4] => return Err(unexpected("it asks for a password")),
                _ => rest = after,
            }
        }
    }
}

fn message(kind: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(body.len() as i32 + 4).to_be_bytes());
    out.extend_from_slice(body);
}

/// A message's kind and body, and what follows it.
fn taken(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = input.split_first()?;
    let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
    let (message, after) = rest.split_at_checked(length)?;
    Some((*kind, &message[4..], after))
}

fn complaint(body: &[u8]) -> String {
    let fields = body.split(|byte| *byte == 0);
    let text = fields.filter_map(|field| field.strip_prefix(b"M")).next();
    format!(
        "PostgreSQL said {}",
        String::from_utf8_lossy(text.unwrap_or_default())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_the_update_has_changed() {
        let mut connection = Connection {
            leader: 1,
            updated: false,
        };
        let mut input = Vec::new();
        for tag in [&b"UPDATE 1\0"[..], b"UPDATE 0\0"] {
            message(b'2', &[], &mut input);
            message(b'C', tag, &mut input);
            message(b'Z', b"I", &mut input);
        }
        for split in 0..input.len() {
            let mut rest = &input[..split];
            while connection.answer(&mut rest).unwrap().is_some() {}
            assert!(rest.len() < split || taken(&input[..split]).is_none());
            connection.updated = false;
        }
        let mut rest = &input[..];
        assert_eq!(
            connection.answer(&mut rest).unwrap(),
            Some(Answer::Accepted)
        );
        assert_eq!(connection.answer(&mut rest).unwrap(), Some(Answer::Refused));
        assert_eq!(connection.answer(&mut rest).unwrap(), None);
    }
}
