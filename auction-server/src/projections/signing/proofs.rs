//! Checkpoints of the journal, and receipts for its records: a thread that follows the journal behind the market from
//! the first request on.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auction_core::{Actor, PrivateEvent, Sequence, UserId};
use auction_proto::limits::{RECEIPT_PRIVATE_BYTES_MAX, RECEIPT_RECORD_BYTES_MAX};
use auction_proto::merkle::{consistency_path, empty_root, inclusion_path, leaf_hash};
use auction_proto::record::{leaves, single_record};
use auction_proto::{
    Chain, Checkpoint, CheckpointStatement, Receipt, SignedCheckpoint, decode_records,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::Signer;
use super::tree::HashTree;
use crate::config::data_dir::DataDir;
use crate::journal::{Disk, JournalError, Reader};

/// Maximum number of questions that wait; one more is answered [`ProofError::Busy`].
pub const PROOFS_WAITING_MAX: usize = 256;
/// Shortest time between two checkpoints: their number reveals how much happens in secret.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// Time limit for a receipt to wait for a checkpoint that covers its record.
const CHECKPOINT_WAIT: Duration = Duration::from_secs(10);
/// Longest time that the journal is read before the next questions are answered.
const CATCH_UP_MAX: Duration = Duration::from_millis(500);

/// Handle for checkpoints and receipts.
#[derive(Clone, Debug)]
pub struct Proofs {
    questions: mpsc::Sender<Question>,
    newest: watch::Receiver<Checkpoint>,
}

/// Reason why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// Too many questions wait, or the journal is not read up to there yet. Ask again.
    Busy,
    /// The record does not exist, or it is not this user's.
    NotYours,
    /// The record exceeds the maximum size of a receipt.
    TooLarge,
    /// The journal has never been that long.
    BeyondEnd,
}

#[derive(Debug)]
enum Question {
    Begin,
    Checkpoint(
        Option<Sequence>,
        oneshot::Sender<Result<SignedCheckpoint, ProofError>>,
    ),
    Receipt(Wanted),
}

#[derive(Debug)]
struct Wanted {
    record: Sequence,
    user: UserId,
    asked_at: Instant,
    answer: oneshot::Sender<Result<Receipt, ProofError>>,
}

impl Proofs {
    pub(super) fn start(
        signer: Signer,
        disk: Arc<dyn Disk>,
        data: &DataDir,
        durable: watch::Receiver<u64>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, questions) = mpsc::channel(PROOFS_WAITING_MAX);
        let nothing = Checkpoint {
            sequence: Sequence(0),
            chain: Chain::genesis(signer.market).0,
            root: empty_root(),
        };
        let (newest, told) = watch::channel(nothing);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let following = Subscription {
            signer,
            disk,
            journal: data.journal(),
            hashes: data.hashes(),
            durable,
            reading: None,
            newest,
            next_at: None,
            waiting: VecDeque::new(),
            said: None,
        };
        let thread = thread::Builder::new().name("proofs".to_owned());
        let thread = thread.spawn(move || runtime.block_on(following.run(questions)))?;
        let proofs = Self {
            questions: sender,
            newest: told,
        };
        Ok((proofs, thread))
    }

    /// Returns the newest checkpoint. It advances from the first question on.
    #[must_use]
    pub fn newest(&self) -> Checkpoint {
        self.newest.borrow().clone()
    }

    /// Starts the making of checkpoints.
    pub fn begin(&self) {
        // If the queue is full, they have started already.
        let _ = self.questions.try_send(Question::Begin);
    }

    /// Returns the newest checkpoint, signed, with the proof that it extends an older one.
    ///
    /// # Errors
    /// [`ProofError`].
    pub async fn checkpoint(
        &self,
        since: Option<Sequence>,
    ) -> Result<SignedCheckpoint, ProofError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Checkpoint(since, answer))?;
        answered.await.map_err(|_| ProofError::Busy)?
    }

    /// Returns the receipt of a record that a user asked for, after the next checkpoint that covers it.
    ///
    /// # Errors
    /// [`ProofError`].
    pub async fn receipt(&self, record: Sequence, user: UserId) -> Result<Receipt, ProofError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Receipt(Wanted {
            record,
            user,
            asked_at: Instant::now(),
            answer,
        }))?;
        answered.await.map_err(|_| ProofError::Busy)?
    }

    fn ask(&self, question: Question) -> Result<(), ProofError> {
        let asked = self.questions.try_send(question);
        asked.map_err(|_| ProofError::Busy)
    }
}

/// The journal up to the last record read, and its tree.
struct Reading {
    reader: Reader,
    tree: HashTree,
    /// The last record in the tree, and the chain after it.
    read: u64,
    chain: Chain,
}

struct Subscription {
    signer: Signer,
    disk: Arc<dyn Disk>,
    journal: PathBuf,
    hashes: PathBuf,
    durable: watch::Receiver<u64>,
    reading: Option<Reading>,
    newest: watch::Sender<Checkpoint>,
    /// Time of the next checkpoint; `None`: there was no question yet.
    next_at: Option<Instant>,
    waiting: VecDeque<Wanted>,
    /// The last logged fault: it is logged once, not every second.
    said: Option<String>,
}

