//! Requests without an answer, by their ids.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use auction_core::{FeedSequence, Reply, RequestId};
use auction_proto::{
    Accepted, ClientMessage, Code, Done, Refused, ServerMessage, SnapshotAssembler, SnapshotPart,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::client::request::{Answer, Repeat, repeat};
use crate::connection::Connection;
use crate::error::{ConnectionError, RequestError};

/// A request submitted by its caller.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub(crate) message: ClientMessage,
    /// Receives the request's id once it is assigned.
    pub(crate) number: Arc<OnceLock<RequestId>>,
    /// Id that the caller reserved; `None`: the driver assigns one.
    pub(crate) reserved: Option<RequestId>,
    /// Maximum total wait.
    pub(crate) within: Duration,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Result<Answer, RequestError>>,
    /// Permit for a place among the requests in flight; released with the answer.
    pub(crate) room: OwnedSemaphorePermit,
}

/// All requests without an answer.
#[derive(Debug, Default)]
pub(crate) struct InFlightRequests {
    by_number: BTreeMap<RequestId, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    asked: Submitted,
    /// True once the request was sent: then it may have been carried out.
    sent: bool,
    /// Parts of a snapshot received on this connection.
    parts: SnapshotAssembler,
}

impl InFlightRequests {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Adds a request, not sent yet.
    pub(crate) fn add(&mut self, number: RequestId, asked: Submitted) {
        if self.by_number.contains_key(&number) {
            // Ignore send errors: the caller may have given up.
            let _ = asked
                .answer
                .send(Err(RequestError::NotConnected(ConnectionError::InFlight(
                    number,
                ))));
            return;
        }
        // The id is set once and does not change.
        let _ = asked.number.set(number);
        let parts = SnapshotAssembler::new();
        let waiting = Waiting {
            asked,
            sent: false,
            parts,
        };
        self.by_number.insert(number, waiting);
    }

    /// Sends all requests on a new connection, the oldest first, with their existing ids.
    pub(crate) fn send_all(&mut self, connection: &mut Connection) {
        // Drop requests whose caller gave up before they were ever sent.
        self.by_number
            .retain(|_, waiting| waiting.sent || !waiting.asked.answer.is_closed());
        for (number, waiting) in &mut self.by_number {
            waiting.send(*number, connection);
        }
    }

    /// Sends one request.
    pub(crate) fn send(&mut self, number: RequestId, connection: &mut Connection) {
        if let Some(waiting) = self.by_number.get_mut(&number) {
            waiting.send(number, connection);
        }
    }

    /// Returns the message of a request.
    pub(crate) fn message(&self, number: RequestId) -> Option<&ClientMessage> {
        Some(&self.by_number.get(&number)?.asked.message)
    }

    /// Answers a request, and forgets it. Does nothing if the request is unknown.
    pub(crate) fn answer(&mut self, number: RequestId, answer: Result<Answer, RequestError>) {
        if let Some(waiting) = self.by_number.remove(&number) {
            waiting.answer(answer);
        }
    }

    /// Adds a part of a snapshot.
    pub(crate) fn part(
        &mut self,
        number: RequestId,
        part: SnapshotPart,
    ) -> Result<(), ConnectionError> {
        let Some(waiting) = self.by_number.get_mut(&number) else {
            return Ok(());
        };
        if let Some(market) = waiting.parts.add(part)? {
            self.answer(number, Ok(Answer::Market(Box::new(market))));
        }
        Ok(())
    }

    /// Returns the earliest deadline of all requests.
    pub(crate) fn first_deadline(&self) -> Option<Instant> {
        self.by_number
            .values()
            .map(|waiting| waiting.asked.deadline)
            .min()
    }

    /// Fails the requests whose deadline has passed, with the connection error or else with an outcome unknown.
    pub(crate) fn expire(&mut self, no_connection: Option<&ConnectionError>) {
        let now = Instant::now();
        for (_, waiting) in self.extract(|waiting| waiting.asked.deadline <= now) {
            let no_answer = ConnectionError::TimedOut(waiting.asked.within);
            waiting.fail(no_connection.cloned().unwrap_or(no_answer));
        }
    }

    /// Fails the requests that must not be sent twice, after a lost connection.
    pub(crate) fn connection_lost(&mut self, because: &ConnectionError) {
        self.by_number
            .values_mut()
            .for_each(|waiting| waiting.parts = SnapshotAssembler::new());
        self.fail_those(because, |waiting| {
            waiting.sent && repeat(&waiting.asked.message) == Repeat::Never
        });
    }

    /// Fails the requests of a lost session: it remembers no ids, so nothing can be repeated.
    pub(crate) fn session_lost(&mut self, refused: &Refused) {
        let because = ConnectionError::Refused(Box::new(refused.clone()));
        let lost = |waiting: &Waiting| repeat(&waiting.asked.message) == Repeat::InSession;
        for (_, waiting) in self.extract(lost) {
            let closed = refused.code == Code::SESSION_CLOSED;
            match waiting.asked.message {
                // This logout closed the session.
                ClientMessage::Logout(_) if closed => waiting.answer(Ok(logged_out())),
                _ if waiting.sent => waiting.fail(because.clone()),
                _ => waiting.answer(Err(RequestError::Refused(Box::new(refused.clone())))),
            }
        }
    }

    /// Fails all requests.
    pub(crate) fn fail_all(&mut self, because: &ConnectionError) {
        self.fail_those(because, |_| true);
    }

    fn fail_those(&mut self, because: &ConnectionError, which: impl Fn(&Waiting) -> bool) {
        for (_, waiting) in self.extract(which) {
            waiting.fail(because.clone());
        }
    }

    fn extract(&mut self, which: impl Fn(&Waiting) -> bool) -> BTreeMap<RequestId, Waiting> {
        let all = std::mem::take(&mut self.by_number);
        let (out, stay) = all.into_iter().partition(|(_, waiting)| which(waiting));
        self.by_number = stay;
        out
    }
}

impl Waiting {
    fn send(&mut self, number: RequestId, connection: &mut Connection) {
        // From here on, parts of the request may reach the server.
        self.sent = true;
        connection.queue_message(number, &self.asked.message);
    }

    fn fail(self, because: ConnectionError) {
        let error = if self.sent {
            RequestError::OutcomeUnknown(because)
        } else {
            RequestError::NotConnected(because)
        };
        self.answer(Err(error));
    }

    fn answer(self, answer: Result<Answer, RequestError>) {
        // Ignore send errors: the requester may be gone.
        let _ = self.asked.answer.send(answer);
        drop(self.asked.room);
    }
}

fn logged_out() -> Answer {
    let (feed_sequence, done, reply) = (FeedSequence(0), Done::Before, Reply::Done);
    Answer::Message(ServerMessage::Accepted(Accepted {
        feed_sequence,
        done,
        reply,
    }))
}
