//! What the market signs: its feed, checkpoints of its journal, and receipts. All of it is a projection behind the
//! journal and the hub, on threads of its own: no bid waits for it, and while nobody asks for it nothing is done.

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

pub use key::{KeyError, open_keys};
pub use proofs::{ProofError, Proofs};
pub use stream::{SignedNext, SignedStart, SignedStream, SignedSubscribed, SignedSubscription};

/// All that signs.
#[derive(Clone, Debug)]
pub struct Signing {
    /// What is told to whoever asks for the key.
    pub key: MarketKey,
    /// Checkpoints and receipts.
    pub proofs: Proofs,
    /// The signed feed.
    pub stream: SignedStream,
}

/// What all signing needs of the market.
#[derive(Clone)]
pub struct Signer {
    /// The secret key.
    pub key: SigningKey,
    /// The market.
    pub market: MarketId,
    /// Who leads it.
    pub term: Term,
    /// The market's time.
    pub clock: Arc<dyn Clock>,
}

impl Signing {
    /// Starts the threads. They end when all clones of the way to them are gone.
    ///
    /// # Errors
    /// When the system has no thread to give.
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
