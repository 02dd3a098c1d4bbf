//! The way to the sequencer: a bounded queue, and a bell that wakes it.

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

use crate::committer::Decision;
use crate::metrics::Metrics;
use crate::order_entry::Entrant;
use crate::teller::Teller;

/// How many commands and questions can wait; one more is answered `busy`.
pub const INBOX: usize = 8_192;

/// What is asked of the sequencer.
#[derive(Debug)]
pub(crate) enum Submission {
    /// One thing, by someone who waits for it.
    Question(Caller, Work, oneshot::Sender<Answer>),
    /// Commands of a connection.
    Commands(Commands),
    /// A line to read from now on.
    Entrant(Entrant),
}

/// Commands that a connection read at once. They are told together.
#[derive(Debug)]
pub struct Commands {
    /// The session that they are given in.
    pub session: SessionId,
    /// The number of each, and the command.
    pub commands: Vec<(RequestId, Command)>,
    /// Who is told. It [knows](Teller::begin) that they are under way.
    pub reply: Arc<Teller>,
}

impl Submission {
    /// How much it is.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Question(..) => 1,
            Self::Commands(commands) => commands.commands.len(),
            Self::Entrant(_) => 1,
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
    LeastWinning(Option<WinningThreshold>),
    /// What the trader owns.
    Balance(Box<Result<Balance, Reject>>),
    /// The trader's orders; `None`: there is no such lot.
    Orders(Option<Vec<OwnOrder>>),
    /// The record of the request, if it was accepted and is remembered.
    Record(Option<Sequence>),
}

/// Where submissions go in.
#[derive(Clone, Debug)]
pub struct Inbox {
    way: Arc<Way>,
    metrics: Arc<Metrics>,
}

/// The queue, and the bell at its end. They are dropped in this order: the sequencer ends when it is woken and finds
/// that nobody can put anything in any more.
#[derive(Debug)]
struct Way {
    queue: SyncSender<(Submission, Instant)>,
    bell: Bell,
}

/// Why a submission was not taken, or not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many wait already.
    Busy,
    /// The sequencer has ended; nothing was done.
    Stopped,
    /// The sequencer failed while it was at it: it may be in the journal, or not.
    Unknown,
}

impl Inbox {
    /// Submits commands without waiting.
    ///
    /// # Errors
    /// [`NotTaken`] when the inbox is full, or nobody reads it any more; and the commands.
    pub fn submit(&self, commands: Commands) -> Result<(), (NotTaken, Commands)> {
        let count = commands.commands.len();
        let sent = self.send(Submission::Commands(commands), count);
        sent.map_err(|(why, submission)| match submission {
            Submission::Commands(commands) => (why, commands),
            Submission::Question(..) | Submission::Entrant(_) => unreachable!("commands were sent"),
        })
    }

    /// Has the sequencer read a line itself. When too much waits for it already, the line goes back to its connection.
    pub fn enter(&self, entrant: Entrant) {
        // It goes back when it is dropped.
        let _ = self.send(Submission::Entrant(entrant), 1);
    }

    fn send(&self, submission: Submission, count: usize) -> Result<(), (NotTaken, Submission)> {
        let waiting = &self.metrics.inbox;
        if waiting.add(count) > INBOX as i64 {
            waiting.subtract(count);
            return Err((NotTaken::Busy, submission));
        }
        let sent = self.way.queue.try_send((submission, Instant::now()));
        sent.map(|()| self.way.bell.ring()).map_err(|error| {
            waiting.subtract(count);
            match error {
                TrySendError::Full((submission, _)) => (NotTaken::Busy, submission),
                TrySendError::Disconnected((submission, _)) => (NotTaken::Stopped, submission),
            }
        })
    }

    /// Submits, and waits for what comes of it.
    ///
    /// # Errors
    /// [`NotTaken`] as [`submit`](Self::submit), or when the journal failed before it was durable.
    pub async fn ask(&self, caller: Caller, work: Work) -> Result<Answer, NotTaken> {
        let (sender, receiver) = oneshot::channel();
        let question = Submission::Question(caller, work, sender);
        self.send(question, 1).map_err(|(why, _)| why)?;
        receiver.await.map_err(|_| NotTaken::Unknown)
    }
}

/// Wakes the sequencer, if it sleeps.
#[derive(Debug)]
struct Bell {
    waker: Waker,
    is_asleep: Arc<AtomicBool>,
}

impl Bell {
    fn ring(&self) {
        if self.is_asleep.swap(false, SeqCst) {
            self.waker.wake().expect("the system wakes threads");
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// The sequencer's end of the queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Receiver<(Submission, Instant)>,
    is_asleep: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl Inbox {
    /// A queue whose reader, while it [sleeps](Outbox::fall_asleep), is woken by `waker`.
    pub(crate) fn new(waker: Waker, metrics: Arc<Metrics>) -> (Self, Outbox) {
        let (sender, queue) = sync_channel(INBOX);
        let is_asleep = Arc::new(AtomicBool::new(false));
        let bell = Bell {
            waker,
            is_asleep: is_asleep.clone(),
        };
        let way = Way {
            queue: sender,
            bell,
        };
        let inbox = Self {
            way: Arc::new(way),
            metrics: metrics.clone(),
        };
        let outbox = Outbox {
            queue,
            is_asleep,
            metrics,
        };
        (inbox, outbox)
    }
}

impl Outbox {
    /// Takes what has queued, as soon as it is so much no more. `false`: there will be no more.
    pub(crate) fn take(&self, enough: usize, taken: &mut Vec<(Submission, Instant)>) -> bool {
        let mut count = 0;
        let mut is_open = true;
        while count < enough {
            match self.queue.try_recv() {
                Ok(next) => {
                    count += next.0.count();
                    taken.push(next);
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
