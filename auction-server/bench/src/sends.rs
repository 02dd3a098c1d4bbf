//! What the system asks for a send, whoever makes it: one loop that sends to many sockets, and nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::Timespec;

const INPUT_BYTES: usize = 256 * 1_024;
/// How often whoever reads looks whether it is over.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Sends so many bytes at a time to each of so many sockets in turn, while another thread reads them. Gives sends a
/// second.
pub fn bare_sends(sockets: usize, bytes: usize, for_long: Duration) -> io::Result<f64> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let (mut senders, mut readers) = (Vec::new(), Vec::new());
    for _ in 0..sockets {
        readers.push(TcpStream::connect(listener.local_addr()?)?);
        let (sender, _) = listener.accept()?;
        sender.set_nodelay(true)?;
        senders.push(sender);
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| read_all(readers, &over));
        let sent = send_all(&mut senders, bytes, for_long);
        over.store(true, Ordering::Relaxed);
        reading.join().expect("a reader does not panic")?;
        sent
    })
}

fn send_all(senders: &mut [TcpStream], bytes: usize, for_long: Duration) -> io::Result<f64> {
    let message = vec![7; bytes];
    let (begun, mut sends) = (Instant::now(), 0_u64);
    while begun.elapsed() < for_long {
        for sender in &mut *senders {
            // The sockets block: whoever reads sets the pace when it is slower.
            sender.write_all(&message)?;
            sends += 1;
        }
    }
    Ok(sends as f64 / begun.elapsed().as_secs_f64())
}

fn read_all(mut readers: Vec<TcpStream>, over: &AtomicBool) -> io::Result<()> {
    let epoll: OwnedFd = epoll::create(CreateFlags::CLOEXEC)?;
    for (place, reader) in readers.iter().enumerate() {
        let data = EventData::new_u64(place as u64);
        epoll::add(&epoll, reader, data, EventFlags::IN)?;
    }
    let mut input = vec![0; INPUT_BYTES];
    let mut events = Vec::with_capacity(readers.len());
    while !over.load(Ordering::Relaxed) {
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&LOOK_EVERY))?;
        for event in events.drain(..) {
            // There is something: it does not wait.
            let _ = readers[event.data.u64() as usize].read(&mut input)?;
        }
    }
    Ok(())
}
