//! Drop copies: everything that happens to the account, whichever session or program did it.

use auction_client::AccountState;
use auction_core::{AccountEvent, LotId, Quantity, Side, StandingLead, StandingOrder, Timestamp};

use super::{Session, now};
use crate::config::SessionKind;
use crate::dictionary as tag;
use crate::orders::{Body, Content, Exec, Execution, Order, OutMessage, Status};
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
            _ => {}
        }
    }

    /// Reports what is in the account and was not reported before.
    pub(super) fn state_read(&mut self, state: &AccountState) {
        if self.config.kind != SessionKind::DropCopy {
            return;
        }
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
        })
    }

    fn copy(&mut self, at: Timestamp, content: Content, place: Option<auction_core::OrderId>) {
        let order = Order {
            key: self.orders.spare_key(),
            cl_ord_ids: Vec::new(),
            content,
            status: Status::New,
            place,
            filled: 0,
            average: None,
        };
        let execution = Execution {
            exec: Exec::New,
            order,
            orig_cl_ord_id: None,
            reason: None,
            text: None,
        };
        self.report(at, Body::Execution(Box::new(execution)), None);
    }
}
