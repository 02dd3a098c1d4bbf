//! The least that whoever takes durable bids over sockets must do: read what has come, write it and sync once, answer. No
//! rules, no market, one thread. What a server is slower than this is what it costs by itself; what this costs is the
//! machine's.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use auction_core::{BidReply, FeedSequence, LotId, Reply, RequestId};
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{Accepted, Bid, Body as _, Done, Frame, encode_frame};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::auction_line;
use crate::disk::WRITTEN_AHEAD;
use crate::target::{Speaker, Target, unexpected};
use crate::workload::Trader;

/// How much is read of a connection at a time.
const INPUT_BYTES: usize = 64 * 1_024;
/// What a batch takes in a journal beside its records, and a record: as ours do.
const BATCH_BYTES: usize = 88;
const RECORD_BYTES: usize = 48;
/// How often it looks whether it is to end.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// The listener's place among the events.
const LISTENER: u64 = u64::MAX;

/// An echo that is durable.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    worked_nanos: Arc<AtomicU64>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Echo {
    /// Starts it; what it writes goes to a file of zeros in this folder.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let mut file = File::create(folder.join("echo"))?;
        file.write_all(&vec![0; WRITTEN_AHEAD])?;
        file.sync_all()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (ends, worked_nanos) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let running = Running {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            listener,
            file,
            at: 0,
            connections: Vec::new(),
            ends: ends.clone(),
            worked_nanos: worked_nanos.clone(),
        };
        let builder = std::thread::Builder::new().name("echo".to_owned());
        let thread = Some(builder.spawn(move || running.run())?);
        Ok(Self {
            address,
            ends,
            worked_nanos,
            thread,
        })
    }
}

impl Target for Echo {
    fn name(&self) -> String {
        "a bare echo that syncs".to_owned()
    }

    fn started_as(&self) -> String {
        "a thread of this program".to_owned()
    }

    fn connect(&mut self, _: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        let stream = TcpStream::connect(self.address)?;
        Ok((stream, auction_line::speaker(RequestId(1))))
    }

    fn processor_time(&self) -> io::Result<Duration> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(unexpected("the echo has failed"));
        }
        let nanos = self.worked_nanos.load(Ordering::Relaxed);
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What failed was seen by who bid there.
            let _ = thread.join();
        }
    }
}

struct Running {
    epoll: OwnedFd,
    listener: TcpListener,
    file: File,
    /// Where the next batch is written.
    at: usize,
    /// `None`: it was closed.
    connections: Vec<Option<Connection>>,
    ends: Arc<AtomicBool>,
    worked_nanos: Arc<AtomicU64>,
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Running {
    fn run(mut self) -> io::Result<()> {
        let listener = EventData::new_u64(LISTENER);
        epoll::add(&self.epoll, &self.listener, listener, EventFlags::IN)?;
        let mut events = Vec::with_capacity(1_024);
        let mut input = vec![0; INPUT_BYTES];
        while !self.ends.load(Ordering::Relaxed) {
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&LOOK_EVERY))?;
            let mut ready = Vec::new();
            let mut bids = 0;
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    place => {
                        let place = place as usize;
                        let Some(connection) = &mut self.connections[place] else {
                            continue;
                        };
                        match connection.read(&mut input)? {
                            Some(count) => {
                                bids += count;
                                ready.push(place);
                            }
                            None => self.connections[place] = None,
                        }
                    }
                }
            }
            if bids > 0 {
                self.append(bids)?;
                for place in ready {
                    if let Some(connection) = &mut self.connections[place] {
                        connection.answer()?;
                    }
                }
                // Not at each look: it rests when this stands still.
                let worked = clock_gettime(ClockId::ThreadCPUTime);
                let nanos = worked.tv_sec * 1_000_000_000 + worked.tv_nsec;
                self.worked_nanos
                    .store(nanos.unsigned_abs(), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nodelay(true)?;
        let place = EventData::new_u64(self.connections.len() as u64);
        epoll::add(&self.epoll, &stream, place, EventFlags::IN)?;
        self.connections.push(Some(Connection {
            stream,
            input: Vec::new(),
            output: Vec::new(),
        }));
        Ok(())
    }

    /// Writes as much as a journal would of so many bids, and syncs it.
    fn append(&mut self, bids: usize) -> io::Result<()> {
        let bytes = vec![7; BATCH_BYTES + bids * RECORD_BYTES];
        if self.at + bytes.len() > WRITTEN_AHEAD {
            self.at = 0;
        }
        self.file.write_all_at(&bytes, self.at as u64)?;
        self.at += bytes.len();
        self.file.sync_data()
    }
}

impl Connection {
    /// Reads what has come. Gives how many bids that is; `None` at the end.
    fn read(&mut self, input: &mut [u8]) -> io::Result<Option<usize>> {
        let count = self.stream.read(input)?;
        if count == 0 {
            return Ok(None);
        }
        self.input.extend_from_slice(&input[..count]);
        let reply = BidReply {
            lot: LotId(1),
            leads: true,
            price: None,
            extended_to: None,
            bought: false,
        };
        let mut rest = &self.input[..];
        let mut bids = 0;
        while let Some(frame) = Frame::take(&mut rest, FRAME_BYTES_MAX)
            .map_err(|error| unexpected(error.to_string()))?
        {
            debug_assert_eq!(frame.kind, Bid::KIND);
            let accepted = Accepted {
                feed_sequence: FeedSequence(frame.request.0),
                done: Done::Now,
                reply: Reply::Bid(reply),
            };
            encode_frame(frame.request, &accepted, &mut self.output);
            bids += 1;
        }
        let taken = self.input.len() - rest.len();
        self.input.drain(..taken);
        Ok(Some(bids))
    }

    fn answer(&mut self) -> io::Result<()> {
        // It blocks when nobody reads, and whoever bids here reads.
        self.stream.write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }
}
