//! Bidding on one lot: its state and events are shown live until it closes.

use auction_client::{PlaceOrder, ReplaceOrder, Update};
use auction_core::{
    FeedSequence, Lot, LotId, Outcome, Phase, Price, PublicEvent, Quantity, Side, Terms,
};

use super::{Interactive, Next, identity, reached};
use crate::commands::bid::{Offer, text};
use crate::commands::far_price::FarPrice;
use crate::commands::interactive::parse::{Bidding, bidding};
use crate::commands::order::{Order, credit_note, placed_text};
use crate::output::colour::Colour;
use crate::output::countdown::Countdowns;
use crate::output::escape::Escaped;
use crate::output::event::line;
use crate::output::failure::Failure;
use crate::output::names::View;

impl Interactive {
    /// Stays at a lot until it closes or the user leaves.
    pub(super) async fn bid_on(&mut self, lot: LotId) -> Result<Next, Failure> {
        let mut countdowns = Countdowns::default();
        let mut warned = None;
        self.count_down(lot, &mut countdowns, None)?;
        if let Some(found) = self.watch.market().lot(lot) {
            self.print(&self.view().terms(found))?;
        }
        self.print(&self.standing(lot))?;
        self.led = self.leads(lot);
        loop {
            let question = self.question(lot);
            self.context.out.prompt(&question)?;
            let Some(line) = self.line_or_close(lot, &mut countdowns).await? else {
                return Ok(if self.is_open(lot) {
                    Next::Leave
                } else {
                    Next::Lots
                });
            };
            let offer = match bidding(&line) {
                Ok(Bidding::Order(side, quantity, limit)) => {
                    let order = Order {
                        side,
                        quantity,
                        limit,
                    };
                    if !self.is_sure(lot, order, &mut warned)? {
                        continue;
                    }
                    if let Some(next) = self.order(lot, order).await? {
                        return Ok(next);
                    }
                    continue;
                }
                // A price at a sealed lot is a bid for all of its shares.
                Ok(Bidding::Price(price)) if self.sealed_whole(lot).is_some() => {
                    let order = Order {
                        side: Side::Buy,
                        quantity: self.sealed_whole(lot).unwrap_or(Quantity::ONE),
                        limit: Some(price),
                    };
                    if !self.is_sure(lot, order, &mut warned)? {
                        continue;
                    }
                    if let Some(next) = self.order(lot, order).await? {
                        return Ok(next);
                    }
                    continue;
                }
                Ok(Bidding::Back) => return Ok(Next::Lots),
                Ok(Bidding::Leave) => return Ok(Next::Leave),
                Ok(Bidding::Least) => match self.least(lot) {
                    Some(least) if !self.leads(lot) => Offer::Plain(least),
                    _ => {
                        self.print(&self.standing(lot))?;
                        continue;
                    }
                },
                Ok(Bidding::Price(price)) => Offer::Plain(price),
                Ok(Bidding::Maximum(maximum)) => Offer::Maximum(maximum),
                Err(wrong) => {
                    self.print(&wrong)?;
                    continue;
                }
            };
            let quantity = self.watch.market().lot(lot).map(|lot| lot.quantity);
            let order = Order {
                side: Side::Buy,
                quantity: quantity.unwrap_or(Quantity::ONE),
                limit: Some(offer.amount()),
            };
            if !self.is_sure(lot, order, &mut warned)? {
                continue;
            }
            if let Some(next) = self.bid(lot, offer).await? {
                return Ok(next);
            }
        }
    }

    /// Asks once about a price far from the market's; returns true if nothing is asked, or the same order was typed again.
    fn is_sure(
        &self,
        lot: LotId,
        order: Order,
        warned: &mut Option<Order>,
    ) -> Result<bool, Failure> {
        let found = self.watch.market().lot(lot).zip(order.limit);
        let far = found
            .and_then(|(lot, limit)| FarPrice::find(lot, order.side, order.quantity, limit, None));
        let Some(far) = far.filter(|_| *warned != Some(order)) else {
            *warned = None;
            return Ok(true);
        };
        *warned = Some(order);
        self.print(&format!("{far}. Type it again to send it."))?;
        Ok(false)
    }

