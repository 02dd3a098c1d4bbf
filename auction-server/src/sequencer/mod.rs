//! The single writer: a thread that takes the queued submissions as one batch, decides them, makes them durable with
//! one sync, and replies. The next batch gathers meanwhile; there is no timer.
//!
//! The commands that a connection read at once are one submission and get one answer: one queue operation and one
//! wake-up for all of them. Connections that send nothing but bids are [read directly](crate::sequencer::direct_read).

pub mod queue;
pub mod direct_read;
pub mod reply;
pub mod rate_limit;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auction_core::{Caller, Command, Reject, RequestId, SessionId, Timestamp};
use tokio::sync::{oneshot, watch};

use crate::market::balance;
use crate::market::credentials::Credentials;
use crate::market::dead_man::DeadManSwitches;
use crate::market::group_commit::{BATCH_RECORDS_MAX, GroupCommit};
use crate::market::indicative;
use crate::market::startup::{OutagePolicy, extend_overdue, halt_day, resume_day};
use crate::platform::clock::{Clock, STANDSTILL};
use crate::platform::metrics::Metrics;
use crate::projections::feed::{HUB_DELAY_MAX, Hub};
use crate::sequencer::direct_read::DirectReader;
use crate::sequencer::queue::{Commands, Question, QueueReceiver, SequencerHandle, Submission};
use crate::sequencer::reply::{Decisions, ReplyChannel};

/// Number of records after which watchers of milestones are notified; they do not need every batch.
pub const MILESTONE_RECORDS: u64 = 1_000;
/// The thread looks at the clock at least this often: a timer may sleep through a suspended machine.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// Maximum number of commands taken before a commit, beyond which at most one more read is added.
const COMMANDS_AT_ONCE: usize = BATCH_RECORDS_MAX as usize / 2;

/// The sequencer's thread, and the channels to and from it.
#[derive(Debug)]
pub struct Sequencer {
    /// Handle for submissions. The thread ends when all clones of it are dropped.
    pub handle: SequencerHandle,
    /// The last durable record.
    pub durable: watch::Receiver<u64>,
    /// The same, updated once per [`MILESTONE_RECORDS`]: a task that waits for it is not woken by each batch.
    pub milestones: watch::Receiver<u64>,
    /// The thread; it returns an error when the journal failed.
    pub thread: JoinHandle<io::Result<()>>,
}

impl Sequencer {
    /// Starts the thread. Durable events go to the credentials, the dead-man switches, the hub, and `durable`, in this
    /// order, before any reply. The hub is woken after that.
    ///
    /// # Errors
    /// When the system cannot start a thread.
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
    /// Time since when the hub has events that it was not woken for.
    hub_waits_since: Option<Instant>,
    durable: watch::Sender<u64>,
    milestones: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

/// Decisions and answers that are sent when they are durable.
#[derive(Default)]
struct PendingReplies {
    /// Answers to questions.
    answers: Vec<Box<dyn FnOnce() + Send>>,
    /// Decisions by connection.
    connections: Vec<(Arc<ReplyChannel>, Decisions)>,
    count: u64,
    /// Buffer for encoding replies.
    buffer: Vec<u8>,
}

impl PendingReplies {
    /// Keeps the answer to a question.
    fn answer<T: Send + 'static>(&mut self, reply: oneshot::Sender<T>, answer: T) {
        // Ignore send errors: the requester may be gone.
        self.answers
            .push(Box::new(move || drop(reply.send(answer))));
    }

    /// Sends all decisions and answers.
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
            // Due timers come first, all of them, even if they fill several batches.
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

    /// Treats a time in which this thread did not run as an outage, before it decides timers that fell due in it: bids
    /// sent meanwhile were not received.
    fn end_standstill(&mut self, now: Timestamp) -> io::Result<()> {
        let last_look = std::mem::replace(&mut self.looked_at, now);
        let stood_still = now.since(last_look);
        if stood_still <= STANDSTILL {
            return Ok(());
        }
        self.metrics.standstills.add_one();
        let engine = self.group_commit.engine();
        let extensions = self.outage.extensions(engine, now);
        let days = self.outage.halts(engine, now);
        let since = engine.at().max(last_look);
        tracing::warn!(
            seconds = stood_still.micros() / 1_000_000,
            extended_lots = extensions.len() + days.len(),
            "the server stood still: lots that fell due meanwhile are extended or closed as on-outage says"
        );
        self.dead_man.begin_graces_anew();
        for lot in &days {
            self.commit_when_full()?;
            halt_day(&mut self.group_commit, since, *lot);
        }
        for lot in days {
            self.commit_when_full()?;
            resume_day(&mut self.group_commit, now, lot);
        }
        for (lot, closes_at) in extensions {
            self.commit_when_full()?;
            extend_overdue(&mut self.group_commit, now, lot, closes_at);
        }
        Ok(())
    }

    /// Decides a submission. Returns the number of its commands.
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

    /// Reads the ready connections, and decides their commands.
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
                let session = engine.sessions().session(session);
                let last = session.map_or(RequestId(0), |session| session.last_request());
                pending.answer(reply, last);
            }
            Question::WinningThreshold(lot, trader, reply) => {
                let least = engine.winning_threshold(lot, trader);
                let least = least.ok_or_else(|| match engine.market().lot(lot) {
                    Some(open) => Reject::NotDue {
                        closes_at: open.closes_at,
                    },
                    None => Reject::UnknownLot { lot },
                });
                pending.answer(reply, least);
            }
            Question::Record(session, request, reply) => {
                let session = engine.sessions().session(session);
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

    /// Waits for a submission, a connection with input, a deadline or the end of the idle time; then takes all queued
    /// submissions. Returns `false` when there will be no more.
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

    /// Returns the maximum time to sleep.
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

    /// Wakes the hub when someone watches or its delay is over: after the replies. A question to the hub wakes it too,
    /// so that its answer includes all published events.
    fn wake_hub(&mut self) {
        let Some(since) = self.hub_waits_since else {
            return;
        };
        if self.hub.is_watched() || since.elapsed() >= HUB_DELAY_MAX {
            self.hub_waits_since = None;
            self.hub.wake();
        }
    }

    /// Commits the current batch if it is full.
    fn commit_when_full(&mut self) -> io::Result<()> {
        if self.group_commit.is_full() {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> io::Result<()> {
        if self.group_commit.pending() == 0 {
            // The commit of a batch would report a journal failure itself.
            return self.group_commit.check();
        }
        let (records, begun_at) = (self.group_commit.pending(), Instant::now());
        let committed = self.group_commit.commit()?;
        self.metrics.sync_time.observe_time(begun_at.elapsed(), 1);
        self.metrics.batch_records.observe(records.into(), 1);
        self.credentials.on_commit(&committed);
        self.dead_man.on_commit(&committed);
        let sequence = committed.sequence.0;
        // The engine's whole state is durable now.
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
