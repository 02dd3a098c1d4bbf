//! Orders: requests of the client, answers and events of the market.

use auction_client::{AccountUpdate, RequestError};
use auction_core::{LotId, Market, OwnOrder, Span, Timestamp};

use tokio::time::Instant;

use super::days::keeps_instructions;
use super::{Done, Session, now};
use crate::account::{self, End, MarketSession};
use crate::config::SessionKind;
use crate::dictionary as tag;
use crate::limits::RETRY_AFTER;
use crate::orders::{
    Action, Body, CancelReject, Exec, Intent, MassCancelled, Order, Orders, OutMessage, Refusal,
    Status, StatusRequest, Value, accept,
};
use crate::orders::{Content, Entry, Execution};
use crate::request::{
    Cancel, MassCancel, MassStatus, NewOrder, Replace, Request, Scope, StatusOf, Terms,
};

const EVERYTHING: Scope = Scope {
    instrument: None,
    side: None,
};

impl Session {
    pub(super) async fn request(&mut self, request: Request) {
        let is_trade = matches!(
            request,
            Request::New(_) | Request::Replace(_) | Request::Cancel(_) | Request::MassCancel(_)
        );
        if is_trade && self.config.kind == SessionKind::DropCopy {
            return self.business_reject("0", 6, "this session is a drop copy: it takes no orders");
        }
        match request {
            Request::New(order) => self.new_order(order).await,
            Request::Replace(replace) => self.replace(replace).await,
            Request::Cancel(cancel) => self.cancel(cancel).await,
            Request::MassCancel(request) => self.mass_cancel(request).await,
            Request::Status(request) => self.status(&request),
            Request::MassStatus(request) => self.mass_status(&request),
            Request::MarketData(request) => self.market_data(request),
            Request::SecurityList(request) => self.security_list(&request),
            Request::SecurityStatus(request) => self.security_status(request),
            Request::TradingSession(request) => self.trading_session(request),
        }
    }

    pub(super) fn refuse_kind(&mut self, kind: &str, number: u64) {
        let text = format!(
            "messages of type {kind} are not offered; expected D, F, G, H, q, AF, V, x, e or g"
        );
        let message = OutMessage::new("j")
            .with(tag::REF_SEQ_NUM, number.to_string())
            .with(tag::REF_MSG_TYPE, kind)
            .with(tag::BUSINESS_REJECT_REASON, "3")
            .with(tag::TEXT, text);
        self.replies.push_back(message);
    }

    fn business_reject(&mut self, kind: &str, reason: u32, text: &str) {
        let kind = if kind == "0" { "D" } else { kind };
        let message = OutMessage::new("j")
            .with(tag::REF_MSG_TYPE, kind)
            .with(tag::BUSINESS_REJECT_REASON, reason.to_string())
            .with(tag::TEXT, text);
        self.replies.push_back(message);
    }

    async fn new_order(&mut self, new: NewOrder) {
        if let Some(known) = self.orders.by_cl_ord_id(&new.cl_ord_id) {
            if new.is_repeated {
                let request = StatusRequest {
                    order: None,
                    mass: None,
                };
                let status = Orders::status_message(known, self.config.version, request);
                self.replies.push_back(status);
                return;
            }
            let text = format!("the ClOrdID (11) {} was used before", new.cl_ord_id);
            return self.reject(&new, Refusal::new(Refusal::DUPLICATE, text));
        }
        match self.content(&new.terms) {
            Ok(content) => {
                let action = Action::Place(content);
                if let Err(refusal) = self.intend(Some(new.cl_ord_id.clone()), action).await {
                    self.reject(&new, refusal);
                }
            }
            Err(refusal) => self.reject(&new, refusal),
        }
    }

    fn content(&self, terms: &Terms) -> Result<Content, Refusal> {
        self.shared.feed.with(|view| {
            let lot = view.find(terms.instrument)?;
            accept(terms, lot, self.config.version)
        })
    }

