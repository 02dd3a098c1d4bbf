//! Reports as messages of FIX.

use auction_core::{FillRole, Price, Side, TimeInForce};

use super::{Body, CancelReject, Exec, Execution, MassCancelled, Order, Report, Status};
use crate::dictionary::{self as tag, Version};
use crate::request::{OrderType, StatusOf};
use crate::value;

/// A message to a client: its type, and its fields in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutMessage {
    pub kind: &'static str,
    pub fields: Vec<(u32, String)>,
}

impl OutMessage {
    pub fn new(kind: &'static str) -> Self {
        let fields = Vec::with_capacity(28);
        Self { kind, fields }
    }

    pub fn with(mut self, tag: u32, value: impl Into<String>) -> Self {
        self.put(tag, value);
        self
    }

    pub fn put(&mut self, tag: u32, value: impl Into<String>) {
        let value = value.into();
        debug_assert!(!value.is_empty(), "tag {tag}");
        self.fields.push((tag, value));
    }

    fn put_some(&mut self, tag: u32, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.put(tag, value);
        }
    }
}

/// Request that a status report answers.
#[derive(Clone, Copy, Debug)]
pub struct StatusRequest<'a> {
    /// `OrdStatusReqID` (790).
    pub order: Option<&'a str>,
    /// `MassStatusReqID` (584), the number of reports, and the place of this one from 1.
    pub mass: Option<(&'a str, usize, usize)>,
}

impl Report {
    /// Returns the message.
    pub fn message(&self, version: Version, session: &str) -> OutMessage {
        let at = value::time_text(self.at);
        match &self.body {
            Body::Execution(execution) => {
                let id = exec_id(execution, session, self.number);
                execution_report(execution, version, &id, &at)
            }
            Body::CancelReject(reject) => cancel_reject(reject, &at),
            Body::MassCancel(report) => mass_cancel(report, version, self.number),
        }
    }
}

/// Returns the `ExecID`. It follows from the execution, so that a report that is made again, because a crash or a power loss
/// took its line of the log, has the same one.
fn exec_id(execution: &Execution, session: &str, number: u64) -> String {
    let order = &execution.order;
    let order_id = order.order_id();
    match execution.exec {
        Exec::Rejected => format!("{session}-{number}"),
        Exec::Restated => format!("{order_id}-D{number}"),
        Exec::Replaced => format!("{order_id}-5-{}", order.cl_ord_id()),
        Exec::Trade { .. } => format!("{order_id}-F{}", order.filled),
        exec @ (Exec::New | Exec::Cancelled | Exec::Expired | Exec::Done) => {
            format!("{order_id}-{}", exec_type(exec))
        }
    }
}

fn execution_report(execution: &Execution, version: Version, id: &str, at: &str) -> OutMessage {
    let order = &execution.order;
    let mut message = OutMessage::new("8");
    message.put(tag::ORDER_ID, order.order_id());
    message.put_some(tag::CL_ORD_ID, order.cl_ord_ids.last());
    message.put_some(tag::ORIG_CL_ORD_ID, execution.orig_cl_ord_id.as_deref());
    message.put(tag::EXEC_ID, id);
    message.put(tag::EXEC_TYPE, exec_type(execution.exec));
    message.put(tag::ORD_STATUS, status_code(order));
    put_content(&mut message, order, version);
    if let Exec::Trade { quantity, price } = execution.exec {
        message.put(tag::LAST_QTY, quantity.to_string());
        message.put(tag::LAST_PX, price.to_string());
    }
    put_quantities(&mut message, order);
    message.put(tag::TRANSACT_TIME, at);
    message.put_some(
        tag::ORD_REJ_REASON,
        execution.reason.map(|reason| reason.to_string()),
    );
    message.put_some(
        tag::EXEC_RESTATEMENT_REASON,
        execution.restatement.map(|reason| reason.to_string()),
    );
    message.put_some(tag::TEXT, execution.text.as_deref());
    if version == Version::Fix50
        && let Exec::Trade { .. } = execution.exec
    {
        put_match(&mut message, execution);
    }
    message
}

