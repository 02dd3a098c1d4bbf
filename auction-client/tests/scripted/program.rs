//! The real program: its output, and its exit codes.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auction_client::{Code, History, LoggedIn, Refused, Token};
use auction_core::{
    BidReply, FeedSequence, LotId, Outcome, PublicEvent, Reply, RequestId, Timestamp, UserId,
};
use auction_proto::{
    Accepted, ClientMessage, Done, Feed, FeedEntry, List, Lots, LotsOf, MarketKey, ServerMessage,
    SigningKey, Welcome,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::script::{HEARTBEAT_MS, Line, bid_feed, market, price, session, token, welcome};
use crate::signer;

/// Generous limit: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on loopback that answers like a market where mia has the password `right`.
pub struct Server {
    address: String,
    home: TempDir,
    key: Arc<Mutex<Option<u8>>>,
    /// True for a server from before `get_lots`.
    is_old: Arc<AtomicBool>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let key = Arc::new(Mutex::new(Some(0x42)));
        let is_old = Arc::new(AtomicBool::new(false));
        let (told, age) = (key.clone(), is_old.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(Line::new(stream), told.clone(), age.clone()));
            }
        });
        let home = tempfile::tempdir().unwrap();
        Self {
            address,
            home,
            key,
            is_old,
        }
    }

    /// Sets the bytes of the market's key from now on; `None`: a market without a key.
    pub fn sign_with(&self, bytes: Option<u8>) {
        *self.key.lock().unwrap() = bytes;
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = auction(self.home.path());
        command.env("AUCTION_SERVER", &self.address).args(arguments);
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Told {
        told(self.command(arguments)).await
    }

    async fn log_in(&self) {
        let mut command = self.command(&["login", "mia"]);
        command.env("AUCTION_PASSWORD", "right");
        told(command).await.expect(0);
    }
}

