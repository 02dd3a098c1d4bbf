//! Reads: the feed of all or some stocks, the bids of a lot, the user's own orders, and the price that would have won.

use std::sync::Arc;

use auction_core::{LotId, Reject, RequestId};
use auction_proto::limits::HISTORY_BIDS_MAX;
use auction_proto::{
    GetBalance, GetHistory, GetTrades, LeastWinning, List, LotsOf, Orders, Refused, ResumePoint,
    Resumed, Resync, ResyncBecause, VERSION_OF_DAYS,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::close_reason::CloseReason;
use super::connection::Connection;
use super::filter::FeedFilter;
use super::subscriptions::{FeedSource, FeedWatch};
use crate::projections::feed::{
    FeedMessage, HubStopped, Snapshot, SnapshotError, Start, Subscribed, SubscriptionError,
};
use crate::sequencer::queue::{SequencerHandle, SubmitError};

/// Number of feed messages that a connection writes before it looks at its client's requests again.
const FEED_AT_ONCE: usize = 256;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Hands an unfiltered feed off to the fan-out once the connection has written all messages at hand.
    pub(super) fn hand_off_feed(&mut self) {
        let can_be_lent = |watched: &FeedWatch| match &watched.feed {
            FeedSource::Own(feed) => watched.filter.is_all() && feed.is_up_to_date(),
            FeedSource::HandedOff(_) => false,
        };
        // What a client of version 1 cannot read must not be written by another task.
        let can_read_all = self.version >= VERSION_OF_DAYS;
        if !can_read_all || !self.subscriptions.feed.as_ref().is_some_and(can_be_lent) {
            return;
        }
        let Some((write_half, encoding)) = self.channel.write_half() else {
            return;
        };
        let fan_out = &self.services.fan_out;
        self.subscriptions.feed = self.subscriptions.feed.take().map(|watched| FeedWatch {
            feed: match watched.feed {
                FeedSource::Own(feed) => match fan_out.hand_off(feed, write_half, encoding) {
                    Ok(loan) => FeedSource::HandedOff(loan),
                    Err(feed) => FeedSource::Own(feed),
                },
                lent @ FeedSource::HandedOff(_) => lent,
            },
            ..watched
        });
    }

    /// Takes the feed back, so that nothing of it is written until the next hand-off: for answers of many parts.
    pub(super) fn reclaim_feed(&mut self) {
        if let Some(FeedWatch { feed, .. }) = &mut self.subscriptions.feed
            && let FeedSource::HandedOff(loan) = feed
            && let Some(taken) = loan.reclaim()
        {
            *feed = FeedSource::Own(taken);
            self.channel.wake();
        }
    }
    pub(super) async fn watch(
        &mut self,
        request: RequestId,
        mut filter: FeedFilter,
        resume: Option<ResumePoint>,
    ) -> Result<(), CloseReason> {
        self.reclaim_feed();
        let seen = resume.map(|point| (point.market, point.feed_sequence));
        let Ok(Subscribed { start, feed }) = self.services.hub.watch(seen).await else {
            self.refuse_unsubmitted(request, SubmitError::Stopped);
            return Ok(());
        };
        match start {
            Start::Snapshot(snapshot, because) => {
                if let Some(because) = because {
                    self.reply(request, &Resync { because });
                }
                self.write_snapshot(request, &mut filter, &snapshot).await?;
            }
            Start::Resumed => {
                let (_, feed_sequence) = seen.expect("who resumes has named a place");
                self.reply(request, &Resumed { feed_sequence });
                filter.begin(feed_sequence);
            }
        }
        self.subscriptions.signed = None;
        self.subscriptions.feed = Some(FeedWatch {
            request,
            filter,
            feed: FeedSource::Own(feed),
        });
        Ok(())
    }

    pub(super) async fn get_snapshot(&mut self, request: RequestId) -> Result<(), CloseReason> {
        self.reclaim_feed();
        match self.services.hub.snapshot().await {
            Ok(snapshot) => {
                self.write_snapshot(request, &mut FeedFilter::all(), &snapshot)
                    .await?;
            }
            Err(SnapshotError::Busy) => self.refuse_busy(request),
            Err(SnapshotError::Ended) => self.refuse_unsubmitted(request, SubmitError::Stopped),
        }
        Ok(())
    }

    async fn write_snapshot(
        &mut self,
        request: RequestId,
        filter: &mut FeedFilter,
        snapshot: &Snapshot,
    ) -> Result<(), CloseReason> {
        self.check_version()?;
        filter.begin(snapshot.feed_sequence);
        for part in &snapshot.parts {
            filter.write_part(request, part, &mut self.channel);
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }

    /// Restarts the feed with a snapshot: the client was too slow for all messages in between.
    pub(super) async fn resync(&mut self) -> Result<(), CloseReason> {
        let Some(FeedWatch {
            request, filter, ..
        }) = self.subscriptions.feed.take()
        else {
            return Ok(());
        };
        tracing::debug!("a client is too slow for the feed and is given a snapshot");
        self.services.metrics.resynced.add_one();
        let because = ResyncBecause::TooSlow;
        self.reply(request, &Resync { because });
        self.watch(request, filter, None).await
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

    pub(super) async fn lots(&mut self, request: RequestId, of: LotsOf) {
        match self.services.hub.lots(of).await {
            Ok(Ok(lots)) => self.reply(request, &lots),
            Ok(Err(reject)) => self.refused(request, reject.into()),
            Err(HubStopped) => self.refuse_unsubmitted(request, SubmitError::Stopped),
        }
    }

    pub(super) async fn trades(&mut self, request: RequestId, body: &GetTrades) {
        match self.services.histories.trades(body.clone()).await {
            Ok(Some(trades)) => self.reply(request, &trades),
            Ok(None) => {
                self.refused(request, Refused::from(Reject::UnknownLot { lot: body.lot }));
            }
            Err(_) => self.refuse_busy(request),
        }
    }

    pub(super) async fn least_winning(&mut self, request: RequestId, lot: LotId) {
        let ask = |sequencer: SequencerHandle, user| async move {
            sequencer.least_winning(lot, user).await
        };
        match self.ask_own(request, ask).await {
            Some(Ok(least)) => self.reply(request, &LeastWinning { lot, least }),
            Some(Err(reject)) => self.refused(request, reject.into()),
            None => {}
        }
    }

    pub(super) async fn balance(&mut self, request: RequestId, asked: GetBalance) {
        let ask =
            |sequencer: SequencerHandle, user| async move { sequencer.balance(user, asked).await };
        match self.ask_own(request, ask).await {
            Some(Ok(balance)) => self.reply(request, &balance),
            Some(Err(reject)) => self.refused(request, reject.into()),
            None => {}
        }
    }

    pub(super) async fn orders(&mut self, request: RequestId, lot: LotId) {
        let ask =
            |sequencer: SequencerHandle, user| async move { sequencer.orders(lot, user).await };
        match self.ask_own(request, ask).await {
            Some(Some(orders)) => {
                let orders = List::new(orders).expect("a trader's orders are bounded");
                self.reply(request, &Orders { lot, orders });
            }
            Some(None) => {
                self.refused(request, Refused::from(Reject::UnknownLot { lot }));
            }
            None => {}
        }
    }

    /// Writes the next message of the feed and some of those after it; or a snapshot, when the client was too slow for
    /// all messages in between.
    pub(super) async fn publish(
        &mut self,
        first: Result<Option<Arc<FeedMessage>>, SubscriptionError>,
    ) -> Result<(), CloseReason> {
        self.check_version()?;
        let mut next = first;
        for left in (0..FEED_AT_ONCE).rev() {
            let Some(watched) = &mut self.subscriptions.feed else {
                return Ok(());
            };
            match next {
                Ok(Some(published)) => watched.filter.write(&published, &mut self.channel),
                Ok(None) => {
                    self.channel.wake();
                    return Ok(());
                }
                Err(SubscriptionError::Lagged) => return self.resync().await,
                // The hub ends with the server.
                Err(SubscriptionError::Ended) => {
                    self.channel.wake();
                    self.subscriptions.feed = None;
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
