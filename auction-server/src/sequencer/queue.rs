//! The bounded queue into the sequencer, and the handle that submits to it and wakes its reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Instant;

use auction_core::{
    Caller, Command, LotId, OwnOrder, Reject, RequestId, Sequence, SessionId, Timestamp, UserId,
    WinningThreshold,
};
use auction_proto::{Balance, GetBalance};
use mio::Waker;
use tokio::sync::oneshot;

use crate::market::group_commit::Decision;
use crate::platform::metrics::Metrics;
use crate::sequencer::direct_read::FastPathConnection;
use crate::sequencer::reply::ReplyChannel;

/// Maximum number of commands and questions that wait; one more is answered `busy`.
pub const QUEUE_MAX: usize = 8_192;

/// A submission to the sequencer.
#[derive(Debug)]
pub(crate) enum Submission {
    /// A question whose sender waits for the answer.
    Question(Question),
    /// Commands of a connection.
    Commands(Commands),
    /// A connection for the sequencer to read itself from now on.
    FastPathConnection(FastPathConnection),
}

/// Commands that a connection read at once. They get one answer.
#[derive(Debug)]
pub struct Commands {
    /// Session of the commands.
    pub session: SessionId,
    /// The commands, each with its request number.
    pub commands: Vec<(RequestId, Command)>,
    /// Channel for the replies. It already [counts](ReplyChannel::begin) them as under way.
    pub reply: Arc<ReplyChannel>,
}

impl Submission {
    /// Returns its size: the number of commands and questions.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Question(_) => 1,
            Self::Commands(commands) => commands.commands.len(),
            Self::FastPathConnection(_) => 1,
        }
    }
}

/// A question. Its answer is sent once all earlier decisions are durable.
#[derive(Debug)]
pub(crate) enum Question {
    /// Decide a command.
    Command(Caller, Command, oneshot::Sender<Decision>),
    /// Decide a command of a session unless it is this late already; then answer `None`. The outcome of a request that
    /// was decided before is sent in any case.
    CommandBefore(
        Caller,
        Timestamp,
        Command,
        oneshot::Sender<Option<Decision>>,
    ),
    /// The highest number of an accepted request of a session.
    LastRequest(SessionId, oneshot::Sender<RequestId>),
    /// The price that a trader would have needed to win a lot; `None` before its close.
    WinningThreshold(
        LotId,
        UserId,
        oneshot::Sender<Result<WinningThreshold, Reject>>,
    ),
    /// A trader's balance, as far as this user may see it.
    Balance(UserId, GetBalance, oneshot::Sender<Result<Balance, Reject>>),
    /// A trader's own orders on a lot; `None` if the lot does not exist.
    Orders(LotId, UserId, oneshot::Sender<Option<Vec<OwnOrder>>>),
    /// The record of a request of a session, if it was accepted and is remembered.
    Record(SessionId, RequestId, oneshot::Sender<Option<Sequence>>),
}

/// Handle for submissions.
#[derive(Clone, Debug)]
pub struct SequencerHandle {
    sender: Arc<QueueSender>,
    metrics: Arc<Metrics>,
}

/// The queue and the waker of its reader. They are dropped in this order: the sequencer is woken, finds the queue
/// closed, and ends.
#[derive(Debug)]
struct QueueSender {
    queue: SyncSender<(Submission, Instant)>,
    wake_on_send: WakeOnSend,
}

/// Reason why a submission was not taken, or not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The queue is full.
    Busy,
    /// The sequencer has ended; nothing was done.
    Stopped,
    /// The sequencer failed during the submission: the command may be in the journal, or not.
    Unknown,
}

impl SequencerHandle {
    /// Submits commands without waiting.
    ///
    /// # Errors
    /// [`SubmitError`], with the commands, when the queue is full or the sequencer has ended.
    pub fn submit(&self, commands: Commands) -> Result<(), (SubmitError, Commands)> {
        let count = commands.commands.len();
        let sent = self.send(Submission::Commands(commands), count);
        sent.map_err(|(why, submission)| match submission {
            Submission::Commands(commands) => (why, commands),
            Submission::Question(_) | Submission::FastPathConnection(_) => {
                unreachable!("commands were sent")
            }
        })
    }

