//! What a client is told of what it asked.

use std::time::Duration;

use auction_core::{Caller, Command, RequestId, Span};
use auction_proto::{Accepted, Body, Code, Done, Refused};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use crate::inbox::{Answer, NotTaken, Work};
use crate::teller::{Told, answer};

/// Whether a command that was asked in place came to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It was, and the client has the answer.
    Answered,
    /// It was not, or nobody knows.
    NotTaken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn reply<B: Body>(&mut self, request: RequestId, body: &B) {
        self.channel.push(request, body);
    }

    pub(super) fn tell_all(&mut self, told: Told) {
        let (decisions, durable_at) = match told {
            Told::LookUp => return self.channel.look_up(),
            Told::Decisions {
                decisions,
                durable_at,
            } => (decisions, durable_at),
        };
        self.teller.end(decisions.len());
        self.untold.push((durable_at, decisions.len() as u64));
        for (request, decision) in decisions {
            match answer(&decision, &self.services.metrics) {
                Ok(accepted) => self.reply(request, &accepted),
                Err(refused) => self.reply(request, &refused),
            }
        }
        self.channel.end_answer();
    }

    /// What was durable is with the client's system now.
    pub(super) fn note_told(&mut self) {
        let writes = self.channel.take_writes();
        if writes > 0 {
            self.services.metrics.writes.add(writes);
        }
        if !self.untold.is_empty() {
            let now = std::time::Instant::now();
            let told = &self.services.metrics.told;
            self.untold
                .drain(..)
                .for_each(|(durable_at, count)| told.observe_time(now - durable_at, count));
        }
    }

    pub(super) fn refused(&mut self, request: RequestId, refused: Refused) {
        self.services.metrics.refused(refused.code);
        self.reply(request, &refused);
    }

    /// Asks the sequencer in place and tells what came of it: for what is rare, and changes the connection.
    pub(super) async fn ask(
        &mut self,
        request: RequestId,
        caller: Caller,
        command: Command,
    ) -> Attempt {
        match self
            .services
            .inbox
            .ask(caller, Work::Command(command))
            .await
        {
            Ok(Answer::Decided(Ok(done))) => {
                let feed_sequence = done.feed_sequence;
                let accepted = Accepted {
                    feed_sequence,
                    done: Done::Now,
                    reply: done.reply,
                };
                self.reply(request, &accepted);
            }
            Ok(Answer::Decided(Err(reject))) => self.refused(request, Refused::from(reject)),
            Ok(
                Answer::LastRequest(_)
                | Answer::LeastWinning(_)
                | Answer::Balance(_)
                | Answer::Orders(_)
                | Answer::Record(_)
                | Answer::Before(_),
            ) => {
                unreachable!("a command was asked")
            }
            Err(why) => {
                self.refuse_not_taken(request, why);
                return Attempt::NotTaken;
            }
        }
        Attempt::Answered
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

    pub(super) fn refuse_not_taken(&mut self, request: RequestId, why: NotTaken) {
        match why {
            NotTaken::Busy => self.refuse_busy(request),
            NotTaken::Stopped => {
                self.refuse(
                    request,
                    Code::SHUTTING_DOWN,
                    "the server is ending; nothing was done",
                );
            }
            // No word can be true of it. The connection ends with the process.
            NotTaken::Unknown => {}
        }
    }
}
