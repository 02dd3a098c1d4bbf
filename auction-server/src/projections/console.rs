//! What the server prints of the market: what is open, and then what happens. On a thread of its own: standard output
//! may be a pipe that nobody reads, and neither the gateway nor the market waits for it.

use std::io::{self, Write as _};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auction_core::{LotId, Market, PublicEvent};
use auction_proto::FeedEntry;
use tokio::runtime::Handle;

use crate::platform::low_priority;
use crate::projections::console_text;
use crate::projections::feed::{
    FeedMessage, Hub, HubStopped, Subscription, SubscriptionError, WeakHub,
};

/// How often news is printed at most: nobody reads faster, and a thread that each bid wakes slows bids down.
pub const CONSOLE_EVERY: Duration = Duration::from_millis(50);
/// How many lines are printed at a time at most; of more bids it is told how many there were.
pub const CONSOLE_LINES_MAX: usize = 200;

/// Prints `opening`, and then the news until the hub has ended.
///
/// # Errors
/// When the system has no thread to give, or the hub has ended.
pub async fn print(hub: &Hub, opening: String) -> io::Result<JoinHandle<()>> {
    let ended = |HubStopped| io::Error::other("the hub has ended");
    let (market, feed) = hub.market().await.map_err(ended)?;
    let open = market.lots().iter().filter(|lot| !lot.is_closed());
    let news = Console {
        round: open.map(|lot| lot.id).collect(),
        market,
        feed: feed.without_demand(),
        hub: hub.downgrade(),
        runtime: Handle::current(),
    };
    low_priority::spawn("news", move || news.run(&opening))
}

/// The market as it was printed.
struct Console {
    market: Market,
    feed: Subscription,
    hub: WeakHub,
    runtime: Handle,
    /// The lots whose results are told together.
    round: Vec<LotId>,
}

/// What is printed at once.
#[derive(Default)]
struct Page {
    text: String,
    lines: usize,
    /// Bids that were too many to be told.
    bids_left_out: usize,
    has_close: bool,
}

impl Console {
    fn run(mut self, opening: &str) {
        print_text(opening);
        loop {
            let mut page = Page::default();
            let mut next = self.feed.blocking_next().map(Some);
            // All that is there, printed at once.
            let goes_on = loop {
                match next {
                    Ok(Some(published)) => self.take(&published, &mut page),
                    Ok(None) => break true,
                    Err(SubscriptionError::Lagged) => {
                        page.text.push_str(
                            "(some news is not shown: more came than could be printed)\n",
                        );
                        break self.restart();
                    }
                    Err(SubscriptionError::Ended) => break false,
                }
                next = self.feed.try_next();
            };
            self.end(&mut page);
            print_text(&page.text);
            if !goes_on {
                return;
            }
            thread::sleep(CONSOLE_EVERY);
        }
    }

    fn take(&mut self, published: &FeedMessage, page: &mut Page) {
        let FeedMessage::Batch(batch) = published else {
            return;
        };
        for FeedEntry { at, event } in batch.feed.entries.iter() {
            let taken = self.market.apply(*at, event);
            taken.expect("the hub took it as well");
            match event {
                PublicEvent::LotOpened(opened) => self.round.push(opened.lot),
                PublicEvent::LotClosed { .. } => page.has_close = true,
                PublicEvent::BidAccepted(_) if page.lines >= CONSOLE_LINES_MAX => {
                    page.bids_left_out += 1;
                    continue;
                }
                _ => {}
            }
            if let Some(line) = console_text::news(&self.market, *at, event) {
                page.lines += 1;
                page.text.push_str(&line);
                page.text.push('\n');
            }
        }
    }

    /// What stands below the news: what was left out, and the results once all lots have closed.
    fn end(&mut self, page: &mut Page) {
        if page.bids_left_out > 0 {
            let more = format!("({} more bids)\n", page.bids_left_out);
            page.text.push_str(&more);
        }
        if page.has_close && self.market.open_lots() == 0 {
            let market = &self.market;
            let lots = self.round.drain(..).filter_map(|lot| market.lot(lot));
            page.text.push_str(&console_text::results(market, lots));
        }
    }

    /// `false`: there is nothing to go on with.
    fn restart(&mut self) -> bool {
        let hub = self.hub.upgrade();
        let anew = hub.and_then(|hub| self.runtime.block_on(hub.market()).ok());
        match anew {
            Some((market, feed)) => {
                (self.market, self.feed) = (market, feed.without_demand());
                true
            }
            None => false,
        }
    }
}

/// Nobody may be reading it.
fn print_text(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
