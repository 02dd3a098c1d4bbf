//! The way to the sequencer: a bounded queue, and a bell that wakes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Instant;

use auction_core::{
    Caller, Command, LeastWinning, LotId, OwnOrder, Reject, RequestId, Sequence, SessionId,
    Timestamp, UserId,
};
use auction_proto::{Balance, GetBalance};
use mio::Waker;
use tokio::sync::oneshot;

use crate::market::group_commit::Decision;
use crate::platform::metrics::Metrics;
use crate::sequencer::direct_read::FastPathConnection;
use crate::sequencer::reply::ReplyChannel;

/// How many commands and questions can wait; one more is answered `busy`.
pub const QUEUE_MAX: usize = 8_192;

/// What is asked of the sequencer.
#[derive(Debug)]
pub(crate) enum Submission {
    /// One thing, by someone who waits for it.
    Question(Caller, Work, oneshot::Sender<Answer>),
    /// Commands of a connection.
    Commands(Commands),
    /// A line to read from now on.
    FastPathConnection(FastPathConnection),
}

/// Commands that a connection read at once. They are told together.
#[derive(Debug)]
pub struct Commands {
    /// The session that they are given in.
    pub session: SessionId,
    /// The number of each, and the command.
    pub commands: Vec<(RequestId, Command)>,
    /// Who is told. It [knows](ReplyChannel::begin) that they are under way.
    pub reply: Arc<ReplyChannel>,
}

impl Submission {
    /// How much it is.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Question(..) => 1,
            Self::Commands(commands) => commands.commands.len(),
            Self::FastPathConnection(_) => 1,
        }
    }
}

/// What is asked.
#[derive(Debug)]
pub enum Work {
    /// A command to decide.
    Command(Command),
    /// A command of a session to decide, if it is not this late already. What came of it before is told all the same.
    Before(Timestamp, Command),
    /// The highest number of an accepted request of a session.
    LastRequest(SessionId),
    /// What a trader would have needed to win a lot.
    LeastWinning(LotId, UserId),
    /// What a trader owns, as this user may see it.
    Balance(UserId, GetBalance),
    /// A trader's own orders on a lot.
    Orders(LotId, UserId),
    /// The record of a request of a session.
    Record(SessionId, RequestId),
}

/// What came of a submission.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The command was decided, or refused.
    Decided(Decision),
    /// The command was decided, or refused; `None`: it is too late, and it was not done.
    Before(Option<Decision>),
    /// The highest number of an accepted request.
    LastRequest(RequestId),
    /// What the trader would have needed; `None` before the close.
    LeastWinning(Option<LeastWinning>),
    /// What the trader owns.
    Balance(Box<Result<Balance, Reject>>),
    /// The trader's orders; `None`: there is no such lot.
    Orders(Option<Vec<OwnOrder>>),
    /// The record of the request, if it was accepted and is remembered.
    Record(Option<Sequence>),
}

/// Where submissions go in.
#[derive(Clone, Debug)]
pub struct SequencerHandle {
    sender: Arc<QueueSender>,
    metrics: Arc<Metrics>,
}

/// The queue, and the bell at its end. They are dropped in this order: the sequencer ends when it is woken and finds
/// that nobody can put anything in any more.
#[derive(Debug)]
struct QueueSender {
    queue: SyncSender<(Submission, Instant)>,
    wake_on_send: WakeOnSend,
}

/// Why a submission was not taken, or not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// Too many wait already.
    Busy,
    /// The sequencer has ended; nothing was done.
    Stopped,
    /// The sequencer failed while it was at it: it may be in the journal, or not.
    Unknown,
}

impl SequencerHandle {
    /// Submits commands without waiting.
    ///
    /// # Errors
    /// [`SubmitError`] when the inbox is full, or nobody reads it any more; and the commands.
    pub fn submit(&self, commands: Commands) -> Result<(), (SubmitError, Commands)> {
        let count = commands.commands.len();
        let sent = self.send(Submission::Commands(commands), count);
        sent.map_err(|(why, submission)| match submission {
            Submission::Commands(commands) => (why, commands),
            Submission::Question(..) | Submission::FastPathConnection(_) => {
                unreachable!("commands were sent")
            }
        })
    }

