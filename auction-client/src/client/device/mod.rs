//! Sending requests through relays, with a device's key (feature `seal`).
//!
//! A relay can lose an envelope, and can claim anything about it: only the market's signed answer counts. So there are
//! three outcomes: done, refused, or unknown until it is sent again with the same id.

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

/// A device of an account, and its market.
#[derive(Clone, Debug)]
pub struct Device {
    /// The market.
    pub market: MarketId,
    /// The market's signing key.
    pub market_key: PublicKey,
    /// The device's number: the answer to [`AddDevice`](crate::AddDevice).
    pub number: SessionId,
    /// The secret half of its key. Only its owner may have access.
    pub key: SigningKey,
}

/// An envelope, and the secret that opens its answer.
#[derive(Clone, Debug)]
pub struct Sealed {
    envelope: Envelope,
    expires_at: Timestamp,
    hash: [u8; 32],
    opening: OpeningKey,
}

/// Reason why a request sent through relays was not done, or is not known to be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceError {
    /// The market refused it in a signed answer; nothing was done.
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// No relay returned a sealing key signed by the market: nothing was sent.
    #[error("nothing was sent, because no relay had the market's sealing key: {0}")]
    NotSent(RelayError),
    /// The envelope was sent, and no valid answer came: it may have been carried out, or may still be. Sending it again
    /// with the same request id carries it out once.
    #[error("no answer signed by the market came: {because}")]
    OutcomeUnknown {
        /// The request's id.
        request: RequestId,
        /// Until this time of the server's clock it may still be carried out.
        until: Timestamp,
        /// Last failure that a relay reported.
        because: RelayError,
    },
}

impl Device {
    /// Signs and seals a request. `to` is the market's sealing key, checked by
    /// [`SealingKey::verify`](crate::SealingKey::verify). The id is above all ids that this device has used, or is the
    /// id of an earlier copy of the same request.
    ///
    /// # Errors
    /// [`SealError::Key`] when the market's sealing key is invalid.
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
    /// [`SealError`] when it is not the market's answer to this envelope: the relay lies, or received a false one.
    pub fn open(
        &self,
        sealed: &Sealed,
        answer: &SealedAnswer,
    ) -> Result<AnswerStatement, SealError> {
        let market = (self.market, &self.market_key);
        answer.open(&sealed.hash, &sealed.opening, market)
    }

    /// Sends a request through all relays at once, and again through those that return nothing, until the market has
    /// answered or `within` has passed. `now` is the best estimate of the server's time; if it is too far off, the
    /// market's answer contains its time, and the request is sent once more by that clock.
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
        // The server's time as estimated.
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
                // Nothing was done, and the answer contains the market's time.
                Some(theirs) if refused.code == Code::ENVELOPE_EXPIRED && !asked_anew => {
                    known = (theirs, Instant::now());
                    asked_anew = true;
                }
                _ => return Err(DeviceError::Refused(Box::new(refused))),
            }
        }
    }

    async fn find_key<C: Relay>(&self, carriers: &[C]) -> Result<SealingKeyStatement, DeviceError> {
        let mut because = RelayError::Unreachable("there is no relay".to_owned());
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

    /// Sends an envelope through all relays until one returns the market's answer.
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
                        tracing::warn!(%error, "a relay returned something else than the market's answer");
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
    /// Returns the envelope to relay.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Returns the time of the server's clock from which on it is no longer carried out.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// Relays the same envelope again and again, until an answer comes back: the market carries it out once.
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
