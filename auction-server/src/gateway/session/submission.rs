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

/// How many commands of one connection can be under way; while there are as many, it is not read from.
pub const IN_FLIGHT_MAX: usize = PENDING_REPLIES_MAX;
/// Commands that one read can bring beyond those under way.
const COMMANDS_PER_READ_MAX: usize = INPUT_BYTES / HEADER_BYTES + 1;

/// What a connection has submitted, or is about to.
pub(super) struct Submission {
    pub(super) reply_channel: Arc<ReplyChannel>,
    /// How many of the last messages were nothing but bids and orders.
    pub(super) orders_in_a_row: u32,
    /// Commands that were read and are submitted together.
    pub(super) batch: Vec<(RequestId, Command)>,
    /// When that was durable which is told with the next write, and how much it is.
    unrecorded_replies: Vec<(Instant, u64)>,
}

impl Submission {
    /// Nothing yet; and where replies come that are not written straight to the socket.
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

    /// Whether the connection can read more commands. If not, it is woken when it can.
    pub(super) fn has_room(&self) -> bool {
        self.reply_channel.has_fewer_than(IN_FLIGHT_MAX)
    }

    /// Notes that so many replies go out with the next write.
    pub(super) fn replied(&mut self, count: usize, durable_at: Instant) {
        self.reply_channel.end(count);
        self.unrecorded_replies.push((durable_at, count as u64));
    }

    /// Records how long the replies took that were just written.
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
