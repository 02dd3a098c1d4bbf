//! The one writer: a thread that takes what has queued as one batch, decides it, makes it durable with one
//! sync, and tells. The next batch gathers meanwhile; there is no timer.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auction_core::{
    Caller, Command, LeastWinning, LotId, OwnOrder, Reject, RequestId, Sequence, SessionId, UserId,
};
use auction_proto::{Balance, GetBalance};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::committer::{BATCH_RECORDS_MAX, Committer, Decision};
use crate::credentials::Credentials;
use crate::funds;
use crate::hub::Hub;
use crate::indicative;
use crate::metrics::Metrics;
use crate::switches::Switches;

/// How many submissions can wait; one more is answered `busy`.
pub const INBOX: usize = 8_192;
/// The thread looks at the clock at least this often: a timer may sleep through a suspended machine.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// What is asked of the sequencer.
#[derive(Debug)]
pub struct Submission {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub work: Work,
    /// Who is told.
    pub reply: ReplyTo,
}

/// What is asked.
#[derive(Debug)]
pub enum Work {
    /// A command to decide.
    Command(Command),
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

/// Who is told what came of a submission.
#[derive(Debug)]
pub enum ReplyTo {
    /// A connection, and its number for the request. Its queue has room, for a connection has no more requests
    /// under way than its queue holds.
    Connection(mpsc::Sender<Told>, RequestId),
    /// Whoever waits.
    Waiting(oneshot::Sender<Answer>),
}

/// What a connection is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its number for the request.
    pub request: RequestId,
    /// What came of it.
    pub answer: Answer,
    /// When that was durable.
    pub durable_at: Instant,
}

impl ReplyTo {
    fn tell(self, answer: Answer, durable_at: Instant) {
        // Who has left need not be told.
        match self {
            Self::Connection(sender, request) => {
                let told = Told {
                    request,
                    answer,
                    durable_at,
                };
                let _ = sender.try_send(told);
            }
            Self::Waiting(sender) => drop(sender.send(answer)),
        }
    }
}

/// Where submissions go in.
#[derive(Clone, Debug)]
pub struct Inbox {
    queue: SyncSender<(Submission, Instant)>,
    metrics: Arc<Metrics>,
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
    /// Submits without waiting.
    ///
    /// # Errors
    /// [`NotTaken`] when the inbox is full, or nobody reads it any more.
    pub fn submit(&self, submission: Submission) -> Result<(), NotTaken> {
        self.metrics.inbox.add(1);
        let sent = self.queue.try_send((submission, Instant::now()));
        sent.map_err(|error| {
            self.metrics.inbox.subtract(1);
            match error {
                TrySendError::Full(_) => NotTaken::Busy,
                TrySendError::Disconnected(_) => NotTaken::Stopped,
            }
        })
    }

    /// Submits, and waits for what comes of it.
    ///
    /// # Errors
    /// [`NotTaken`] as [`submit`](Self::submit), or when the journal failed before it was durable.
    pub async fn ask(&self, caller: Caller, work: Work) -> Result<Answer, NotTaken> {
        let (sender, receiver) = oneshot::channel();
        self.submit(Submission {
            caller,
            work,
            reply: ReplyTo::Waiting(sender),
        })?;
        receiver.await.map_err(|_| NotTaken::Unknown)
    }
}

/// The sequencer's thread and the ways to it.
#[derive(Debug)]
pub struct Sequencer {
    /// Where submissions go in. The thread ends when all clones of it are gone.
    pub inbox: Inbox,
    /// The last durable record.
    pub durable: watch::Receiver<u64>,
    /// How the thread ends: with an error when the journal failed.
    pub thread: JoinHandle<io::Result<()>>,
}

impl Sequencer {
    /// Starts the thread. What has become durable goes to the credentials, the switches, the hub, and `durable`, in this
    /// order, before anyone is told.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(
        committer: Committer,
        clock: Arc<dyn Clock>,
        credentials: Arc<Credentials>,
        switches: Arc<Switches>,
        hub: Hub,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let (sender, inbox) = sync_channel(INBOX);
        let (durable_sender, durable) = watch::channel(committer.engine().sequence().0);
        let sequencer = Running {
            committer,
            inbox,
            clock,
            credentials,
            switches,
            hub,
            durable: durable_sender,
            metrics: metrics.clone(),
        };
        let builder = thread::Builder::new().name("sequencer".to_owned());
        let thread = builder.spawn(move || sequencer.run())?;
        Ok(Self {
            inbox: Inbox {
                queue: sender,
                metrics,
            },
            durable,
            thread,
        })
    }
}

