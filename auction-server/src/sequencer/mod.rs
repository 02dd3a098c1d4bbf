//! The one writer: a thread that takes what has queued as one batch, decides it, makes it durable with one
//! sync, and tells. The next batch gathers meanwhile; there is no timer.
//!
//! What a connection read at once comes as one submission and is told as one answer: a queue is entered, and a thread
//! woken, once for all of it. The lines of those who do nothing but bid it [reads itself](crate::sequencer::direct_read).

pub mod queue;
pub mod direct_read;
pub mod reply;
pub mod rate_limit;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auction_core::{Caller, Command, RequestId, SessionId, Timestamp};
use tokio::sync::{oneshot, watch};

use crate::market::balance;
use crate::market::credentials::Credentials;
use crate::market::dead_man::DeadManSwitches;
use crate::market::group_commit::{BATCH_RECORDS_MAX, GroupCommit};
use crate::market::indicative;
use crate::market::startup::{OutagePolicy, extend_overdue};
use crate::platform::clock::{Clock, STANDSTILL};
use crate::platform::metrics::Metrics;
use crate::projections::feed::{HUB_DELAY_MAX, Hub};
use crate::sequencer::direct_read::DirectReader;
use crate::sequencer::queue::{Commands, Question, QueueReceiver, SequencerHandle, Submission};
use crate::sequencer::reply::{Decisions, ReplyChannel};

/// After so many records those are told who need not know of each batch.
pub const MILESTONE_RECORDS: u64 = 1_000;
/// The thread looks at the clock at least this often: a timer may sleep through a suspended machine.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// How many commands are taken before they are committed, and one read more.
const COMMANDS_AT_ONCE: usize = BATCH_RECORDS_MAX as usize / 2;

/// The sequencer's thread and the ways to it.
#[derive(Debug)]
pub struct Sequencer {
    /// Where submissions go in. The thread ends when all clones of it are gone.
    pub handle: SequencerHandle,
    /// The last durable record.
    pub durable: watch::Receiver<u64>,
    /// The same, told once in [`MILESTONE_RECORDS`]: who waits for it is not woken by each batch.
    pub milestones: watch::Receiver<u64>,
    /// How the thread ends: with an error when the journal failed.
    pub thread: JoinHandle<io::Result<()>>,
}

impl Sequencer {
    /// Starts the thread. What has become durable goes to the credentials, the dead-man switches, the hub, and `durable`, in this
    /// order, before anyone is told. The hub is woken after that.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(
        group_commit: GroupCommit,
        clock: Arc<dyn Clock>,
        credentials: Arc<Credentials>,
        dead_man: Arc<DeadManSwitches>,
        hub: Hub,
        metrics: Arc<Metrics>,
        outage: OutagePolicy,
    ) -> io::Result<Self> {
        let sequence = group_commit.engine().sequence().0;
        let (durable_sender, durable) = watch::channel(sequence);
        let (milestones_sender, milestones) = watch::channel(sequence);
        let direct_reader = DirectReader::new(metrics.clone())?;
        let (handle, receiver) = SequencerHandle::new(direct_reader.waker()?, metrics.clone());
        let sequencer = Worker {
            looked_at: clock.now(),
            outage,
            group_commit,
            receiver,
            direct_reader,
            clock,
            credentials,
            dead_man,
            hub,
            hub_waits_since: None,
            durable: durable_sender,
            milestones: milestones_sender,
            metrics,
        };
        let builder = thread::Builder::new().name("sequencer".to_owned());
        let thread = builder.spawn(move || sequencer.run())?;
        Ok(Self {
            handle,
            durable,
            milestones,
            thread,
        })
    }
}

struct Worker {
    /// Time of the last look at the clock.
    looked_at: Timestamp,
    outage: OutagePolicy,
    group_commit: GroupCommit,
    receiver: QueueReceiver,
    direct_reader: DirectReader,
    clock: Arc<dyn Clock>,
    credentials: Arc<Credentials>,
    dead_man: Arc<DeadManSwitches>,
    hub: Hub,
    /// Since when the hub has not looked at what it was handed.
    hub_waits_since: Option<Instant>,
    durable: watch::Sender<u64>,
    milestones: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

/// What was decided and is told when it is durable.
#[derive(Default)]
struct PendingReplies {
    /// Answers to questions.
    answers: Vec<Box<dyn FnOnce() + Send>>,
    /// What each connection is told.
    connections: Vec<(Arc<ReplyChannel>, Decisions)>,
    count: u64,
    /// Where answers are encoded.
    buffer: Vec<u8>,
}

impl PendingReplies {
    /// Keeps the answer to a question.
    fn answer<T: Send + 'static>(&mut self, reply: oneshot::Sender<T>, answer: T) {
        // Ignore send errors: the requester may be gone.
        self.answers
            .push(Box::new(move || drop(reply.send(answer))));
    }

