//! What is read: the feed, all of it or of some stocks, the bids of a lot, one's own orders, and what would have won.

use std::sync::Arc;

use auction_core::{LotId, Reject, RequestId};
use auction_proto::limits::HISTORY_BIDS_MAX;
use auction_proto::{
    Code, GetBalance, GetHistory, LeastWinning, List, Orders, Refused, ResumePoint, Resumed,
    Resync, ResyncBecause,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::ended::Ended;
use super::view::View;
use super::{Connection, Watched};
use crate::fan_out::Loan;
use crate::hub::{Following, NoNext, NoSnapshot, Published, Snapshot, Start, Watching};
use crate::inbox::{Answer, NotTaken, Work};

/// How much of the feed a connection writes before it looks at its client's requests again.
const FEED_AT_ONCE: usize = 256;

/// Who takes what is next of a feed.
pub(super) enum Source {
    /// The connection.
    Own(Following),
    /// Who writes to many.
    Lent(Loan),
}

impl Source {
    /// Waits for what is next. Nothing: it was given back, and the outlet may hold a rest. Can be given up without loss.
    pub(super) async fn next(&mut self) -> Result<Option<Arc<Published>>, NoNext> {
        match self {
            Self::Own(feed) => feed.next().await.map(Some),
            Self::Lent(loan) => {
                *self = Self::Own(loan.given_back().await?);
                Ok(None)
            }
        }
    }

    fn try_next(&mut self) -> Result<Option<Arc<Published>>, NoNext> {
        match self {
            Self::Own(feed) => feed.try_next(),
            Self::Lent(_) => Ok(None),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Lends a feed that is written as it is, when all there is of it was written.
    pub(super) fn lend_feed(&mut self) {
        let can_be_lent = |watched: &Watched| match &watched.feed {
            Source::Own(feed) => watched.view.is_all() && feed.is_up_to_date(),
            Source::Lent(_) => false,
        };
        if !self.feed.as_ref().is_some_and(can_be_lent) {
            return;
        }
        let Some((outlet, encoding)) = self.channel.outlet() else {
            return;
        };
        let fan_out = &self.services.fan_out;
        self.feed = self.feed.take().map(|watched| Watched {
            feed: match watched.feed {
                Source::Own(feed) => match fan_out.lend(feed, outlet, encoding) {
                    Ok(loan) => Source::Lent(loan),
                    Err(feed) => Source::Own(feed),
                },
                lent @ Source::Lent(_) => lent,
            },
            ..watched
        });
    }

    /// Nothing of the feed is written until it is lent again: for answers of many parts.
    pub(super) fn take_feed_back(&mut self) {
        if let Some(Watched { feed, .. }) = &mut self.feed
            && let Source::Lent(loan) = feed
            && let Some(taken) = loan.take_back()
        {
            *feed = Source::Own(taken);
            self.channel.look_up();
        }
    }
    pub(super) async fn watch(
        &mut self,
        request: RequestId,
        mut view: View,
        resume: Option<ResumePoint>,
    ) -> Result<(), Ended> {
        self.take_feed_back();
        let seen = resume.map(|point| (point.market, point.feed_sequence));
        let Ok(Watching { start, feed }) = self.services.hub.watch(seen).await else {
            self.refuse_not_taken(request, NotTaken::Stopped);
            return Ok(());
        };
        match start {
            Start::Snapshot(snapshot, because) => {
                if let Some(because) = because {
                    self.reply(request, &Resync { because });
                }
                self.show_snapshot(request, &mut view, &snapshot).await?;
            }
            Start::Resumed => {
                let (_, feed_sequence) = seen.expect("who resumes has named a place");
                self.reply(request, &Resumed { feed_sequence });
                view.begin(feed_sequence);
            }
        }
        self.signed = None;
        self.feed = Some(Watched {
            request,
            view,
            feed: Source::Own(feed),
        });
        Ok(())
    }

    pub(super) async fn get_snapshot(&mut self, request: RequestId) -> Result<(), Ended> {
        self.take_feed_back();
        match self.services.hub.snapshot().await {
            Ok(snapshot) => {
                self.show_snapshot(request, &mut View::all(), &snapshot)
                    .await?;
            }
            Err(NoSnapshot::Busy) => self.refuse_busy(request),
            Err(NoSnapshot::Ended) => self.refuse_not_taken(request, NotTaken::Stopped),
        }
        Ok(())
    }

    async fn show_snapshot(
        &mut self,
        request: RequestId,
        view: &mut View,
        snapshot: &Snapshot,
    ) -> Result<(), Ended> {
        view.begin(snapshot.feed_sequence);
        for part in &snapshot.parts {
            view.show_part(request, part, &mut self.channel);
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }

    /// Begins the feed again with a snapshot: the client was too slow to be given all that was in between.
    pub(super) async fn watch_anew(&mut self) -> Result<(), Ended> {
        let Some(Watched { request, view, .. }) = self.feed.take() else {
            return Ok(());
        };
        tracing::debug!("a client is too slow for the feed and is given a snapshot");
        self.services.metrics.resynced.add_one();
        let because = ResyncBecause::TooSlow;
        self.reply(request, &Resync { because });
        self.watch(request, view, None).await
    }

    pub(super) async fn history(&mut self, request: RequestId, body: &GetHistory) {
        let limit = usize::try_from(body.limit)
            .unwrap_or(usize::MAX)
            .min(HISTORY_BIDS_MAX);
        match self.services.histories.of(body.lot, limit).await {
            Ok(Some(history)) => self.reply(request, &history),
            Ok(None) => {
                self.refused(request, Refused::from(Reject::UnknownLot { lot: body.lot }));
            }
            Err(_) => self.refuse_busy(request),
        }
    }

    pub(super) async fn least_winning(&mut self, request: RequestId, lot: LotId) {
        let work = |user| Work::LeastWinning(lot, user);
        match self.ask_own(request, work).await {
            Some(Answer::LeastWinning(Some(least))) => {
                self.reply(request, &LeastWinning { lot, least });
            }
            Some(Answer::LeastWinning(None)) => {
                let text = "there is no such lot, or it has not closed: ask again after its close";
                self.refused(
                    request,
                    Refused::new(Code::NOT_DUE, text).with_number(lot.0),
                );
            }
            Some(_) => unreachable!("what would have won was asked"),
            None => {}
        }
    }

    pub(super) async fn balance(&mut self, request: RequestId, asked: GetBalance) {
        let work = |user| Work::Balance(user, asked);
        match self.ask_own(request, work).await {
            Some(Answer::Balance(told)) => match *told {
                Ok(balance) => self.reply(request, &balance),
                Err(reject) => self.refused(request, reject.into()),
            },
            Some(_) => unreachable!("what a trader owns was asked"),
            None => {}
        }
    }

    pub(super) async fn orders(&mut self, request: RequestId, lot: LotId) {
        let work = |user| Work::Orders(lot, user);
        match self.ask_own(request, work).await {
            Some(Answer::Orders(Some(orders))) => {
                let orders = List::new(orders).expect("a trader's orders are bounded");
                self.reply(request, &Orders { lot, orders });
            }
            Some(Answer::Orders(None)) => {
                self.refused(request, Refused::from(Reject::UnknownLot { lot }));
            }
            Some(_) => unreachable!("the orders were asked for"),
            None => {}
        }
    }

    /// Writes what is next of the feed, and some of what follows it already; or everything anew, when the client
    /// was too slow to be given all that was in between.
    pub(super) async fn publish(
        &mut self,
        first: Result<Option<Arc<Published>>, NoNext>,
    ) -> Result<(), Ended> {
        let mut next = first;
        for left in (0..FEED_AT_ONCE).rev() {
            let Some(watched) = &mut self.feed else {
                return Ok(());
            };
            match next {
                Ok(Some(published)) => watched.view.show(&published, &mut self.channel),
                Ok(None) => {
                    self.channel.look_up();
                    return Ok(());
                }
                Err(NoNext::Behind) => return self.watch_anew().await,
                // The hub ends with the server.
                Err(NoNext::Ended) => {
                    self.channel.look_up();
                    self.feed = None;
                    return Ok(());
                }
            }
            if left == 0 {
                return Ok(());
            }
            next = watched.feed.try_next();
            if let Ok(None) = next {
                return Ok(());
            }
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }
}
