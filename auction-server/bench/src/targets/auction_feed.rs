//! The feed of our own server, as it ships: accepted bids go in, and every watcher's bytes are compared with those of
//! the first; those are folded and compared with the digest that the server tells.

use std::io;
use std::path::Path;
use std::time::Duration;

use auction_core::{FeedSequence, Market, RequestId};
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{
    HEADER_BYTES, Heartbeat, Kind, Ping, ResumePoint, ServerMessage, Watch, encode_frame,
};

use crate::fan::{Feed, Sockets};
use crate::target::{Answer, Speaker, Target as _, unexpected};
use crate::workload::Workload;

use super::auction::{Auction, Durability};
use super::auction_line::{Greeted, market_at};

/// How many bid: enough that nobody outbids themself.
pub const BIDDERS: u32 = 4;
/// How many bids each has under way.
const IN_FLIGHT: u64 = 256;
/// How many more bids than another one may have made.
const AHEAD_MAX: u64 = 512;

/// A server, and what its watchers have seen.
pub struct AuctionFeed {
    server: Auction,
    /// Where the bidders walk on from turn to turn.
    workload: Workload,
    /// How many bids each has made.
    made: [u64; BIDDERS as usize],
    bidders: Vec<Bidder>,
    /// The fold of what the first watcher of each frame was told.
    market: Market,
    /// Where the fold stood when the turn began.
    begun_at: FeedSequence,
    /// The frames of this turn.
    frames: Vec<Told>,
    watchers: Vec<Watcher>,
    told: Amounts,
}

/// What was told, and checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amounts {
    /// Messages of the feed, told to one.
    pub events: u64,
    /// Their bytes, headers among them.
    pub bytes: u64,
    /// Heartbeats whose digest was that of the fold.
    pub digests: u64,
}

struct Bidder {
    speaker: Box<dyn Speaker>,
    under_way: u64,
    input: Vec<u8>,
}

/// A frame as the first watcher was told it, and how many messages of the turn there are with it.
struct Told {
    body: Vec<u8>,
    through: u64,
}

/// How far a watcher has read.
#[derive(Clone, Debug, Default)]
struct Watcher {
    /// Which frame of the turn is next.
    next: usize,
    header: Vec<u8>,
    /// What is read of a body that is not compared in place.
    body: Vec<u8>,
    /// How much of a body that is compared in place.
    compared: usize,
    is_compared: bool,
}

impl AuctionFeed {
    /// Starts a server on so many lots.
    pub fn start(server: &Path, folder: &Path, lots: u32) -> io::Result<Self> {
        Self::start_with(server, folder, lots, &[])
    }

    /// The same with more flags.
    pub fn start_with(server: &Path, folder: &Path, lots: u32, flags: &[&str]) -> io::Result<Self> {
        let strict = Durability::Strict;
        let server = Auction::start_with(server, folder, lots, BIDDERS, strict, flags)?;
        let market = market_at(server.address())?;
        let mut workload = Workload::new(lots);
        workload.begin(BIDDERS);
        Ok(Self {
            server,
            workload,
            made: [0; BIDDERS as usize],
            bidders: Vec::new(),
            begun_at: market.feed_sequence(),
            market,
            frames: Vec::new(),
            watchers: Vec::new(),
            told: Amounts::default(),
        })
    }

    pub fn server(&self) -> &Auction {
        &self.server
    }

    /// Takes the market anew, as one who begins to watch.
    pub fn snapshot(&mut self) -> io::Result<()> {
        self.market = market_at(self.server.address())?;
        Ok(())
    }

    /// Kills the server and starts it again. Gives how long it took to listen.
    pub fn crash(&mut self) -> io::Result<Duration> {
        self.server.crash()
    }

    /// What was told so far.
    pub fn told(&self) -> Amounts {
        self.told
    }

