//! The work before a login: argon2id, on a thread or two of its own, behind a bounded queue with a fast `busy`,
//! so that a flood of logins costs the market nothing.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use auction_core::Credential;
use tokio::sync::oneshot;

use crate::platform::metrics::Metrics;
use crate::platform::password::{Checker, Memory, Password};

/// How many passwords can wait to be hashed; one more is answered `busy`.
pub const PASSWORDS_WAITING_MAX: usize = 64;
/// How many are hashed at a time.
const THREADS: usize = 2;

/// Hashes and verifies passwords off the way of a bid.
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

/// Whether a password is the account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Right,
    /// It is not, or there is no such account.
    Wrong,
}

/// Too many passwords wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPoolBusy;

impl PasswordPool {
    /// Starts the threads; they end when all clones are gone.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(metrics: Arc<Metrics>) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(PASSWORDS_WAITING_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let checker = Arc::new(Checker::default());
        for number in 1..=THREADS {
            let (jobs, checker) = (jobs.clone(), checker.clone());
            let builder = thread::Builder::new().name(format!("passwords-{number}"));
            builder.spawn(move || work(&jobs, &checker))?;
        }
        Ok(Self {
            queue,
            checker,
            metrics,
        })
    }

    /// The credential of a new password.
    ///
    /// # Errors
    /// [`PasswordPoolBusy`].
    pub async fn hash(&self, password: Password) -> Result<Credential, PasswordPoolBusy> {
        self.ask(|reply| Job::Hash(password, reply)).await
    }

    /// Checks a password. Without a credential it takes as long, so that the time tells nobody whether there
    /// is such an account.
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

    /// How many verifications were made.
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
        // Who has left need not be told; here and below. Nor is work done for them.
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
