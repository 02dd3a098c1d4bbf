//! The market's answers to requests, as reports.

use auction_core::{BidReply, DayReply, OrderId};
use auction_proto::{Code, Fault, Refused};

use super::{
    Action, AtOnce, Body, CancelReject, Content, Exec, Execution, Intent, Order, Orders, Status,
};

/// Answer to a request that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Placed(OrderId),
    Bid(BidReply),
    Day(DayReply),
    Done,
}

/// Reason why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The market refused it.
    Refused(Box<Refused>),
    /// It was never sent.
    NotSent(String),
}

impl Failure {
    /// Returns the market's code and words.
    pub fn text(&self) -> String {
        match self {
            Self::Refused(refused) => format!("{}: {}", refused.code, &*refused.message),
            Self::NotSent(because) => format!("not_connected: nothing was done: {because}"),
        }
    }

    pub(super) fn is_unknown_order(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == Code::UNKNOWN_ORDER)
    }

    /// Returns the nearest `OrdRejReason`.
    fn order_reason(&self) -> u32 {
        let Self::Refused(refused) = self else {
            return 2;
        };
        match refused.code {
            Code::UNKNOWN_SYMBOL | Code::UNKNOWN_LOT => 1,
            Code::LOT_CLOSED
            | Code::LOT_HALTED
            | Code::LOT_NOT_BEGUN
            | Code::MARKET_HALTED
            | Code::NOT_IN_PHASE => 2,
            Code::UNTIL_PASSED => 4,
            Code::INSUFFICIENT_FUNDS
            | Code::INSUFFICIENT_SHARES
            | Code::AMOUNT_TOO_LARGE
            | Code::TOO_MANY_ORDERS
            | Code::OVER_LIMIT => 3,
            Code::OFF_ROUND_LOT | Code::WHOLE_LOT_ONLY => 13,
            Code::LIMIT_NEEDED
            | Code::BUYS_ONLY
            | Code::TAKES_BIDS
            | Code::TAKES_ORDERS
            | Code::TAKES_DAY_ORDERS
            | Code::POST_ONLY_MUST_REST => 11,
            code if code.fault() == Fault::Server => 0,
            _ => 99,
        }
    }

    /// Returns the nearest `CxlRejReason`.
    fn cancel_reason(&self) -> u32 {
        let Self::Refused(refused) = self else {
            return 2;
        };
        match refused.code {
            Code::LOT_CLOSED | Code::NO_CANCEL_NOW | Code::NOT_IN_PHASE | Code::MARKET_HALTED => 0,
            Code::UNKNOWN_ORDER => 1,
            _ => 99,
        }
    }
}

impl Orders {
    /// Returns the reports of an answer, in order; `None`: no such request waits.
    pub fn answered(&self, request: u64, answer: &Result<Answer, Failure>) -> Option<Vec<Body>> {
        let intent = self.pending.get(&request)?;
        Some(match (&intent.action, answer) {
            (Action::Place(content), Ok(answer)) => self.placed(intent, content, *answer),
            (Action::Place(_), Err(failure)) => {
                let order = self.order(request)?;
                let mut rejected = order.execution(Exec::Rejected, Status::Rejected);
                rejected.reason = Some(failure.order_reason());
                vec![rejected.with_text(failure.text()).body()]
            }
            (Action::Replace { key, content }, Ok(_)) => {
                let mut replaced = self.changed(intent, *key, Exec::Replaced, Status::New)?;
                replaced.order.content = content.clone();
                vec![replaced.body()]
            }
            (Action::Cancel { key }, Ok(_)) => {
                vec![
                    self.changed(intent, *key, Exec::Cancelled, Status::Cancelled)?
                        .body(),
                ]
            }
            (Action::Replace { key, .. } | Action::Cancel { key }, Err(failure)) => {
                let Some(cl_ord_id) = intent.cl_ord_id.clone() else {
                    // Nobody asked for it: what became of the order is reported by itself.
                    return Some(Vec::new());
                };
                let order = self.order(*key)?.clone();
                vec![Body::CancelReject(CancelReject {
                    cl_ord_id,
                    orig_cl_ord_id: order.cl_ord_id().to_owned(),
                    order: Some(order),
                    is_replace: matches!(intent.action, Action::Replace { .. }),
                    reason: failure.cancel_reason(),
                    text: failure.text(),
                })]
            }
        })
    }

    fn placed(&self, intent: &Intent, content: &Content, answer: Answer) -> Vec<Body> {
        let Some(order) = self.order(intent.request) else {
            return Vec::new();
        };
        let mut new = order.execution(Exec::New, Status::New);
        let mut reports = Vec::new();
        match answer {
            Answer::Placed(place) => {
                new.order.place = Some(place);
                reports.push(new.body());
            }
            Answer::Bid(reply) => {
                // A trader has one bid on a lot: the latest.
                let earlier = self.bids.get(&content.lot).and_then(|key| self.order(*key));
                if reply.leads
                    && let Some(earlier) = earlier
                {
                    let superseded = earlier.execution(Exec::Cancelled, Status::Cancelled);
                    let text = format!("superseded by {}", order.cl_ord_id());
                    reports.push(superseded.with_text(text).body());
                }
                let accepted = new.order.clone();
                reports.push(new.body());
                if !reply.leads && !reply.bought {
                    let text = match reply.price {
                        Some(price) => format!("outbid: another trader leads at {price}"),
                        None => "outbid: another trader's maximum is higher".to_owned(),
                    };
                    let outbid = accepted.execution(Exec::Cancelled, Status::Cancelled);
                    reports.push(outbid.with_text(text).body());
                }
            }
            Answer::Day(reply) => {
                new.order.place = Some(reply.order);
                new.order.at_once = Some(AtOnce::of(&reply));
                reports.push(new.body());
            }
            Answer::Done => reports.push(new.body()),
        }
        reports
    }

    /// Returns the report of a change that the client asked for, if it named one.
    pub(super) fn changed(
        &self,
        intent: &Intent,
        key: u64,
        exec: Exec,
        status: Status,
    ) -> Option<Execution> {
        let order: &Order = self.order(key)?;
        if !order.status.is_live() {
            // It has ended meanwhile, and that was reported.
            let ended = order.status;
            return Some(order.execution(exec, ended));
        }
        let mut execution = order.execution(exec, status);
        if let Some(id) = &intent.cl_ord_id {
            execution.orig_cl_ord_id = Some(order.cl_ord_id().to_owned());
            execution.order.cl_ord_ids.retain(|known| known != id);
            execution.order.cl_ord_ids.push(id.clone());
        }
        Some(execution)
    }
}
