//! Half-open connections, in virtual time, so that the limits hold to the millisecond.

use std::time::Duration;

use auction_client::Client;
use auction_core::{RequestId, Timestamp};
use auction_proto::{Code, FrameDecoder, Hello, PREFACE, Ping, ServerMessage, Text};
use auction_proto::{VERSION, encode_frame, limits};
use auction_server::testing::gateway::session::{
    Channel, CloseReason, HELLO_TIMEOUT, LINGER_TIMEOUT, SILENT_HEARTBEATS, WRITE_TIMEOUT,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use crate::stage::{HEARTBEAT, Stage};

/// More than all bytes that these tests write without a reader.
const PIPE_BYTES: usize = 1 << 20;
/// More than the server's output buffer and the pipes of a client that reads nothing.
const TAKEN_MAX: usize = 4 * 65_536;

fn stage() -> Stage {
    Stage::new(1, 1, Duration::from_secs(3_600))
}

/// Time advances by itself whenever no task can run.
fn in_virtual_time<F: Future>(test: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(test)
}

fn hello() -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    let hello = Hello {
        version_min: VERSION,
        version_max: VERSION,
        client: Text::of("test"),
    };
    encode_frame(RequestId(1), &hello, &mut bytes);
    bytes
}

/// Returns all messages of the server until it ends the stream.
async fn said(stream: &mut DuplexStream) -> Vec<ServerMessage> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let mut decoder = FrameDecoder::new(limits::FRAME_BYTES_MAX);
    let (mut rest, mut messages) = (&bytes[..], Vec::new());
    while let Some(frame) = decoder.next_frame(&mut rest).unwrap() {
        messages.push(ServerMessage::decode(frame.kind, frame.body).unwrap());
    }
    messages
}

fn assert_goodbye(messages: &[ServerMessage], expected: Code) {
    let Some(ServerMessage::Goodbye(goodbye)) = messages.last() else {
        panic!("no goodbye: {messages:?}");
    };
    assert_eq!(goodbye.code, expected);
}

#[test]
fn a_silent_client_is_dropped_after_two_heartbeats_and_told() {
    let stage = stage();
    in_virtual_time(async {
        let (mut client, server) = duplex(PIPE_BYTES);
        client.write_all(&hello()).await.unwrap();
        let begun = Instant::now();
        let serving = tokio::spawn(stage.serve(server));
        assert_goodbye(&said(&mut client).await, Code::TIMED_OUT);
        let dropped_after = begun.elapsed();
        drop(client);
        assert!(matches!(serving.await.unwrap(), CloseReason::Silent));
        assert_eq!(SILENT_HEARTBEATS, 2);
        let silence = HEARTBEAT * SILENT_HEARTBEATS;
        assert!(dropped_after >= silence && dropped_after <= silence + Duration::from_millis(2));
    });
}

#[test]
fn a_server_gone_silent_is_given_up_after_two_heartbeats() {
    let stage = stage();
    in_virtual_time(async {
        // The second connection is never answered: the client notices that the server is not back.
        let (connections, mut accepted) = tokio::sync::mpsc::unbounded_channel();
        let client = Client::connect_with(move || {
            let (client, server) = duplex(PIPE_BYTES);
            let sent = connections.send(server);
            async move { sent.map(|()| client).map_err(std::io::Error::other) }
        });
        let serve_first = async {
            let server = accepted.recv().await.unwrap();
            let (mut far, near) = duplex(PIPE_BYTES);
            tokio::spawn(stage.serve(near));
            let mut server = server;
            tokio::spawn(async move {
                // The connection is cut after the greeting, without a close on either side.
                let greeting = async {
                    let mut bytes = [0; 1_024];
                    let count = server.read(&mut bytes).await.unwrap();
                    far.write_all(&bytes[..count]).await.unwrap();
                    let count = far.read(&mut bytes).await.unwrap();
                    server.write_all(&bytes[..count]).await.unwrap();
                };
                greeting.await;
                std::future::pending::<()>().await;
                drop((server, far));
            });
            accepted
        };
        let (client, mut accepted) = tokio::join!(client, serve_first);
        let client = client.unwrap();
        let greeted = Instant::now();
        let asking = tokio::spawn(async move { client.snapshot().await });
        let _second = accepted.recv().await.unwrap();
        // Plus the wait before the next attempt, which is at most the first backoff.
        let most = 2 * HEARTBEAT + auction_client::limits::BACKOFF_FIRST;
        assert!(greeted.elapsed() <= most, "{:?}", greeted.elapsed());
        asking.abort();
    });
}

#[test]
fn a_slow_hello_has_the_same_time_limit_as_any() {
    let stage = stage();
    in_virtual_time(async {
        let (mut client, server) = duplex(PIPE_BYTES);
        let begun = Instant::now();
        let serving = tokio::spawn(stage.serve(server));
        let pause = HELLO_TIMEOUT / 4;
        for byte in hello() {
            // After the end the write fails.
            if client.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(pause).await;
            if begun.elapsed() > HELLO_TIMEOUT {
                break;
            }
        }
        assert_goodbye(&said(&mut client).await, Code::TIMED_OUT);
        drop(client);
        assert!(matches!(serving.await.unwrap(), CloseReason::NoHello));
        assert!(begun.elapsed() <= HELLO_TIMEOUT + pause + LINGER_TIMEOUT);
    });
}

/// Reason why a server ends the connection of a client that repeats `question` and reads no answer.
async fn end_without_reading(
    serving: impl Future<Output = CloseReason> + Send + 'static,
    mut client: DuplexStream,
    question: &[u8],
) -> CloseReason {
    let serving = tokio::spawn(serving);
    let begun = Instant::now();
    let mut taken = 0;
    while client.write_all(question).await.is_ok() {
        taken += question.len();
        assert!(taken < TAKEN_MAX, "it reads on");
    }
    let reason = serving.await.unwrap();
    let dropped_after = begun.elapsed();
    assert!(
        dropped_after <= WRITE_TIMEOUT + Duration::from_millis(5),
        "{dropped_after:?}"
    );
    reason
}

#[test]
fn a_client_that_does_not_read_is_not_read_from_but_dropped() {
    const ROOM: usize = 4_096;
    let stage = stage();
    let mut ping = Vec::new();
    let client_time = Timestamp::default();
    encode_frame(RequestId(2), &Ping { client_time }, &mut ping);
    // A ping of the WebSocket itself: 125 bytes, masked with zeros.
    let mut control = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
    control.resize(6 + 125, b'x');
    in_virtual_time(async {
        let (mut client, server) = duplex(ROOM);
        client.write_all(&hello()).await.unwrap();
        let frames = end_without_reading(stage.serve(server), client, &ping).await;

        // Lines that are no messages, before the hello.
        let (client, server) = duplex(ROOM);
        let lines = stage.serve_channel(std::future::ready(Channel::lines(server)));
        let lines = end_without_reading(lines, client, b"x\n").await;

        // No hello either: nobody has to log in for this.
        let (client, server) = duplex(ROOM);
        let pings = stage.serve_channel(Channel::websocket(server));
        let pings = end_without_reading(pings, client, &control).await;
        for reason in [frames, lines, pings] {
            assert!(matches!(reason, CloseReason::TooSlow), "{reason:?}");
        }
    });
}
