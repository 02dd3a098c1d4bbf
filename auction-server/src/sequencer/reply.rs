//! Telling a connection what came of its commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use auction_core::{Reply, RequestId};
use auction_proto::{Accepted, Done, Refused};
use tokio::sync::mpsc;

use crate::market::group_commit::{Decision, Novelty};
use crate::platform::encoding::Encoding;
use crate::platform::metrics::Metrics;
use crate::platform::tcp::{Sent, WriteHalf};

/// What came of commands, by the numbers of their requests.
pub type Decisions = Vec<(RequestId, Decision)>;

/// What a connection is told.
#[derive(Clone, Debug)]
pub enum ReplyMessage {
    /// What came of commands that it submitted together.
    Decisions {
        /// Its number for each, and what came of it.
        decisions: Decisions,
        /// When they were durable.
        durable_at: Instant,
    },
    /// There is room for more commands, or an answer is to be written to its end.
    Wake,
}

/// How many of [`ReplyMessage::Wake`] can be on their way to a connection, beside its answers.
pub const WAKES_MAX: usize = 2;

/// The way back to a connection: straight to its stream if it has an [`WriteHalf`], else through its task.
#[derive(Debug)]
pub struct ReplyChannel {
    queue: mpsc::Sender<ReplyMessage>,
    direct: Option<(Arc<WriteHalf>, Encoding)>,
    /// Commands that were submitted and not told.
    in_flight: AtomicUsize,
    /// The connection looks up when fewer are under way.
    wake_below: AtomicUsize,
}

impl ReplyChannel {
    /// The way to a connection. The queue has room for each command that can be under way, and [`WAKES_MAX`].
    #[must_use]
    pub fn new(
        queue: mpsc::Sender<ReplyMessage>,
        direct: Option<(Arc<WriteHalf>, Encoding)>,
    ) -> Self {
        Self {
            queue,
            direct,
            in_flight: AtomicUsize::new(0),
            wake_below: AtomicUsize::new(0),
        }
    }

    /// So many commands are going to be submitted.
    pub fn begin(&self, count: usize) {
        self.in_flight.fetch_add(count, SeqCst);
    }

    /// So many of them are told, or were not taken.
    pub fn end(&self, count: usize) {
        let left = self.in_flight.fetch_sub(count, SeqCst) - count;
        if left < self.wake_below.load(SeqCst) {
            self.wake_below.store(0, SeqCst);
            self.wake();
        }
    }

    /// How many commands were submitted and not told.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(SeqCst)
    }

    /// Whether fewer commands are under way. If not, the connection is told to look up when they are.
    pub fn has_fewer_than(&self, count: usize) -> bool {
        let has_fewer = || self.in_flight() < count;
        if has_fewer() {
            return true;
        }
        self.wake_below.store(count, SeqCst);
        // They may have become fewer in between.
        has_fewer()
    }

    /// Tells what came of commands, all of which is durable. Who has left need not be told.
    pub fn send(
        &self,
        decisions: Decisions,
        durable_at: Instant,
        metrics: &Metrics,
        buffer: &mut Vec<u8>,
    ) {
        if let Some((write_half, encoding)) = &self.direct {
            let sent = write_half.send(buffer, |bytes| {
                for (request, decision) in &decisions {
                    append_reply(*request, decision, *encoding, metrics, bytes);
                }
            });
            if sent != Sent::Deferred {
                let count = decisions.len();
                metrics.writes.add(1);
                metrics
                    .told
                    .observe_time(durable_at.elapsed(), count as u64);
                self.end(count);
                if sent == Sent::Partial {
                    self.wake();
                }
                return;
            }
        }
        let _ = self.queue.try_send(ReplyMessage::Decisions {
            decisions,
            durable_at,
        });
    }

    fn wake(&self) {
        // Without room it has much to look at anyway.
        let _ = self.queue.try_send(ReplyMessage::Wake);
    }
}

/// Appends the reply to a command, and counts it.
pub fn append_reply(
    request: RequestId,
    decision: &Decision,
    encoding: Encoding,
    metrics: &Metrics,
    out: &mut Vec<u8>,
) {
    match response_to(decision, metrics) {
        Ok(accepted) => encoding.append(request, &accepted, out),
        Err(refused) => encoding.append(request, &refused, out),
    }
}

/// What a client is told of a command, and counts it.
///
/// # Errors
/// The refusal that it is told.
fn response_to(decision: &Decision, metrics: &Metrics) -> Result<Accepted, Refused> {
    let done = match decision {
        Ok(done) => done,
        Err(reject) => {
            let refused = Refused::from(*reject);
            metrics.refused(refused.code);
            return Err(refused);
        }
    };
    let is_bid = matches!(done.reply, Reply::Bid(_) | Reply::OrderPlaced(_));
    let novelty = match done.novelty {
        Novelty::New => Done::Now,
        Novelty::Repeated => Done::Before,
    };
    if is_bid && novelty == Done::Now {
        metrics.bids_accepted.add_one();
    }
    Ok(Accepted {
        feed_sequence: done.feed_sequence,
        done: novelty,
        reply: done.reply,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_waits_for_room_is_told_to_look_up_when_there_is_some_and_once() {
        let (queue, mut told) = mpsc::channel(8);
        let reply_channel = ReplyChannel::new(queue, None);
        reply_channel.begin(5);
        assert!(reply_channel.has_fewer_than(6));
        assert!(!reply_channel.has_fewer_than(3));
        reply_channel.end(2);
        assert!(told.try_recv().is_err(), "three are under way");
        reply_channel.end(1);
        assert!(matches!(told.try_recv(), Ok(ReplyMessage::Wake)));
        reply_channel.end(2);
        assert!(told.try_recv().is_err(), "nobody waits");
        assert!(reply_channel.has_fewer_than(1));
    }
}