    /// Waits for a heartbeat and compares the fold with it.
    pub fn check_digest(&mut self) -> io::Result<()> {
        let mut greeted = self.greet_watching()?;
        loop {
            let (_, message) = greeted.next()?;
            if let ServerMessage::Heartbeat(beat) = message
                && self.is_confirmed_by(&beat)?
            {
                return Ok(());
            }
        }
    }

    fn greet_watching(&self) -> io::Result<Greeted> {
        let resume = ResumePoint {
            market: self.market.id(),
            feed_sequence: self.market.feed_sequence(),
        };
        let mut greeted = Greeted::new(self.server.address())?;
        match greeted.ask(&Watch {
            resume: Some(resume),
        })? {
            ServerMessage::Resumed(_) => Ok(greeted),
            other => Err(unexpected(format!("no feed: {other:?}"))),
        }
    }

    /// Whether a heartbeat names the fold's place, and so its digest.
    fn is_confirmed_by(&mut self, beat: &Heartbeat) -> io::Result<bool> {
        if beat.feed_sequence != self.market.feed_sequence() {
            return Ok(false);
        }
        if beat.digest != self.market.digest() {
            return Err(unexpected("the fold of the feed is not the server's"));
        }
        self.told.digests += 1;
        Ok(true)
    }

    /// Takes a whole message that was not compared with another's in place.
    fn take(&mut self, watcher: usize, header: Header, reply: &mut Vec<u8>) -> io::Result<()> {
        let body = std::mem::take(&mut self.watchers[watcher].body);
        if header.kind == Kind::FEED {
            let next = self.watchers[watcher].next;
            self.watchers[watcher].next += 1;
            return match self.frames.get(next) {
                Some(told) if told.body == body => Ok(()),
                Some(_) => Err(unexpected("two watchers were told different things")),
                None => self.take_first(body),
            };
        }
        match ServerMessage::decode(header.kind, &body) {
            Ok(ServerMessage::Heartbeat(beat)) => {
                // A sign of life for another.
                let ping = Ping {
                    client_time: beat.time,
                };
                encode_frame(RequestId(u64::MAX), &ping, reply);
                self.is_confirmed_by(&beat).map(drop)
            }
            Ok(ServerMessage::Pong(_)) => Ok(()),
            other => Err(unexpected(format!("the feed is not lossless: {other:?}"))),
        }
    }

    /// Folds what nobody was told before.
    fn take_first(&mut self, body: Vec<u8>) -> io::Result<()> {
        let message = ServerMessage::decode(Kind::FEED, &body);
        let Ok(ServerMessage::Feed(feed)) = message else {
            return Err(unexpected(format!("no feed: {message:?}")));
        };
        let folded = feed.apply_to(&mut self.market);
        folded.map_err(|error| unexpected(error.to_string()))?;
        self.told.events += feed.entries.len() as u64;
        self.told.bytes += (HEADER_BYTES + body.len()) as u64;
        let through = feed.through.0 - self.begun_at.0;
        self.frames.push(Told { body, through });
        Ok(())
    }
}

/// What stands before a body.
#[derive(Clone, Copy)]
struct Header {
    kind: Kind,
    body_bytes: usize,
}

impl Header {
    fn of(bytes: &[u8]) -> io::Result<Self> {
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let body_bytes = (length + size_of::<u32>()).checked_sub(HEADER_BYTES);
        match body_bytes {
            Some(body_bytes) if length <= FRAME_BYTES_MAX => Ok(Self {
                kind: Kind(u16::from_le_bytes([bytes[4], bytes[5]])),
                body_bytes,
            }),
            _ => Err(unexpected("no frame")),
        }
    }
}

impl Feed for AuctionFeed {
    fn name(&self) -> String {
        self.server.name()
    }

    fn started_as(&self) -> String {
        self.server.started_as()
    }

