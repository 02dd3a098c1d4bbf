//! A ledger: the requests of a client and their answers, for a comparison with the market.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use auction_core::{Command, Market, Price, Reply, RequestId, SessionId};
use auction_proto::{
    Bid, BidMaximum, ClientMessage, Code, Done, Fault, LoggedIn, PublishProfit, ServerMessage,
    Token,
};

use crate::line::{Line, PASSWORD};
use crate::test_market::{DEADLINE, TestMarket};

/// A row of `export bids` without its number, time and lot: user, symbol, price.
pub type Row = [String; 3];

/// A user with one session, who records each request before it is sent, and each answer when it arrives.
pub struct Client {
    pub name: String,
    pub token: Token,
    pub session: SessionId,
    entries: BTreeMap<u64, Entry>,
    /// Requests without an outcome.
    open: BTreeSet<u64>,
    next: u64,
}

struct Entry {
    ask: Ask,
    outcome: Outcome,
}

/// A request.
#[derive(Clone, Debug)]
pub enum Ask {
    Bid(Bid),
    Maximum(BidMaximum),
    Profit(PublishProfit),
    /// Any other command.
    Other(ClientMessage),
}

impl Ask {
    /// The command that the market receives.
    pub fn command(&self, session: SessionId) -> Command {
        let message = match self.clone() {
            Self::Bid(body) => ClientMessage::Bid(body),
            Self::Maximum(body) => ClientMessage::BidMaximum(body),
            Self::Profit(body) => ClientMessage::PublishProfit(body),
            Self::Other(message) => message,
        };
        message.into_command(session).expect("it is a command")
    }
}

/// Outcome of a request, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Unknown,
    Accepted(Reply),
    Refused(Code),
}

impl Client {
    /// Logs in an existing account.
    pub fn log_in(address: SocketAddr, name: &str) -> (Self, Line) {
        let mut line = Line::open(address);
        let LoggedIn { token, session, .. } = line.log_in(name, PASSWORD).unwrap();
        let client = Self {
            name: name.to_owned(),
            token: token.expect("a login gives a token"),
            session,
            entries: BTreeMap::new(),
            open: BTreeSet::new(),
            next: 1,
        };
        (client, line)
    }

    /// Resumes the session over a new connection. The server must know every request it has acknowledged.
    pub fn resume(&self, address: SocketAddr) -> Line {
        let mut line = Line::open(address);
        // The ledger assigns the numbers of the session; requests other than commands use high numbers.
        line.number_from(u64::MAX / 2);
        let logged_in = line.resume(&self.token).unwrap();
        let accepted = |entry: &Entry| matches!(entry.outcome, Outcome::Accepted(_));
        let mut numbers = self.entries.iter().rev();
        let last = numbers.find(|(_, entry)| accepted(entry));
        let last = last.map_or(0, |(number, _)| *number);
        assert!(logged_in.last_request.0 >= last, "{} forgot", self.name);
        assert!(
            logged_in.last_request.0 < self.next,
            "{} never asked",
            self.name
        );
        line
    }

    /// Number of requests without an outcome.
    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Records a request and queues it.
    pub fn ask(&mut self, line: &mut Line, ask: Ask) {
        let number = self.next;
        self.next += 1;
        send(line, number, &ask);
        self.open.insert(number);
        let outcome = Outcome::Unknown;
        self.entries.insert(number, Entry { ask, outcome });
    }

    /// Reads one answer and records it; `Ok(None)`: the connection has ended.
    pub fn hear(&mut self, line: &mut Line) -> io::Result<Option<Outcome>> {
        let (RequestId(number), message) = loop {
            match line.next()? {
                None => return Ok(None),
                Some((_, ServerMessage::Heartbeat(_))) => {}
                Some(answer) => break answer,
            }
        };
        let outcome = match message {
            ServerMessage::Accepted(accepted) => Outcome::Accepted(accepted.reply),
            ServerMessage::Refused(refused) => Outcome::Refused(refused.code),
            ServerMessage::Goodbye(_) => return Ok(None),
            other => panic!("{other:?} is no answer to a command"),
        };
        assert!(self.open.remove(&number), "{number} is answered twice");
        let entry = self.entries.get_mut(&number).expect("it was asked");
        entry.outcome = outcome;
        Ok(Some(outcome))
    }