    /// Bids, and reports the outcome.
    async fn bid(&mut self, lot: LotId, offer: Offer) -> Result<Option<Next>, Failure> {
        if self.identity.name().is_none() && !self.identify().await? {
            return Ok(Some(Next::Leave));
        }
        let placed = match offer {
            Offer::Plain(price) => self.context.client.bid(lot, price).await,
            Offer::Maximum(maximum) => self.context.client.bid_maximum(lot, maximum).await,
        };
        match placed.map_err(Failure::from) {
            Ok(placed) => {
                self.told_own = placed.feed_sequence;
                self.led = placed.bid.leads;
                let title = self.view().title(lot);
                self.print(&text(&title, offer, &placed, self.context.out.colour))?;
                self.catch_up(lot, placed.feed_sequence).await?;
            }
            Err(failure) => {
                self.print(failure.message())?;
                if failure.asks_for_login() && !self.identify().await? {
                    return Ok(Some(Next::Leave));
                }
            }
        }
        Ok(None)
    }

    /// Places a hidden order, and reports it. A sealed bid replaces the earlier one.
    async fn order(&mut self, lot: LotId, order: Order) -> Result<Option<Next>, Failure> {
        if self.identity.name().is_none() && !self.identify().await? {
            return Ok(Some(Next::Leave));
        }
        let Order {
            side,
            quantity,
            limit,
        } = order;
        let before = self.placed.get(&lot).copied();
        let before = before.filter(|_| self.sealed_whole(lot).is_some());
        let client = &self.context.client;
        let placed = match before {
            None => {
                let place = PlaceOrder {
                    lot,
                    side,
                    quantity,
                    limit,
                };
                client.ask(place).await
            }
            Some(order) => {
                let replace = ReplaceOrder {
                    lot,
                    order,
                    quantity,
                    limit,
                };
                client.ask(replace).await.map(|_| order)
            }
        };
        match placed.map_err(Failure::from) {
            Ok(number) => {
                self.placed.insert(lot, number);
                if let Some(lot) = self.watch.market().lot(lot) {
                    self.print(&placed_text(lot, number, order))?;
                }
                if let Some(note) = credit_note(self.watch.market().accounts(), side) {
                    self.print(note)?;
                }
            }
            Err(failure) => {
                self.print(failure.message())?;
                if failure.asks_for_login() && !self.identify().await? {
                    return Ok(Some(Next::Leave));
                }
            }
        }
        Ok(None)
    }

    /// Returns the number of shares of a lot that accepts one sealed bid for all of it.
    fn sealed_whole(&self, lot: LotId) -> Option<Quantity> {
        let lot = self.watch.market().lot(lot)?;
        matches!(lot.terms, Terms::Sealed(_)).then_some(lot.quantity)
    }

    /// Waits briefly for the feed to reach the answer to a bid, so that the next question shows the current state.
    async fn catch_up(&mut self, lot: LotId, place: FeedSequence) -> Result<(), Failure> {
        while self.watch.market().feed_sequence() < place
            && let Some(update) = self.soon().await
        {
            self.report(lot, &update)?;
        }
        Ok(())
    }

    /// Asks the user to log in; false if they left.
    async fn identify(&mut self) -> Result<bool, Failure> {
        let identity = identity::ask(&self.context, &mut self.lines).await?;
        self.identity = identity.unwrap_or(self.identity);
        Ok(identity.is_some())
    }

    /// Returns the next line, and reports events of the lot meanwhile; `None`: no more lines, or the lot has closed.
    async fn line_or_close(
        &mut self,
        lot: LotId,
        countdowns: &mut Countdowns,
    ) -> Result<Option<String>, Failure> {
        loop {
            if !self.is_open(lot) {
                let end = ending(&self.view(), lot, self.context.out.colour);
                let out = self.context.out;
                out.prompt(&format!("{}{end}\n", out.fresh_line()))?;
                // Other lots may close at the same time.
                while self.soon().await.is_some() {}
                return Ok(None);
            }
            let countdown = self.until_countdown(lot, countdowns);
            tokio::select! {
                line = self.lines.next() => return Ok(line),
                update = self.watch.next() => self.report(lot, &update)?,
                () = reached(countdown) => {
                    let question = self.question(lot);
                    self.count_down(lot, countdowns, Some(&question))?;
                }
            }
        }
    }

