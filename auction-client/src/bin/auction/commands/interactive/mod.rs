//! `auction` without a command, in plain lines: log in, see the lots, choose one, bid, and see live whether you lead,
//! until the countdown ends.

mod line_reader;
mod parse;
mod identity;
mod bidding;

use std::collections::BTreeMap;
use std::time::Duration;

use auction_client::{Update, Watch};
use auction_core::{FeedSequence, LotId, OrderId, Phase, PublicEvent};
use tokio::time::{Instant, sleep_until, timeout};

use crate::args::Shared;
use crate::commands::interactive::line_reader::LineReader;
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::session::Context;
use parse::{Menu, menu};

pub use bidding::ending;

/// Time within which further updates are reported together with the first.
const SOON: Duration = Duration::from_millis(50);

/// State of the interactive mode.
struct Interactive {
    context: Context,
    lines: LineReader,
    watch: Watch,
    identity: identity::Identity,
    /// True if the user led the chosen lot at the last check.
    led: bool,
    /// The user's latest hidden order on each lot, if placed here.
    placed: BTreeMap<LotId, OrderId>,
    /// Place of the feed up to which the user's own bids were already reported by their answers.
    told_own: FeedSequence,
}

/// Next step.
enum Next {
    Lots,
    Leave,
}

pub async fn run(shared: &Shared) -> Result<(), Failure> {
    let context = Context::connect(shared).await?;
    let watch = context.client.watch().await?;
    let mut lines = LineReader::begin()?;
    let open = watch.market().open_lots();
    let server = &context.server;
    context.out.line(&format!(
        "Welcome to the auction at {server}: {open} lots are open."
    ))?;
    let Some(identity) = identity::establish(&context, &mut lines).await? else {
        return Ok(());
    };
    let (led, told_own) = (false, FeedSequence(0));
    let mut interactive = Interactive {
        context,
        lines,
        watch,
        identity,
        led,
        placed: BTreeMap::new(),
        told_own,
    };
    while let Next::Lots = interactive.choose().await? {}
    interactive.context.out.line("Good-bye.")
}

impl Interactive {
    fn view(&self) -> View<'_> {
        let now = self.watch.clock().now();
        View {
            market: self.watch.market(),
            own: self.identity.name(),
            now,
        }
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        self.context.out.line(text)
    }

    fn show_lots(&self) -> Result<(), Failure> {
        let view = self.view();
        let open = view
            .market
            .lots()
            .iter()
            .filter(|lot| lot.phase == Phase::Open);
        let table = view.lots(open, self.context.out.colour);
        self.print(&format!("\n{table}\n"))
    }

    /// Shows the lots and asks for a choice, repeatedly if needed.
    async fn choose(&mut self) -> Result<Next, Failure> {
        if self.watch.market().open_lots() == 0 {
            let view = self.view();
            let results = view.results(view.market.lots(), self.context.out.colour);
            self.print(&format!("\nAll lots have closed.\n\n{results}\n"))?;
            return Ok(Next::Leave);
        }
        self.show_lots()?;
        loop {
            let question = "Which one? (symbol or #N; Enter shows them again, q leaves) ";
            self.context.out.prompt(question)?;
            let Some(line) = self.line_or_all_closed(question).await? else {
                self.print("")?;
                return Ok(if self.watch.market().open_lots() == 0 {
                    Next::Lots
                } else {
                    Next::Leave
                });
            };
            let target = match menu(&line) {
                Ok(Menu::Again) => return Ok(Next::Lots),
                Ok(Menu::Leave) => return Ok(Next::Leave),
                Ok(Menu::Target(target)) => target,
                Err(wrong) => {
                    self.print(&wrong)?;
                    continue;
                }
            };
            match target.open_lot(self.watch.market(), None).map(|lot| lot.id) {
                Ok(lot) => return self.bid_on(lot).await,
                Err(failure) => self.print(failure.message())?,
            }
        }
    }

    /// Returns the next line, while the market continues; `None`: no more lines, or no more open lots.
    async fn line_or_all_closed(&mut self, question: &str) -> Result<Option<String>, Failure> {
        loop {
            let update = tokio::select! {
                line = self.lines.next() => return Ok(line),
                update = self.watch.next() => update,
            };
            let mut closed: Vec<_> = self.close_news(&update).into_iter().collect();
            while let Some(update) = self.soon().await {
                closed.extend(self.close_news(&update));
            }
            if !closed.is_empty() {
                self.interrupt(&closed.join("\n"), question)?;
            }
            if self.watch.market().open_lots() == 0 {
                return Ok(None);
            }
        }
    }

    fn close_news(&self, update: &Update) -> Option<String> {
        match update {
            Update::Event { at, event, .. } if matches!(event, PublicEvent::LotClosed { .. }) => {
                self.view().news(*at, event, self.context.out.colour)
            }
            _ => None,
        }
    }

    /// Returns the next update, if it comes soon: lots that close together are reported together.
    async fn soon(&mut self) -> Option<Update> {
        timeout(SOON, self.watch.next()).await.ok()
    }

    /// Prints a message while a question is open, and repeats the question. Typed characters are kept.
    fn interrupt(&self, text: &str, question: &str) -> Result<(), Failure> {
        let out = self.context.out;
        out.prompt(&format!("{}{text}\n{question}", out.fresh_line()))
    }

    /// Returns the time of a lot's next countdown.
    fn until_countdown(
        &self,
        lot: LotId,
        countdowns: &crate::output::countdown::Countdowns,
    ) -> Option<Instant> {
        let lot = self
            .watch
            .market()
            .lot(lot)
            .filter(|lot| lot.phase == Phase::Open)?;
        let left = countdowns.next([lot])?.since(self.watch.clock().now());
        Some(Instant::now() + Duration::from_micros(left.micros()))
    }
}

/// Waits until a moment; for ever, if it is `None`.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
