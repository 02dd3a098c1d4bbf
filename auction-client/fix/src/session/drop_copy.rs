//! Drop copies: everything that happens to the account, whichever session or program did it.

use auction_client::AccountState;
use auction_core::{
    AccountEvent, DayOrder, LotId, OrderId, Quantity, Side, StandingLead, StandingOrder,
    TimeInForce, Timestamp,
};

use super::{Session, now};
use crate::config::SessionKind;
use crate::dictionary::{self as tag, Version};
use crate::orders::{Body, Content, DayPart, Exec, Execution, Order, OutMessage, Status, Value};
use crate::request::OrderType;

/// Marks a report as a copy (797=Y).
pub fn mark(message: &mut OutMessage) {
    if message.kind == "8" {
        message.put(tag::COPY_MSG_INDICATOR, "Y");
    }
}

impl Session {
    /// Reports an order or a bid that an event of the account shows first.
    pub(super) fn copy_placed(&mut self, at: Timestamp, event: &AccountEvent) {
        match event {
            AccountEvent::OrderPlaced(standing) => self.copy_order(at, standing),
            AccountEvent::Leads(lead) => self.copy_lead(at, lead),
            AccountEvent::DayOrderAccepted {
                lot,
                order,
                content,
            } if !self.orders.has_placed(*lot, *order) => {
                self.copy_day_order(at, *lot, *order, content);
            }
            _ => {}
        }
    }

    /// Reports what is in the account and was not reported before.
    pub(super) fn state_read(&mut self, state: &AccountState) {
        if self.config.kind != SessionKind::DropCopy {
            return self.days_compared(&state.day_orders);
        }
        for standing in &state.day_orders {
            if !self.orders.has_placed(standing.lot, standing.order.order) {
                // Its quantity is what is open.
                let mut content = standing.order.content;
                let whole = content.quantity.get() + standing.order.traded;
                content.quantity = Quantity::new(whole).unwrap_or(content.quantity);
                self.copy_day_order(now(), standing.lot, standing.order.order, &content);
            }
        }
        self.days_compared(&state.day_orders);
        for standing in &state.orders {
            if !self.orders.has_placed(standing.lot, standing.order) {
                self.copy_order(now(), standing);
            }
        }
        for lead in &state.leads {
            self.copy_lead(now(), lead);
        }
    }

    fn copy_order(&mut self, at: Timestamp, standing: &StandingOrder) {
        let StandingOrder {
            lot,
            order,
            side,
            quantity,
            limit,
        } = *standing;
        let order_type = match limit {
            Some(_) => OrderType::Limit,
            None => OrderType::Market,
        };
        let Some(content) = self.content_of(lot, side, quantity, order_type, limit) else {
            return;
        };
        self.copy(at, content, Some(order));
    }

    fn copy_day_order(&mut self, at: Timestamp, lot: LotId, number: OrderId, order: &DayOrder) {
        let order_type = match order.limit {
            Some(_) => OrderType::Limit,
            None => OrderType::Market,
        };
        let content = self.content_of(lot, order.side, order.quantity, order_type, order.limit);
        let Some(mut content) = content else {
            return;
        };
        content.time_in_force = Some(match order.time_in_force {
            TimeInForce::Day => '0',
            TimeInForce::AtOpen => '2',
            TimeInForce::ImmediateOrCancel => '3',
            TimeInForce::FillOrKill => '4',
            TimeInForce::Until(_) => '6',
            TimeInForce::AtClose => '7',
            TimeInForce::Auction => 'B',
        });
        if self.config.version == Version::Fix44 && order.time_in_force == TimeInForce::Auction {
            content.time_in_force = None;
        }
        content.day = Some(DayPart {
            time_in_force: order.time_in_force,
            post_only: order.post_only,
            self_trade: order.self_trade,
        });
        self.copy(at, content, Some(number));
    }

    fn copy_lead(&mut self, at: Timestamp, lead: &StandingLead) {
        if let Some(bid) = self.orders.bid_on(lead.lot) {
            if bid.content.price == Some(lead.offer) {
                return;
            }
            let superseded = Execution {
                exec: Exec::Cancelled,
                order: Order {
                    status: Status::Cancelled,
                    ..bid.clone()
                },
                orig_cl_ord_id: None,
                reason: None,
                text: Some("superseded by a higher offer".to_owned()),
                restatement: None,
                day_trade: None,
            };
            self.report(at, Body::Execution(Box::new(superseded)), None);
        }
        let quantity = self
            .shared
            .feed
            .with(|view| view.lot(lead.lot).map(|lot| lot.quantity));
        let content = quantity.and_then(|quantity| {
            self.content_of(
                lead.lot,
                Side::Buy,
                quantity,
                OrderType::Limit,
                Some(lead.offer),
            )
        });
        if let Some(mut content) = content {
            content.is_order = false;
            self.copy(at, content, None);
        }
    }

    fn content_of(
        &self,
        lot: LotId,
        side: Side,
        quantity: Quantity,
        order_type: OrderType,
        price: Option<auction_core::Price>,
    ) -> Option<Content> {
        let symbol = self
            .shared
            .feed
            .with(|view| view.lot(lot).map(|lot| lot.symbol))?;
        Some(Content {
            lot,
            symbol,
            side,
            quantity,
            order_type,
            price,
            time_in_force: None,
            is_order: true,
            day: None,
        })
    }

    fn copy(&mut self, at: Timestamp, content: Content, place: Option<OrderId>) {
        let order = Order {
            key: self.orders.spare_key(),
            cl_ord_ids: Vec::new(),
            content,
            status: Status::New,
            place,
            filled: 0,
            average: None,
            value: Value::default(),
            at_once: None,
        };
        let execution = Execution {
            exec: Exec::New,
            order,
            orig_cl_ord_id: None,
            reason: None,
            text: None,
            restatement: None,
            day_trade: None,
        };
        self.report(at, Body::Execution(Box::new(execution)), None);
    }
}