    /// Refuses an order that the market never sees.
    fn reject(&mut self, new: &NewOrder, refusal: Refusal) {
        let terms = &new.terms;
        let order = Order {
            // Above all numbers of requests so far, as the next request's number is.
            key: self.orders.spare_key(),
            cl_ord_ids: vec![new.cl_ord_id.clone()],
            content: Content {
                lot: terms.instrument.lot.unwrap_or(LotId(0)),
                symbol: terms.instrument.symbol,
                side: terms.side,
                quantity: terms.quantity,
                order_type: terms.order_type,
                price: terms.price,
                time_in_force: terms.time_in_force,
                is_order: true,
                day: None,
            },
            status: Status::Rejected,
            place: None,
            filled: 0,
            average: None,
            value: Value::default(),
            at_once: None,
        };
        let execution = Execution {
            exec: Exec::Rejected,
            order,
            orig_cl_ord_id: None,
            reason: Some(refusal.reason),
            text: Some(refusal.text),
            restatement: None,
            day_trade: None,
        };
        self.report(now(), Body::Execution(Box::new(execution)), None);
    }

    async fn replace(&mut self, replace: Replace) {
        let Replace {
            cl_ord_id,
            orig_cl_ord_id,
            terms,
            is_repeated,
        } = replace;
        if is_repeated && self.orders.knows(&cl_ord_id) {
            return;
        }
        let order = match self.changeable(&cl_ord_id, &orig_cl_ord_id) {
            Ok(order) => order.clone(),
            Err((reason, text)) => {
                return self.reject_change(cl_ord_id, orig_cl_ord_id, true, reason, text);
            }
        };
        let reason = if terms.side != order.content.side {
            Some("the side (54) of an order cannot be changed")
        } else if terms.instrument.symbol != order.content.symbol {
            Some("the stock (55) of an order cannot be changed")
        } else if terms.order_type != order.content.order_type && !order.content.is_order {
            Some("the type (40) of a bid cannot be changed: send a new order (D)")
        } else if !order.content.is_order && terms.order_type != crate::request::OrderType::Pegged {
            Some("an open bid cannot be changed: send a higher one (D)")
        } else if terms.quantity.get() <= order.filled {
            Some(
                "the quantity (38) is that of the whole order: it must be above what has traded (14); cancel it with F",
            )
        } else if let Some(day) = order.content.day
            && !keeps_instructions(day, &terms)
        {
            Some(
                "59, 126, 18 and 2964 of an order cannot be changed: repeat them as they are, or cancel and send a new order",
            )
        } else {
            None
        };
        let named = Terms {
            instrument: crate::request::Instrument {
                symbol: order.content.symbol,
                lot: Some(order.content.lot),
            },
            ..terms
        };
        let content = match reason {
            Some(text) => Err((99, text.to_owned())),
            None => self.content(&named).map_err(|refusal| (99, refusal.text)),
        };
        let content = match content {
            Ok(content) => content,
            Err((reason, text)) => {
                return self.reject_change(cl_ord_id, orig_cl_ord_id, true, reason, text);
            }
        };
        let content = match order.content.day {
            None => content,
            Some(_) => Content {
                day: order.content.day,
                time_in_force: order.content.time_in_force,
                ..content
            },
        };
        let action = Action::Replace {
            key: order.key,
            content,
        };
        if let Err(refusal) = self.intend(Some(cl_ord_id.clone()), action).await {
            self.reject_change(cl_ord_id, orig_cl_ord_id, true, 2, refusal.text);
        }
    }

    async fn cancel(&mut self, cancel: Cancel) {
        let Cancel {
            cl_ord_id,
            orig_cl_ord_id,
            is_repeated,
        } = cancel;
        if is_repeated && self.orders.knows(&cl_ord_id) {
            return;
        }
        let key = match self.changeable(&cl_ord_id, &orig_cl_ord_id) {
            Ok(order) if order.content.is_order => order.key,
            Ok(_) => {
                let text = "a bid binds: it cannot be cancelled".to_owned();
                return self.reject_change(cl_ord_id, orig_cl_ord_id, false, 99, text);
            }
            Err((reason, text)) => {
                return self.reject_change(cl_ord_id, orig_cl_ord_id, false, reason, text);
            }
        };
        let intended = self
            .intend(Some(cl_ord_id.clone()), Action::Cancel { key })
            .await;
        if let Err(refusal) = intended {
            self.reject_change(cl_ord_id, orig_cl_ord_id, false, 2, refusal.text);
        }
    }

