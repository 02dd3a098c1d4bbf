//! Running peers on loopback: a server over a pipe, one peer connected to it, and peers that follow from the mesh
//! alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auction_core::{Market, RequestId, Term};
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{
    ClientMessage, FrameDecoder, ServerMessage, SignedBatch, Text, VERSION, Welcome, encode_frame,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout};

use super::super::*;
use crate::client::Client;
use crate::peer::tests::fixture::{MARKET, Maker, pinned, time};

/// Time limit that suffices on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server for peers with a connection to it.
#[derive(Clone)]
struct Server {
    maker: Arc<Mutex<Maker>>,
    told: broadcast::Sender<SignedBatch>,
    start: Instant,
}

impl Server {
    fn new() -> Self {
        Self {
            maker: Arc::new(Mutex::new(Maker::new())),
            told: broadcast::channel(1_024).0,
            start: Instant::now(),
        }
    }

    /// Sends a batch of this many events; without events, a heartbeat.
    fn say(&self, events: usize) {
        let batch = self
            .maker
            .lock()
            .unwrap()
            .batch(self.start.elapsed(), events);
        // Ignore send errors: there may be no listener.
        let _ = self.told.send(batch);
    }

    fn market(&self) -> Market {
        self.maker.lock().unwrap().market.clone()
    }

    async fn client(&self) -> Client {
        let server = self.clone();
        let connect = move || {
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(server.clone().serve(theirs));
            async move { Ok(ours) }
        };
        Client::connect_with(connect).await.unwrap()
    }

    async fn serve(self, mut stream: DuplexStream) {
        let mut decoder = FrameDecoder::after_preface(REQUEST_BYTES_MAX);
        let mut input = vec![0; 4_096];
        let mut told: Option<broadcast::Receiver<SignedBatch>> = None;
        loop {
            let mut out = Vec::new();
            tokio::select! {
                read = stream.read(&mut input) => {
                    let Ok(bytes @ 1..) = read else { return };
                    let mut rest = &input[..bytes];
                    while let Some(frame) = decoder.next_frame(&mut rest).unwrap() {
                        let request = frame.request;
                        let message = ClientMessage::decode(frame.kind, frame.body).unwrap();
                        if let ClientMessage::WatchSigned(_) = message {
                            told = Some(self.begin(request, &mut out));
                        } else if let ClientMessage::Hello(_) = message {
                            encode_frame(request, &self.welcome(), &mut out);
                        }
                    }
                }
                batch = next(&mut told) => {
                    encode_frame(RequestId(0), &batch, &mut out);
                }
            }
            if stream.write_all(&out).await.is_err() {
                return;
            }
        }
    }

    fn begin(&self, request: RequestId, out: &mut Vec<u8>) -> broadcast::Receiver<SignedBatch> {
        let mut maker = self.maker.lock().unwrap();
        let snapshot = maker.snapshot(self.start.elapsed());
        ServerMessage::SignedSnapshot(snapshot.signed).encode(request, out);
        for part in snapshot.parts {
            encode_frame(request, &part, out);
        }
        self.told.subscribe()
    }

    fn welcome(&self) -> Welcome {
        Welcome {
            version: VERSION,
            market: MARKET,
            term: Term(1),
            time: time(self.start.elapsed()),
            server: Text::of("test/0"),
            heartbeat_ms: 10_000,
        }
    }
}

async fn next(told: &mut Option<broadcast::Receiver<SignedBatch>>) -> SignedBatch {
    match told {
        Some(told) => told.recv().await.unwrap(),
        None => std::future::pending().await,
    }
}

fn joining(peers: Vec<Multiaddr>) -> JoinConfig {
    JoinConfig {
        pin: Pin::Market(pinned()),
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        peers,
        local_network: false,
        wall_clock: None,
    }
}

async fn until_at(watch: &mut PeerWatch, market: &Market) {
    let reached = async {
        while watch.market() != Some(market) {
            let update = watch.next().await;
            assert!(!matches!(
                update,
                PeerUpdate::Unfit(_) | PeerUpdate::Equivocation { .. }
            ));
        }
    };
    timeout(PATIENCE, reached)
        .await
        .expect("it hears everything");
}

async fn mesh(server: &Server, followers: usize) -> Vec<PeerWatch> {
    let client = server.client().await;
    let feed = client.watch_signed();
    let mut peers = vec![PeerWatch::join(joining(Vec::new()), Some(feed)).unwrap()];
    let mut addresses = Vec::new();
    for place in 0..=followers {
        peers[place].listening().await;
        addresses.push(peers[place].addresses()[0].clone());
        if place < followers {
            // Each peer dials a few of the earlier ones, spread evenly.
            let known = (0..4).map(|nth| addresses[(place * 7 + nth * 3) % (place + 1)].clone());
            peers.push(PeerWatch::join(joining(known.collect()), None).unwrap());
        }
    }
    peers
}

/// Waits until all peers have reached the market's place; the server sends heartbeats meanwhile.
async fn all_at(server: &Server, peers: &mut [PeerWatch]) {
    let talking = tokio::spawn({
        let server = server.clone();
        async move {
            loop {
                server.say(0);
                sleep(Duration::from_millis(500)).await;
            }
        }
    });
    let market = server.market();
    for peer in peers {
        until_at(peer, &market).await;
    }
    talking.abort();
}

async fn trade(server: &Server) {
    for _ in 0..50 {
        server.say(2);
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_without_a_server_connection_follows_through_another() {
    let server = Server::new();
    server.say(10);
    let mut peers = mesh(&server, 1).await;
    trade(&server).await;
    all_at(&server, &mut peers).await;
}

/// All peers receive everything in order, and still do after a third of them has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_peers_see_everything_even_after_a_third_has_left() {
    let server = Server::new();
    server.say(100);
    let mut peers = mesh(&server, 29).await;
    trade(&server).await;
    all_at(&server, &mut peers).await;
    peers.truncate(20);
    trade(&server).await;
    all_at(&server, &mut peers).await;
}