    /// Keeps requests in flight until the connection ends, and counts the acknowledgements.
    pub fn until_gone(
        &mut self,
        mut line: Line,
        acknowledged: &AtomicU32,
        mut next: impl FnMut(usize) -> Option<Ask>,
    ) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < DEADLINE, "the server goes on and on");
            while let Some(ask) = next(self.in_flight()) {
                self.ask(&mut line, ask);
            }
            if line.flush().is_err() {
                // Answers from before the end can still be read.
                while let Ok(Some(_)) = self.hear(&mut line) {}
                return;
            }
            match self.hear(&mut line) {
                Ok(Some(Outcome::Accepted(_))) => {
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Sends all requests with an unknown outcome again, with the same numbers, and waits for the outcomes. Returns
    /// their number.
    pub fn settle(&mut self, line: &mut Line) -> usize {
        let unknown = self.open.len();
        for number in &self.open {
            send(line, *number, &self.entries[number].ask);
        }
        line.flush().unwrap();
        while !self.open.is_empty() {
            let outcome = self.hear(line).unwrap().expect("the server runs");
            if let Outcome::Refused(code) = outcome {
                assert_eq!(code.fault(), Fault::Market, "refused with {code}");
            }
        }
        unknown
    }

    /// Sends the newest acknowledged requests again, at most `count`: each must have the same outcome as before.
    pub fn asks_again(&self, line: &mut Line, count: usize) {
        let accepted = |(number, entry): (&u64, &Entry)| match entry.outcome {
            Outcome::Accepted(reply) => Some((*number, entry.ask.clone(), reply)),
            Outcome::Unknown | Outcome::Refused(_) => None,
        };
        let newest = self.entries.iter().rev().filter_map(accepted).take(count);
        for (number, ask, reply) in newest {
            send(line, number, &ask);
            match line.answer(RequestId(number)) {
                ServerMessage::Accepted(accepted) => {
                    assert_eq!((accepted.reply, accepted.done), (reply, Done::Before));
                }
                other => panic!("{} {number} {ask:?}: {other:?}", self.name),
            }
        }
    }

    /// Every request and its outcome, by its number.
    pub fn asked(&self) -> impl Iterator<Item = (RequestId, &Ask, Outcome)> {
        let entries = self.entries.iter();
        entries.map(|(number, entry)| (RequestId(*number), &entry.ask, entry.outcome))
    }

    /// The accepted requests, in the order of the numbers.
    pub fn accepted(&self) -> impl Iterator<Item = (&Ask, Reply)> {
        self.entries
            .values()
            .filter_map(|entry| match entry.outcome {
                Outcome::Accepted(reply) => Some((&entry.ask, reply)),
                Outcome::Unknown | Outcome::Refused(_) => None,
            })
    }

    /// The rows that the accepted bids have in an export.
    pub fn rows<'a>(&'a self, market: &'a Market) -> impl Iterator<Item = Row> + 'a {
        self.accepted().filter_map(|(ask, reply)| {
            let Reply::Bid(bid) = reply else { return None };
            let price: Price = match ask {
                Ask::Bid(asked) => asked.price,
                // It has a row if others saw an effect.
                Ask::Maximum(_) => bid.price?,
                Ask::Profit(_) | Ask::Other(_) => return None,
            };
            let symbol = market.lot(bid.lot).unwrap().symbol;
            Some([self.name.clone(), symbol.to_string(), price.to_string()])
        })
    }
}

fn send(line: &mut Line, number: u64, ask: &Ask) {
    let number = RequestId(number);
    match ask {
        Ask::Bid(body) => line.send_as(number, body),
        Ask::Maximum(body) => line.send_as(number, body),
        Ask::Profit(body) => line.send_as(number, body),
        Ask::Other(message) => line.send_message_as(number, message),
    }
}

/// The rows of `export bids`; checks that their numbers rise and their times never fall.
pub fn exported(test_market: &TestMarket) -> Vec<Row> {
    let mut last = (0, String::new());
    let mut rows = Vec::new();
    for row in test_market.export("bids") {
        let [sequence, time, user, symbol, price, _lot] = <[String; 6]>::try_from(row).unwrap();
        let sequence: u64 = sequence.parse().unwrap();
        assert!(sequence > last.0 && time >= last.1);
        last = (sequence, time);
        rows.push([user, symbol, price]);
    }
    rows
}

/// Checks that all `parts` are in `whole`, each as often as it is among the parts.
pub fn assert_within(what: &str, parts: impl IntoIterator<Item = Row>, whole: &[Row]) {
    let mut left = counted(whole.iter().cloned());
    for part in parts {
        match left.get_mut(&part) {
            Some(count) if *count > 0 => *count -= 1,
            _ => panic!("{what}: {part:?} is missing"),
        }
    }
}

/// Checks that both hold the same rows, each as often.
pub fn assert_same(what: &str, told: impl IntoIterator<Item = Row>, held: &[Row]) {
    let (told, held) = (counted(told), counted(held.iter().cloned()));
    let differ = |row: &&Row| told.get(*row) != held.get(*row);
    let rows: BTreeSet<&Row> = told.keys().chain(held.keys()).filter(differ).collect();
    assert!(rows.is_empty(), "{what}: told and held differ in {rows:?}");
}

fn counted(rows: impl IntoIterator<Item = Row>) -> BTreeMap<Row, u32> {
    let mut counts = BTreeMap::new();
    rows.into_iter()
        .for_each(|row| *counts.entry(row).or_default() += 1);
    counts
}
