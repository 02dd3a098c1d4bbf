//! The state of a connection, and the replies that apply to every request.

use std::sync::Arc;
use std::time::Duration;

use auction_core::{Caller, Command, RequestId, Span};
use auction_proto::{Accepted, Body, Code, Done, Refused, VERSION_OF_DAYS};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::channel::Channel;
use super::close_reason::CloseReason;
use super::login::Login;
use super::services::Services;
use super::submission::Submission;
use super::subscriptions::Subscriptions;
use crate::sequencer::queue::SubmitError;
use crate::sequencer::reply::ReplyMessage;

/// A connection: the channel to its client, its session, its submitted commands and its subscriptions.
pub(super) struct Connection<S> {
    pub(super) services: Arc<Services>,
    pub(super) channel: Channel<S>,
    /// Version of the protocol, from the welcome on.
    pub(super) version: u16,
    pub(super) login: Login,
    pub(super) submission: Submission,
    pub(super) subscriptions: Subscriptions,
    pub(super) tells_days: watch::Receiver<bool>,
}

/// Outcome of a command that the connection waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskOutcome {
    /// The command was decided, and the client has the answer.
    Answered,
    /// The command was not decided, or its outcome is unknown.
    Unsubmitted,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Ends a connection of version 1 once the market has what that version cannot tell.
    pub(super) fn check_version(&self) -> Result<(), CloseReason> {
        let is_outgrown = self.version < VERSION_OF_DAYS && *self.tells_days.borrow();
        match is_outgrown {
            true => Err(CloseReason::Outgrown),
            false => Ok(()),
        }
    }

    pub(super) fn reply<B: Body>(&mut self, request: RequestId, body: &B) {
        self.channel.push(request, body);
    }

    pub(super) fn write_replies(&mut self, told: ReplyMessage) {
        let (decisions, durable_at) = match told {
            ReplyMessage::Wake => return self.channel.wake(),
            ReplyMessage::Decisions {
                decisions,
                durable_at,
            } => (decisions, durable_at),
        };
        self.submission.replied(decisions.len(), durable_at);
        for (request, decision) in decisions {
            self.channel
                .push_reply(request, &decision, &self.services.metrics);
        }
        self.channel.end_answer();
    }

    /// Counts the writes, and records the latency of their replies, which are with the client's system now.
    pub(super) fn record_writes(&mut self) {
        let writes = self.channel.take_writes();
        if writes > 0 {
            self.services.metrics.writes.add(writes);
        }
        self.submission.record_replies(&self.services.metrics);
    }

    pub(super) fn refused(&mut self, request: RequestId, refused: Refused) {
        self.services.metrics.refused(refused.code);
        self.reply(request, &refused);
    }

    /// Submits a command to the sequencer, waits and replies: for rare commands that change the connection.
    pub(super) async fn ask(
        &mut self,
        request: RequestId,
        caller: Caller,
        command: Command,
    ) -> AskOutcome {
        match self.services.sequencer.command(caller, command).await {
            Ok(Ok(done)) => {
                let feed_sequence = done.feed_sequence;
                let accepted = Accepted {
                    feed_sequence,
                    done: Done::Now,
                    reply: done.reply,
                };
                self.reply(request, &accepted);
            }
            Ok(Err(reject)) => self.refused(request, Refused::from(reject)),
            Err(why) => {
                self.refuse_unsubmitted(request, why);
                return AskOutcome::Unsubmitted;
            }
        }
        AskOutcome::Answered
    }

    pub(super) fn refuse(&mut self, request: RequestId, code: Code, text: &str) {
        self.refused(request, Refused::new(code, text));
    }

    pub(super) fn refuse_for_now(&mut self, request: RequestId, what: &str, wait: Duration) {
        let wait = Span::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        let at = self.services.clock.now();
        let at = at.saturating_add(wait.expect("a rate's period is short"));
        let text = format!("too many {what}; more are taken from {at} on");
        self.refused(request, Refused::new(Code::SLOW_DOWN, text).with_time(at));
    }

    pub(super) fn refuse_busy(&mut self, request: RequestId) {
        self.refuse(
            request,
            Code::BUSY,
            "too much is waiting; nothing was done, try again",
        );
    }

    pub(super) fn refuse_unsubmitted(&mut self, request: RequestId, why: SubmitError) {
        match why {
            SubmitError::Busy => self.refuse_busy(request),
            SubmitError::Stopped => {
                self.refuse(
                    request,
                    Code::SHUTTING_DOWN,
                    "the server is ending; nothing was done",
                );
            }
            // No answer can be true here. The connection ends with the process.
            SubmitError::Unknown => {}
        }
    }
}