    /// Has the sequencer read a line itself. When too much waits for it already, the line goes back to its connection.
    pub fn hand_off(&self, connection: FastPathConnection) {
        // It goes back when it is dropped.
        let _ = self.send(Submission::FastPathConnection(connection), 1);
    }

    fn send(&self, submission: Submission, count: usize) -> Result<(), (SubmitError, Submission)> {
        let waiting = &self.metrics.inbox;
        if waiting.add(count) > QUEUE_MAX as i64 {
            waiting.subtract(count);
            return Err((SubmitError::Busy, submission));
        }
        let sent = self.sender.queue.try_send((submission, Instant::now()));
        sent.map(|()| self.sender.wake_on_send.wake())
            .map_err(|error| {
                waiting.subtract(count);
                match error {
                    TrySendError::Full((submission, _)) => (SubmitError::Busy, submission),
                    TrySendError::Disconnected((submission, _)) => {
                        (SubmitError::Stopped, submission)
                    }
                }
            })
    }

    /// Submits, and waits for what comes of it.
    ///
    /// # Errors
    /// [`SubmitError`] as [`submit`](Self::submit), or when the journal failed before it was durable.
    pub async fn ask(&self, caller: Caller, work: Work) -> Result<Answer, SubmitError> {
        let (sender, receiver) = oneshot::channel();
        let question = Submission::Question(caller, work, sender);
        self.send(question, 1).map_err(|(why, _)| why)?;
        receiver.await.map_err(|_| SubmitError::Unknown)
    }
}

/// Wakes the sequencer, if it sleeps.
#[derive(Debug)]
struct WakeOnSend {
    waker: Waker,
    is_asleep: Arc<AtomicBool>,
}

impl WakeOnSend {
    fn wake(&self) {
        if self.is_asleep.swap(false, SeqCst) {
            self.waker.wake().expect("the system wakes threads");
        }
    }
}

impl Drop for WakeOnSend {
    fn drop(&mut self) {
        self.wake();
    }
}

/// The sequencer's end of the queue.
#[derive(Debug)]
pub(crate) struct QueueReceiver {
    queue: Receiver<(Submission, Instant)>,
    is_asleep: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl SequencerHandle {
    /// A queue whose reader, while it [sleeps](QueueReceiver::fall_asleep), is woken by `waker`.
    pub(crate) fn new(waker: Waker, metrics: Arc<Metrics>) -> (Self, QueueReceiver) {
        let (sender, queue) = sync_channel(QUEUE_MAX);
        let is_asleep = Arc::new(AtomicBool::new(false));
        let wake_on_send = WakeOnSend {
            waker,
            is_asleep: is_asleep.clone(),
        };
        let sender = QueueSender {
            queue: sender,
            wake_on_send,
        };
        let inbox = Self {
            sender: Arc::new(sender),
            metrics: metrics.clone(),
        };
        let receiver = QueueReceiver {
            queue,
            is_asleep,
            metrics,
        };
        (inbox, receiver)
    }
}

impl QueueReceiver {
    /// Takes what has queued, as soon as it is so much no more. `false`: there will be no more.
    pub(crate) fn take(&self, enough: usize, received: &mut Vec<(Submission, Instant)>) -> bool {
        let mut count = 0;
        let mut is_open = true;
        while count < enough {
            match self.queue.try_recv() {
                Ok(next) => {
                    count += next.0.count();
                    received.push(next);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    is_open = false;
                    break;
                }
            }
        }
        self.metrics.inbox.subtract(count);
        is_open
    }

    /// From here on whoever puts something in wakes the reader. Who came before has woken nobody: look once more.
    pub(crate) fn fall_asleep(&self) {
        self.is_asleep.store(true, SeqCst);
    }

    /// Nobody needs to wake the reader.
    pub(crate) fn wake_up(&self) {
        self.is_asleep.store(false, SeqCst);
    }
}