    /// Returns the order that a change names, if it can be changed now.
    fn changeable(&self, cl_ord_id: &str, orig: &str) -> Result<&Order, (u32, String)> {
        if self.orders.knows(cl_ord_id) {
            return Err((6, format!("the ClOrdID (11) {cl_ord_id} was used before")));
        }
        let order = self.orders.by_cl_ord_id(orig);
        let order = order.ok_or_else(|| {
            (
                1,
                format!("unknown_order: no order of this session has the ClOrdID {orig}"),
            )
        })?;
        if order.status == Status::PendingNew {
            return Err((3, format!("the order {orig} has not been answered yet")));
        }
        if !order.status.is_live() {
            return Err((0, format!("the order {orig} has ended already")));
        }
        if self.orders.is_changing(order.key) {
            return Err((
                3,
                format!("a change of the order {orig} has not been answered yet"),
            ));
        }
        Ok(order)
    }

    fn reject_change(
        &mut self,
        cl_ord_id: String,
        orig_cl_ord_id: String,
        is_replace: bool,
        reason: u32,
        text: String,
    ) {
        let order = self.orders.by_cl_ord_id(&orig_cl_ord_id).cloned();
        let reject = CancelReject {
            cl_ord_id,
            orig_cl_ord_id,
            order,
            is_replace,
            reason,
            text,
        };
        self.report(now(), Body::CancelReject(reject), None);
    }

    async fn mass_cancel(&mut self, request: MassCancel) {
        let symbol = request.scope.instrument.map(|instrument| instrument.symbol);
        let keys = self.cancellable(request.scope);
        let mut report = MassCancelled {
            cl_ord_id: request.cl_ord_id,
            kind: request.kind,
            symbol,
            affected: Some(keys.len() as u64),
            text: None,
        };
        if self.market.is_none() {
            report.affected = None;
            report.text = Some(NO_MARKET.to_owned());
        }
        self.report(now(), Body::MassCancel(report), None);
        self.cancel_keys(keys).await;
    }

    /// Cancels the orders of a client that is gone.
    pub(super) async fn cancel_all(&mut self) {
        let keys = self.cancellable(EVERYTHING);
        if keys.is_empty() {
            return;
        }
        if self.market.is_none() {
            self.cancels_at = Some(Instant::now() + RETRY_AFTER);
            return;
        }
        let (session, orders) = (&self.config.comp_id, keys.len());
        tracing::info!(
            session,
            orders,
            "the client is gone: its orders are cancelled"
        );
        self.cancel_keys(keys).await;
    }

    fn cancellable(&self, scope: Scope) -> Vec<u64> {
        let can = |order: &&Order| order.status == Status::New && order.content.is_order;
        let live = self.orders.live(scope).filter(can);
        let live = live.filter(|order| !self.orders.is_changing(order.key));
        live.map(|order| order.key).collect()
    }

    async fn cancel_keys(&mut self, keys: Vec<u64>) {
        let Some(market) = self.market.clone() else {
            return;
        };
        let session = market.logged_in.session.0;
        let intent = |key| Intent {
            request: market.client.reserve_request_id().0,
            session,
            cl_ord_id: None,
            action: Action::Cancel { key },
        };
        let intents: Vec<_> = keys.into_iter().map(intent).collect();
        self.carry_out(&market, intents, false).await;
    }

    fn status(&mut self, request: &StatusOf) {
        let answer_to = StatusRequest {
            order: request.request.as_deref(),
            mass: None,
        };
        let message = match self.orders.by_cl_ord_id(&request.cl_ord_id) {
            Some(order) => Orders::status_message(order, self.config.version, answer_to),
            None => Orders::unknown_message(request),
        };
        self.replies.push_back(message);
    }

    fn mass_status(&mut self, request: &MassStatus) {
        let live: Vec<_> = self.orders.live(request.scope).cloned().collect();
        let total = live.len();
        if total == 0 {
            self.replies
                .push_back(Orders::no_orders_message(&request.request));
        }
        for (place, order) in (1..).zip(live) {
            let answer_to = StatusRequest {
                order: None,
                mass: Some((&request.request, total, place)),
            };
            let message = Orders::status_message(&order, self.config.version, answer_to);
            self.replies.push_back(message);
        }
    }

