//! Signed data of the market: its feed, checkpoints of its journal, and receipts. These are projections behind the
//! journal and the hub, on threads of their own: no bid waits for them, and without requests they do nothing.

mod stream;
mod proofs;
mod tree;
mod key;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use auction_core::{MarketId, Term};
use auction_proto::{MarketKey, SigningKey};
use tokio::sync::watch;

use crate::config::data_dir::DataDir;
use crate::journal::Disk;
use crate::platform::clock::Clock;
use crate::projections::feed::Hub;

pub use key::{KeyError, Keys, open_keys};
pub use proofs::{ProofError, Proofs};
pub use stream::{SignedNext, SignedStart, SignedStream, SignedSubscribed, SignedSubscription};

/// All signed data.
#[derive(Clone, Debug)]
pub struct Signing {
    /// Public key, for clients that ask for it.
    pub key: MarketKey,
    /// Checkpoints and receipts.
    pub proofs: Proofs,
    /// The signed feed.
    pub stream: SignedStream,
}

/// Parts of the market that signing needs.
#[derive(Clone)]
pub struct Signer {
    /// The secret key.
    pub key: SigningKey,
    /// The market.
    pub market: MarketId,
    /// Term of the leader.
    pub term: Term,
    /// Clock of the market.
    pub clock: Arc<dyn Clock>,
}

impl Signing {
    /// Starts the threads. They end when all handles to them are dropped.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(
        signer: Signer,
        (disk, data): (Arc<dyn Disk>, &DataDir),
        durable: watch::Receiver<u64>,
        hub: &Hub,
        heartbeat: Duration,
    ) -> io::Result<(Self, [JoinHandle<()>; 2])> {
        let key = MarketKey {
            market: signer.market,
            key: signer.key.public(),
        };
        let (proofs, proving) = Proofs::start(signer.clone(), disk, data, durable)?;
        let hub = hub.downgrade();
        let (stream, streaming) = SignedStream::start(signer, hub, proofs.clone(), heartbeat)?;
        let signing = Self {
            key,
            proofs,
            stream,
        };
        Ok((signing, [proving, streaming]))
    }
}
