//! Clients that send nothing or read nothing: they are dropped in time, and don't affect others.

use std::thread;

use auction_proto::{Code, GetSnapshot, PREFACE};

use crate::line::Line;
use crate::test_market::TestMarket;

#[test]
fn silent_and_non_reading_clients_are_dropped() {
    // Snapshots of so many stocks soon fill the buffers of a client that does not read.
    let test_market = TestMarket::with_lots(2_000);
    let server = test_market.open();
    let address = server.address();
    let mut deaf = Line::open(address);
    for _ in 0..1_000 {
        deaf.send(&GetSnapshot {});
    }
    deaf.flush().unwrap();

    let silent = |beginning: &'static [u8]| {
        thread::spawn(move || {
            let mut line = Line::silent(address);
            line.raw(beginning);
            line.flush().unwrap();
            line.last_words()
        })
    };
    // Nothing; half a preface; a preface; half a hello.
    let mut half = PREFACE.to_vec();
    half.extend([20, 0, 0, 0, 1, 0, 1]);
    let beginnings: [&'static [u8]; 4] = [&[], &PREFACE[..2], &PREFACE, half.leak()];
    let silent: Vec<_> = beginnings.into_iter().map(silent).collect();

    let mut mia = Line::trader(address, "mia");
    let mut tom = Line::trader(address, "tom");
    let mut cents = 101;
    while !server.said().contains("the client does not read")
        || silent.iter().any(|one| !one.is_finished())
    {
        for line in [&mut mia, &mut tom] {
            line.bid(1, &format!("{}.{:02}", cents / 100, cents % 100))
                .unwrap();
            cents += 1;
        }
        thread::sleep(crate::test_market::LOOK_EVERY);
    }
    for one in silent {
        assert_eq!(one.join().unwrap(), Some(Code::TIMED_OUT));
    }
    // Messages written before can still be read; then the connection ends without a last message.
    assert_eq!(deaf.last_words(), None);
    server.end();
}
