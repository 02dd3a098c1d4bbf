//! Envelopes: sealed requests of devices, carried by others.
//!
//! A carrier of an envelope could send it again: at once, over several connections, after the answer, after a start of
//! the server. Nevertheless it has one effect and one answer:
//!
//! - An accepted request is remembered in the session of the device, durably, like all requests.
//! - A refusal is remembered here, by the exact bytes of the envelope, until the envelope expires: a bid that was
//!   refused because the lot had not begun does not take effect later. A copy of an envelope that is being decided
//!   waits for the outcome.
//! - Refusals before a start of the server are unknown here. So an envelope that may be from before the start is
//!   answered from the accepted requests, and is not decided again.
//!
//! Opening and sealing take a fraction of a millisecond, and any client may cause them, so they are limited per address
//! and in total before. A copy of an answered envelope costs one table look-up.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auction_core::{
    Caller, Command, MarketId, Reject, Reply, RequestId, SessionId, Span, Timestamp,
};
use auction_proto::seal::{Opened, OpeningKey};
use auction_proto::{
    Accepted, AnswerStatement, Code, Done, Envelope, EnvelopeAnswer, EnvelopeStatement, Refused,
    SealedAnswer, SealingKey, SigningKey,
};
use tokio::sync::watch;

use crate::config::Rate;
use crate::gateway::admission::Admission;
use crate::market::credentials::Credentials;
use crate::market::group_commit::{Decision, Novelty};
use crate::platform::clock::Clock;
use crate::platform::metrics::Metrics;
use crate::sequencer::queue::{SequencerHandle, SubmitError};
use crate::sequencer::rate_limit::RateLimiter;

/// Maximum time until an envelope's expiry. Answers are remembered for the same time.
pub const EXPIRES_WITHIN: Span = Span::from_secs(60);
/// Maximum number of envelopes opened per second, from all senders; one more is refused with `slow_down`. This also
/// bounds the table of outcomes: to those that expire within [`EXPIRES_WITHIN`].
pub const OPENED_PER_SECOND_MAX: NonZeroU32 = NonZeroU32::new(500).expect("it is not zero");

/// Maximum number of a device's envelopes remembered whose expiry was too far in the future; the oldest is forgotten. A
/// device with a correct clock sends none.
pub const EARLY_PER_DEVICE_MAX: usize = 16;

/// The market's keys for envelopes.
pub struct EnvelopeKeys {
    /// The market.
    pub market: MarketId,
    /// Key that opens envelopes.
    pub opening: OpeningKey,
    /// Key that signs answers.
    pub signing: SigningKey,
}

/// Parts of the server that envelopes need.
pub struct Deps {
    /// Handle to the sequencer.
    pub sequencer: SequencerHandle,
    /// Owners and keys of devices.
    pub credentials: Arc<Credentials>,
    /// Rate limits of users.
    pub admission: Arc<Admission>,
    /// Clock of the market.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// Opens envelopes, submits their requests, and seals the answers.
pub struct Envelopes {
    keys: EnvelopeKeys,
    deps: Deps,
    sealing_key: SealingKey,
    /// An envelope that expires before this must not be decided again: it may have been refused before the start.
    fresh_after: Timestamp,
    started_at: Timestamp,
    opened: RateLimiter,
    remembered: Mutex<Remembered>,
}

/// Reason why an envelope has no sealed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayError {
    /// It cannot be opened, or its content is invalid.
    Unreadable,
    /// Too many are being opened; try again after this time.
    SlowDown(Duration),
    /// The sequencer has not decided it.
    Submit(SubmitError),
}

/// Outcome of an envelope: sealed once, and sent for every copy.
type Outcome = Result<Arc<SealedAnswer>, RelayError>;
type Hash = [u8; 32];

/// Outcomes of envelopes that have not expired.
#[derive(Default)]
struct Remembered {
    /// A receiver that holds `None` means: it is being decided.
    known: HashMap<Hash, watch::Receiver<Option<Outcome>>>,
    by_expiry: BTreeSet<(Timestamp, Hash)>,
    /// Refusals of envelopes that expire too late, by device.
    early: HashMap<SessionId, VecDeque<(Timestamp, Hash)>>,
}

impl Envelopes {
    /// Creates the state for a market whose clock is not behind its last record.
    #[must_use]
    pub fn new(keys: EnvelopeKeys, deps: Deps) -> Self {
        let sealing_key = keys.opening.signed(keys.market, &keys.signing);
        let started_at = deps.clock.now();
        Self {
            keys,
            deps,
            sealing_key,
            fresh_after: started_at.saturating_add(EXPIRES_WITHIN),
            started_at,
            opened: RateLimiter::new(Rate {
                count: OPENED_PER_SECOND_MAX,
                period: Duration::from_secs(1),
            }),
            remembered: Mutex::default(),
        }
    }

