//! `auction watch [SYMBOL..]`

use std::collections::BTreeSet;
use std::future::ready;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use auction_client::{Equivocation, MarketKey, Update, Watch};
use auction_core::{Lot, LotId, Market, Name, PublicEvent, Span, Symbol, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::dead_man::{self, DeadMan};
use super::fraud;
use crate::args::target::Target;
use crate::output::countdown::Countdowns;
use crate::output::escape::Escaped;
use crate::output::event::line;
use crate::output::failure::{Failure, OutputFormat};
use crate::output::names::View;
use crate::output::out::Out;
use crate::session::Context;

pub async fn run(
    context: &Context,
    targets: &[Target],
    forever: bool,
    unsigned: bool,
    dead_man: Option<Span>,
) -> Result<(), Failure> {
    let key = context.market_key().ok().filter(|_| !unsigned);
    let watch = match &key {
        Some(key) => context.client.watch_verified(&key.key).await?,
        None => context.client.watch().await?,
    };
    let watched = Watched::of(targets, watch.market())?;
    let mut interruption = pin!(interrupted());
    // Listen for Ctrl-C first: it must not leave an armed switch behind.
    tokio::select! {
        biased;
        interrupted = &mut interruption => return interrupted,
        () = ready(()) => {}
    }
    let mut dead_man = match dead_man {
        Some(grace) => Some(DeadMan::arm(context, grace).await?),
        None => None,
    };
    let mut teller = Reporter {
        out: context.out,
        own: context.own(),
        home: context.state_dir.clone(),
        key,
        watched,
        countdowns: Countdowns::default(),
    };
    tokio::select! {
        interrupted = &mut interruption => interrupted?,
        told = teller.report_all(watch, forever, &mut dead_man) => told?,
    }
    let Some(dead_man) = dead_man else {
        return Ok(());
    };
    tokio::select! {
        disarmed = dead_man.disarm() => disarmed,
        interrupted = interrupted() => {
            interrupted?;
            Err(Failure::failed("the dead-man switch may still be armed: the market did not answer"))
        }
    }
}

/// Waits for Ctrl-C, or returns why that is impossible.
pub async fn interrupted() -> Result<(), Failure> {
    let interrupted = tokio::signal::ctrl_c().await;
    interrupted.map_err(|error| Failure::failed(format!("cannot be interrupted: {error}")))
}

/// Duration longer than anyone watches.
pub const FAR: Duration = Duration::from_secs(u32::MAX as u64);

/// The lots to report.
#[derive(Debug)]
pub enum Watched {
    All,
    Only {
        symbols: BTreeSet<Symbol>,
        lots: BTreeSet<LotId>,
    },
}

impl Watched {
    pub fn of(targets: &[Target], market: &Market) -> Result<Self, Failure> {
        if targets.is_empty() {
            return Ok(Self::All);
        }
        let (mut symbols, mut lots) = (BTreeSet::new(), BTreeSet::new());
        for target in targets {
            // Check that it exists.
            target.lots(market, None)?;
            match target {
                Target::Symbol(symbol) => drop(symbols.insert(*symbol)),
                Target::Lot(lot) => drop(lots.insert(*lot)),
            }
        }
        Ok(Self::Only { symbols, lots })
    }

    fn has(&self, lot: &Lot) -> bool {
        match self {
            Self::All => true,
            Self::Only { symbols, lots } => symbols.contains(&lot.symbol) || lots.contains(&lot.id),
        }
    }

    fn has_event(&self, market: &Market, event: &PublicEvent) -> bool {
        match (self, event) {
            (Self::All, PublicEvent::ProfitPublished { .. }) => true,
            (Self::Only { symbols, .. }, PublicEvent::ProfitPublished { symbol, .. }) => {
                symbols.contains(symbol)
            }
            (_, event) => {
                let lot = event.lot().and_then(|lot| market.lot(lot));
                lot.is_some_and(|lot| self.has(lot))
            }
        }
    }

    fn open_lots<'m>(&self, market: &'m Market) -> impl Iterator<Item = &'m Lot> {
        market
            .lots()
            .iter()
            .filter(|lot| !lot.is_closed() && self.has(lot))
    }
}