    fn report(&mut self, lot: LotId, update: &Update) -> Result<(), Failure> {
        let (view, colour) = (self.view(), self.context.out.colour);
        let news = match update {
            Update::Event {
                feed_sequence,
                at,
                event,
            } if concerns(event, lot) => {
                let told = match event {
                    PublicEvent::BidAccepted(bid) => {
                        view.is_own(bid.bidder) && *feed_sequence <= self.told_own
                    }
                    _ => false,
                };
                let view = View { now: *at, ..view };
                view.news(*at, event, colour).filter(|_| !told)
            }
            Update::Indicative(published) if published.lot == lot => {
                let what = view.indicative(published);
                Some(line(published.at, &view.title(lot), &what))
            }
            Update::Event { .. } | Update::Indicative(_) => None,
            Update::Snapshot => Some(self.standing(lot)),
            Update::Live => Some(line(view.now, "", "connected again; nothing was missed")),
            Update::Reconnecting { because, .. } => {
                let what = format!("connection lost: {}; trying again", Escaped(because));
                Some(line(view.now, "", &what))
            }
            Update::Equivocation(fraud) => Some(format!("FRAUD: {}", fraud.conflict)),
            Update::Gap(_) => None,
        };
        let outbid = self.led && !self.leads(lot) && self.is_open(lot);
        self.led = self.leads(lot);
        let outbid = outbid.then(|| {
            let alarm = colour.alarm("YOU ARE OUTBID.");
            format!("{alarm} {}", self.standing(lot))
        });
        let lines: Vec<_> = news.into_iter().chain(outbid).collect();
        if lines.is_empty() {
            return Ok(());
        }
        self.interrupt(&lines.join("\n"), &self.question(lot))
    }

    fn count_down(
        &self,
        lot: LotId,
        countdowns: &mut Countdowns,
        question: Option<&str>,
    ) -> Result<(), Failure> {
        let view = self.view();
        let Some(found) = view.market.lot(lot) else {
            return Ok(());
        };
        let due = countdowns.due(&[found], view.now);
        // A countdown that passed before the lot was chosen is not shown.
        if let Some(question) = question {
            for news in view.countdown_news(&due, self.context.out.colour) {
                self.interrupt(&news, question)?;
            }
        }
        Ok(())
    }

    fn standing(&self, lot: LotId) -> String {
        let view = self.view();
        match view.market.lot(lot) {
            Some(lot) => standing(&view, lot, self.context.out.colour),
            None => format!("#{lot} is gone"),
        }
    }

    fn question(&self, lot: LotId) -> String {
        let terms = self.watch.market().lot(lot).map(|lot| &lot.terms);
        match (terms, self.least(lot)) {
            (Some(Terms::Dutch(_)), Some(price)) => {
                return format!("Take it at {price}? (Enter takes it; b goes back, q leaves) ");
            }
            (Some(Terms::Sealed(_)), _) => {
                return "Your sealed bid (a price for all of it; b goes back, q leaves) "
                    .to_owned();
            }
            (Some(Terms::English(_) | Terms::Dutch(_)) | None, _) => {}
            (Some(_), _) => {
                let question = "Your order (shares and price, as 500 12.5; b goes back, q leaves) ";
                return question.to_owned();
            }
        }
        match self.least(lot) {
            Some(_) if self.leads(lot) => {
                "Your bid (max N raises your hidden maximum; b goes back, q leaves) ".to_owned()
            }
            Some(least) => {
                format!("Your bid [{least}] (max N: a hidden maximum; b goes back, q leaves) ")
            }
            None => "No higher bid is possible (b goes back, q leaves) ".to_owned(),
        }
    }

    fn least(&self, lot: LotId) -> Option<Price> {
        let lot = self.watch.market().lot(lot)?;
        lot.least_bid_at(self.watch.clock().now())
    }

    fn leads(&self, lot: LotId) -> bool {
        let leader = self.watch.market().lot(lot).and_then(Lot::leader);
        leader.is_some_and(|leader| self.view().is_own(leader))
    }

    fn is_open(&self, lot: LotId) -> bool {
        self.watch
            .market()
            .lot(lot)
            .is_some_and(|lot| lot.phase == Phase::Open)
    }
}

/// Returns true if an event is reported at a lot. Its close is reported separately.
fn concerns(event: &PublicEvent, lot: LotId) -> bool {
    match event {
        PublicEvent::BidAccepted(bid) => bid.lot == lot,
        PublicEvent::LotExtended { .. }
        | PublicEvent::LotHalted { .. }
        | PublicEvent::LotResumed { .. }
        | PublicEvent::BiddersCounted { .. }
        | PublicEvent::BidsOpened { .. } => event.lot() == Some(lot),
        _ => false,
    }
}

