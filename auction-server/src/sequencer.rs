//! The one writer: a thread that takes what has queued as one batch, decides it, makes it durable with one
//! sync, and tells. The next batch gathers meanwhile; there is no timer.
//!
//! What a connection read at once comes as one submission and is told as one answer: a queue is entered, and a thread
//! woken, once for all of it. The lines of those who do nothing but bid it [reads itself](crate::order_entry).

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auction_core::{Caller, Command, RequestId, SessionId, Timestamp};
use tokio::sync::{oneshot, watch};

use crate::clock::{Clock, STANDSTILL};
use crate::committer::{BATCH_RECORDS_MAX, Committer};
use crate::credentials::Credentials;
use crate::funds;
use crate::hub::{HUB_WAITS_MAX, Hub};
use crate::inbox::{Answer, Commands, Inbox, Outbox, Submission, Work};
use crate::indicative;
use crate::metrics::Metrics;
use crate::opening::{OutagePolicy, extend_overdue};
use crate::order_entry::OrderEntry;
use crate::switches::Switches;
use crate::teller::{Decisions, Teller};

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
        outage: OutagePolicy,
    ) -> io::Result<Self> {
        let sequence = committer.engine().sequence().0;
        let (durable_sender, durable) = watch::channel(sequence);
        let (milestones_sender, milestones) = watch::channel(sequence);
        let order_entry = OrderEntry::new(metrics.clone())?;
        let (inbox, outbox) = Inbox::new(order_entry.waker()?, metrics.clone());
        let sequencer = Running {
            looked_at: clock.now(),
            outage,
            committer,
            outbox,
            order_entry,
            clock,
            credentials,
            switches,
            hub,
            hub_waits_since: None,
            durable: durable_sender,
            milestones: milestones_sender,
            metrics,
        };
        let builder = thread::Builder::new().name("sequencer".to_owned());
        let thread = builder.spawn(move || sequencer.run())?;
        Ok(Self {
            inbox,
            durable,
            milestones,
            thread,
        })
    }
}

struct Running {
    /// Time of the last look at the clock.
    looked_at: Timestamp,
    outage: OutagePolicy,
    committer: Committer,
    outbox: Outbox,
    order_entry: OrderEntry,
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
        let mut orders = Vec::new();
        let mut untold = Untold::default();
        loop {
            let open = self.gather(&mut batch);
            let taken_at = Instant::now();
            let now = self.clock.now();
            self.end_standstill(now)?;
            // What is due comes first, all of it, however many batches it fills.
            while self.committer.advance(now) {
                self.settle()?;
            }
            for (submission, submitted_at) in batch.drain(..) {
                let waited = taken_at.duration_since(submitted_at);
                let count = self.take(now, submission, &mut untold)?;
                self.metrics.queued.observe_time(waited, count);
            }
            self.take_orders(now, &mut orders, &mut untold)?;
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

    /// Treats a time in which this thread did not run as an outage, before what fell due in it is decided: those who bid
    /// meanwhile were not heard.
    fn end_standstill(&mut self, now: Timestamp) -> io::Result<()> {
        let stood_still = now.since(self.looked_at);
        self.looked_at = now;
        if stood_still <= STANDSTILL {
            return Ok(());
        }
        self.metrics.standstills.add_one();
        let extensions = self.outage.extensions(self.committer.engine(), now);
        tracing::warn!(
            seconds = stood_still.micros() / 1_000_000,
            extended_lots = extensions.len(),
            "the server stood still: lots that fell due meanwhile are extended or closed as on-outage says"
        );
        self.switches.begin_graces_anew();
        for (lot, closes_at) in extensions {
            self.make_room()?;
            extend_overdue(&mut self.committer, now, lot, closes_at);
        }
        Ok(())
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
                let decisions = self.decide(now, session, commands.into_iter())?;
                untold.connections.push((reply, decisions));
                count
            }
            Submission::Entrant(entrant) => {
                self.order_entry.enter(entrant);
                return Ok(0);
            }
        };
        untold.count += count;
        Ok(count)
    }

    /// Reads the lines that are ready, and decides what is asked there.
    fn take_orders(
        &mut self,
        now: Timestamp,
        orders: &mut Vec<(RequestId, Command)>,
        untold: &mut Untold,
    ) -> io::Result<()> {
        while untold.count < COMMANDS_AT_ONCE as u64
            && let Some((session, reply)) = self.order_entry.read(orders)
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
            untold.connections.push((reply, decisions));
            untold.count += count as u64;
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
            self.make_room()?;
            let caller = Caller::Session { session, request };
            decisions.push((request, self.committer.decide(now, caller, command)));
        }
        Ok(decisions)
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

    /// Waits for a first submission, a line with something to read, a deadline or a while; takes all that has queued.
    /// `false`: there will be no more.
    fn gather(&mut self, batch: &mut Vec<(Submission, Instant)>) -> bool {
        if !self.outbox.take(COMMANDS_AT_ONCE, batch) {
            return false;
        }
        if !batch.is_empty() || self.order_entry.is_ready() {
            self.order_entry.look();
            return true;
        }
        self.outbox.fall_asleep();
        let is_open = self.outbox.take(COMMANDS_AT_ONCE, batch);
        if is_open && batch.is_empty() {
            let patience = self.patience();
            self.order_entry.wait(patience);
        }
        self.outbox.wake_up();
        is_open && self.outbox.take(COMMANDS_AT_ONCE, batch)
    }

    /// How long nothing may happen.
    fn patience(&self) -> Duration {
        let idle = match self.committer.engine().next_deadline() {
            Some(due) => Duration::from_micros(due.since(self.clock.now()).micros()).min(IDLE_MAX),
            None => IDLE_MAX,
        };
        match self.hub_waits_since {
            Some(since) => idle.min(HUB_WAITS_MAX.saturating_sub(since.elapsed())),
            None => idle,
        }
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