    /// Sends all of it.
    fn send(&mut self, durable_at: Instant, metrics: &Metrics) {
        for (reply, decisions) in self.connections.drain(..) {
            reply.send(decisions, durable_at, metrics, &mut self.buffer);
        }
        for answer in self.answers.drain(..) {
            answer();
        }
        self.count = 0;
    }
}

impl Worker {
    fn run(mut self) -> io::Result<()> {
        let mut batch = Vec::new();
        let mut orders = Vec::new();
        let mut pending = PendingReplies::default();
        loop {
            let open = self.receive(&mut batch);
            let taken_at = Instant::now();
            let now = self.clock.now();
            self.end_standstill(now)?;
            // What is due comes first, all of it, however many batches it fills.
            while self.group_commit.advance(now) {
                self.commit()?;
            }
            for (submission, submitted_at) in batch.drain(..) {
                let waited = taken_at.duration_since(submitted_at);
                let count = self.take(now, submission, &mut pending)?;
                self.metrics.queued.observe_time(waited, count);
            }
            self.take_orders(now, &mut orders, &mut pending)?;
            let decided_at = Instant::now();
            self.commit()?;
            let durable_at = Instant::now();
            if pending.count > 0 {
                let (deciding, syncing) = (decided_at - taken_at, durable_at - decided_at);
                self.metrics.decided.observe_time(deciding, pending.count);
                self.metrics.synced.observe_time(syncing, pending.count);
            }
            pending.send(durable_at, &self.metrics);
            self.wake_hub();
            if !open {
                return Ok(());
            }
        }
    }

    /// Treats a time in which this thread did not run as an outage, before what fell due in it is decided: those who bid
    /// meanwhile were not heard.
    fn end_standstill(&mut self, now: Timestamp) -> io::Result<()> {
        let stood_still = now.since(self.looked_at);
        self.looked_at = now;
        if stood_still <= STANDSTILL {
            return Ok(());
        }
        self.metrics.standstills.add_one();
        let extensions = self.outage.extensions(self.group_commit.engine(), now);
        tracing::warn!(
            seconds = stood_still.micros() / 1_000_000,
            extended_lots = extensions.len(),
            "the server stood still: lots that fell due meanwhile are extended or closed as on-outage says"
        );
        self.dead_man.begin_graces_anew();
        for (lot, closes_at) in extensions {
            self.commit_when_full()?;
            extend_overdue(&mut self.group_commit, now, lot, closes_at);
        }
        Ok(())
    }

    /// Decides what is asked. Gives how much it was.
    fn take(
        &mut self,
        now: Timestamp,
        submission: Submission,
        pending: &mut PendingReplies,
    ) -> io::Result<u64> {
        let count = match submission {
            Submission::Question(question) => {
                self.commit_when_full()?;
                self.answer(now, question, pending);
                1
            }
            Submission::Commands(Commands {
                session,
                commands,
                reply,
            }) => {
                let count = commands.len() as u64;
                let decisions = self.decide(now, session, commands.into_iter())?;
                pending.connections.push((reply, decisions));
                count
            }
            Submission::FastPathConnection(connection) => {
                self.direct_reader.enter(connection);
                return Ok(0);
            }
        };
        pending.count += count;
        Ok(count)
    }

    /// Reads the lines that are ready, and decides what is asked there.
    fn take_orders(
        &mut self,
        now: Timestamp,
        orders: &mut Vec<(RequestId, Command)>,
        pending: &mut PendingReplies,
    ) -> io::Result<()> {
        while pending.count < COMMANDS_AT_ONCE as u64
            && let Some((session, reply)) = self.direct_reader.read(orders)
        {
            if orders.is_empty() {
                continue;
            }
            let count = orders.len();
            reply.begin(count);
            self.metrics
                .queued
                .observe_time(Duration::ZERO, count as u64);
            let decisions = self.decide(now, session, orders.drain(..))?;
            pending.connections.push((reply, decisions));
            pending.count += count as u64;
        }
        Ok(())
    }

