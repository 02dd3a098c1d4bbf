//! Redis: "bid if it is higher" as a script, which is atomic there, with a message to all who listen.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::processes::{Program, connect_when_ready, find, free_port, here, processor_time, typed};
use crate::target::{Answer, Speaker, Target, unexpected};
use crate::workload::{Bid, Trader};

const SCRIPT: &str = "\
local price = redis.call('HGET', KEYS[1], 'price')
if price and tonumber(price) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'price', ARGV[1], 'leader', ARGV[2])
redis.call('PUBLISH', 'bids', KEYS[1] .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
return 1";

/// When what was written is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    Always,
    EverySecond,
}

/// A Redis of its own.
#[derive(Debug)]
pub struct Redis {
    program: Program,
    started_as: String,
    port: u16,
    sync: Sync,
    version: String,
    script: String,
}

impl Redis {
    pub fn start(folder: &Path, sync: Sync) -> io::Result<Self> {
        let file = find("redis-server", [])?;
        let port = free_port()?;
        let appendfsync = match sync {
            Sync::Always => "always",
            Sync::EverySecond => "everysec",
        };
        let mut command = Command::new(file);
        command.current_dir(folder);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--appendonly", "yes", "--appendfsync", appendfsync]);
        // Neither snapshots nor rewriting come between: to its favour.
        command.args(["--save", "", "--auto-aof-rewrite-percentage", "0"]);
        let started_as = typed(&command);
        let mut program = Program::start(&mut command, folder)?;
        let mut stream = connect_when_ready(&mut program, port)?;
        let info = ask(&mut stream, &[b"INFO", b"server"])?;
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        let version = version.unwrap_or("of unknown version").to_owned();
        let script = ask(&mut stream, &[b"SCRIPT", b"LOAD", SCRIPT.as_bytes()])?;
        let script = script.lines().nth(1).unwrap_or_default().to_owned();
        Ok(Self {
            program,
            started_as,
            port,
            sync,
            version,
            script,
        })
    }
}

impl Target for Redis {
    fn name(&self) -> String {
        match self.sync {
            Sync::Always => format!("Redis {}, always", self.version),
            Sync::EverySecond => format!("Redis {}, everysec", self.version),
        }
    }

    fn started_as(&self) -> String {
        self.started_as.clone()
    }

    fn connect(&mut self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        let stream = TcpStream::connect(here(self.port))?;
        let mut start = b"*6\r\n$7\r\nEVALSHA\r\n$40\r\n".to_vec();
        start.extend_from_slice(self.script.as_bytes());
        start.extend_from_slice(b"\r\n$1\r\n1\r\n");
        let mut end = Vec::new();
        bulk(trader.to_string().as_bytes(), &mut end);
        Ok((stream, Box::new(Connection { start, end })))
    }

    fn processor_time(&self) -> io::Result<Duration> {
        processor_time(self.program.pid())
    }
}

/// One connection: what stands before and behind the bid in each command.
struct Connection {
    start: Vec<u8>,
    end: Vec<u8>,
}

impl Speaker for Connection {
    fn bid(&mut self, bid: Bid, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.start);
        let mut text = [0; 24];
        text[..4].copy_from_slice(b"lot:");
        let length = 4 + digits(bid.lot.into(), &mut text[4..]);
        bulk(&text[..length], out);
        let length = digits(bid.cents, &mut text);
        bulk(&text[..length], out);
        out.extend_from_slice(&self.end);
    }

    fn answer(&mut self, input: &mut &[u8]) -> io::Result<Option<Answer>> {
        let Some(end) = input.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let (line, rest) = input.split_at(end + 2);
        *input = rest;
        match line {
            b":1\r\n" => Ok(Some(Answer::Accepted)),
            b":0\r\n" => Ok(Some(Answer::Refused)),
            _ => Err(unexpected(format!(
                "Redis said {}",
                String::from_utf8_lossy(line)
            ))),
        }
    }
}

/// A string as Redis takes it.
fn bulk(text: &[u8], out: &mut Vec<u8>) {
    let mut length = [0; 24];
    let count = digits(text.len() as u64, &mut length);
    out.push(b'$');
    out.extend_from_slice(&length[..count]);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// Writes a number in decimal, without memory of its own: the client must be light. Gives its length.
fn digits(mut number: u64, out: &mut [u8]) -> usize {
    let mut reversed = [0; 20];
    let mut count = 0;
    loop {
        reversed[count] = b'0' + (number % 10) as u8;
        count += 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    for (place, digit) in reversed[..count].iter().rev().enumerate() {
        out[place] = *digit;
    }
    count
}

/// Asks one thing and reads one answer of text.
fn ask(stream: &mut TcpStream, parts: &[&[u8]]) -> io::Result<String> {
    let mut command = format!("*{}\r\n", parts.len()).into_bytes();
    parts.iter().for_each(|part| bulk(part, &mut command));
    stream.write_all(&command)?;
    let mut answer = Vec::new();
    let mut bytes = [0; 4_096];
    loop {
        let count = stream.read(&mut bytes)?;
        answer.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&answer);
        let whole = text.strip_prefix('$').and_then(|text| {
            let (length, body) = text.split_once("\r\n")?;
            Some(body.len() >= length.parse::<usize>().ok()? + 2)
        });
        match whole {
            Some(true) => return Ok(text.into_owned()),
            _ if count == 0 || text.starts_with('-') => {
                return Err(unexpected(format!("Redis said {text}")));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bid_is_a_command_as_redis_takes_it_and_its_answers_are_read_wherever_they_are_split() {
        let mut end = Vec::new();
        bulk(b"7", &mut end);
        let mut connection = Connection {
            start: b"<".to_vec(),
            end,
        };
        let mut out = Vec::new();
        connection.bid(Bid { lot: 120, cents: 9 }, &mut out);
        assert_eq!(out, b"<$7\r\nlot:120\r\n$1\r\n9\r\n$1\r\n7\r\n");

        assert_eq!(connection.answer(&mut &b":1\r"[..]).unwrap(), None);
        let mut input = &b":1\r\n:0\r\n-ERR no\r\n"[..];
        assert_eq!(
            connection.answer(&mut input).unwrap(),
            Some(Answer::Accepted)
        );
        assert_eq!(
            connection.answer(&mut input).unwrap(),
            Some(Answer::Refused)
        );
        assert!(connection.answer(&mut input).is_err());
    }
}
