//! Asking the market through others, with a device's key (feature `seal`).
//!
//! Whoever carries an envelope can lose it, and can say of it what they like: believed is only the market's own answer.
//! So there are three ends: it was done, it was refused, or nobody knows, until it is asked again with the same number.

use std::time::Duration;

use auction_core::{MarketId, RequestId, SessionId, Span, Timestamp};
use auction_proto::seal::{OpeningKey, SealError};
use auction_proto::{
    Accepted, AnswerStatement, Code, Envelope, EnvelopeAnswer, EnvelopeCommand, EnvelopeStatement,
    PublicKey, Refused, SealedAnswer, SealingKeyStatement, SigningKey,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::relay::{Relay, RelayError};
use crate::limits::{ENVELOPE_LIFETIME, RELAY_AGAIN_AFTER, RELAY_TIMEOUT};

/// A device of an account, and the market that it is of.
#[derive(Clone, Debug)]
pub struct Device {
    /// The market.
    pub market: MarketId,
    /// The key that the market signs with.
    pub market_key: PublicKey,
    /// Its number: [`AddDevice`](crate::AddDevice) was answered by it.
    pub number: SessionId,
    /// The secret half of its key. Keep it for its owner alone.
    pub key: SigningKey,
}

/// An envelope, and what opens its answer.
#[derive(Clone, Debug)]
pub struct Sealed {
    envelope: Envelope,
    expires_at: Timestamp,
    hash: [u8; 32],
    opening: OpeningKey,
}

/// Why what was asked through others was not done, or is not known to be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceError {
    /// The market said no, in an answer that it has signed; nothing was done.
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// Nobody had a key to seal to that the market has signed: nothing was sent.
    #[error("nothing was sent, for nobody had the market's key to seal to: {0}")]
    NotSent(RelayError),
    /// It was handed over, and no answer came that can be believed: it may have been done, or may still be. Asked again
    /// with the same number, it is done once.
    #[error("no answer came that the market has signed: {because}")]
    OutcomeUnknown {
        /// The number that it was asked with.
        request: RequestId,
        /// Until then, by the server's clock, it may still be done.
        until: Timestamp,
        /// What became of it, as far as those say who carried it.
        because: RelayError,
    },
}

impl Device {
    /// Signs and seals a request. `to` is the market's, checked by [`SealingKey::verify`](crate::SealingKey::verify).
    /// The number is above all that this device has used, or that of the same request before.
    ///
    /// # Errors
    /// [`SealError::Key`] when the market's key is none.
    pub fn seal(
        &self,
        request: RequestId,
        command: EnvelopeCommand,
        expires_at: Timestamp,
        to: &SealingKeyStatement,
    ) -> Result<Sealed, SealError> {
        let opening = OpeningKey::new(&rand::random());
        let statement = EnvelopeStatement {
            market: self.market,
            device: self.number,
            request,
            expires_at,
            answer_key: opening.public(),
            command,
        };
        let envelope = statement.seal(&self.key, to, &rand::random())?;
        let hash = envelope.hash();
        Ok(Sealed {
            envelope,
            expires_at,
            hash,
            opening,
        })
    }

    /// Opens the answer to an envelope of this device.
    ///
    /// # Errors
    /// [`SealError`] when it is not the market's answer to it: whoever brought it lies, or was lied to.
    pub fn open(
        &self,
        sealed: &Sealed,
        answer: &SealedAnswer,
    ) -> Result<AnswerStatement, SealError> {
        let market = (self.market, &self.market_key);
        answer.open(&sealed.hash, &sealed.opening, market)
    }

