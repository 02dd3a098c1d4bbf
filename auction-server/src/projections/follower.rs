//! The follower: a thread that reads the journal behind the market, and maintains data derived only from it:
//! `client.csv`, the newest bids of each lot, and each trader's own activity.
//!
//! The market never waits for it. It reads when asked or once a second, not at every commit. It takes only durable
//! records, so that a crash cannot take back what it shows. At a start it reads the journal from the beginning.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use auction_core::{LotId, Name, Price, Symbol, UserId};
use auction_proto::{Activity, ActivityPlace, GetTrades, History, Trades, decode_records};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use crate::config::data_dir::DataDir;
use crate::journal::{Disk, FrameView, JournalError, Reader, VisitError};
use crate::market::public_records;
use crate::platform::low_priority;
use crate::projections::activity::ActivityIndex;
use crate::projections::bid_history::{BIDS_KEPT_MAX, BidHistory};
use crate::projections::bids::{BidFinder, NamedBid};
use crate::projections::trades::TradeHistory;

/// Maximum number of questions that wait for the follower; one more is answered [`Busy`](HistoryError::Busy).
pub const QUESTIONS_MAX: usize = 256;
/// Shortest time between two writes of `client.csv`.
pub const CLIENT_CSV_EVERY: Duration = Duration::from_secs(1);
/// The pause after a write is this many times its duration: a file of a million rows takes a third of a second, and
/// keeps the disk busy that bids wait for.
pub const CLIENT_CSV_PAUSE: u32 = 20;

/// Starts the thread that follows the market.
#[derive(Debug)]
pub struct Follower;

/// Handle for questions about bids and activity.
#[derive(Clone, Debug)]
pub struct Histories(mpsc::Sender<Question>);

/// Reason why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Too many questions wait.
    #[error("too many ask for a history; try again")]
    Busy,
    /// The journal cannot be read now: the log has the reason.
    #[error("the history cannot be read now")]
    Unreadable,
}

#[derive(Debug)]
enum Question {
    History {
        lot: LotId,
        limit: usize,
        answer: oneshot::Sender<Result<Option<History>, HistoryError>>,
    },
    Activity {
        user: UserId,
        before: Option<ActivityPlace>,
        limit: u32,
        answer: oneshot::Sender<Result<Activity, HistoryError>>,
    },
    Trades {
        asked: GetTrades,
        answer: oneshot::Sender<Result<Option<Trades>, HistoryError>>,
    },
}

impl Histories {
    /// Returns the newest bids of a lot, at most `limit`, including every bid that was acknowledged before the
    /// question; `None` if the lot does not exist.
    ///
    /// # Errors
    /// [`HistoryError`]; the question may be repeated.
    pub async fn of(&self, lot: LotId, limit: usize) -> Result<Option<History>, HistoryError> {
        let (answer, answered) = oneshot::channel();
        let question = Question::History { lot, limit, answer };
        self.0.try_send(question).map_err(|_| HistoryError::Busy)?;
        answered.await.map_err(|_| HistoryError::Unreadable)?
    }

    /// Returns a page of the trades of a trading day, including every trade that was acknowledged before the question;
    /// `None` if the lot does not exist.
    ///
    /// # Errors
    /// [`HistoryError`]; the question may be repeated.
    pub async fn trades(&self, asked: GetTrades) -> Result<Option<Trades>, HistoryError> {
        let (answer, answered) = oneshot::channel();
        let question = Question::Trades { asked, answer };
        self.0.try_send(question).map_err(|_| HistoryError::Busy)?;
        answered.await.map_err(|_| HistoryError::Unreadable)?
    }

    /// Returns a page of a user's own activity, including everything that was acknowledged before the question. See
    /// [`ActivityIndex::page`]. Only that user may see it.
    ///
    /// # Errors
    /// [`HistoryError`]; the question may be repeated.
    pub async fn activity(
        &self,
        user: UserId,
        before: Option<ActivityPlace>,
        limit: u32,
    ) -> Result<Activity, HistoryError> {
        let (answer, answered) = oneshot::channel();
        let question = Question::Activity {
            user,
            before,
            limit,
            answer,
        };
        self.0.try_send(question).map_err(|_| HistoryError::Busy)?;
        answered.await.map_err(|_| HistoryError::Unreadable)?
    }
}

impl Follower {
    /// Follows the market of a data folder, whose journal already has its key. `durable` is the last durable record.
    /// The thread ends when all [`Histories`] and the sender of `durable` are dropped; `client.csv` then holds
    /// everything.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(
        disk: Arc<dyn Disk>,
        data: &DataDir,
        durable: watch::Receiver<u64>,
    ) -> io::Result<(JoinHandle<()>, Histories)> {
        let (sender, questions) = mpsc::channel(QUESTIONS_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let following = Subscription {
            source: Source {
                disk,
                journal: data.journal(),
                reader: None,
            },
            durable,
            state: State::new(BIDS_KEPT_MAX),
            read: 0,
            client: ClientCsv {
                path: data.client(),
                written: None,
                next_at: Instant::now(),
            },
            said: None,
        };
        let run = move || runtime.block_on(following.run(questions));
        let thread = low_priority::spawn("follower", run)?;
        Ok((thread, Histories(sender)))
    }
}

/// State derived from the journal.
#[derive(Debug)]
struct State {
    finder: BidFinder,
    /// Latest bid of each trader on each stock.
    latest: BTreeMap<(Name, Symbol), Price>,
    history: BidHistory,
    activity: ActivityIndex,
    trades: TradeHistory,
    /// Number of bids.
    bids: u64,
}

