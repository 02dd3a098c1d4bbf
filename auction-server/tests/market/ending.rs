//! Clean starts and shutdowns: signals, and ports and folders in use.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::Stdio;

use auction_core::LotId;
use auction_core::Price;
use auction_proto::{Bid, Code, GetSnapshot, PREFACE, ServerMessage};
use rustix::process::{Pid, Signal, kill_process};

use crate::line::{Line, Watcher};
use crate::test_market::{TestMarket, until};

#[test]
fn a_signal_ends_the_server_in_good_order_and_clients_are_told() {
    for signal in [Signal::TERM, Signal::INT] {
        let test_market = TestMarket::with_lots(2);
        let server = test_market.open();
        let address = server.address();
        let mut mia = Line::trader(address, "mia");
        let watcher = Watcher::begin(address);
        let mut idle = Line::open(address);
        let mut silent = Line::silent(address);
        mia.bid(1, "1.50").unwrap();

        server.signal(signal);
        assert_eq!(watcher.until_goodbye(), Some(Code::SHUTTING_DOWN));
        for line in [&mut mia, &mut idle, &mut silent] {
            assert_eq!(line.last_words(), Some(Code::SHUTTING_DOWN));
        }
        let (status, said) = server.wait();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(TcpStream::connect(address).is_err(), "the door is closed");
        assert_eq!(
            test_market.read("client.csv"),
            "name,symbol,bit\nmia,S1,1.50\n"
        );
        test_market.verified_digest();
    }
}

#[test]
fn pending_requests_are_answered_and_kept_at_a_signal() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let (mut accepted, mut answered) = (0, 0);
    for cents in 0..500 {
        let price = Price::from_units(20_000 + cents * 100).unwrap();
        let line = if cents % 2 == 0 { &mut mia } else { &mut tom };
        line.send(&Bid {
            lot: LotId(1),
            price,
        });
    }
    mia.flush().unwrap();
    tom.flush().unwrap();
    server.signal(Signal::TERM);
    for line in [&mut mia, &mut tom] {
        let mut last = None;
        while let Ok(Some((_, message))) = line.next() {
            accepted += u32::from(matches!(message, ServerMessage::Accepted(_)));
            answered += 1;
            last = Some(message);
        }
        assert!(matches!(last, Some(ServerMessage::Goodbye(_))), "{last:?}");
    }
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(answered >= 2);
    assert_eq!(test_market.export("bids").len(), accepted as usize);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    // Snapshots of so many stocks soon fill the buffers of a client that does not read.
    let test_market = TestMarket::with_lots(2_000);
    let server = test_market.open();
    let mut deaf = Line::open(server.address());
    for _ in 0..1_000 {
        deaf.send(&GetSnapshot {});
    }
    deaf.flush().unwrap();
    // The first snapshot shows that the server writes to this client, which reads no further.
    deaf.next().unwrap();
    server.signal(Signal::TERM);
    server.until_said("ending");
    server.signal(Signal::TERM);
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(!said.contains("did not close in time"), "{said}");
    test_market.verified_digest();
}

#[test]
fn unread_news_do_not_stop_the_server_or_its_shutdown() {
    // The news of so many bids do not fit a pipe.
    const BIDS: u32 = 2_000;
    let test_market = TestMarket::with_lots(BIDS);
    let mut process = test_market
        .server()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    let address = line.trim_end().trim_end_matches('.').rsplit(' ').next();
    let address = address.unwrap().parse().unwrap();
    while line.trim() != "auction watch" {
        line.clear();
        assert_ne!(printed.read_line(&mut line).unwrap(), 0, "no opening");
    }
    let mut mia = Line::trader(address, "mia");
    let price = Price::parse("1.50").unwrap();
    for lot in (1..=BIDS).map(LotId) {
        mia.send(&Bid { lot, price });
    }
    mia.flush().unwrap();
    for _ in 0..BIDS {
        let (_, message) = mia.next().unwrap().unwrap();
        assert!(matches!(message, ServerMessage::Accepted(_)), "{message:?}");
    }
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    assert_eq!(mia.last_words(), Some(Code::SHUTTING_DOWN));
    let status = until("the server ends", || process.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    drop(printed);
    assert_eq!(test_market.export("bids").len(), BIDS as usize);
}

#[test]
fn unread_output_and_logs_do_not_block_connections() {
    // The output of so many lots does not fit a pipe, nor does the log of so many refused connections.
    const LOTS: u32 = 2_000;
    const STRANGERS: usize = 1_000;
    let test_market = TestMarket::with_lots(LOTS)
        .set("rate-connections", "off")
        .set("log", "json");
    let mut process = test_market
        .server()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    // Only the address is read from the output; nothing is read from the log.
    printed.read_line(&mut line).unwrap();
    let address = line.trim_end().trim_end_matches('.').rsplit(' ').next();
    let address = address.unwrap().parse().unwrap();
    for _ in 0..STRANGERS {
        let mut stranger = Line::silent(address);
        stranger.raw(&PREFACE);
        stranger.raw(&[0xff; 64]);
        stranger.flush().unwrap();
        assert_eq!(stranger.last_words(), Some(Code::FRAME_TOO_LARGE));
    }
    let mut mia = Line::trader(address, "mia");
    mia.bid(1, "1.50").unwrap();
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let status = until("the server ends", || process.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    drop(printed);
    assert_eq!(test_market.export("bids").len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_that_cannot_be_written_stops_nothing() {
    let test_market = TestMarket::with_lots(1);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut process = test_market
        .server()
        .stdout(Stdio::piped())
        .stderr(full)
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    let address = line.trim_end().trim_end_matches('.').rsplit(' ').next();
    let mut mia = Line::trader(address.unwrap().parse().unwrap(), "mia");
    mia.bid(1, "1.50").unwrap();
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let status = until("the server ends", || process.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    mia.bid(1, "1.50").unwrap();
    let (code, said) = test_market.fails_to_open();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("another server runs on this journal"),
        "{said}"
    );
    mia.bid(2, "1.50").unwrap();
    assert_eq!(test_market.export("bids").len(), 2);
    server.end();
}

#[test]
fn a_port_that_is_taken_opens_no_round() {
    let test_market = TestMarket::with_lots(2);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let other = TestMarket::with_lots(2).set("listen", &address.to_string());
    let (code, said) = other.fails_to_open();
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("cannot listen on {address}")),
        "{said}"
    );
    assert!(!other.path().join("journal").exists(), "a round was opened");

    // A restarted server gets the address of the one before.
    let server = test_market.open();
    let mut client = Line::open(server.address());
    let again = TestMarket::with_lots(2).set("listen", &server.address().to_string());
    server.kill();
    assert_eq!(client.last_words(), None);
    let server = until("the address is free", || Some(again.open()));
    server.end();
}
