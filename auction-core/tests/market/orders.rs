//! The oracle's orders: sealed bids here, orders on calls as the call decides.

use auction_core::{LotId, OrderId, Reject, Reply, Side, UserId};

use crate::calls::Change;
use crate::lot::{Happened, OracleLot, Placed};
use crate::oracle::{Oracle, Who};

impl Oracle {
    pub fn change_order(
        &mut self,
        now: u64,
        who: Who,
        id: LotId,
        change: Change,
    ) -> Result<Reply, Reject> {
        let user = self.trader(who)?;
        if self.is_call(id) {
            return self.change_on_call(now, user, id, change);
        }
        match change {
            Change::Place(side, quantity, limit) => {
                self.place_bid(now, user, id, side, quantity, limit)
            }
            Change::Replace(order, quantity, limit) => {
                let lot = self.taking_orders(now, id)?;
                let own = own_order(lot, user, order)?;
                let price = checked(lot, quantity, limit)?;
                let cost = |quantity, price| i128::from(quantity) * i128::from(price);
                let more = cost(quantity, price) - cost(own.quantity, own.price);
                self.can_pay(user, more.max(0))?;
                let placed = Placed {
                    user,
                    order,
                    quantity,
                    price,
                    anew: false,
                };
                let lot = self.lot(id)?;
                lot.happened.push(Happened::Placed(placed));
                Ok(Reply::Done)
            }
            Change::Cancel(order) => {
                let lot = self.lot(id)?;
                match lot.stopped(id, now) {
                    Some(Reject::LotHalted { .. }) => lot.not_begun(id).map_or(Ok(()), Err)?,
                    Some(reject) => return Err(reject),
                    None => {}
                }
                lot.orders_each().ok_or(Reject::TakesBids { lot: id })?;
                own_order(lot, user, order)?;
                lot.happened.push(Happened::Cancelled { user, order });
                Ok(Reply::Done)
            }
        }
    }

    fn place_bid(
        &mut self,
        now: u64,
        user: UserId,
        id: LotId,
        side: Side,
        quantity: u64,
        limit: Option<u64>,
    ) -> Result<Reply, Reject> {
        let lot = self.taking_orders(now, id)?;
        let each = lot.orders_each().expect("it takes orders");
        if side == Side::Sell {
            return Err(Reject::BuysOnly);
        }
        let price = checked(lot, quantity, limit)?;
        let own = lot.live().iter().filter(|bid| bid.user == user).count();
        if own >= each as usize {
            return Err(Reject::TooManyOrders { most: each });
        }
        let order = OrderId(lot.placed_by(user) + 1);
        self.can_pay(user, i128::from(quantity) * i128::from(price))?;
        let placed = Placed {
            user,
            order,
            quantity,
            price,
            anew: true,
        };
        let lot = self.lot(id)?;
        lot.happened.push(Happened::Placed(placed));
        Ok(Reply::OrderPlaced(order))
    }

    /// Returns an open lot of sealed bids.
    fn taking_orders(&mut self, now: u64, id: LotId) -> Result<&mut OracleLot, Reject> {
        let lot = self.lot(id)?;
        match lot.stopped(id, now) {
            Some(reject) => Err(reject),
            None if lot.orders_each().is_none() => Err(Reject::TakesBids { lot: id }),
            None => Ok(lot),
        }
    }
}

/// Returns the price of an acceptable sealed bid.
fn checked(lot: &OracleLot, quantity: u64, limit: Option<u64>) -> Result<u64, Reject> {
    let price = limit.ok_or(Reject::LimitNeeded)?;
    lot.bid_refusal(quantity, price).map_or(Ok(price), Err)
}

fn own_order(lot: &OracleLot, user: UserId, order: OrderId) -> Result<Placed, Reject> {
    let live = lot.live().into_iter();
    let mut own = live.filter(|bid| (bid.user, bid.order) == (user, order));
    own.next().ok_or(Reject::UnknownOrder { order })
}