    /// Keeps a request, and sends it to the market.
    async fn intend(&mut self, cl_ord_id: Option<String>, action: Action) -> Result<(), Refusal> {
        let Some(market) = self.market.clone() else {
            return Err(Refusal::new(Refusal::EXCHANGE_CLOSED, NO_MARKET));
        };
        let intent = Intent {
            request: market.client.reserve_request_id().0,
            session: market.logged_in.session.0,
            cl_ord_id,
            action,
        };
        self.carry_out(&market, vec![intent], false).await;
        Ok(())
    }

    /// Keeps intents on disk, then hands their requests to the market, in order.
    async fn carry_out(&mut self, market: &MarketSession, intents: Vec<Intent>, is_repeated: bool) {
        if intents.is_empty() {
            return;
        }
        let entries: Vec<_> = intents.iter().cloned().map(Entry::Intent).collect();
        for (entry, intent) in entries.iter().zip(&intents) {
            self.orders.apply(entry);
            self.orders.sent(intent.request);
        }
        self.shared
            .log
            .write_durably(&self.config.comp_id, entries)
            .await;
        for intent in intents {
            let request = intent.request;
            let Some(submitted) =
                account::submit(&market.client, &intent, &self.orders, is_repeated).await
            else {
                self.apply(Entry::Done { request });
                continue;
            };
            self.requests.push(Box::pin(submitted.end()));
        }
    }

    pub(super) async fn ended(&mut self, request: u64, end: End) {
        match end {
            End::Answered(answer) => {
                let lot = self.orders.lot_of_request(request);
                if self.orders.note_answer(request, &answer) {
                    return;
                }
                let Some(reports) = self.orders.answered(request, &answer) else {
                    return;
                };
                if reports.is_empty() {
                    self.apply(Entry::Done { request });
                }
                for (place, body) in reports.into_iter().enumerate() {
                    let answers = (place == 0).then_some(request);
                    self.report(now(), body, answers);
                }
                for (at, event) in self.orders.released() {
                    self.happened(at, &event);
                }
                for (at, change) in self.orders.released_changes() {
                    self.day_changed(at, &change);
                }
                // A refusal can mean that the order is not as it is known here.
                if let (true, Some(lot)) = (answer.is_err(), lot)
                    && self.orders.has_orders_on(lot)
                {
                    self.read_orders(lot);
                }
            }
            End::SessionLost { may_be_done } => self.session_lost(request, may_be_done).await,
        }
    }

    /// The session of the market ended before a request's answer: nothing was done, unless an earlier copy was.
    async fn session_lost(&mut self, request: u64, may_be_done: bool) {
        if may_be_done {
            let intent = self
                .orders
                .pending()
                .find(|intent| intent.request == request);
            let id = intent.and_then(|intent| intent.cl_ord_id.clone());
            let mut message = OutMessage::new("j").with(tag::REF_MSG_TYPE, "D");
            if let Some(id) = id {
                message.put(tag::BUSINESS_REJECT_REF_ID, id);
            }
            message.put(tag::BUSINESS_REJECT_REASON, "4");
            message.put(tag::TEXT, "the outcome is not known: the session of the market ended before the answer; compare your orders (AF)");
            self.replies.push_back(message);
            self.apply(Entry::Done { request });
            return;
        }
        // The intent waits: it is sent in the next session.
        self.orders.detach(request);
        self.market = None;
        self.log_in_again();
    }

    /// Begins to use a session of the market.
    pub(super) async fn logged_in(&mut self, session: MarketSession) {
        if let Err(error) = self.token_file.write(&session.token) {
            let session = &self.config.comp_id;
            tracing::error!(session, %error, "the session of the market cannot be kept: a restart needs a new logon");
        }
        self.watch_account(&session);
        if let Some(grace) = self.config.cancel_on_disconnect
            && let Ok(grace) = Span::try_from(grace)
        {
            let client = session.client.clone();
            tokio::spawn(async move {
                // `unchanged` means that it is armed already.
                let armed = client.set_dead_man(Some(grace)).await;
                if let Err(error) = armed
                    && error
                        .refused()
                        .is_none_or(|refused| refused.code != auction_client::Code::UNCHANGED)
                {
                    tracing::warn!(%error, "the dead-man switch cannot be set");
                }
            });
        }
        let number = session.logged_in.session.0;
        self.market = Some(session.clone());
        if let Some(spare) = self.spare.take() {
            super::close(spare);
        }
        for ready in self.unready.drain(..) {
            // Ignore send errors: the logon may have been given up.
            let _ = ready.send(());
        }
        let (same, other): (Vec<_>, Vec<_>) = self
            .orders
            .waiting()
            .into_iter()
            .partition(|intent| intent.session == number);
        // Sent before the gateway's restart: the same number in the same session is carried out once.
        self.carry_out(&session, same, true).await;
        let (unsent, unknown): (Vec<_>, Vec<_>) = other
            .into_iter()
            .partition(|intent| self.orders.is_detached(intent.request));
        let in_new_session = |intent: Intent| Intent {
            session: number,
            ..intent
        };
        self.carry_out(
            &session,
            unsent.into_iter().map(in_new_session).collect(),
            false,
        )
        .await;
        for intent in unknown {
            self.session_lost(intent.request, true).await;
        }
        self.read_all();
    }