    /// Asks through all of these at once, and again those that bring nothing, until the market has answered or `within`
    /// is over. `now` is the best guess of the server's time; when it is off, the market says so, and it is asked once
    /// more by its clock.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub async fn ask<C>(
        &self,
        carriers: &[C],
        (request, command): (RequestId, EnvelopeCommand),
        now: Timestamp,
        within: Duration,
    ) -> Result<Accepted, DeviceError>
    where
        C: Relay + Clone + Send + Sync + 'static,
    {
        let to = self.find_key(carriers).await?;
        let until = Instant::now() + within;
        // By the server's clock, as far as it is known.
        let mut known = (now, Instant::now());
        let mut asked_anew = false;
        loop {
            let (at, then) = known;
            let expires_at = at
                .saturating_add(span_of(then.elapsed()))
                .saturating_add(ENVELOPE_LIFETIME);
            let sealed = self.seal(request, command.clone(), expires_at, &to);
            let sealed = sealed.map_err(|error| {
                DeviceError::NotSent(RelayError::Unreachable(error.to_string()))
            })?;
            let answered = self.relay(carriers, &sealed, until).await;
            let answer = answered.map_err(|because| DeviceError::OutcomeUnknown {
                request,
                until: expires_at,
                because,
            })?;
            let refused = match answer {
                EnvelopeAnswer::Accepted(accepted) => return Ok(accepted),
                EnvelopeAnswer::Refused(refused) => refused,
            };
            match refused.at {
                // Nothing was done, and the market tells its time.
                Some(theirs) if refused.code == Code::ENVELOPE_EXPIRED && !asked_anew => {
                    known = (theirs, Instant::now());
                    asked_anew = true;
                }
                _ => return Err(DeviceError::Refused(Box::new(refused))),
            }
        }
    }

    async fn find_key<C: Relay>(&self, carriers: &[C]) -> Result<SealingKeyStatement, DeviceError> {
        let mut because = RelayError::Unreachable("there is nobody to carry it".to_owned());
        for carrier in carriers {
            let until = Instant::now() + RELAY_TIMEOUT;
            match timeout_at(until, carrier.sealing_key()).await {
                Ok(Ok(key)) => match key.verify(self.market, &self.market_key) {
                    Ok(statement) => return Ok(statement),
                    Err(error) => because = RelayError::Unreachable(error.to_string()),
                },
                Ok(Err(error)) => because = error,
                Err(_) => because = RelayError::Lost("it took too long".to_owned()),
            }
        }
        Err(DeviceError::NotSent(because))
    }

    /// Sends an envelope by all until one brings the market's answer.
    async fn relay<C>(
        &self,
        carriers: &[C],
        sealed: &Sealed,
        until: Instant,
    ) -> Result<EnvelopeAnswer, RelayError>
    where
        C: Relay + Clone + Send + Sync + 'static,
    {
        let mut under_way = JoinSet::new();
        for carrier in carriers {
            let (carrier, envelope) = (carrier.clone(), sealed.envelope.clone());
            under_way.spawn(async move { carry_until(&carrier, envelope, until).await });
        }
        let mut because = RelayError::Lost("it took too long".to_owned());
        while let Some(brought) = under_way.join_next().await {
            match brought {
                Ok(Ok(answer)) => match self.open(sealed, &answer) {
                    Ok(told) => return Ok(told.answer),
                    Err(error) => {
                        tracing::warn!(%error, "who carried the envelope brought something else than the market's answer");
                        because = RelayError::Lost(error.to_string());
                    }
                },
                Ok(Err(error)) => because = error,
                Err(failed) => because = RelayError::Lost(failed.to_string()),
            }
        }
        Err(because)
    }
}

impl Sealed {
    /// What is carried.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// From here on, by the server's clock, it is not done any more.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// Carries the same envelope again and again, until an answer comes back: it has one effect.
async fn carry_until<C: Relay>(
    carrier: &C,
    envelope: Envelope,
    until: Instant,
) -> Result<SealedAnswer, RelayError> {
    loop {
        let this = until.min(Instant::now() + RELAY_TIMEOUT);
        let because = match timeout_at(this, carrier.relay(envelope.clone())).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(because)) => because,
            Err(_) => RelayError::Lost("it took too long".to_owned()),
        };
        if Instant::now() + RELAY_AGAIN_AFTER >= until {
            return Err(because);
        }
        sleep(RELAY_AGAIN_AFTER).await;
    }
}

fn span_of(time: Duration) -> Span {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Span::from_micros(micros).unwrap_or(Span::ZERO)
}

#[cfg(test)]
mod tests;
