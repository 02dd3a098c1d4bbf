//! Envelopes: what devices ask of the market through others.
//!
//! Whoever carries an envelope could send it again: at once, over several connections, after the answer, after a start
//! of the server. It has one effect, and one answer, all the same:
//!
//! - What was accepted is remembered in the session of the device, durably, as all requests are.
//! - What was refused is remembered here, by the very bytes of the envelope, until these expire: a bid that was refused
//!   because the lot had not begun does not come back when it has. A copy of an envelope that is being decided waits for
//!   the outcome.
//! - What was refused before a start of the server is not known here. So an envelope that may be as old as that is
//!   answered by what was accepted, and is not decided anew.
//!
//! Opening and sealing take a fraction of a millisecond, and anyone may ask for it: what one address, and all together,
//! can have of it is limited before. A copy of what was answered costs a look into a table.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auction_core::{Caller, Command, MarketId, Reject, Reply, SessionId, Span, Timestamp};
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

/// How far away an envelope's expiry can be. What was answered is remembered for as long.
pub const EXPIRES_WITHIN: Span = Span::from_secs(60);
/// How many envelopes are opened in a second, whoever sends them; one more is refused with `slow_down`. It bounds what
/// is remembered too: to as many as expire within [`EXPIRES_WITHIN`].
pub const OPENED_PER_SECOND_MAX: NonZeroU32 = NonZeroU32::new(500).expect("it is not zero");

/// How many envelopes of one device are remembered that expired too late to be taken; the oldest is forgotten. A device
/// whose clock is right sends none.
pub const EARLY_PER_DEVICE_MAX: usize = 16;

/// The market's keys for envelopes.
pub struct EnvelopeKeys {
    /// The market.
    pub market: MarketId,
    /// What envelopes are opened with.
    pub opening: OpeningKey,
    /// What answers are signed with.
    pub signing: SigningKey,
}

/// What envelopes need of the server.
pub struct Deps {
    /// The way to the sequencer.
    pub sequencer: SequencerHandle,
    /// Whose a device is, and what its key is.
    pub credentials: Arc<Credentials>,
    /// How much one user can ask.
    pub admission: Arc<Admission>,
    /// The market's time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Opens envelopes, has decided what they ask, and seals the answers.
pub struct Envelopes {
    keys: EnvelopeKeys,
    deps: Deps,
    sealing_key: SealingKey,
    /// No envelope that expires before this may be decided anew: it may have been refused before the start.
    fresh_after: Timestamp,
    started_at: Timestamp,
    opened: RateLimiter,
    remembered: Mutex<Remembered>,
}

/// Why an envelope has no sealed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayError {
    /// It does not open, or what is in it makes no sense.
    Unreadable,
    /// Too many are opened; more are after so long.
    SlowDown(Duration),
    /// The sequencer has not decided it.
    Submit(SubmitError),
}

/// What came of an envelope: to be sealed once, and told as often as it is asked.
type Outcome = Result<Arc<SealedAnswer>, RelayError>;
type Hash = [u8; 32];

/// What is known of envelopes that have not expired.
#[derive(Default)]
struct Remembered {
    /// `None` in it: it is being decided.
    known: HashMap<Hash, watch::Receiver<Option<Outcome>>>,
    by_expiry: BTreeSet<(Timestamp, Hash)>,
    /// What was refused because it expired too late, by device.
    early: HashMap<SessionId, VecDeque<(Timestamp, Hash)>>,
}

impl Envelopes {
    /// For a market whose clock is not behind its last record.
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

    /// What is told to whoever wants to seal an envelope.
    #[must_use]
    pub fn sealing_key(&self) -> &SealingKey {
        &self.sealing_key
    }

    /// Does what an envelope asks, unless it was done or refused before, and gives the answer.
    ///
    /// # Errors
    /// [`RelayError`] when nothing came of it.
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
            // What was said under seal is final.
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
        // On its own: it is decided, and remembered, also when the connection that brought it is lost meanwhile.
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

    /// Whether the envelope is its device's, and may still be done or have been done.
    fn check(&self, opened: &Opened, hash: Hash, now: Timestamp) -> Result<(), Refused> {
        let EnvelopeStatement {
            device, expires_at, ..
        } = opened.statement;
        let known = self.deps.credentials.device(device);
        let known = known.filter(|known| opened.verify(known.key).is_ok());
        if known.is_none() {
            return Err(unknown_device(device));
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

    /// Whether it expires too late to be taken, or did when it came before: what was refused for that does not come back
    /// later, when the time for it has come.
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

    /// Whether the device's user may ask more now. Who sends an old one again takes nothing of that.
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

    /// Makes room for what comes of an envelope; or gives what another copy of it claimed in the meantime.
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
        // One that has expired is not done any more, whenever it comes again.
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
            // It was removed just now.
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
                "the server started at {}, after the envelope may have been sealed, and has not done it; seal it anew, \
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
        // Who brings no key can be told nothing, whatever was done.
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
    // An error: the server ends, or its journal failed while it was at it.
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
