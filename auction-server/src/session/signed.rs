//! What the market signs: its key, the signed feed, checkpoints and receipts.

use auction_core::{Caller, RequestId, Sequence};
use auction_proto::{
    Code, Receipt, ReceiptOf, Refused, ResumePoint, Resumed, Resync, ResyncBecause,
    SignedCheckpoint,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::ended::Ended;
use super::{Connection, PROOFS_AT_ONCE, SignedWatched};
use crate::inbox::{Answer, NotTaken, Work};
use crate::live_session::LiveSession;
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
        self.take_feed_back();
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

    /// Asks for a checkpoint; the connection goes on meanwhile.
    pub(super) fn checkpoint(&mut self, request: RequestId, since: Option<Sequence>) {
        if self.proofs.len() >= PROOFS_AT_ONCE {
            return self.refuse_busy(request);
        }
        let proofs = self.services.signing.proofs.clone();
        self.proofs.spawn(async move {
            let checkpoint = proofs.checkpoint(since).await;
            (request, Proof::Checkpoint(since, checkpoint))
        });
    }

    /// Asks for a receipt, which waits for the next checkpoint; the connection goes on meanwhile.
    pub(super) fn receipt(&mut self, request: RequestId, of: ReceiptOf) {
        let Some(asker) = self.bound_within_rate(request) else {
            return;
        };
        if self.proofs.len() >= PROOFS_AT_ONCE {
            return self.refuse_busy(request);
        }
        let services = self.services.clone();
        self.proofs.spawn(async move {
            let LiveSession { session, user, .. } = asker;
            let record = match of {
                ReceiptOf::Record(record) => Some(record),
                ReceiptOf::Request(asked) => {
                    let work = Work::Record(session, asked);
                    match services.inbox.ask(Caller::User(user), work).await {
                        Ok(Answer::Record(record)) => record,
                        Ok(_) => unreachable!("the record of a request was asked"),
                        Err(why) => return (request, Proof::NotTaken(why)),
                    }
                }
            };
            let receipt = match record {
                Some(record) => services.signing.proofs.receipt(record, user).await,
                None => Err(NoProof::NotYours),
            };
            (request, Proof::Receipt(asker, of, receipt))
        });
    }

    /// Tells a proof that was asked for, or why there is none.
    pub(super) fn tell_proof(&mut self, request: RequestId, proof: Proof) {
        if let Proof::Receipt(asker, ..) = &proof
            && !self.still_lives(request, asker)
        {
            return;
        }
        let (number, text) = match proof {
            Proof::Checkpoint(_, Ok(checkpoint)) => return self.reply(request, &checkpoint),
            Proof::Receipt(_, _, Ok(receipt)) => return self.reply(request, &receipt),
            Proof::NotTaken(why) => return self.refuse_not_taken(request, why),
            Proof::Checkpoint(since, Err(NoProof::BeyondEnd)) => (
                since.unwrap_or_default().0,
                "the journal has never been so long; a market that has signed more has lost its end, or lies",
            ),
            Proof::Checkpoint(..) | Proof::Receipt(_, _, Err(NoProof::Busy)) => {
                return self.refuse_busy(request);
            }
            Proof::Receipt(_, of, Err(why)) => {
                let text = match (of, why) {
                    (_, NoProof::TooLarge) => "the record is too large for a receipt",
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

/// What came of a question for a proof.
pub(super) enum Proof {
    Checkpoint(Option<Sequence>, Result<SignedCheckpoint, NoProof>),
    /// By the session that asked: it may end while the receipt waits for its checkpoint.
    Receipt(LiveSession, ReceiptOf, Result<Receipt, NoProof>),
    /// The market was not asked.
    NotTaken(NotTaken),
}

/// The next proof; never, while none is asked for.
pub(super) async fn next_proof(proofs: &mut JoinSet<(RequestId, Proof)>) -> (RequestId, Proof) {
    loop {
        match proofs.join_next().await {
            Some(Ok(proof)) => return proof,
            // It was given up with the runtime, which is ending.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}