    fn begin(&mut self, listeners: usize) -> io::Result<Sockets> {
        self.begun_at = self.market.feed_sequence();
        self.frames.clear();
        self.watchers = vec![Watcher::default(); listeners];
        self.bidders.clear();
        let mut sockets = Sockets {
            listeners: Vec::new(),
            publishers: Vec::new(),
        };
        for trader in 0..BIDDERS {
            let (stream, speaker) = self.server.connect(trader)?;
            sockets.publishers.push(stream);
            self.bidders.push(Bidder {
                speaker,
                under_way: 0,
                input: Vec::new(),
            });
        }
        for watcher in 0..listeners {
            let greeted = self.greet_watching()?;
            let (stream, input) = greeted.into_parts();
            sockets.listeners.push(stream);
            // A heartbeat may have come with the answer.
            self.deliver(watcher, &input, &mut Vec::new())?;
        }
        Ok(sockets)
    }

    fn publish(&mut self, publisher: usize, room: u64, out: &mut Vec<u8>) -> io::Result<u64> {
        // They walk over the lots far apart, and none comes near another: two on one lot at a time could come to it
        // in the wrong order.
        let fewest = self.made.iter().copied().min().unwrap_or_default();
        let ahead = self.made[publisher] - fewest;
        let bidder = &mut self.bidders[publisher];
        let count = room
            .min(IN_FLIGHT - bidder.under_way)
            .min(AHEAD_MAX.saturating_sub(ahead));
        for _ in 0..count {
            let bid = self.workload.bid(publisher, publisher as u32);
            let bid = bid.map_err(|error| io::Error::other(error.to_string()))?;
            bidder.speaker.bid(bid, out);
        }
        bidder.under_way += count;
        self.made[publisher] += count;
        Ok(count)
    }

    fn answered(&mut self, publisher: usize, bytes: &[u8], _: &mut Vec<u8>) -> io::Result<()> {
        let bidder = &mut self.bidders[publisher];
        bidder.input.extend_from_slice(bytes);
        let mut rest = &bidder.input[..];
        while let Some(answer) = bidder.speaker.answer(&mut rest)? {
            if answer == Answer::Refused {
                return Err(unexpected("a bid was refused"));
            }
            bidder.under_way -= 1;
        }
        let taken = bidder.input.len() - rest.len();
        bidder.input.drain(..taken);
        Ok(())
    }

    fn deliver(&mut self, listener: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<u64> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let watcher = &mut self.watchers[listener];
            if watcher.header.len() < HEADER_BYTES {
                let count = (HEADER_BYTES - watcher.header.len()).min(rest.len());
                watcher.header.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
                if watcher.header.len() < HEADER_BYTES {
                    break;
                }
                let is_feed = Header::of(&watcher.header)?.kind == Kind::FEED;
                watcher.is_compared = is_feed && watcher.next < self.frames.len();
                watcher.compared = 0;
            }
            let header = Header::of(&watcher.header)?;
            let is_whole = match watcher.is_compared {
                true => {
                    let told = &self.frames[watcher.next].body;
                    let count = (header.body_bytes - watcher.compared).min(rest.len());
                    if told.len() != header.body_bytes
                        || told[watcher.compared..][..count] != rest[..count]
                    {
                        return Err(unexpected("two watchers were told different things"));
                    }
                    rest = &rest[count..];
                    watcher.compared += count;
                    watcher.compared == header.body_bytes
                }
                false => {
                    let count = (header.body_bytes - watcher.body.len()).min(rest.len());
                    watcher.body.extend_from_slice(&rest[..count]);
                    rest = &rest[count..];
                    watcher.body.len() == header.body_bytes
                }
            };
            if is_whole {
                watcher.header.clear();
                match watcher.is_compared {
                    true => watcher.next += 1,
                    false => self.take(listener, header, reply)?,
                }
            }
        }
        let last = self.watchers[listener].next.checked_sub(1);
        Ok(last.map_or(0, |last| self.frames[last].through))
    }
}
