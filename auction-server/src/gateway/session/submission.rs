//! The commands of a connection on their way to the sequencer and back.

use std::sync::Arc;
use std::time::Instant;

use auction_core::{Command, RequestId};
use tokio::sync::mpsc;

use super::channel::INPUT_BYTES;
use crate::platform::encoding::Encoding;
use crate::platform::metrics::Metrics;
use crate::platform::tcp::WriteHalf;
use crate::sequencer::direct_read::PENDING_REPLIES_MAX;
use crate::sequencer::reply::{ReplyChannel, ReplyMessage, WAKES_MAX};
use auction_proto::HEADER_BYTES;

/// Maximum number of commands of one connection under way; at the maximum it is not read from.
pub const IN_FLIGHT_MAX: usize = PENDING_REPLIES_MAX;
/// Maximum number of commands in one read, in addition to those under way.
const COMMANDS_PER_READ_MAX: usize = INPUT_BYTES / HEADER_BYTES + 1;

/// The submitted commands of a connection, and those not submitted yet.
pub(super) struct Submission {
    pub(super) reply_channel: Arc<ReplyChannel>,
    /// Number of the last messages in a row that were bids or orders.
    pub(super) orders_in_a_row: u32,
    /// Commands that were read and will be submitted together.
    pub(super) batch: Vec<(RequestId, Command)>,
    /// For the replies of the next write: time at which they became durable, and their number.
    unrecorded_replies: Vec<(Instant, u64)>,
}

impl Submission {
    /// Creates an empty state, and the queue for replies that are not written directly to the socket.
    pub(super) fn new(
        direct: Option<(Arc<WriteHalf>, Encoding)>,
    ) -> (Self, mpsc::Receiver<ReplyMessage>) {
        let (sender, replies) = mpsc::channel(IN_FLIGHT_MAX + COMMANDS_PER_READ_MAX + WAKES_MAX);
        let submission = Self {
            reply_channel: Arc::new(ReplyChannel::new(sender, direct)),
            orders_in_a_row: 0,
            batch: Vec::new(),
            unrecorded_replies: Vec::new(),
        };
        (submission, replies)
    }

    /// Returns whether the connection can read more commands. If not, it is woken when it can.
    pub(super) fn has_room(&self) -> bool {
        self.reply_channel.has_fewer_than(IN_FLIGHT_MAX)
    }

    /// Notes that `count` replies go out with the next write.
    pub(super) fn replied(&mut self, count: usize, durable_at: Instant) {
        self.reply_channel.end(count);
        self.unrecorded_replies.push((durable_at, count as u64));
    }

    /// Records the latency of the replies that were just written.
    pub(super) fn record_replies(&mut self, metrics: &Metrics) {
        if !self.unrecorded_replies.is_empty() {
            let now = Instant::now();
            self.unrecorded_replies
                .drain(..)
                .for_each(|(durable_at, count)| {
                    metrics.told.observe_time(now - durable_at, count);
                });
        }
    }
}