    pub(super) async fn account_updated(&mut self, update: AccountUpdate) {
        match update {
            AccountUpdate::Event { at, event } => self.happened(at, &event),
            AccountUpdate::Snapshot => self.read_all(),
            AccountUpdate::Reconnecting { because, .. } => {
                tracing::debug!(session = self.config.comp_id, %because, "the account is out of reach");
            }
            AccountUpdate::Ended(refused) => {
                let session = &self.config.comp_id;
                tracing::warn!(session, because = %&*refused.message, "the session of the market has ended");
                self.market = None;
                self.log_in_again();
            }
        }
    }

    pub(super) fn happened(&mut self, at: Timestamp, event: &auction_core::AccountEvent) {
        if self.config.kind == SessionKind::DropCopy {
            self.copy_placed(at, event);
        }
        for change in self.orders.day_changes(at, event) {
            self.day_changed(at, &change);
        }
        let consequence = self.orders.happened(at, event);
        for body in consequence.reports {
            self.report(at, body, None);
        }
        if let Some(lot) = consequence.read {
            self.read_orders(lot);
        }
    }

    pub(super) fn report(&mut self, at: Timestamp, body: Body, answers: Option<u64>) {
        let entry = self.orders.report(at, body, answers);
        self.apply(entry);
    }

    /// Compares all live orders with the market.
    fn read_all(&mut self) {
        for lot in self.orders.lots_to_compare() {
            if self.orders.has_orders_on(lot) {
                self.read_orders(lot);
            }
        }
        if self.orders.has_bids()
            && let Some(market) = &self.market
        {
            let (client, done) = (market.client.clone(), self.done.clone());
            tokio::spawn(async move {
                if let Ok(market) = retried(|| client.snapshot()).await {
                    let _ = done.send(Done::Market(Box::new(market))).await;
                }
            });
        }
    }

    fn read_orders(&mut self, lot: LotId) {
        let Some(market) = &self.market else {
            return;
        };
        let (client, done) = (market.client.clone(), self.done.clone());
        tokio::spawn(async move {
            if let Ok(orders) = retried(|| client.orders(lot)).await {
                let _ = done.send(Done::Orders(lot, orders)).await;
            }
        });
    }

    pub(super) fn orders_read(&mut self, lot: LotId, own: &[OwnOrder]) {
        for body in self.orders.compared(lot, own) {
            self.report(now(), body, None);
        }
    }

    pub(super) fn market_read(&mut self, market: &Market) {
        let Some(session) = &self.market else {
            return;
        };
        let user = session.logged_in.user;
        for lot in self.orders.lots_to_compare() {
            let Some(lot) = market.lot(lot) else {
                continue;
            };
            if let Some(body) = self.orders.bid_compared(lot, user) {
                self.report(now(), body, None);
            }
        }
    }
}

const NO_MARKET: &str =
    "not_logged_in: the gateway has no session of the market; log on with a password (554)";

/// Reads until there is an answer; a refusal ends it.
async fn retried<T, F: Future<Output = Result<T, RequestError>>>(
    read: impl Fn() -> F,
) -> Result<T, RequestError> {
    loop {
        match read().await {
            Ok(read) => return Ok(read),
            Err(error) if error.refused().is_some() => return Err(error),
            Err(_) => tokio::time::sleep(RETRY_AFTER).await,
        }
    }
}