/// Describes whether the user leads, and the bid needed.
fn standing(view: &View<'_>, lot: &Lot, colour: Colour) -> String {
    let title = view.title(lot.id);
    let left = view.closes_in(lot);
    let least = match (&lot.terms, lot.least_bid_at(view.now)) {
        (Terms::Dutch(_), Some(price)) => {
            return format!("{title}: the price is {price} now, and falls; closes in {left}");
        }
        (Terms::English(_), Some(least)) => format!("the least bid is {least}"),
        (Terms::English(_) | Terms::Dutch(_), None) => "no higher bid is possible".to_owned(),
        _ => {
            let (bidders, s) = (lot.bidders(), if lot.bidders() == 1 { "" } else { "s" });
            return format!("{title}: {bidders} sealed bidder{s}; closes in {left}");
        }
    };
    let lead = match (lot.leader(), lot.price()) {
        (Some(leader), Some(price)) if view.is_own(leader) => {
            colour.good(&format!("YOU LEAD at {price}"))
        }
        (Some(leader), Some(price)) => {
            format!(
                "{}; {least}",
                colour.alarm(&format!("{} leads at {price}", view.name(leader)))
            )
        }
        _ => format!("no bids yet; {least}"),
    };
    format!("{title}: {lead}; closes in {left}")
}

/// Describes the result for the user.
pub fn ending(view: &View<'_>, lot: LotId, colour: Colour) -> String {
    let title = view.title(lot);
    let found = view.market.lot(lot);
    let Some((lot, outcome)) = found.and_then(|lot| Some((lot, lot.outcome()?))) else {
        return format!("{title}: closed");
    };
    match outcome {
        Outcome::Sold { winner, price, .. } if view.is_own(winner) => {
            colour.good(&format!("{title}: CLOSED. YOU WON, at {price}."))
        }
        outcome => colour.bold(&format!(
            "{title}: CLOSED: {}.",
            view.outcome(lot, &outcome)
        )),
    }
}

#[cfg(test)]
mod tests {
    use auction_core::{Market, Name, SoldBy, UserId};

    use super::*;
    use crate::fixture::{UNSOLD, after, bid, closed, listed, market, opened, price, user};

    fn view(market: &Market) -> View<'_> {
        View {
            market,
            own: Name::parse("mia").ok(),
            now: after(28),
        }
    }

    fn begun() -> Vec<PublicEvent> {
        vec![
            listed("AAPL"),
            user(1, "mia"),
            user(2, "tom"),
            opened(1, "AAPL"),
        ]
    }

    #[test]
    fn the_standing_shows_the_lead_and_the_bid_needed() {
        let told = |bids: &[PublicEvent]| {
            let market = market(begun().into_iter().chain(bids.iter().cloned()));
            standing(&view(&market), &market.lots()[0], Colour::Plain)
        };
        let bids = [
            bid(1, Some("1.40"), 1, "1.40", "1.41"),
            bid(2, Some("1.41"), 2, "1.41", "1.42"),
        ];
        let cases = [
            (
                &bids[..0],
                "AAPL #1: no bids yet; the least bid is 1.40; closes in 4:32",
            ),
            (&bids[..1], "AAPL #1: YOU LEAD at 1.40; closes in 4:32"),
            (
                &bids[..],
                "AAPL #1: tom leads at 1.41; the least bid is 1.42; closes in 4:32",
            ),
        ];
        for (bids, text) in cases {
            assert_eq!(told(bids), text);
        }
    }

    #[test]
    fn the_ending_shows_the_result() {
        let sold_to = |winner| Outcome::Sold {
            winner: UserId(winner),
            price: price("1.41"),
            by: SoldBy::HighestBid,
            runner_up: None,
        };
        for (outcome, text) in [
            (sold_to(1), "AAPL #1: CLOSED. YOU WON, at 1.41."),
            (sold_to(2), "AAPL #1: CLOSED: sold to tom at 1.41."),
            (UNSOLD, "AAPL #1: CLOSED: not sold: no bids."),
        ] {
            let market = market(begun().into_iter().chain([closed(1, outcome)]));
            assert_eq!(ending(&view(&market), LotId(1), Colour::Plain), text);
        }
    }
}
