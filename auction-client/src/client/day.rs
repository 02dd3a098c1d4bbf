//! Orders on trading days.

use auction_core::{DayOrder, DayReply, LotId, OrderId, Price, Quantity};
use auction_proto::{Accepted, CancelAll, CancelOrder, PlaceDayOrder, ReplaceDayOrder};

use super::Client;
use super::request::AllCancelled;
use crate::error::RequestError;

impl Client {
    /// Places an order on a trading day. The reply says what traded at once, and what became of the rest. Later fills
    /// come from [`watch_account`](Self::watch_account).
    ///
    /// ```no_run
    /// # use auction_client::{Client, RequestError};
    /// # use auction_core::{DayOrder, DayRest, LotId, Price, Quantity, SelfTrade, Side, TimeInForce};
    /// # async fn buy(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let order = DayOrder {
    ///     side: Side::Buy,
    ///     quantity: Quantity::new(100).ok_or("none")?,
    ///     limit: Some(Price::parse("12.50")?),
    ///     time_in_force: TimeInForce::Day,
    ///     post_only: false,
    ///     self_trade: SelfTrade::Refuse,
    /// };
    /// let reply = client.place_day_order(LotId(1), order).await?;
    /// println!("{} shares bought at once", reply.traded);
    /// if let DayRest::Rests { open } = reply.rest {
    ///     // The rest for less: it loses its place, and can trade at once again.
    ///     let lower = Some(Price::parse("12.40")?);
    ///     client.replace_day_order(LotId(1), reply.order, open, lower).await?;
    /// }
    /// let all = client.cancel_all(Some(LotId(1))).await?;
    /// println!("{} cancelled", all.cancelled);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RequestError`]: `not_in_phase`, `would_trade` and `market_halted` among the refusals; nothing was done then.
    pub async fn place_day_order(
        &self,
        lot: LotId,
        order: DayOrder,
    ) -> Result<DayReply, RequestError> {
        self.ask(PlaceDayOrder { lot, order }).await
    }

    /// Replaces the open shares and the limit of an order on a trading day. An order for fewer shares at the same price
    /// keeps its place; another one loses it, and can trade at once. `limit`: `None` is any price.
    ///
    /// # Errors
    /// [`RequestError`]: `unknown_order` among the refusals, also for an order that has traded whole; the order is as
    /// it was.
    pub async fn replace_day_order(
        &self,
        lot: LotId,
        order: OrderId,
        quantity: Quantity,
        limit: Option<Price>,
    ) -> Result<DayReply, RequestError> {
        self.ask(ReplaceDayOrder {
            lot,
            order,
            quantity,
            limit,
            believed: None,
        })
        .await
    }

    /// Cancels an order of the user, on a trading day or in a call.
    ///
    /// # Errors
    /// [`RequestError`]: `unknown_order` and `no_cancel_now` among the refusals.
    pub async fn cancel_order(&self, lot: LotId, order: OrderId) -> Result<Accepted, RequestError> {
        self.ask(CancelOrder { lot, order }).await
    }

    /// Cancels all orders of the user on a trading day, or on all of them. Sends as many requests as are needed; after
    /// an error some orders can be cancelled already, and it can be called again.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn cancel_all(&self, lot: Option<LotId>) -> Result<AllCancelled, RequestError> {
        let mut all = AllCancelled {
            cancelled: 0,
            kept: 0,
            more: true,
        };
        while all.more {
            let next = self.ask(CancelAll { trader: None, lot }).await?;
            all.cancelled = all.cancelled.saturating_add(next.cancelled);
            all.kept = next.kept;
            // Orders that cannot be cancelled must not be asked for for ever.
            all.more = next.more && next.cancelled > 0;
        }
        Ok(all)
    }
}