struct Running {
    committer: Committer,
    inbox: Receiver<(Submission, Instant)>,
    clock: Arc<dyn Clock>,
    credentials: Arc<Credentials>,
    switches: Arc<Switches>,
    hub: Hub,
    durable: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

impl Running {
    fn run(mut self) -> io::Result<()> {
        let mut batch = Vec::new();
        let mut told = Vec::new();
        loop {
            let open = self.gather(&mut batch);
            let taken_at = Instant::now();
            let now = self.clock.now();
            // What is due comes first, all of it, however many batches it fills.
            while self.committer.advance(now) {
                self.settle()?;
            }
            for (submission, submitted_at) in batch.drain(..) {
                let Submission {
                    caller,
                    work,
                    reply,
                } = submission;
                let waited = taken_at.duration_since(submitted_at);
                self.metrics.queued.observe_time(waited, 1);
                if self.committer.is_full() {
                    self.settle()?;
                }
                let answer = match work {
                    Work::Command(command) => {
                        Answer::Decided(self.committer.decide(now, caller, command))
                    }
                    Work::LastRequest(session) => {
                        let session = self.committer.engine().roster().session(session);
                        let last = session.map_or(RequestId(0), |session| session.last_request());
                        Answer::LastRequest(last)
                    }
                    Work::LeastWinning(lot, trader) => {
                        Answer::LeastWinning(self.committer.engine().least_winning(lot, trader))
                    }
                    Work::Record(session, request) => {
                        let session = self.committer.engine().roster().session(session);
                        Answer::Record(session.and_then(|session| session.record_of(request)))
                    }
                    Work::Balance(asker, asked) => {
                        let told = funds::balance(self.committer.engine(), asker, &asked);
                        Answer::Balance(Box::new(told))
                    }
                    Work::Orders(lot, trader) => {
                        Answer::Orders(self.committer.engine().orders_of(lot, trader))
                    }
                };
                told.push((reply, answer));
            }
            let (decided_at, count) = (Instant::now(), told.len() as u64);
            self.settle()?;
            let durable_at = Instant::now();
            if count > 0 {
                let (deciding, syncing) = (decided_at - taken_at, durable_at - decided_at);
                self.metrics.decided.observe_time(deciding, count);
                self.metrics.synced.observe_time(syncing, count);
            }
            told.drain(..)
                .for_each(|(reply, answer)| reply.tell(answer, durable_at));
            if !open {
                return Ok(());
            }
        }
    }

    /// Waits for a first submission, a deadline or a while; takes all that has queued. `false`: there will be
    /// no more.
    fn gather(&self, batch: &mut Vec<(Submission, Instant)>) -> bool {
        let wait = match self.committer.engine().next_deadline() {
            Some(due) => Duration::from_micros(due.since(self.clock.now()).micros()).min(IDLE_MAX),
            None => IDLE_MAX,
        };
        match self.inbox.recv_timeout(wait) {
            Ok(first) => batch.push(first),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        batch.extend(self.inbox.try_iter().take(BATCH_RECORDS_MAX as usize / 2));
        self.metrics.inbox.subtract(batch.len());
        true
    }

    fn settle(&mut self) -> io::Result<()> {
        if self.committer.pending() == 0 {
            return Ok(());
        }
        let (records, begun_at) = (self.committer.pending(), Instant::now());
        let settled = self.committer.commit()?;
        self.metrics.sync_time.observe_time(begun_at.elapsed(), 1);
        self.metrics.batch_records.observe(records.into(), 1);
        self.credentials.settle(&settled);
        self.switches.settle(&settled);
        let sequence = settled.sequence.0;
        // The engine knows nothing now that is not durable.
        let indicatives = indicative::touched(self.committer.engine(), &settled.events);
        self.hub.settled(settled.events, indicatives);
        self.durable.send_replace(sequence);
        Ok(())
    }
}
