//! The example clients at the real server, including those in other languages. A language that is missing on this
//! machine is reported and skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::line::PASSWORD;
use crate::test_market::{Server, TestMarket, ended, text, without_settings};

#[allow(dead_code)]
#[path = "../../../auction-client/examples/bid.rs"]
mod bid;
#[allow(dead_code)]
#[path = "../../../auction-client/examples/resume.rs"]
mod resume;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../auction-client/examples")
}

/// Returns a program of another language, ready to run.
fn foreign(program: &str, script: &str) -> Command {
    let mut command = Command::new(program);
    without_settings(&mut command);
    command
        .env("AUCTION_PASSWORD", PASSWORD)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if program == "node" {
        // Before its version 22, Node has a WebSocket only when asked for.
        command.args(["--experimental-websocket", "--no-warnings"]);
    }
    command.arg(examples().join(script));
    command
}

/// Output of a program that ends successfully by itself.
fn printed(command: &mut Command) -> String {
    let output = ended(command);
    let (printed, said) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{printed}{said}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_examples_bid_and_resume_after_a_restart() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let address = server.address().to_string();
    let outcome = bid::run(&address, "mia", PASSWORD, "S1", "2.00")
        .await
        .unwrap();
    assert_eq!(outcome, "accepted, and mia leads");
    let outcome = bid::run(&address, "tom", PASSWORD, "S1", "1.50")
        .await
        .unwrap();
    let refusal = "refused: the least bid is 2.01; the price that would do: 2.01";
    assert_eq!(outcome, refusal);

    let token = test_market.path().join("mia.token");
    let password = Some(PASSWORD.to_owned());
    let first = resume::run(&address, "mia", password, &token)
        .await
        .unwrap();
    assert!(first.starts_with("logged in, session "), "{first}");
    server.kill();
    let server = test_market.open();
    let address = server.address().to_string();
    let second = resume::run(&address, "mia", None, &token).await.unwrap();
    assert!(second.starts_with("resumed session "), "{second}");
}

#[test]
#[ignore = "needs Python 3"]
fn python_bids_and_keeps_the_digest_with_its_standard_library() {
    let test_market = TestMarket::with_lots(2).set("heartbeat", "5s");
    let server = test_market.open();
    let mut command = foreign("python3", "python/lines_client.py");
    command.args([&server.address().to_string(), "mia", "S1", "2.00"]);
    let client = Server::spawn(command);
    client.until_printed("accepted: my bid leads\n");
    client.until_printed(" S1 mia leads at 2.00\n");
    client.until_printed("the digest is the server's\n");
    client.until_printed("the server's clock is ");
    server.end();
    client.until_printed("goodbye: ");
    let shown = client.printed();
    assert!(!shown.contains("the digest differs"), "{shown}");
    let (status, said) = client.wait();
    assert!(status.success(), "{said}");
}

#[test]
#[ignore = "needs Python 3 and its package websockets"]
fn python_resumes_over_websocket_and_its_bid_is_done_once() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut command = foreign("python3", "python/websocket_client.py");
    let url = format!("ws://{}/ws", server.address());
    let printed = printed(command.args([&url, "tom", "S2", "2.50"]));
    assert!(
        printed.contains("\nthe feed goes on behind place "),
        "{printed}"
    );
    assert!(printed.contains("\naccepted, "), "{printed}");
    assert!(
        printed.ends_with("\n1 bid in the lot's history\n"),
        "{printed}"
    );
    server.end();
    let digest = test_market.verified_digest();
    assert!(
        printed.contains(&format!("with digest {digest}\n")),
        "{printed}"
    );
}

#[test]
#[ignore = "needs Python 3"]
fn python_passes_the_conformance_vectors_by_itself() {
    let mut command = foreign("python3", "python/conformance.py");
    let conformance = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auction-proto/conformance");
    let folders = std::fs::read_dir(conformance)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let printed = printed(command.args(folders.filter(|path| path.is_dir())));
    assert!(printed.contains("v1/feeds: 10 vectors"), "{printed}");
    assert!(printed.contains("v1.1/messages: 75 vectors"), "{printed}");
}

#[test]
#[ignore = "needs Node 20 or newer"]
fn nodes_own_websocket_bids_with_the_module_of_the_page() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut command = foreign("node", "page/node_client.mjs");
    let url = format!("ws://{}/ws", server.address());
    let printed = printed(command.args([&url, "joe", "S2", "3.00"]));
    assert_eq!(printed, "joe leads at 3.00\n");
}

/// The page itself, in Node, with the parts of a document that it uses: this needs no browser.
#[test]
#[ignore = "needs Node 20 or newer"]
fn the_page_shows_the_market_and_bids_in_it() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut command = foreign("node", "../../auction-server/tests/market/page.mjs");
    let page = examples().join("page/page.mjs");
    command.arg(page).arg(server.address().to_string());
    let printed = printed(&mut command);
    assert_eq!(
        printed,
        "logged in as joe\nthe least bid is 1.01 (1.01 would do)\nyou lead\n1|S1|3.00|joe|3.01\n"
    );
}

#[test]
fn the_example_clients_are_short_enough_to_be_read() {
    let clients = [
        "bid.rs",
        "resume.rs",
        "python/lines_client.py",
        "python/websocket_client.py",
        "python/market.py",
        "python/lot.py",
        "page/market.mjs",
        "page/page.mjs",
        "page/node_client.mjs",
    ];
    for client in clients {
        let source = std::fs::read_to_string(examples().join(client)).unwrap();
        assert!(source.lines().count() < 150, "{client}");
    }
}