/// The watched lots that are still open.
pub struct Open {
    pub lots: usize,
    pub next_countdown: Option<Timestamp>,
}

impl Open {
    pub fn of(watched: &Watched, countdowns: &Countdowns, market: &Market) -> Self {
        let lots = watched.open_lots(market).count();
        Self {
            lots,
            next_countdown: countdowns.next(watched.open_lots(market)),
        }
    }
}

/// Returns true if a lot has opened, closed, been halted or resumed, or moved its close.
pub fn moves_closes(update: &Update) -> bool {
    match update {
        Update::Event { event, .. } => matches!(
            event,
            PublicEvent::LotOpened(_)
                | PublicEvent::LotBegan { .. }
                | PublicEvent::LotHalted { .. }
                | PublicEvent::LotResumed { .. }
                | PublicEvent::LotExtended { .. }
                | PublicEvent::LotClosed { .. }
        ),
        Update::Snapshot => true,
        Update::Indicative(_)
        | Update::Equivocation(_)
        | Update::Reconnecting { .. }
        | Update::Live
        | Update::Gap(_) => false,
    }
}

/// Prints events, one line each.
pub struct Reporter {
    pub out: Out,
    pub own: Option<Name>,
    pub home: PathBuf,
    /// Key that signs the feed; `None`: the feed is unsigned.
    pub key: Option<MarketKey>,
    pub watched: Watched,
    pub countdowns: Countdowns,
}

impl Reporter {
    async fn report_all(
        &mut self,
        mut watch: Watch,
        forever: bool,
        dead_man: &mut Option<DeadMan<'_>>,
    ) -> Result<(), Failure> {
        self.everything(watch.market(), watch.clock().now())?;
        if let Some(dead_man) = dead_man {
            dead_man.report_armed(self.out, watch.clock().now())?;
        }
        let mut open = Open::of(&self.watched, &self.countdowns, watch.market());
        loop {
            if open.lots == 0 && !forever {
                return self.out_of_lots();
            }
            let now = watch.clock().now();
            let wait = open
                .next_countdown
                .map_or(FAR, |at| Duration::from_micros(at.since(now).micros()));
            let changed = tokio::select! {
                update = watch.next() => {
                    self.update(&update, watch.market(), watch.clock().now())?;
                    moves_closes(&update)
                }
                news = dead_man::next(dead_man) => {
                    let news = news?;
                    if let Some(dead_man) = dead_man {
                        dead_man.report(self.out, watch.clock().now(), &news)?;
                    }
                    false
                }
                () = sleep(wait), if open.next_countdown.is_some() => {
                    self.count_down(watch.market(), watch.clock().now())?;
                    true
                }
            };
            // Bids are frequent, and most of them move no close.
            if changed {
                open = Open::of(&self.watched, &self.countdowns, watch.market());
            }
        }
    }

