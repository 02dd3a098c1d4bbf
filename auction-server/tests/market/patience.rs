//! Those who say nothing and those who read nothing: they are let go in time, and cost others nothing.

use std::thread;

use auction_proto::{Code, GetSnapshot, PREFACE};

use crate::house::DemoAccounts;
use crate::line::Line;

#[test]
fn whoever_says_nothing_or_reads_nothing_is_let_go_while_others_are_served() {
    // Snapshots of so many stocks soon fill the buffers of one who does not read.
    let house = DemoAccounts::with_lots(2_000);
    let server = house.open();
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
        thread::sleep(crate::house::LOOK_EVERY);
    }
    for one in silent {
        assert_eq!(one.join().unwrap(), Some(Code::TIMED_OUT));
    }
    // What was written before can still be read; then comes the end, without a word.
    assert_eq!(deaf.last_words(), None);
    server.end();
}
