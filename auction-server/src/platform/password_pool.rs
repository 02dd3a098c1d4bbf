//! Hashing for logins: argon2id, on separate low-priority threads, behind a bounded queue with a fast `busy`, so that a
//! flood of logins costs the market nothing. Logins take longer while bids need all processors.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use auction_core::Credential;
use tokio::sync::oneshot;

use crate::platform::low_priority;
use crate::platform::metrics::Metrics;
use crate::platform::password::{Checker, Memory, Password};

/// Maximum number of passwords waiting to be hashed; further ones get `busy`.
pub const PASSWORDS_WAITING_MAX: usize = 64;
/// Number of passwords hashed at the same time.
const THREADS: usize = 2;

/// Hashes and verifies passwords off the path of a bid.
#[derive(Clone, Debug)]
pub struct PasswordPool {
    queue: SyncSender<Job>,
    checker: Arc<Checker>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
enum Job {
    Hash(Password, oneshot::Sender<Credential>),
    Verify(Password, Option<Credential>, oneshot::Sender<Verdict>),
}

/// Result of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is the account's.
    Right,
    /// The password is wrong, or there is no such account.
    Wrong,
}

/// Too many passwords are waiting already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPoolBusy;

impl PasswordPool {
    /// Starts the threads; they end when all clones are dropped.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub fn start(metrics: Arc<Metrics>) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(PASSWORDS_WAITING_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let checker = Arc::new(Checker::default());
        for number in 1..=THREADS {
            let (jobs, checker) = (jobs.clone(), checker.clone());
            low_priority::spawn_awaited(&format!("passwords-{number}"), move || {
                work(&jobs, &checker);
            })?;
        }
        Ok(Self {
            queue,
            checker,
            metrics,
        })
    }

    /// Returns the credential of a new password.
    ///
    /// # Errors
    /// [`PasswordPoolBusy`].
    pub async fn hash(&self, password: Password) -> Result<Credential, PasswordPoolBusy> {
        self.ask(|reply| Job::Hash(password, reply)).await
    }

    /// Checks a password. Without a credential it takes as long, so that the time does not reveal whether the account
    /// exists.
    ///
    /// # Errors
    /// [`PasswordPoolBusy`].
    pub async fn verify(
        &self,
        password: Password,
        credential: Option<Credential>,
    ) -> Result<Verdict, PasswordPoolBusy> {
        self.ask(|reply| Job::Verify(password, credential, reply))
            .await
    }

    /// Number of verifications so far.
    #[must_use]
    pub fn verifications(&self) -> u64 {
        self.checker.checks()
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<T>) -> Job,
    ) -> Result<T, PasswordPoolBusy> {
        let (reply, answer) = oneshot::channel();
        let _waiting = self.metrics.passwords.held();
        match self.queue.try_send(job(reply)) {
            Ok(()) => answer.await.map_err(|_| PasswordPoolBusy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(PasswordPoolBusy),
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, checker: &Checker) {
    let mut memory = Memory::default();
    loop {
        // The lock is held while waiting for a job, never while hashing.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // Ignore send errors here and below: the requester may be gone. Nothing is hashed for a gone requester.
        match job {
            Ok(Job::Hash(_, reply)) if reply.is_closed() => {}
            Ok(Job::Verify(_, _, reply)) if reply.is_closed() => {}
            Ok(Job::Hash(password, reply)) => {
                drop(reply.send(password.hash_in(&mut memory)));
            }
            Ok(Job::Verify(password, credential, reply)) => {
                let right = checker.check(credential.as_ref(), &password, &mut memory);
                let verdict = if right {
                    Verdict::Right
                } else {
                    Verdict::Wrong
                };
                let _ = reply.send(verdict);
            }
            Err(_) => return,
        }
    }
}