    fn view<'a>(&self, market: &'a Market, now: Timestamp) -> View<'a> {
        View {
            market,
            own: self.own,
            now,
        }
    }

    /// Reports the whole market, at the beginning and after a new snapshot.
    pub fn everything(&mut self, market: &Market, now: Timestamp) -> Result<(), Failure> {
        let view = self.view(market, now);
        let open: Vec<_> = self.watched.open_lots(market).collect();
        // Countdowns that passed before the watch began are not reported.
        self.countdowns.due(&open, view.now);
        self.out.print(
            |colour| match open.is_empty() {
                true => "No lot is open.".to_owned(),
                false => view.lots(open.iter().copied(), colour),
            },
            || {
                let lots: Vec<_> = market
                    .lots()
                    .iter()
                    .filter(|lot| self.watched.has(lot))
                    .collect();
                let lots: Vec<Value> = lots.iter().map(|lot| view.lot_json(lot)).collect();
                json!({
                    "event": "snapshot",
                    "time": view.now.to_string(),
                    "feed_sequence": market.feed_sequence().0,
                    "lots": lots,
                })
            },
        )
    }

    pub fn update(
        &mut self,
        update: &Update,
        market: &Market,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let view = self.view(market, now);
        let (name, text, fields) = match update {
            Update::Event {
                feed_sequence,
                at,
                event,
            } => {
                if !self.watched.has_event(market, event) {
                    return Ok(());
                }
                // As of the event's time: the time left must not depend on the delay of the feed.
                let view = View { now: *at, ..view };
                let (Some(text), Some((name, fields))) = (
                    view.news(*at, event, self.out.colour),
                    view.event_json(event),
                ) else {
                    return Ok(());
                };
                let mut fields = fields;
                fields["event"] = json!(name);
                fields["time"] = json!(at.to_string());
                fields["feed_sequence"] = json!(feed_sequence.0);
                return self.out.print(|_| text, || fields);
            }
            Update::Indicative(published) => {
                let lot = market.lot(published.lot);
                if !lot.is_some_and(|lot| self.watched.has(lot)) {
                    return Ok(());
                }
                let mut fields = view.indicative_event(published);
                fields["event"] = json!("indicative");
                fields["time"] = json!(published.at.to_string());
                let (title, what) = (view.title(published.lot), view.indicative(published));
                return self
                    .out
                    .print(|_| line(published.at, &title, &what), || fields);
            }
            Update::Snapshot => return self.everything(market, now),
            Update::Reconnecting { because, wait } => {
                let because = Escaped(because).to_string();
                let wait = wait.as_millis();
                let text = format!("connection lost: {because}; trying again in {wait} ms");
                let wait = u64::try_from(wait).unwrap_or(u64::MAX);
                (
                    "reconnecting",
                    text,
                    json!({ "because": because, "wait_ms": wait }),
                )
            }
            Update::Equivocation(fraud) => self.fraud(fraud)?,
            Update::Live => (
                "live",
                "connected again; nothing was missed".into(),
                json!({}),
            ),
            Update::Gap(gap) => {
                let because = Escaped(gap).to_string();
                let text = format!("the feed has a gap: {because}; starting again from a snapshot");
                ("gap", text, json!({ "because": because }))
            }
        };
        let mut fields = fields;
        fields["event"] = json!(name);
        fields["time"] = json!(view.now.to_string());
        self.out.print(|_| line(view.now, "", &text), || fields)
    }

    /// Describes an equivocation, and keeps its proof.
    fn fraud(&self, fraud: &Equivocation) -> Result<(&'static str, String, Value), Failure> {
        let key = self.key.as_ref();
        let key = key.expect("only signed data proves a fraud");
        let (text, fields) = fraud::keep(&self.home, key, fraud);
        Ok(("fraud", self.out.colour.alarm(&text), fields))
    }

    pub fn count_down(&mut self, market: &Market, now: Timestamp) -> Result<(), Failure> {
        let view = self.view(market, now);
        let open: Vec<_> = self.watched.open_lots(market).collect();
        let due = self.countdowns.due(&open, view.now);
        if self.out.format == OutputFormat::Text {
            let lines = view.countdown_news(&due, self.out.colour);
            return lines.iter().try_for_each(|line| self.out.line(line));
        }
        for (lot, seconds) in due {
            let lot = market.lot(lot).expect("it was among the open ones");
            let fields = json!({
                "event": "countdown",
                "time": view.now.to_string(),
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "seconds_left": seconds,
                "closes_at": lot.closes_at.to_string(),
            });
            self.out.line(&fields.to_string())?;
        }
        Ok(())
    }

    pub fn out_of_lots(&self) -> Result<(), Failure> {
        match self.out.format {
            OutputFormat::Text => self
                .out
                .line("All have closed. `auction results` shows the results."),
            OutputFormat::Json => Ok(()),
        }
    }
}