    /// Lets the sequencer read a connection itself. When its queue is full, the connection is returned to its task.
    pub fn hand_off(&self, connection: FastPathConnection) {
        // On failure the drop returns it.
        let _ = self.send(Submission::FastPathConnection(connection), 1);
    }

    #[expect(
        clippy::result_large_err,
        reason = "a submission is returned only when the queue is full"
    )]
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

    /// Submits a command, and waits for its decision.
    ///
    /// # Errors
    /// [`SubmitError`] as [`submit`](Self::submit), or when the journal failed before the decision was durable; so for
    /// the questions below.
    pub async fn command(&self, caller: Caller, command: Command) -> Result<Decision, SubmitError> {
        self.ask(|reply| Question::Command(caller, command, reply))
            .await
    }

    /// Submits a command of a session that is decided before `end` or not at all. Returns `None` if it was too late;
    /// the outcome of a request that was decided before is returned all the same.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn command_before(
        &self,
        caller: Caller,
        end: Timestamp,
        command: Command,
    ) -> Result<Option<Decision>, SubmitError> {
        self.ask(|reply| Question::CommandBefore(caller, end, command, reply))
            .await
    }

    /// Returns the highest number of an accepted request of a session; 0 without one.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn last_request(&self, session: SessionId) -> Result<RequestId, SubmitError> {
        self.ask(|reply| Question::LastRequest(session, reply))
            .await
    }

    /// Returns the price that a trader would have needed to win a lot.
    ///
    /// # Errors
    /// [`SubmitError`]; the inner result is refused before the lot's close, and for a lot that does not exist.
    pub async fn least_winning(
        &self,
        lot: LotId,
        trader: UserId,
    ) -> Result<Result<WinningThreshold, Reject>, SubmitError> {
        self.ask(|reply| Question::WinningThreshold(lot, trader, reply))
            .await
    }

    /// Returns a trader's balance, as far as `asker` may see it.
    ///
    /// # Errors
    /// [`SubmitError`]; the inner result is the market's refusal.
    pub async fn balance(
        &self,
        asker: UserId,
        asked: GetBalance,
    ) -> Result<Result<Balance, Reject>, SubmitError> {
        self.ask(|reply| Question::Balance(asker, asked, reply))
            .await
    }

    /// Returns a trader's own orders on a lot; `None` if the lot does not exist.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn orders(
        &self,
        lot: LotId,
        trader: UserId,
    ) -> Result<Option<Vec<OwnOrder>>, SubmitError> {
        self.ask(|reply| Question::Orders(lot, trader, reply)).await
    }

    /// Returns the record of a request of a session, if it was accepted and is remembered.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn record_of(
        &self,
        session: SessionId,
        request: RequestId,
    ) -> Result<Option<Sequence>, SubmitError> {
        self.ask(|reply| Question::Record(session, request, reply))
            .await
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Submission::Question(question(reply)), 1)
            .map_err(|(why, _)| why)?;
        answer.await.map_err(|_| SubmitError::Unknown)
    }
}

/// Wakes the sequencer if it sleeps.
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
    /// Creates a queue whose reader, while it [sleeps](QueueReceiver::fall_asleep), is woken by `waker`.
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
    /// Takes queued submissions until they are at least `enough`. Returns `false` when there will be no more.
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

    /// Makes each later submission wake the reader. Earlier ones have not, so look at the queue once more after this.
    pub(crate) fn fall_asleep(&self) {
        self.is_asleep.store(true, SeqCst);
    }

    /// Stops submissions from waking the reader.
    pub(crate) fn wake_up(&self) {
        self.is_asleep.store(false, SeqCst);
    }
}