/// Puts the fields of a trade that only FIX.5.0SP2 has.
fn put_match(message: &mut OutMessage, execution: &Execution) {
    let content = &execution.order.content;
    match (content.day, execution.day_trade) {
        (None, _) => {
            if content.is_order {
                message.put(tag::MATCH_TYPE, "7");
            }
            message.put(tag::TRD_MATCH_ID, content.lot.to_string());
        }
        (Some(_), Some(trade)) => {
            let (match_type, aggressor) = match trade.role {
                FillRole::Call => ("7", None),
                FillRole::Maker => ("4", Some("N")),
                FillRole::Taker => ("4", Some("Y")),
            };
            message.put(tag::MATCH_TYPE, match_type);
            message.put(
                tag::TRD_MATCH_ID,
                format!("{}-{}", content.lot, trade.number),
            );
            message.put_some(tag::AGGRESSOR_INDICATOR, aggressor);
        }
        // One report for several trades.
        (Some(_), None) => {}
    }
}

/// Makes an order status report.
pub fn status(order: &Order, version: Version, request: StatusRequest<'_>) -> OutMessage {
    let mut message = OutMessage::new("8");
    message.put(tag::ORDER_ID, order.order_id());
    message.put(tag::CL_ORD_ID, order.cl_ord_id());
    message.put(tag::EXEC_ID, "0");
    message.put(tag::EXEC_TYPE, "I");
    message.put(tag::ORD_STATUS, status_code(order));
    put_content(&mut message, order, version);
    put_quantities(&mut message, order);
    message.put_some(tag::ORD_STATUS_REQ_ID, request.order);
    if let Some((request, total, place)) = request.mass {
        message.put(tag::MASS_STATUS_REQ_ID, request);
        message.put(tag::TOT_NUM_REPORTS, total.to_string());
        message.put(
            tag::LAST_RPT_REQUESTED,
            if place == total { "Y" } else { "N" },
        );
    }
    message
}

/// Makes the answer to a status request that names no order.
pub fn unknown(request: &StatusOf) -> OutMessage {
    let mut message = nothing(&request.cl_ord_id, side_code(request.side));
    let symbol = request
        .symbol
        .as_ref()
        .map_or("N/A", |symbol| symbol.as_str());
    message.put(tag::SYMBOL, symbol);
    message.put_some(tag::ORD_STATUS_REQ_ID, request.request.as_deref());
    message.put(tag::ORD_REJ_REASON, "5");
    message.put(
        tag::TEXT,
        "unknown_order: no order of this session has this ClOrdID",
    );
    message
}

/// Makes the answer to a mass status request that no order fits.
pub fn no_orders(request: &str) -> OutMessage {
    let mut message = nothing("NONE", "1");
    message.put(tag::SYMBOL, "N/A");
    message.put(tag::MASS_STATUS_REQ_ID, request);
    message.put(tag::TOT_NUM_REPORTS, "0");
    message.put(tag::LAST_RPT_REQUESTED, "Y");
    message.put(tag::TEXT, "there is no such order");
    message
}

fn nothing(cl_ord_id: &str, side: &str) -> OutMessage {
    OutMessage::new("8")
        .with(tag::ORDER_ID, "NONE")
        .with(tag::CL_ORD_ID, cl_ord_id)
        .with(tag::EXEC_ID, "0")
        .with(tag::EXEC_TYPE, "I")
        .with(tag::ORD_STATUS, "8")
        .with(tag::SIDE, side)
        .with(tag::LEAVES_QTY, "0")
        .with(tag::CUM_QTY, "0")
        .with(tag::AVG_PX, "0")
}

