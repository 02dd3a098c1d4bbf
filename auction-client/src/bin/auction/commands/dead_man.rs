//! The dead-man switch of the session, armed while a command runs: any end of the command cancels the open orders,
//! except its normal end or one by its user.

use std::future::pending;

use auction_client::{AccountUpdate, AccountWatch, Code, RequestError};
use auction_core::{AccountEvent, SessionId, Span, Timestamp};
use serde_json::{Value, json};

use crate::output::escape::Escaped;
use crate::output::event::line;
use crate::output::failure::Failure;
use crate::output::out::Out;
use crate::output::time::span_words;
use crate::session::Context;

/// An armed switch, with the connection that keeps it from firing.
pub struct DeadMan<'d> {
    context: &'d Context,
    session: SessionId,
    grace: Span,
    account: AccountWatch,
}

/// Events of the switch, to be reported.
pub enum News {
    /// The account is followed again after a loss.
    Standing,
    /// The market cancelled the orders.
    Fired,
    /// Another program cleared it, or changed its grace period.
    Set(Option<Span>),
}

impl<'d> DeadMan<'d> {
    /// Resumes the remembered session, and arms its switch.
    pub async fn arm(context: &'d Context, grace: Span) -> Result<Self, Failure> {
        let session = context.resume().await?.session;
        let stored = context.stored().filter(|stored| stored.session == session);
        let stored = stored.ok_or_else(|| Failure::not_logged_in("the session was forgotten"))?;
        match context.client.set_dead_man(Some(grace)).await {
            Ok(_) => {}
            // An earlier command armed it, and ended without clearing it.
            Err(RequestError::Refused(refused)) if refused.code == Code::UNCHANGED => {}
            Err(error) => return Err(error.into()),
        }
        let account = context.client.watch_account(stored.token).await?;
        Ok(Self {
            context,
            session,
            grace,
            account,
        })
    }

    /// Clears the switch: the orders stay, whatever happens.
    pub async fn disarm(self) -> Result<(), Failure> {
        let cleared = self.context.client.set_dead_man(None).await;
        match cleared {
            Ok(_) => {}
            Err(RequestError::Refused(refused)) if refused.code == Code::UNCHANGED => {}
            Err(error) => return Err(error.into()),
        }
        let now = self.context.client.clock().now();
        let text = "The dead-man switch is cleared: your orders stay.";
        self.context
            .out
            .print(|_| text.to_owned(), || event(now, None, self.orders()))
    }

    /// Waits for the next event. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<News, Failure> {
        loop {
            match self.account.next().await {
                AccountUpdate::Snapshot => return Ok(News::Standing),
                AccountUpdate::Event {
                    event: AccountEvent::DeadManFired { session },
                    ..
                } if session == self.session => return Ok(News::Fired),
                AccountUpdate::Event {
                    event: AccountEvent::DeadManSet { session, grace },
                    ..
                } if session == self.session => return Ok(News::Set(grace)),
                // The loss is reported for the feed; this connection is restored, too.
                AccountUpdate::Event { .. } | AccountUpdate::Reconnecting { .. } => {}
                AccountUpdate::Ended(refused) => {
                    let why = Escaped(&refused.message).to_string();
                    let message = format!(
                        "the session has ended, so the market cancelled your orders: {why}"
                    );
                    return Err(Failure::not_logged_in(message).with_code(refused.code.to_string()));
                }
            }
        }
    }

    /// Reports that the switch is armed.
    pub fn report_armed(&self, out: Out, now: Timestamp) -> Result<(), Failure> {
        let text = || {
            let grace = span_words(self.grace);
            format!(
                "The dead-man switch is armed. Your orders are pulled when this was gone or cut off for {grace}; Ctrl-C \
                 clears it."
            )
        };
        out.print(|_| text(), || event(now, Some(self.grace), self.orders()))
    }

    /// Reports an event of the switch.
    pub fn report(&self, out: Out, now: Timestamp, news: &News) -> Result<(), Failure> {
        let orders = self.orders();
        match news {
            News::Fired => {
                let text = "the dead-man switch fired: the market cancels your orders";
                let fields = json!({"event": "dead_man_fired", "time": now.to_string()});
                out.print(|_| line(now, "", text), || fields)
            }
            News::Set(Some(grace)) => {
                let text = || {
                    let grace = span_words(*grace);
                    format!("the dead-man switch is armed with {grace}, by another program")
                };
                out.print(
                    |_| line(now, "", &text()),
                    || event(now, Some(*grace), orders),
                )
            }
            News::Set(None) => {
                let text = "the dead-man switch was cleared by another program: your orders stay";
                out.print(|_| line(now, "", text), || event(now, None, orders))
            }
            News::Standing => {
                let armed = self.account.state().dead_men.iter();
                let mut armed = armed.filter(|dead_man| dead_man.session == self.session);
                let grace = armed.next().map(|dead_man| dead_man.grace);
                let text = || {
                    format!("the connection of your session is restored: {orders} orders are open")
                };
                out.print(|_| line(now, "", &text()), || event(now, grace, orders))
            }
        }
    }

    fn orders(&self) -> usize {
        self.account.state().orders.len()
    }
}

/// Waits for the next event of a switch; for ever, without one.
pub async fn next(dead_man: &mut Option<DeadMan<'_>>) -> Result<News, Failure> {
    match dead_man {
        Some(dead_man) => dead_man.next().await,
        None => pending().await,
    }
}

fn event(now: Timestamp, grace: Option<Span>, orders: usize) -> Value {
    json!({
        "event": "dead_man",
        "time": now.to_string(),
        "armed": grace.is_some(),
        "grace_ms": grace.map(|grace| grace.micros() / 1_000),
        "orders": orders,
    })
}