    /// Returns the key with which clients seal envelopes.
    #[must_use]
    pub fn sealing_key(&self) -> &SealingKey {
        &self.sealing_key
    }

    /// Does the request of an envelope, unless it was done or refused before, and returns the answer.
    ///
    /// # Errors
    /// [`RelayError`] when there is no sealed answer.
    pub async fn answer(self: &Arc<Self>, envelope: &Envelope) -> Outcome {
        let hash = envelope.hash();
        let known = self.remembered().known.get(&hash).cloned();
        if let Some(known) = known {
            return outcome(known).await;
        }
        self.opened.take().map_err(RelayError::SlowDown)?;
        let opened = envelope.open(self.keys.market, &self.keys.opening);
        let opened = opened.map_err(|_| RelayError::Unreadable)?;
        let now = self.deps.clock.now();
        if let Err(refused) = self.check(&opened, hash, now) {
            return self.refuse(&opened.statement, hash, refused);
        }
        if let Err(refused) = self.check_rate(&opened.statement, now) {
            // A sealed refusal is final.
            let told = self.refuse(&opened.statement, hash, refused);
            let (_, receiver) = watch::channel(Some(told.clone()));
            let known = self.claim(hash, opened.statement.expires_at, now, receiver);
            return match known {
                Some(known) => outcome(known).await,
                None => told,
            };
        }
        let (sender, receiver) = watch::channel(None);
        if let Some(known) = self.claim(hash, opened.statement.expires_at, now, receiver.clone()) {
            return outcome(known).await;
        }
        // In a task of its own: it is decided and remembered even if the connection that carried it is lost meanwhile.
        let envelopes = self.clone();
        tokio::spawn(async move {
            let outcome = envelopes.decide(opened.statement, hash).await;
            if outcome.is_err() {
                envelopes.remembered().known.remove(&hash);
            }
            sender.send_replace(Some(outcome));
        });
        outcome(receiver).await
    }

    /// Checks that the envelope is from its device, and that it may still be done or may have been done.
    fn check(&self, opened: &Opened, hash: Hash, now: Timestamp) -> Result<(), Refused> {
        let EnvelopeStatement {
            device, expires_at, ..
        } = opened.statement;
        let known = self.deps.credentials.device(device);
        let known = known.filter(|known| opened.verify(known.key).is_ok());
        if known.is_none() {
            return Err(unknown_device(device));
        }
        if opened.statement.request == RequestId(0) {
            return Err(Refused::new(Code::MALFORMED, "request numbers begin at 1"));
        }
        if self.is_too_early(device, hash, expires_at, now) {
            let text = format!(
                "the envelope expires at {expires_at}, and it is {now} here: at most {} s ahead are taken; seal it \
                 anew, by this clock",
                EXPIRES_WITHIN.micros() / 1_000_000
            );
            return Err(Refused::new(Code::ENVELOPE_EXPIRED, text).with_time(now));
        }
        Ok(())
    }

    /// Returns whether it expires too late, now or in an earlier copy: a copy of an envelope that was refused for that
    /// stays refused when its expiry is near enough.
    fn is_too_early(
        &self,
        device: SessionId,
        hash: Hash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let mut remembered = self.remembered();
        if expires_at <= now.saturating_add(EXPIRES_WITHIN) {
            let early = remembered.early.get(&device);
            return early.is_some_and(|early| early.iter().any(|(_, known)| *known == hash));
        }
        let early = remembered.early.entry(device).or_default();
        early.retain(|(until, known)| *until > now && *known != hash);
        early.push_back((expires_at, hash));
        if early.len() > EARLY_PER_DEVICE_MAX {
            early.pop_front();
        }
        true
    }

    /// Takes a token of the device's user, except for an expired envelope.
    fn check_rate(&self, statement: &EnvelopeStatement, now: Timestamp) -> Result<(), Refused> {
        let device = self.deps.credentials.device(statement.device);
        let Some(device) = device.filter(|_| statement.expires_at > now) else {
            return Ok(());
        };
        let commands = self.deps.admission.rate_limiter_of(device.user);
        let Some(Err(wait)) = commands.map(|commands| commands.take()) else {
            return Ok(());
        };
        let wait = Span::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        let at = now.saturating_add(wait.expect("a rate's period is short"));
        let text = format!("too many commands come from this user; more are taken from {at} on");
        Err(Refused::new(Code::SLOW_DOWN, text).with_time(at))
    }