    fn decide(
        &mut self,
        now: Timestamp,
        session: SessionId,
        commands: impl ExactSizeIterator<Item = (RequestId, Command)>,
    ) -> io::Result<Decisions> {
        let mut decisions = Vec::with_capacity(commands.len());
        for (request, command) in commands {
            self.commit_when_full()?;
            let caller = Caller::Session { session, request };
            decisions.push((request, self.group_commit.decide(now, caller, command)));
        }
        Ok(decisions)
    }

    fn answer(&mut self, now: Timestamp, question: Question, pending: &mut PendingReplies) {
        let engine = self.group_commit.engine();
        match question {
            Question::Command(caller, command, reply) => {
                pending.answer(reply, self.group_commit.decide(now, caller, command));
            }
            Question::CommandBefore(caller, end, command, reply) => {
                let decided = if now < end {
                    Some(self.group_commit.decide(now, caller, command))
                } else {
                    self.group_commit.recall(caller, &command)
                };
                pending.answer(reply, decided);
            }
            Question::LastRequest(session, reply) => {
                let session = engine.roster().session(session);
                let last = session.map_or(RequestId(0), |session| session.last_request());
                pending.answer(reply, last);
            }
            Question::LeastWinning(lot, trader, reply) => {
                pending.answer(reply, engine.least_winning(lot, trader));
            }
            Question::Record(session, request, reply) => {
                let session = engine.roster().session(session);
                pending.answer(
                    reply,
                    session.and_then(|session| session.record_of(request)),
                );
            }
            Question::Balance(asker, asked, reply) => {
                pending.answer(reply, balance::balance(engine, asker, &asked));
            }
            Question::Orders(lot, trader, reply) => {
                pending.answer(reply, engine.orders_of(lot, trader));
            }
        }
    }

    /// Waits for a first submission, a line with something to read, a deadline or a while; takes all that has queued.
    /// `false`: there will be no more.
    fn receive(&mut self, batch: &mut Vec<(Submission, Instant)>) -> bool {
        if !self.receiver.take(COMMANDS_AT_ONCE, batch) {
            return false;
        }
        if !batch.is_empty() || self.direct_reader.is_ready() {
            self.direct_reader.look();
            return true;
        }
        self.receiver.fall_asleep();
        let is_open = self.receiver.take(COMMANDS_AT_ONCE, batch);
        if is_open && batch.is_empty() {
            let idle_time = self.idle_time();
            self.direct_reader.wait(idle_time);
        }
        self.receiver.wake_up();
        is_open && self.receiver.take(COMMANDS_AT_ONCE, batch)
    }

    /// How long nothing may happen.
    fn idle_time(&self) -> Duration {
        let idle = match self.group_commit.engine().next_deadline() {
            Some(due) => Duration::from_micros(due.since(self.clock.now()).micros()).min(IDLE_MAX),
            None => IDLE_MAX,
        };
        match self.hub_waits_since {
            Some(since) => idle.min(HUB_DELAY_MAX.saturating_sub(since.elapsed())),
            None => idle,
        }
    }

    /// Those who watch come after those who wait. Whoever asks the hub wakes it too, and finds there all that was handed
    /// to it.
    fn wake_hub(&mut self) {
        let Some(since) = self.hub_waits_since else {
            return;
        };
        if self.hub.is_watched() || since.elapsed() >= HUB_DELAY_MAX {
            self.hub_waits_since = None;
            self.hub.wake();
        }
    }

    /// Commits the batch at hand when no more fits into it.
    fn commit_when_full(&mut self) -> io::Result<()> {
        if self.group_commit.is_full() {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> io::Result<()> {
        if self.group_commit.pending() == 0 {
            // A batch says it itself.
            return self.group_commit.check();
        }
        let (records, begun_at) = (self.group_commit.pending(), Instant::now());
        let committed = self.group_commit.commit()?;
        self.metrics.sync_time.observe_time(begun_at.elapsed(), 1);
        self.metrics.batch_records.observe(records.into(), 1);
        self.credentials.on_commit(&committed);
        self.dead_man.on_commit(&committed);
        let sequence = committed.sequence.0;
        // The engine knows nothing now that is not durable.
        let indicatives = indicative::touched(self.group_commit.engine(), &committed.events);
        if !committed.events.is_empty() {
            self.hub.publish(committed.events, indicatives);
            self.hub_waits_since.get_or_insert_with(Instant::now);
        }
        self.durable.send_replace(sequence);
        if sequence >= *self.milestones.borrow() + MILESTONE_RECORDS {
            self.milestones.send_replace(sequence);
        }
        Ok(())
    }
}
