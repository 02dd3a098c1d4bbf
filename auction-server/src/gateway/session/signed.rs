//! What the market signs: its key, the signed feed, checkpoints and receipts.

use auction_core::{RequestId, Sequence};
use auction_proto::{Code, ReceiptOf, Refused, ResumePoint, Resumed, Resync, ResyncBecause};
use tokio::io::{AsyncRead, AsyncWrite};

use super::close_reason::CloseReason;
use super::connection::Connection;
use super::subscriptions::{PROOFS_AT_ONCE, Proof, SignedWatch};
use crate::market::live_session::LiveSession;
use crate::projections::signing::{ProofError, SignedNext, SignedStart, SignedSubscribed};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn market_key(&mut self, request: RequestId) {
        let key = self.services.signing.key.clone();
        self.reply(request, &key);
    }

    pub(super) async fn watch_signed(
        &mut self,
        request: RequestId,
        resume: Option<ResumePoint>,
    ) -> Result<(), CloseReason> {
        self.reclaim_feed();
        let seen = resume.map(|point| (point.market, point.feed_sequence));
        let Ok(SignedSubscribed { start, feed }) = self.services.signing.stream.watch(seen).await
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
        self.subscriptions.feed = None;
        self.subscriptions.signed = Some(SignedWatch { request, feed });
        Ok(())
    }

    /// Tells what was signed; or everything anew, when the client was too slow to be told all.
    pub(super) async fn write_signed(
        &mut self,
        next: Option<SignedNext>,
    ) -> Result<(), CloseReason> {
        if let Some(next) = next {
            self.channel.push_shared(RequestId(0), next.encoded());
            return Ok(());
        }
        let Some(SignedWatch { request, .. }) = self.subscriptions.signed.take() else {
            return Ok(());
        };
        self.services.metrics.resynced.add_one();
        let because = ResyncBecause::TooSlow;
        self.reply(request, &Resync { because });
        self.watch_signed(request, None).await
    }

    /// Asks for a checkpoint; the connection goes on meanwhile.
    pub(super) fn checkpoint(&mut self, request: RequestId, since: Option<Sequence>) {
        if self.subscriptions.proofs.len() >= PROOFS_AT_ONCE {
            return self.refuse_busy(request);
        }
        let proofs = self.services.signing.proofs.clone();
        self.subscriptions.proofs.spawn(async move {
            let checkpoint = proofs.checkpoint(since).await;
            (request, Proof::Checkpoint(since, checkpoint))
        });
    }

    /// Asks for a receipt, which waits for the next checkpoint; the connection goes on meanwhile.
    pub(super) fn receipt(&mut self, request: RequestId, of: ReceiptOf) {
        let Some(asker) = self.active_session_within_rate(request) else {
            return;
        };
        if self.subscriptions.proofs.len() >= PROOFS_AT_ONCE {
            return self.refuse_busy(request);
        }
        let services = self.services.clone();
        self.subscriptions.proofs.spawn(async move {
            let LiveSession { session, user, .. } = asker;
            let record = match of {
                ReceiptOf::Record(record) => Some(record),
                ReceiptOf::Request(asked) => {
                    match services.sequencer.record_of(session, asked).await {
                        Ok(record) => record,
                        Err(why) => return (request, Proof::Unsubmitted(why)),
                    }
                }
            };
            let receipt = match record {
                Some(record) => services.signing.proofs.receipt(record, user).await,
                None => Err(ProofError::NotYours),
            };
            (request, Proof::Receipt(asker, of, receipt))
        });
    }

    /// Tells a proof that was asked for, or why there is none.
    pub(super) fn write_proof(&mut self, request: RequestId, proof: Proof) {
        if let Proof::Receipt(asker, ..) = &proof
            && !self.still_lives(request, asker)
        {
            return;
        }
        let (number, text) = match proof {
            Proof::Checkpoint(_, Ok(checkpoint)) => return self.reply(request, &checkpoint),
            Proof::Receipt(_, _, Ok(receipt)) => return self.reply(request, &receipt),
            Proof::Activity(session, page) => return self.tell_activity(request, session, page),
            Proof::Unsubmitted(why) => return self.refuse_unsubmitted(request, why),
            Proof::Checkpoint(since, Err(ProofError::BeyondEnd)) => (
                since.unwrap_or_default().0,
                "the journal has never been so long; a market that has signed more has lost its end, or lies",
            ),
            Proof::Checkpoint(..) | Proof::Receipt(_, _, Err(ProofError::Busy)) => {
                return self.refuse_busy(request);
            }
            Proof::Receipt(_, of, Err(why)) => {
                let text = match (of, why) {
                    (_, ProofError::TooLarge) => "the record is too large for a receipt",
                    (ReceiptOf::Request(_), _) => {
                        "no such request of this session is remembered as accepted; ask by the number of its record"
                    }
                    (ReceiptOf::Record(_), _) => "there is no such record of yours",
                };
                match of {
                    ReceiptOf::Request(RequestId(number)) | ReceiptOf::Record(Sequence(number)) => {
                        (number, text)
                    }
                }
            }
        };
        let refused = Refused::new(Code::NO_RECEIPT, text);
        self.refused(request, refused.with_number(number));
    }
}