impl Subscription {
    async fn run(mut self, mut questions: mpsc::Receiver<Question>) {
        loop {
            let next_at = self.next_at.unwrap_or_else(Instant::now);
            tokio::select! {
                question = questions.recv() => match question {
                    Some(question) => self.take(question),
                    None => return,
                },
                () = sleep_until(next_at), if self.next_at.is_some() => self.renew(),
            }
        }
    }

    fn take(&mut self, question: Question) {
        if self.next_at.is_none() {
            self.renew();
        }
        match question {
            Question::Begin => {}
            // Ignore send errors: the requester may be gone.
            Question::Checkpoint(since, answer) => drop(answer.send(self.checkpoint(since))),
            Question::Receipt(wanted) if wanted.record <= self.newest.borrow().sequence => {
                let receipt = self.receipt(wanted.record, wanted.user);
                let _ = wanted.answer.send(receipt);
            }
            Question::Receipt(wanted) => {
                let outside = wanted.record.0 > *self.durable.borrow();
                if outside || self.waiting.len() >= PROOFS_WAITING_MAX {
                    let why = if outside {
                        ProofError::NotYours
                    } else {
                        ProofError::Busy
                    };
                    let _ = wanted.answer.send(Err(why));
                } else {
                    self.waiting.push_back(wanted);
                }
            }
        }
    }

    /// Makes a checkpoint of the durable records, and answers the receipts that wait for it.
    fn renew(&mut self) {
        match self.catch_up() {
            Ok(()) => self.said = None,
            // No part of a frame was applied.
            Err(error) if error.is_out_of_descriptors() => self.say(&error),
            Err(error) => {
                // A part of a frame may have been applied: the tree is built again.
                self.reading = None;
                self.say(&error);
            }
        }
        self.next_at = Some(Instant::now() + CHECKPOINT_EVERY);
        if let Some(reading) = &self.reading {
            let root = reading.tree.root();
            // While the tree is being built again, the newest checkpoint stays valid.
            if root.size > self.newest.borrow().sequence.0 {
                self.newest.send_replace(Checkpoint {
                    sequence: Sequence(root.size),
                    chain: reading.chain.0,
                    root: root.hash,
                });
            }
        }
        let covered = self.newest.borrow().sequence;
        for wanted in std::mem::take(&mut self.waiting) {
            if wanted.record <= covered {
                let receipt = self.receipt(wanted.record, wanted.user);
                let _ = wanted.answer.send(receipt);
            } else if wanted.asked_at.elapsed() >= CHECKPOINT_WAIT {
                let _ = wanted.answer.send(Err(ProofError::Busy));
            } else {
                self.waiting.push_back(wanted);
            }
        }
    }

    /// Reads up to the last durable record, for at most [`CATCH_UP_MAX`].
    fn catch_up(&mut self) -> Result<(), JournalError> {
        let begun_at = Instant::now();
        let durable = *self.durable.borrow();
        if durable == 0 {
            return Ok(());
        }
        let reading = match &mut self.reading {
            Some(reading) => reading,
            None => {
                let tree = HashTree::create(&self.hashes).map_err(|source| JournalError::Io {
                    action: "create",
                    path: self.hashes.clone(),
                    source,
                })?;
                let mut reader = Reader::open(self.disk.clone(), &self.journal)?;
                reader.seek(1);
                self.reading.insert(Reading {
                    reader,
                    tree,
                    read: 0,
                    chain: Chain::genesis(self.signer.market),
                })
            }
        };
        while reading.read < durable && begun_at.elapsed() < CATCH_UP_MAX {
            let Some(frame) = reading.reader.next_view()? else {
                break;
            };
            // A commit is one frame, so none extends past the last durable record.
            for leaf in leaves(frame.public) {
                let leaf = leaf.map_err(|source| {
                    crate::market::public_records::refused(&frame, source.into())
                })?;
                let pushed = reading.tree.push(leaf_hash(&leaf));
                pushed.map_err(|source| JournalError::Io {
                    action: "write",
                    path: self.hashes.clone(),
                    source,
                })?;
            }
            reading.read = frame.last();
            reading.chain = frame.chain;
        }
        Ok(())
    }

    fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        let statement = CheckpointStatement {
            market: self.signer.market,
            term: self.signer.term,
            time: self.signer.clock.now(),
            checkpoint,
        };
        SignedCheckpoint::sign(&statement, &self.signer.key)
    }

    fn checkpoint(&mut self, since: Option<Sequence>) -> Result<SignedCheckpoint, ProofError> {
        let newest = self.newest.borrow().clone();
        let size = newest.sequence.0;
        let signed = self.sign(newest);
        let Some(since) = since else {
            return Ok(signed);
        };
        if since.0 == 0 {
            return Ok(signed.with_consistency(Vec::new()));
        }
        if since.0 > size {
            let known = *self.durable.borrow();
            return Err(if since.0 > known {
                ProofError::BeyondEnd
            } else {
                ProofError::Busy
            });
        }
        let reading = self.reading_to(size)?;
        let path = consistency_path(&mut reading.tree, since.0, size);
        path.map(|path| signed.with_consistency(path))
            .map_err(|error| self.unreadable(error))
    }

    fn receipt(&mut self, record: Sequence, user: UserId) -> Result<Receipt, ProofError> {
        let found = self.record(record);
        let (public, private) = found.map_err(|error| {
            self.say(&error);
            ProofError::Busy
        })?;
        let single = single_record(&public, &private, record);
        let single = single.ok().flatten().ok_or(ProofError::NotYours)?;
        let private = single.private.unwrap_or_default();
        let whole = decode_records(&single.public, &private).next();
        let Some(Ok(whole)) = whole else {
            return Err(ProofError::Busy);
        };
        if whole.actor != Actor::User(user) {
            return Err(ProofError::NotYours);
        }
        if single.public.len() > RECEIPT_RECORD_BYTES_MAX {
            return Err(ProofError::TooLarge);
        }
        let is_own = whole.events.iter().all(|event| match event {
            auction_core::Event::Public(_) => true,
            auction_core::Event::Private(event) => is_of(event, user),
        });
        let opens = is_own && !private.is_empty() && private.len() <= RECEIPT_PRIVATE_BYTES_MAX;
        let checkpoint = self.newest.borrow().clone();
        let size = checkpoint.sequence.0;
        let signed = self.sign(checkpoint);
        let reading = self.reading_to(size)?;
        let path = inclusion_path(&mut reading.tree, record.0 - 1, size);
        let path = path.map_err(|error| self.unreadable(error))?;
        let bounded = "its limit was looked at";
        Ok(Receipt {
            record: single.public.try_into().expect(bounded),
            private: opens.then(|| private.try_into().expect(bounded)),
            path: path.try_into().expect("a tree has fewer levels"),
            statement: signed.statement,
            signature: signed.signature,
        })
    }

    /// Returns the public and private bytes of the batch that holds a record.
    fn record(&self, record: Sequence) -> Result<(Vec<u8>, Vec<u8>), JournalError> {
        let mut reader = Reader::open(self.disk.clone(), &self.journal)?;
        reader.seek(record.0);
        let frame = reader.next()?;
        Ok(frame.map_or_else(Default::default, |frame| (frame.public, frame.private)))
    }

    /// Returns the tree when it has at least this many records: it may be under construction.
    fn reading_to(&mut self, size: u64) -> Result<&mut Reading, ProofError> {
        let reading = self.reading.as_mut();
        let reading = reading.filter(|reading| reading.tree.root().size >= size);
        reading.ok_or(ProofError::Busy)
    }

    fn unreadable(&mut self, source: io::Error) -> ProofError {
        let path = self.hashes.clone();
        self.say(&JournalError::Io {
            action: "read",
            path,
            source,
        });
        self.reading = None;
        ProofError::Busy
    }

    fn say(&mut self, error: &JournalError) {
        let fault = error.to_string();
        if self.said.as_ref() != Some(&fault) {
            tracing::warn!("no checkpoint can be made: {fault}");
            self.said = Some(fault);
        }
    }
}

/// Returns whether a private event shows its user nothing of another user.
fn is_of(event: &PrivateEvent, user: UserId) -> bool {
    match event {
        PrivateEvent::MaximumSet { bidder, .. } => *bidder == user,
        PrivateEvent::OrderPlaced { trader, .. }
        | PrivateEvent::OrderReplaced { trader, .. }
        | PrivateEvent::OrderCancelled { trader, .. }
        | PrivateEvent::OrdersWithdrawn { trader, .. }
        | PrivateEvent::DayOrderAccepted { trader, .. }
        | PrivateEvent::DayOrderReplaced { trader, .. }
        | PrivateEvent::DayOrderParked { trader, .. }
        | PrivateEvent::DayOrderRests { trader, .. }
        | PrivateEvent::DayOrderFilled { trader, .. }
        | PrivateEvent::DayOrdersDecremented { trader, .. }
        | PrivateEvent::DayOrderLapsed { trader, .. }
        | PrivateEvent::OrderKept { trader, .. }
        | PrivateEvent::AllCancelled { trader, .. } => *trader == user,
        PrivateEvent::DeviceAdded { user: of, .. } => *of == user,
        PrivateEvent::DeadManSet { user: of, .. } => *of == user,
        // These come from the command of the user who asks: an auctioneer's reserve, payment and suspension.
        PrivateEvent::ReserveSet { .. }
        | PrivateEvent::Deposited { .. }
        | PrivateEvent::Withdrawn { .. }
        | PrivateEvent::UserSuspended { .. }
        | PrivateEvent::UserReinstated { .. }
        | PrivateEvent::LimitsSet { .. }
        | PrivateEvent::SessionClosed { .. } => true,
        PrivateEvent::CredentialSet { .. }
        | PrivateEvent::AccessSet { .. }
        | PrivateEvent::SessionOpened { .. }
        | PrivateEvent::EndDrawn { .. } => false,
    }
}