impl State {
    fn new(bids_kept_max: usize) -> Self {
        Self {
            finder: BidFinder::default(),
            latest: BTreeMap::new(),
            history: BidHistory::new(bids_kept_max),
            activity: ActivityIndex::default(),
            trades: TradeHistory::default(),
            bids: 0,
        }
    }

    fn history_of(&self, lot: LotId, limit: usize) -> Option<History> {
        let is_known = (1..=self.finder.lots()).contains(&(lot.0 as usize));
        is_known.then(|| self.history.of(lot, limit))
    }

    fn trades_of(&self, asked: &GetTrades) -> Option<Trades> {
        let is_known = (1..=self.finder.lots()).contains(&(asked.lot.0 as usize));
        is_known.then(|| self.trades.page(asked))
    }

    fn take(&mut self, frame: &FrameView<'_>) -> Result<(), JournalError> {
        let Self {
            finder,
            latest,
            history,
            activity,
            trades,
            bids,
        } = self;
        public_records::visit(frame, |record| {
            trades.take(&record);
            finder.take(&record, |bid: NamedBid| {
                latest.insert((bid.user, bid.symbol), bid.price());
                history.push(&bid);
                *bids += 1;
            })
        })?;
        let mut take_whole = || -> Result<(), VisitError> {
            decode_records(frame.public, frame.private)
                .try_for_each(|record| activity.take(&record?))
        };
        take_whole().map_err(|source| public_records::refused(frame, source))
    }
}

/// The journal.
struct Source {
    disk: Arc<dyn Disk>,
    journal: PathBuf,
    reader: Option<Reader>,
}

struct Subscription {
    source: Source,
    durable: watch::Receiver<u64>,
    state: State,
    /// The last record that `state` includes.
    read: u64,
    client: ClientCsv,
    /// The last logged fault: it is logged once, not every second.
    said: Option<String>,
}

impl Subscription {
    async fn run(mut self, mut questions: mpsc::Receiver<Question>) {
        let mut tick = tokio::time::interval(CLIENT_CSV_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => self.refresh(),
                question = questions.recv() => match question {
                    Some(question) => self.answer(question),
                    None => break,
                },
            }
        }
        // The last bids may not be on disk yet.
        while self.durable.changed().await.is_ok() {}
        self.client.next_at = Instant::now();
        self.refresh();
    }

    fn answer(&mut self, question: Question) {
        let state = match self.catch_up() {
            Ok(()) => Ok(&self.state),
            Err(error) => {
                self.say("the journal cannot be followed", &error);
                Err(HistoryError::Unreadable)
            }
        };
        // Ignore send errors: the requester may be gone.
        match question {
            Question::History { lot, limit, answer } => {
                drop(answer.send(state.map(|state| state.history_of(lot, limit))));
            }
            Question::Activity {
                user,
                before,
                limit,
                answer,
            } => {
                let page = state.map(|state| state.activity.page(user, before, limit));
                drop(answer.send(page));
            }
            Question::Trades { asked, answer } => {
                drop(answer.send(state.map(|state| state.trades_of(&asked))));
            }
        }
    }

    fn refresh(&mut self) {
        if let Err(error) = self.catch_up() {
            return self.say("the journal cannot be followed", &error);
        }
        match self.client.write(&self.state) {
            Ok(()) => self.said = None,
            Err(error) => self.say("client.csv cannot be written; it is tried again", &error),
        }
    }

    /// Reads up to the last durable record.
    fn catch_up(&mut self) -> Result<(), JournalError> {
        let durable = *self.durable.borrow();
        if self.read >= durable {
            return Ok(());
        }
        // After an error the reader may be past the last applied record: open it again there.
        let mut reader = match self.source.reader.take() {
            Some(reader) => reader,
            None => {
                let mut reader = Reader::open(self.source.disk.clone(), &self.source.journal)?;
                reader.seek(self.read + 1);
                reader
            }
        };
        while self.read < durable {
            let Some(frame) = reader.next_view()? else {
                break;
            };
            // A commit is one frame, so none extends past the last durable record.
            if let Err(error) = self.state.take(&frame) {
                // A part of the frame may have been applied, so the state cannot be trusted.
                self.state = State::new(BIDS_KEPT_MAX);
                self.read = 0;
                return Err(error);
            }
            self.read = frame.last();
        }
        self.source.reader = Some(reader);
        Ok(())
    }

    fn say(&mut self, what: &str, error: &dyn std::error::Error) {
        let fault = format!("{what}: {error}");
        if self.said.as_ref() != Some(&fault) {
            tracing::warn!("{fault}");
            self.said = Some(fault);
        }
    }
}

/// `client.csv`: `name,symbol,bit`.
struct ClientCsv {
    path: PathBuf,
    /// Number of bids in the file; `None`: it is from an earlier run.
    written: Option<u64>,
    next_at: Instant,
}

impl ClientCsv {
    /// Writes the file again under another name and renames it, if there are new bids and the pause is over.
    fn write(&mut self, state: &State) -> io::Result<()> {
        let begun_at = Instant::now();
        if self.written == Some(state.bids) || begun_at < self.next_at {
            return Ok(());
        }
        let aside = self.path.with_extension("csv.tmp");
        write_rows(&aside, &state.latest)?;
        // Not synced: after a power loss it is made again from the journal, whose syncs this would delay.
        std::fs::rename(&aside, &self.path)?;
        self.written = Some(state.bids);
        self.next_at = Instant::now() + begun_at.elapsed() * CLIENT_CSV_PAUSE;
        Ok(())
    }
}

fn write_rows(path: &Path, latest: &BTreeMap<(Name, Symbol), Price>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"name,symbol,bit\n")?;
    for ((name, symbol), price) in latest {
        // None of the three values can contain a comma or a quote, or be taken for a formula.
        writeln!(file, "{name},{symbol},{price}")?;
    }
    file.flush()
}