fn put_content(message: &mut OutMessage, order: &Order, version: Version) {
    let content = &order.content;
    message.put(tag::SYMBOL, content.symbol.as_str());
    if content.lot.0 > 0 {
        message.put(tag::SECURITY_ID, content.lot.to_string());
        message.put(tag::SECURITY_ID_SOURCE, "8");
    }
    message.put(tag::SIDE, side_code(content.side));
    message.put(tag::ORDER_QTY, content.quantity.to_string());
    message.put(tag::ORD_TYPE, content.order_type.code());
    message.put_some(tag::PRICE, content.price.map(|price| price.to_string()));
    message.put_some(tag::TIME_IN_FORCE, content.time_in_force.map(String::from));
    if let Some(day) = content.day {
        if let TimeInForce::Until(until) = day.time_in_force {
            message.put(tag::EXPIRE_TIME, value::time_text(until));
        }
        if day.post_only {
            message.put(tag::EXEC_INST, "6");
        }
    }
    if content.order_type == OrderType::Pegged {
        message.put(tag::PEG_OFFSET_VALUE, "0");
        if version == Version::Fix50 {
            message.put(tag::PEG_PRICE_TYPE, "5");
        }
    }
}

fn put_quantities(message: &mut OutMessage, order: &Order) {
    message.put(tag::LEAVES_QTY, order.leaves().to_string());
    message.put(tag::CUM_QTY, order.filled.to_string());
    message.put(
        tag::AVG_PX,
        order.average.unwrap_or(Price::ZERO).to_string(),
    );
}

fn cancel_reject(reject: &CancelReject, at: &str) -> OutMessage {
    let order = reject.order.as_ref();
    let order_id = order.map_or_else(|| "NONE".to_owned(), Order::order_id);
    OutMessage::new("9")
        .with(tag::ORDER_ID, order_id)
        .with(tag::CL_ORD_ID, reject.cl_ord_id.as_str())
        .with(tag::ORIG_CL_ORD_ID, reject.orig_cl_ord_id.as_str())
        .with(tag::ORD_STATUS, order.map_or("8", status_code))
        .with(
            tag::CXL_REJ_RESPONSE_TO,
            if reject.is_replace { "2" } else { "1" },
        )
        .with(tag::CXL_REJ_REASON, reject.reason.to_string())
        .with(tag::TRANSACT_TIME, at)
        .with(tag::TEXT, reject.text.as_str())
}

fn mass_cancel(report: &MassCancelled, version: Version, number: u64) -> OutMessage {
    let mut message = OutMessage::new("r");
    message.put(tag::CL_ORD_ID, report.cl_ord_id.as_str());
    message.put(tag::ORDER_ID, "NONE");
    if version == Version::Fix50 {
        message.put(tag::MASS_ACTION_REPORT_ID, number.to_string());
    }
    message.put(tag::MASS_CANCEL_REQUEST_TYPE, report.kind.as_str());
    match report.affected {
        Some(affected) => {
            message.put(tag::MASS_CANCEL_RESPONSE, report.kind.as_str());
            message.put(tag::TOTAL_AFFECTED_ORDERS, affected.to_string());
        }
        None => {
            message.put(tag::MASS_CANCEL_RESPONSE, "0");
            message.put(tag::MASS_CANCEL_REJECT_REASON, "99");
        }
    }
    message.put_some(
        tag::SYMBOL,
        report.symbol.as_ref().map(|symbol| symbol.as_str()),
    );
    message.put_some(tag::TEXT, report.text.as_deref());
    message
}

fn exec_type(exec: Exec) -> &'static str {
    match exec {
        Exec::New => "0",
        Exec::Rejected => "8",
        Exec::Replaced => "5",
        Exec::Cancelled => "4",
        Exec::Expired => "C",
        Exec::Restated => "D",
        Exec::Done => "3",
        Exec::Trade { .. } => "F",
    }
}

/// `OrdStatus`. FIX.4.4 has no status for a replaced order, so a replaced order is new in both versions.
fn status_code(order: &Order) -> &'static str {
    match order.status {
        Status::PendingNew => "A",
        Status::New if order.filled > 0 => "1",
        Status::New => "0",
        Status::Filled => "2",
        Status::Cancelled => "4",
        Status::Expired => "C",
        Status::Rejected => "8",
        Status::Done => "3",
    }
}

pub fn side_code(side: Side) -> &'static str {
    match side {
        Side::Buy => "1",
        Side::Sell => "2",
    }
}