    /// Claims an envelope for its decision; or returns the outcome that another copy claimed in the meantime.
    fn claim(
        &self,
        hash: Hash,
        expires_at: Timestamp,
        now: Timestamp,
        receiver: watch::Receiver<Option<Outcome>>,
    ) -> Option<watch::Receiver<Option<Outcome>>> {
        let mut remembered = self.remembered();
        remembered.forget(now);
        if let Some(known) = remembered.known.get(&hash) {
            return Some(known.clone());
        }
        // An expired envelope cannot be done any more, so it is not remembered.
        if expires_at > now {
            remembered.known.insert(hash, receiver);
            remembered.by_expiry.insert((expires_at, hash));
        }
        None
    }

    async fn decide(&self, statement: EnvelopeStatement, hash: Hash) -> Outcome {
        let EnvelopeStatement {
            device,
            request,
            expires_at,
            ..
        } = statement;
        let before = if expires_at > self.fresh_after {
            expires_at
        } else {
            Timestamp::default()
        };
        let caller = Caller::Session {
            session: device,
            request,
        };
        let command = Command::from(statement.command.clone());
        let decided = self.deps.sequencer.command_before(caller, before, command);
        let decided = decided.await.map_err(RelayError::Submit)?;
        let answer = match decided {
            Some(decision) => self.told(device, decision),
            None => EnvelopeAnswer::Refused(self.too_late(expires_at)),
        };
        self.seal(&statement, hash, answer)
    }

    fn told(&self, device: SessionId, decision: Decision) -> EnvelopeAnswer {
        let done = match decision {
            Ok(done) => done,
            // The device was removed just now.
            Err(Reject::SessionClosed { .. }) => {
                return EnvelopeAnswer::Refused(unknown_device(device));
            }
            Err(reject) => return EnvelopeAnswer::Refused(reject.into()),
        };
        let novelty = match done.novelty {
            Novelty::New => Done::Now,
            Novelty::Repeated => Done::Before,
        };
        let is_bid = matches!(done.reply, Reply::Bid(_) | Reply::OrderPlaced(_));
        if is_bid && novelty == Done::Now {
            self.deps.metrics.bids_accepted.add_one();
        }
        EnvelopeAnswer::Accepted(Accepted {
            feed_sequence: done.feed_sequence,
            done: novelty,
            reply: done.reply,
        })
    }

    fn too_late(&self, expires_at: Timestamp) -> Refused {
        let now = self.deps.clock.now();
        let text = if expires_at <= now {
            format!("the envelope expired at {expires_at}, and was not done")
        } else {
            format!(
                "the server started at {}, after the envelope may have been sealed, and has not done it; seal a new one, \
                 to expire after {}",
                self.started_at, self.fresh_after
            )
        };
        Refused::new(Code::ENVELOPE_EXPIRED, text).with_time(now)
    }

    fn refuse(&self, statement: &EnvelopeStatement, hash: Hash, refused: Refused) -> Outcome {
        self.seal(statement, hash, EnvelopeAnswer::Refused(refused))
    }

    fn seal(&self, statement: &EnvelopeStatement, hash: Hash, answer: EnvelopeAnswer) -> Outcome {
        if let EnvelopeAnswer::Refused(refused) = &answer {
            self.deps.metrics.refused(refused.code);
        }
        let told = AnswerStatement {
            market: self.keys.market,
            envelope: hash,
            time: self.deps.clock.now(),
            answer,
        };
        let randomness = rand::random();
        let sealed = told.seal(&self.keys.signing, &statement.answer_key, &randomness);
        // Without a valid key of the sender no answer can be sealed, even if the request was done.
        let sealed = sealed.map_err(|_| RelayError::Unreadable)?;
        Ok(Arc::new(sealed))
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        let locked = self.remembered.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn forget(&mut self, now: Timestamp) {
        while let Some((expires_at, hash)) = self.by_expiry.first().copied()
            && expires_at <= now
        {
            self.by_expiry.pop_first();
            self.known.remove(&hash);
        }
    }
}

async fn outcome(mut known: watch::Receiver<Option<Outcome>>) -> Outcome {
    let decided = known.wait_for(Option::is_some).await;
    // An error: the server is ending, or its journal failed during the request.
    let unknown = Err(RelayError::Submit(SubmitError::Unknown));
    decided.map_or(unknown, |outcome| {
        outcome.clone().expect("it was waited for")
    })
}

fn unknown_device(device: SessionId) -> Refused {
    let text = "no device of this number has this key: it was removed, or never added. What it asked before may have \
                been done";
    Refused::new(Code::UNKNOWN_DEVICE, text).with_number(device.0)
}