pub fn auction(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auction"));
    command
        .env_remove("AUCTION_PASSWORD")
        .env("AUCTION_HOME", home)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn converse(mut line: Line<TcpStream>, key: Arc<Mutex<Option<u8>>>, age: Arc<AtomicBool>) {
    // A heartbeat that no busy machine misses.
    let heartbeat_ms = 10 * HEARTBEAT_MS;
    line.greet(Welcome {
        heartbeat_ms,
        ..welcome()
    })
    .await;
    let mut known = false;
    while let Some((number, message)) = line.next_or_ping().await {
        let answer: ServerMessage = match message {
            ClientMessage::GetSnapshot(_) => {
                line.snapshot(number, &market()).await;
                continue;
            }
            ClientMessage::Watch(_) => {
                line.snapshot(number, &market()).await;
                line.say(RequestId(0), bid_feed(4, price("1.40"))).await;
                line.say(RequestId(0), closing(5)).await;
                continue;
            }
            ClientMessage::WatchSigned(_) if key.lock().unwrap().is_some() => {
                let key = signer::key_of(key.lock().unwrap().unwrap_or_default());
                let (signed, parts) = signer::snapshot(&market(), &key);
                line.say(number, signed).await;
                for part in parts {
                    line.say(number, part).await;
                }
                let bid = bid_feed(4, price("1.40")).entries.into_vec();
                let told = [bid, closing(5).entries.into_vec()].concat();
                let batch = signer::batch(&signer::after(&market(), &told), told, &key);
                line.say(RequestId(0), batch).await;
                continue;
            }
            ClientMessage::Login(login) if login.password.reveal() == "right" => {
                known = true;
                let token = Some(token());
                LoggedIn { token, ..session() }.into()
            }
            ClientMessage::Login(_) => Refused::new(Code::BAD_CREDENTIALS, "wrong").into(),
            ClientMessage::Register(_) => accepted(Reply::Registered(UserId(2))).into(),
            ClientMessage::Resume(resume) if resume.token == token() => {
                known = true;
                session().into()
            }
            ClientMessage::Resume(_) => Refused::new(Code::SESSION_CLOSED, "closed").into(),
            ClientMessage::GetHistory(asked) => History {
                lot: asked.lot,
                total: 0,
                bids: Default::default(),
                opened: Default::default(),
            }
            .into(),
            ClientMessage::GetLots(_) if age.load(Ordering::Relaxed) => {
                Refused::new(Code::UNKNOWN_KIND, "no such kind").into()
            }
            ClientMessage::GetLots(asked) => lots(asked.of),
            ClientMessage::Bid(_) if !known => Refused::new(Code::NOT_LOGGED_IN, "log in").into(),
            ClientMessage::Bid(bid) if bid.price < price("1.01") => {
                let refused = Refused::new(Code::BID_TOO_LOW, "the least bid is 1.01");
                refused.with_price(price("1.01")).into()
            }
            ClientMessage::Bid(bid) => {
                let (lot, price) = (bid.lot, Some(bid.price));
                let reply = BidReply {
                    lot,
                    leads: true,
                    price,
                    extended_to: None,
                    bought: false,
                };
                accepted(Reply::Bid(reply)).into()
            }
            ClientMessage::Logout(_) => accepted(Reply::Done).into(),
            ClientMessage::GetMarketKey(_) => match *key.lock().unwrap() {
                Some(byte) => MarketKey {
                    market: welcome().market,
                    key: SigningKey::new(&[byte; 32]).public(),
                }
                .into(),
                None => Refused::new(Code::UNKNOWN_KIND, "no such kind").into(),
            },
            other => Refused::new(Code::INTERNAL, other.kind()).into(),
        };
        line.say(number, answer).await;
    }
}

/// The lots of AAPL, the only stock.
fn lots(of: LotsOf) -> ServerMessage {
    let market = market();
    let aapl = market.lot(LotId(1)).unwrap();
    if ![LotsOf::Lot(aapl.id), LotsOf::Symbol(aapl.symbol)].contains(&of) {
        let code = match of {
            LotsOf::Symbol(_) => Code::UNKNOWN_SYMBOL,
            LotsOf::Lot(_) => Code::UNKNOWN_LOT,
        };
        return Refused::new(code, "none").into();
    }
    Lots {
        feed_sequence: market.feed_sequence(),
        accounts: market.accounts(),
        total: 1,
        lots: List::new(vec![aapl.clone()]).unwrap(),
    }
    .into()
}

fn accepted(reply: Reply) -> Accepted {
    Accepted {
        feed_sequence: FeedSequence(4),
        done: Done::Now,
        reply,
    }
}

fn closing(place: u64) -> Feed {
    let outcome = Outcome::Sold {
        winner: UserId(1),
        price: price("1.40"),
        by: auction_core::SoldBy::HighestBid,
        runner_up: None,
    };
    let event = PublicEvent::LotClosed {
        lot: LotId(1),
        outcome,
    };
    let entry = FeedEntry {
        at: Timestamp::from_secs(1_300),
        event,
    };
    let (market, term) = (welcome().market, welcome().term);
    Feed::of_commit(market, term, FeedSequence(place - 1), [entry]).remove(0)
}

/// Output and exit code of the program.
pub struct Told {
    code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub async fn told(mut command: Command) -> Told {
    let run = tokio::time::timeout(PATIENCE, command.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = run.expect("the program ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told {
        code: status.code(),
        out: text(stdout),
        err: text(stderr),
    }
}

impl Told {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "out: {}\nerr: {}",
            self.out,
            self.err
        );
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("standard output is a JSON document")
    }

    pub fn error(&self) -> Value {
        assert_eq!(self.out, "", "an error leaves standard output empty");
        let error: Value = serde_json::from_str(&self.err).expect("standard error is JSON");
        error["error"].clone()
    }
}

#[tokio::test]
async fn reading_needs_no_login_and_prints_text_or_json() {
    let server = Server::start().await;
    let lots = server.run(&["lots"]).await.expect(0);
    assert_eq!(lots.out.lines().count(), 2, "{}", lots.out);
    let words = lots.out.lines().nth(1).unwrap().split_whitespace();
    let words: Vec<_> = words.take(6).collect();
    assert_eq!(words, ["#1", "AAPL", "01954", "english", "1", "1.00"]);
    assert_eq!(lots.err, "");
    let lots = server.run(&["lots", "--json"]).await.expect(0).json();
    assert_eq!(lots["lots"][0]["symbol"], "AAPL");
    assert_eq!(lots["lots"][0]["least_bid"], "1.01");
    let results = server.run(&["results", "--json"]).await.expect(0).json();
    assert_eq!(results["lots"], json!([]));
    let history = server.run(&["history", "aapl"]).await.expect(0);
    assert_eq!(history.out, "AAPL #1: no bids.\n");
    let status = server.run(&["market", "--json"]).await.expect(0).json();
    assert_eq!(
        (&status["open_lots"], &status["user"]),
        (&json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_session_is_remembered_between_commands_until_logout() {
    let server = Server::start().await;
    let error = server
        .run(&["bid", "AAPL", "1.40", "--json"])
        .await
        .expect(5)
        .error();
    assert_eq!(error["kind"], "not_logged_in");
    server.log_in().await;
    let bid = server.run(&["bid", "AAPL", "1.40"]).await.expect(0);
    assert_eq!(
        bid.out,
        "AAPL #1: your bid of 1.40 is accepted; you lead at 1.40.\n"
    );
    let bid = server
        .run(&["bid", "#1", "1.5", "--json"])
        .await
        .expect(0)
        .json();
    assert_eq!(
        (&bid["amount"], &bid["leads"]),
        (&json!("1.50"), &json!(true))
    );
    server.run(&["logout"]).await.expect(0);
    server.run(&["logout"]).await.expect(5);
}

#[tokio::test]
async fn a_session_that_was_closed_elsewhere_is_forgotten() {
    let server = Server::start().await;
    server.log_in().await;
    let sessions = server.home.path().join("sessions");
    let file = std::fs::read_dir(&sessions)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let digits = |token: Token| -> String {
        token
            .reveal()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replace(&digits(token()), &digits(Token::new([1; 32])));
    std::fs::write(&file, other).unwrap();
    let told = server.run(&["bid", "AAPL", "1.40"]).await.expect(5);
    assert!(told.err.contains("auction login mia"), "{}", told.err);
    assert!(!file.exists());
}

#[tokio::test]
async fn what_the_market_refuses_exits_with_3_and_names_the_remedy() {
    let server = Server::start().await;
    server.log_in().await;
    let told = server.run(&["bid", "AAPL", "1"]).await.expect(3);
    assert_eq!(told.err, "auction: the least bid is 1.01\n");
    let error = server
        .run(&["bid", "AAPL", "1", "--json"])
        .await
        .expect(3)
        .error();
    assert_eq!(
        (&error["code"], &error["least_bid"]),
        (&json!("bid_too_low"), &json!("1.01"))
    );
    for arguments in [
        ["bid", "XYZ", "1"],
        ["history", "XYZ", "--json"],
        ["watch", "XYZ", "--json"],
    ] {
        let told = server.run(&arguments).await.expect(3);
        assert!(told.err.contains("there is no stock XYZ"), "{}", told.err);
    }
}

#[tokio::test]
async fn a_bid_needs_no_snapshot_of_the_market() {
    let server = Server::start().await;
    server.log_in().await;
    for target in ["AAPL", "#1"] {
        let bid = server.run(&["bid", target, "1.40", "--trace-wire"]).await;
        let wire = bid.expect(0).err;
        assert!(
            wire.contains("get_lots") && !wire.contains("snapshot"),
            "{wire}"
        );
    }
    for (arguments, says) in [
        (
            ["bid", "XYZ", "1"],
            "there is no stock XYZ; `auction lots` shows",
        ),
        (
            ["bid", "#9", "1"],
            "there is no lot #9; `auction lots` shows",
        ),
    ] {
        let told = server.run(&arguments).await.expect(3);
        assert!(told.err.contains(says), "{}", told.err);
    }
    let told = server.run(&["bid", "XYZ", "1", "--lot", "1"]).await;
    let says = "lot #1 is of AAPL, which you did not name";
    assert!(told.expect(2).err.contains(says));
    // An older server does not have the question.
    server.is_old.store(true, Ordering::Relaxed);
    let bid = server.run(&["bid", "AAPL", "1.40", "--trace-wire"]).await;
    assert!(bid.expect(0).err.contains("get_snapshot"));
}

#[tokio::test]
async fn a_price_far_above_the_least_is_refused_without_yes() {
    let server = Server::start().await;
    server.log_in().await;
    let told = server.run(&["bid", "#1", "90000"]).await.expect(2);
    let says = "auction: 90000.00 is 89108 times the least bid, 1.01; nothing was sent. --yes sends it; --within PERCENT \
                allows more than 100 percent\n";
    assert_eq!(told.err, says);
    let error = server
        .run(&["bid", "AAPL", "1.10", "--within", "5", "--json"])
        .await
        .expect(2)
        .error();
    assert_eq!(
        (&error["code"], &error["compared"]),
        (&json!("price_far"), &json!("1.01"))
    );
    for arguments in [
        &["bid", "AAPL", "1.40"][..],
        &["bid", "AAPL", "90000", "--yes"],
        &["bid", "AAPL", "1.06", "--within", "5"],
    ] {
        server.run(arguments).await.expect(0);
    }
}

#[tokio::test]
async fn passwords_come_from_the_environment_or_standard_input() {
    let server = Server::start().await;
    let mut wrong = server.command(&["login", "mia"]);
    wrong.env("AUCTION_PASSWORD", "wrong");
    told(wrong).await.expect(3);

    let mut command = server.command(&["login", "mia"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut program = piped.unwrap();
    program
        .stdin
        .take()
        .unwrap()
        .write_all(b"right\n")
        .await
        .unwrap();
    let status = tokio::time::timeout(PATIENCE, program.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));

    let none = server.run(&["register", "tom"]).await.expect(2);
    assert!(none.err.contains("AUCTION_PASSWORD"), "{}", none.err);
    let mut register = server.command(&["register", "tom"]);
    register.env("AUCTION_PASSWORD", "right");
    let registered = told(register).await.expect(0);
    assert_eq!(registered.out, "Registered tom. Next: auction login tom\n");
}

#[tokio::test]
async fn a_watch_prints_a_line_per_event_and_ends_with_the_last_close() {
    let server = Server::start().await;
    let told = server.run(&["watch", "AAPL"]).await.expect(0);
    let lines: Vec<_> = told.out.lines().collect();
    assert!(lines[0].starts_with("LOT  SYMBOL"), "{}", told.out);
    assert_eq!(
        lines[2],
        "00:16:44Z  AAPL #1      bid 1.40 by mia, who leads; least bid 1.4001; closes in 4:56"
    );
    assert_eq!(
        lines[3],
        "00:21:40Z  AAPL #1      CLOSED: sold to mia at 1.40"
    );

    let told = server.run(&["watch", "--json"]).await.expect(0);
    let events = told
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let names: Vec<_> = events
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["snapshot", "bid", "closed"]);
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_watch_ends_well() {
    let server = Server::start().await;
    let mut watch = server.command(&["watch", "--forever"]);
    let mut program = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = program.stdout.take().unwrap();
    let mut told = String::new();
    let until_closed = async {
        while !told.contains("CLOSED") {
            let mut bytes = [0; 1_024];
            let count = out.read(&mut bytes).await.unwrap();
            assert_ne!(count, 0, "it goes on: {told}");
            told.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, until_closed).await.unwrap();
    // `kill` is a builtin of the shell: a small machine may lack the program.
    let interrupt = format!("kill -INT {}", program.id().unwrap());
    let interrupted = Command::new("sh")
        .args(["-c", &interrupt])
        .status()
        .await
        .unwrap();
    assert!(interrupted.success());
    let status = tokio::time::timeout(PATIENCE, program.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_failed_connection_exits_with_4() {
    let home = tempfile::tempdir().unwrap();
    // Bound and dropped: nothing listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut lots = auction(home.path());
    lots.args(["lots", "--json", "--server", &nobody.to_string()]);
    let error = told(lots).await.expect(4).error();
    assert_eq!(
        (&error["kind"], &error["exit_code"]),
        (&json!("not_connected"), &json!(4))
    );
    let message = error["message"].as_str().unwrap();
    let remedies = [
        "auction-server --demo",
        "--server HOST:PORT",
        "AUCTION_SERVER",
    ];
    for part in remedies.into_iter().chain([nobody.to_string().as_str()]) {
        assert!(message.contains(part), "{part:?} is missing in {message:?}");
    }

    // Not an auction server; it sends escape sequences to the terminal.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hostile = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"\x1b[2J\x1b]0;owned\x07 HTTP/1.1 200 OK\r\n")
            .await
            .unwrap();
        stream
    });
    let mut lots = auction(home.path());
    lots.args(["lots", "--server", &address]);
    let told = told(lots).await.expect(4);
    assert!(
        told.err.contains("does not speak the auction protocol"),
        "{}",
        told.err
    );
    assert!(!told.err.contains('\x1b'), "{:?}", told.err);
    drop(hostile.await);
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &'static [&'static str]| {
        let mut command = auction(home.path());
        command.args(arguments);
        told(command)
    };
    run(&["bid", "AAPL", "1,40"]).await.expect(2);
    run(&["sell"]).await.expect(2);
    let error = run(&["bid", "AAPL", "x", "--json"]).await.expect(2).error();
    assert_eq!(error["kind"], "usage");
    // People get the interactive mode, programs do not.
    let help = run(&["--json"]).await.expect(2).error();
    let message = help["message"].as_str().unwrap();
    assert!(message.contains("Usage: auction"), "{message}");
    let help = run(&["--help"]).await.expect(0);
    assert!(help.out.contains("Exit codes:"), "{}", help.out);
}
