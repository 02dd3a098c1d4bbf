//! A server with few file descriptors: connections before login never take those that the journal, the files and the
//! operators' port need.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::process::Command;

use auction_core::{LotId, Price};
use auction_proto::{Bid, Code, PREFACE, ServerMessage};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use crate::line::{Line, hello};
use crate::test_market::{Server, TestMarket, ended, text, until, without_settings};

const DESCRIPTORS: u32 = 256;
/// Of [`DESCRIPTORS`], 128 are reserved and 16 are for refusals; one address gets half of the rest.
const CONNECTIONS: usize = 112;
const OF_ONE_ADDRESS: usize = CONNECTIONS / 2;
const FLOOD: usize = 400;
/// A round of bids is one on each.
const LOTS: u32 = 64;

#[test]
fn a_flood_of_greetings_leaves_descriptors_for_the_server() {
    let ops = free_port();
    let test_market = TestMarket::with_lots(LOTS).set("ops-listen", &ops.to_string());
    let server = Server::start(limited(&test_market.server(), DESCRIPTORS));
    server.until_said("lets in 112 connections, 56 of them from one address");
    let mut mia = Line::trader(server.address(), "mia");
    let mut leo = Line::trader(server.address(), "leo");

    // One address gets its share, a second one the rest, a third one nothing.
    let (first, refused) = flood(&server, 1);
    assert_eq!(first.len(), OF_ONE_ADDRESS - 2, "mia and leo are here too");
    assert_eq!(refused, FLOOD - first.len());
    let (second, _) = flood(&server, 2);
    assert_eq!(second.len(), OF_ONE_ADDRESS);
    let (third, _) = flood(&server, 3);
    assert_eq!(third.len(), 0);

    // Enough to pass the segment that was ready before the flood.
    let mut price = 200;
    while segments(&test_market) < 3 {
        for trader in [&mut mia, &mut leo] {
            bid_on_all(trader, price);
            price += 1;
        }
    }
    assert!(is_ready(&test_market, ops), "{}", server.said());
    let last = format!("leo,S1,{}.00", price - 1);
    until("client.csv is written", || {
        test_market.read("client.csv").contains(&last).then_some(())
    });

    drop((first, second));
    until("connections are taken again", || greeted(&server, 1).ok());
    drop((mia, leo));
    let said = server.end_and_hear();
    assert!(!said.contains("Too many open files"), "{said}");
    test_market.verified();
}

#[test]
fn a_limit_without_room_for_clients_is_refused() {
    let test_market = TestMarket::with_lots(1);
    let mut server = limited(&test_market.server(), 100);
    let output = ended(&mut server);
    let said = text(output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("can have 100 open files, and a server needs 146 at least"),
        "{said}"
    );
    assert!(
        !test_market.path().join("journal").exists(),
        "nothing is made"
    );
    let server = Server::start(limited(&test_market.server(), 146));
    drop(Line::open(server.address()));
    server.end();
}

#[test]
fn config_check_warns_of_a_limit_below_the_settings() {
    let test_market = TestMarket::with_lots(1);
    let check = test_market.program(&["config", "check"]);
    let output = ended(&mut limited(&check, DESCRIPTORS));
    assert_eq!(output.status.code(), Some(0));
    let said = text(output.stdout) + &text(output.stderr);
    assert!(said.contains("lets in 112 connections"), "{said}");
    assert!(said.contains("LimitNOFILE="), "{said}");
}

/// The same command under a limit of open files.
fn limited(command: &Command, descriptors: u32) -> Command {
    let mut limited = Command::new("sh");
    let limit = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
    limited.args(["-c", &limit]).arg(command.get_program());
    limited.args(command.get_args());
    without_settings(&mut limited);
    limited
}

/// A port on which nothing listens.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Greets from `127.0.0.{host}` many times; returns the welcomed connections and the number of refusals.
fn flood(server: &Server, host: u8) -> (Vec<Line>, usize) {
    let all: Vec<_> = (0..FLOOD).map(|_| greeted(server, host)).collect();
    let refused = all.iter().filter(|one| one.is_err()).count();
    (all.into_iter().flatten().collect(), refused)
}

/// A welcomed connection from `127.0.0.{host}`; else the code of the refusal, if there was one.
fn greeted(server: &Server, host: u8) -> Result<Line, Option<Code>> {
    let from = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let here = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, host), 0);
    bind(&from, &here).unwrap();
    connect(&from, &server.address()).unwrap();
    let mut line = Line::over(TcpStream::from(from));
    line.raw(&PREFACE);
    line.send(&hello());
    // It may be closed already.
    let _ = line.flush();
    match line.next() {
        Ok(Some((_, ServerMessage::Welcome(_)))) => Ok(line),
        Ok(Some((_, ServerMessage::Goodbye(goodbye)))) => {
            assert_eq!(goodbye.code, Code::TOO_MANY_CONNECTIONS);
            Err(Some(goodbye.code))
        }
        Ok(Some((_, other))) => panic!("{other:?} answers no greeting"),
        Ok(None) | Err(_) => Err(None),
    }
}

fn bid_on_all(trader: &mut Line, price: u64) {
    let price = Price::from_units(price * 10_000).unwrap();
    let lots = 1..=LOTS;
    let requests: Vec<_> = lots
        .map(|lot| {
            trader.send(&Bid {
                lot: LotId(lot),
                price,
            })
        })
        .collect();
    for request in requests {
        let answer = trader.answer(request);
        assert!(matches!(answer, ServerMessage::Accepted(_)), "{answer:?}");
    }
}

fn segments(test_market: &TestMarket) -> usize {
    let names = std::fs::read_dir(test_market.path().join("journal")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".seg")).count()
}

fn is_ready(test_market: &TestMarket, ops: SocketAddr) -> bool {
    let ops = ops.to_string();
    let mut ask = test_market.program(&["is-ready", "--ops-listen", &ops]);
    ended(&mut ask).status.success()
}
