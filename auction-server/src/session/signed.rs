//! What the market signs: its key, the signed feed, checkpoints and receipts.

use auction_core::{Caller, RequestId, Sequence};
use auction_proto::{
    Code, Receipt, ReceiptOf, Refused, ResumePoint, Resumed, Resync, ResyncBecause,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::ended::Ended;
use super::{Bound, Connection, SignedWatched};
use crate::sequencer::{Answer, Work};
use crate::signing::{NoProof, SignedNext, SignedStart, SignedWatching};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn market_key(&mut self, request: RequestId) {
        let key = self.services.signing.key.clone();
        self.reply(request, &key);
    }

    pub(super) async fn watch_signed(
        &mut self,
        request: RequestId,
        resume: Option<ResumePoint>,
    ) -> Result<(), Ended> {
        let seen = resume.map(|point| (point.market, point.feed_sequence));
        let Ok(SignedWatching { start, feed }) = self.services.signing.stream.watch(seen).await
        else {
            self.refuse_busy(request);
            return Ok(());
        };
        match start {
            SignedStart::Snapshot(snapshot, because) => {
                if let Some(because) = because {
                    self.reply(request, &Resync { because });
                }
                self.channel.push_shared(request, &snapshot.statement);
                for part in &snapshot.parts {
                    self.channel.push_shared(request, part);
                    self.channel.flush_when_full().await?;
                }
            }
            SignedStart::Resumed => {
                let (_, feed_sequence) = seen.expect("who resumes has named a place");
                self.reply(request, &Resumed { feed_sequence });
            }
        }
        self.feed = None;
        self.signed = Some(SignedWatched { request, feed });
        Ok(())
    }

    /// Tells what was signed; or everything anew, when the client was too slow to be told all.
    pub(super) async fn tell_signed(&mut self, next: Option<SignedNext>) -> Result<(), Ended> {
        if let Some(next) = next {
            self.channel.push_shared(RequestId(0), next.encoded());
            return Ok(());
        }
        let Some(SignedWatched { request, .. }) = self.signed.take() else {
            return Ok(());
        };
        self.services.metrics.resynced.add_one();
        let because = ResyncBecause::TooSlow;
        self.reply(request, &Resync { because });
        self.watch_signed(request, None).await
    }

    pub(super) async fn checkpoint(&mut self, request: RequestId, since: Option<Sequence>) {
        match self.services.signing.proofs.checkpoint(since).await {
            Ok(checkpoint) => self.reply(request, &checkpoint),
            Err(NoProof::BeyondEnd) => {
                let text = "the journal has never been so long; a market that has signed more has lost its end, or lies";
                let number = since.unwrap_or_default().0;
                self.refused(
                    request,
                    Refused::new(Code::NO_RECEIPT, text).with_number(number),
                );
            }
            Err(_) => self.refuse_busy(request),
        }
    }

    pub(super) async fn receipt(&mut self, request: RequestId, of: ReceiptOf) {
        let Some(Bound { session, user }) = self.bound_within_rate(request) else {
            return;
        };
        let (record, number) = match of {
            ReceiptOf::Record(record) => (Some(record), record.0),
            ReceiptOf::Request(asked) => {
                let work = Work::Record(session, asked);
                let record = match self.services.inbox.ask(Caller::User(user), work).await {
                    Ok(Answer::Record(record)) => record,
                    Ok(_) => unreachable!("the record of a request was asked"),
                    Err(why) => return self.refuse_not_taken(request, why),
                };
                (record, asked.0)
            }
        };
        let receipt: Result<Receipt, NoProof> = match record {
            Some(record) => self.services.signing.proofs.receipt(record, user).await,
            None => Err(NoProof::NotYours),
        };
        let text = match receipt {
            Ok(receipt) => return self.reply(request, &receipt),
            Err(NoProof::Busy) => return self.refuse_busy(request),
            Err(NoProof::TooLarge) => "the record is too large for a receipt",
            Err(NoProof::NotYours | NoProof::BeyondEnd) => match of {
                ReceiptOf::Request(_) => {
                    "no such request of this session is remembered as accepted; ask by the number of its record"
                }
                ReceiptOf::Record(_) => "there is no such record of yours",
            },
        };
        self.refused(
            request,
            Refused::new(Code::NO_RECEIPT, text).with_number(number),
        );
    }
}
