//! The one writer: a thread that takes what has queued as one batch, decides it, makes it durable with one
//! sync, and tells. The next batch gathers meanwhile; there is no timer.
//!
//! What a connection read at once comes as one submission and is told as one answer: a queue is entered, and a thread
//! woken, once for all of it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auction_core::{
    Caller, Command, LeastWinning, LotId, OwnOrder, Reject, RequestId, Sequence, SessionId,
    Timestamp, UserId,
};
use auction_proto::{Balance, GetBalance};
use tokio::sync::{oneshot, watch};

use crate::clock::Clock;
use crate::committer::{BATCH_RECORDS_MAX, Committer, Decision};
use crate::credentials::Credentials;
use crate::funds;
use crate::hub::{HUB_WAITS_MAX, Hub};
use crate::indicative;
use crate::metrics::Metrics;
use crate::switches::Switches;
use crate::teller::{Decisions, Teller};

/// How many commands and questions can wait; one more is answered `busy`.
pub const INBOX: usize = 8_192;
/// After so many records those are told who need not know of each batch.
pub const MILESTONE_RECORDS: u64 = 1_000;
/// The thread looks at the clock at least this often: a timer may sleep through a suspended machine.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// What is asked of the sequencer.
#[derive(Debug)]
enum Submission {
    /// One thing, by someone who waits for it.
    Question(Caller, Work, oneshot::Sender<Answer>),
    /// Commands of a connection.
    Commands(Commands),
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
    fn count(&self) -> usize {
        match self {
            Self::Question(..) => 1,
            Self::Commands(commands) => commands.commands.len(),
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
    /// Submits commands without waiting.
    ///
    /// # Errors
    /// [`NotTaken`] when the inbox is full, or nobody reads it any more; and the commands.
    pub fn submit(&self, commands: Commands) -> Result<(), (NotTaken, Commands)> {
        let count = commands.commands.len();
        let sent = self.send(Submission::Commands(commands), count);
        sent.map_err(|(why, submission)| match submission {
            Submission::Commands(commands) => (why, commands),
            Submission::Question(..) => unreachable!("commands were sent"),
        })
    }

    fn send(&self, submission: Submission, count: usize) -> Result<(), (NotTaken, Submission)> {
        let waiting = &self.metrics.inbox;
        if waiting.add(count) > INBOX as i64 {
            waiting.subtract(count);
            return Err((NotTaken::Busy, submission));
        }
        let sent = self.queue.try_send((submission, Instant::now()));
        sent.map_err(|error| {
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

/// The sequencer's thread and the ways to it.
#[derive(Debug)]
pub struct Sequencer {
    /// Where submissions go in. The thread ends when all clones of it are gone.
    pub inbox: Inbox,
    /// The last durable record.
    pub durable: watch::Receiver<u64>,
    /// The same, told once in [`MILESTONE_RECORDS`]: who waits for it is not woken by each batch.
    pub milestones: watch::Receiver<u64>,
    /// How the thread ends: with an error when the journal failed.
    pub thread: JoinHandle<io::Result<()>>,
}

impl Sequencer {
    /// Starts the thread. What has become durable goes to the credentials, the switches, the hub, and `durable`, in this
    /// order, before anyone is told. The hub is woken after that.
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
        let sequence = committer.engine().sequence().0;
        let (durable_sender, durable) = watch::channel(sequence);
        let (milestones_sender, milestones) = watch::channel(sequence);
        let sequencer = Running {
            committer,
            inbox,
            clock,
            credentials,
            switches,
            hub,
            hub_waits_since: None,
            durable: durable_sender,
            milestones: milestones_sender,
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
            milestones,
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
    /// Since when the hub has not looked at what it was handed.
    hub_waits_since: Option<Instant>,
    durable: watch::Sender<u64>,
    milestones: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

/// What was decided and is told when it is durable.
#[derive(Default)]
struct Untold {
    /// What each of those who wait is told.
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// What each connection is told.
    connections: Vec<(Arc<Teller>, Decisions)>,
    count: u64,
    /// Where answers are encoded.
    buffer: Vec<u8>,
}

impl Untold {
    /// Tells all of it. Who has left need not be told.
    fn tell(&mut self, durable_at: Instant, metrics: &Metrics) {
        for (reply, decisions) in self.connections.drain(..) {
            reply.tell(decisions, durable_at, metrics, &mut self.buffer);
        }
        for (reply, answer) in self.answers.drain(..) {
            let _ = reply.send(answer);
        }
        self.count = 0;
    }
}

impl Running {
    fn run(mut self) -> io::Result<()> {
        let mut batch = Vec::new();
        let mut untold = Untold::default();
        loop {
            let open = self.gather(&mut batch);
            let taken_at = Instant::now();
            let now = self.clock.now();
            // What is due comes first, all of it, however many batches it fills.
            while self.committer.advance(now) {
                self.settle()?;
            }
            for (submission, submitted_at) in batch.drain(..) {
                let waited = taken_at.duration_since(submitted_at);
                let count = self.take(now, submission, &mut untold)?;
                self.metrics.queued.observe_time(waited, count);
            }
            let decided_at = Instant::now();
            self.settle()?;
            let durable_at = Instant::now();
            if untold.count > 0 {
                let (deciding, syncing) = (decided_at - taken_at, durable_at - decided_at);
                self.metrics.decided.observe_time(deciding, untold.count);
                self.metrics.synced.observe_time(syncing, untold.count);
            }
            untold.tell(durable_at, &self.metrics);
            self.wake_hub();
            if !open {
                return Ok(());
            }
        }
    }

    /// Decides what is asked. Gives how much it was.
    fn take(
        &mut self,
        now: Timestamp,
        submission: Submission,
        untold: &mut Untold,
    ) -> io::Result<u64> {
        let count = match submission {
            Submission::Question(caller, work, reply) => {
                self.make_room()?;
                let answer = self.answer(now, caller, work);
                untold.answers.push((reply, answer));
                1
            }
            Submission::Commands(Commands {
                session,
                commands,
                reply,
            }) => {
                let count = commands.len() as u64;
                let mut decisions = Vec::with_capacity(commands.len());
                for (request, command) in commands {
                    self.make_room()?;
                    let caller = Caller::Session { session, request };
                    decisions.push((request, self.committer.decide(now, caller, command)));
                }
                untold.connections.push((reply, decisions));
                count
            }
        };
        untold.count += count;
        Ok(count)
    }

    fn answer(&mut self, now: Timestamp, caller: Caller, work: Work) -> Answer {
        let engine = self.committer.engine();
        match work {
            Work::Command(command) => Answer::Decided(self.committer.decide(now, caller, command)),
            Work::Before(end, command) => Answer::Before(if now < end {
                Some(self.committer.decide(now, caller, command))
            } else {
                self.committer.recall(caller, &command)
            }),
            Work::LastRequest(session) => {
                let session = engine.roster().session(session);
                let last = session.map_or(RequestId(0), |session| session.last_request());
                Answer::LastRequest(last)
            }
            Work::LeastWinning(lot, trader) => {
                Answer::LeastWinning(engine.least_winning(lot, trader))
            }
            Work::Record(session, request) => {
                let session = engine.roster().session(session);
                Answer::Record(session.and_then(|session| session.record_of(request)))
            }
            Work::Balance(asker, asked) => {
                Answer::Balance(Box::new(funds::balance(engine, asker, &asked)))
            }
            Work::Orders(lot, trader) => Answer::Orders(engine.orders_of(lot, trader)),
        }
    }

    /// Waits for a first submission, a deadline or a while; takes all that has queued. `false`: there will be
    /// no more.
    fn gather(&self, batch: &mut Vec<(Submission, Instant)>) -> bool {
        let wait = match self.committer.engine().next_deadline() {
            Some(due) => Duration::from_micros(due.since(self.clock.now()).micros()).min(IDLE_MAX),
            None => IDLE_MAX,
        };
        let wait = match self.hub_waits_since {
            Some(since) => wait.min(HUB_WAITS_MAX.saturating_sub(since.elapsed())),
            None => wait,
        };
        let mut count = 0;
        match self.inbox.recv_timeout(wait) {
            Ok(first) => {
                count += first.0.count();
                batch.push(first);
            }
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        while count < BATCH_RECORDS_MAX as usize / 2
            && let Ok(next) = self.inbox.try_recv()
        {
            count += next.0.count();
            batch.push(next);
        }
        self.metrics.inbox.subtract(count);
        true
    }

    /// Those who watch come after those who wait. Whoever asks the hub wakes it too, and finds there all that was handed
    /// to it.
    fn wake_hub(&mut self) {
        let Some(since) = self.hub_waits_since else {
            return;
        };
        if self.hub.is_watched() || since.elapsed() >= HUB_WAITS_MAX {
            self.hub_waits_since = None;
            self.hub.wake();
        }
    }

    /// Commits the batch at hand when no more fits into it.
    fn make_room(&mut self) -> io::Result<()> {
        if self.committer.is_full() {
            self.settle()?;
        }
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        if self.committer.pending() == 0 {
            // A batch says it itself.
            return self.committer.check();
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
        if !settled.events.is_empty() {
            self.hub.hand(settled.events, indicatives);
            self.hub_waits_since.get_or_insert_with(Instant::now);
        }
        self.durable.send_replace(sequence);
        if sequence >= *self.milestones.borrow() + MILESTONE_RECORDS {
            self.milestones.send_replace(sequence);
        }
        Ok(())
    }
}
