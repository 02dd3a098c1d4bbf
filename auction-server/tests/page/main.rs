//! The page in a real browser, against the real server: one script per story, run by Node with Playwright.
//!
//! The tests are ignored by default, for they need Node, a Chromium, and `playwright-core` and `axe-core` below
//! `target/page`. `.ci/run` installs all of that and runs them: `cargo test -p auction-server --test page -- --ignored`.
//! With `PAGE_SHOTS` set to a folder, the scripts leave pictures there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use auction_core::{
    AllocatedBy, LadderStep, NoCrossBecause, Price, Quantity, SoldBy, UnsoldBecause,
};
use auction_proto::{Frame, ServerMessage, limits};
use serde_json::{Value, json};

/// Folder of the Node modules, relative to the workspace.
const MODULES: &str = "target/page";
/// Names of the browsers to look for.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Lock for one story at a time: a browser needs all of a small machine.
static STAGE: Mutex<()> = Mutex::new(());

#[test]
#[ignore = "needs Node"]
fn the_page_computes_the_digests_of_the_conformance_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feeds.json");
    std::fs::write(&path, feeds().to_string()).unwrap();
    run("vectors", &[("FEEDS", path.as_os_str())]);
}

#[test]
#[ignore = "needs Node"]
fn the_page_reads_typed_numbers_as_the_core_does() {
    let texts = [
        "12.50",
        "12.5",
        "0.0008",
        "007",
        "1",
        "0",
        "1250",
        "999999999.9999",
        "1000000000",
        "1000000000000",
        "1000000000001",
        "1,5",
        "12,50",
        "1,500",
        "1,234.50",
        "1.",
        ".5",
        "1.00000",
        "1e3",
        "0x10",
        "+1",
        "-1",
        "1 000",
        "1_000",
        "\u{660}",
        "1.2.3",
        "",
        "abc",
        "Infinity",
        "1'000",
    ];
    let cases = texts.map(|text| {
        let price = Price::parse(text).ok().map(Price::units);
        let quantity = text.parse::<Quantity>().ok().map(Quantity::get);
        json!({ "text": text, "price": price, "quantity": quantity.map(|shares| shares.to_string()) })
    });
    assert!(cases.iter().any(|case| case["price"].is_null()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.json");
    std::fs::write(&path, Value::from(cases.to_vec()).to_string()).unwrap();
    run("numbers", &[("NUMBERS", path.as_os_str())]);
}

#[test]
#[ignore = "needs Node"]
fn the_page_describes_outcomes_in_the_words_of_the_core() {
    let labels = json!({
        "SOLD_BY": {
            "highest_bid": SoldBy::HighestBid.label(),
            "buy_now": SoldBy::BuyNow.label(),
            "first_take": SoldBy::FirstTake.label(),
            "second_highest_bid": SoldBy::SecondHighestBid.label(),
            "reserve": SoldBy::Reserve.label(),
            "least_bid": SoldBy::LeastBid.label(),
        },
        "UNSOLD": {
            "no_bids": UnsoldBecause::NoBids.label(),
            "reserve_not_met": UnsoldBecause::ReserveNotMet.label(),
            "cancelled": UnsoldBecause::Cancelled.label(),
        },
        "ALLOCATED_BY": {
            "enough_for_all": AllocatedBy::EnoughForAll.label(),
            "time": AllocatedBy::Time.label(),
            "pro_rata": AllocatedBy::ProRata.label(),
        },
        "CROSSED_BY": {
            "market": LadderStep::Market.label(),
            "volume": LadderStep::Volume.label(),
            "surplus": LadderStep::Surplus.label(),
            "pressure": LadderStep::Pressure.label(),
            "reference": LadderStep::Reference.label(),
            "collar": LadderStep::Collar.label(),
        },
        "NO_CROSS": {
            "nothing_crosses": NoCrossBecause::NothingCrosses.label(),
            "no_price": NoCrossBecause::NoPrice.label(),
            "collar": NoCrossBecause::Collar.label(),
        },
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.json");
    std::fs::write(&path, labels.to_string()).unwrap();
    run("labels", &[("LABELS", path.as_os_str())]);
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn every_width_shows_what_a_bidder_needs() {
    tell("widths");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn two_people_register_bid_are_outbid_and_one_wins() {
    tell("bidding");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn every_format_can_be_run_and_bid_on_from_the_page() {
    tell("formats");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn after_a_kill_the_page_recovers_without_loss_or_repetition() {
    tell("reconnect");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn every_view_passes_axe_in_both_themes_and_widths() {
    tell("looks");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn hostile_names_are_shown_as_text_and_unknown_data_is_skipped() {
    tell("hostile");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn on_funds_the_page_shows_and_changes_balances() {
    tell("funds");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn a_call_shows_what_an_uncross_would_give_and_why_it_crossed() {
    tell("indicative");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn a_call_is_opened_filled_and_uncrossed_from_the_page() {
    tell("call");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn a_trading_day_is_run_and_traded_from_its_calls_to_its_close() {
    tell("day");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn the_bids_and_wins_of_a_user_are_complete_in_a_new_browser() {
    tell("mine");
}

#[test]
#[ignore = "needs Chromium, Node, playwright-core and axe-core"]
fn a_thousand_changing_lots_are_read_whole_and_drawn_where_seen() {
    tell("smooth");
}

/// Returns the conformance vectors of feeds with their frames as JSON, which the page reads.
fn feeds() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auction-proto/conformance");
    let mut vectors = Vec::new();
    for folder in ["v1", "v1.11"] {
        let path = root.join(folder).join("feeds.json");
        let read: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        vectors.extend(read.as_array().unwrap().iter().cloned());
    }
    for vector in &mut vectors {
        for step in vector["steps"].as_array_mut().unwrap() {
            step["messages"] = messages(step["hex"].as_str().unwrap());
        }
    }
    Value::from(vectors)
}

fn messages(hex: &str) -> Value {
    let pairs = hex.as_bytes().chunks(2);
    let bytes: Vec<_> = pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let mut rest = &bytes[..];
    let mut messages = Vec::new();
    while let Some(frame) = Frame::split_from(&mut rest, limits::FRAME_BYTES_MAX).unwrap() {
        let mut line = Vec::new();
        let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
        message.encode_json(frame.request, &mut line);
        messages.push(serde_json::from_slice(&line).unwrap());
    }
    Value::Array(messages)
}

/// Runs a story in a browser, one at a time.
fn tell(story: &str) {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(MODULES);
    let browser = BROWSERS.into_iter().find_map(found);
    let browser = browser.expect("a Chromium in the PATH: apt-get install chromium");
    assert!(
        modules.join("node_modules/playwright-core").exists(),
        "{MODULES} needs modules: npm install --prefix {MODULES} playwright-core@1 axe-core@4"
    );
    let shots = std::env::var_os("PAGE_SHOTS").unwrap_or_default();
    let _alone = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let surroundings = [
        ("SERVER", OsStr::new(env!("CARGO_BIN_EXE_auction-server"))),
        ("MODULES", modules.as_os_str()),
        ("CHROMIUM", browser.as_os_str()),
        ("SHOTS", &shots),
    ];
    run(story, &surroundings);
}

/// Runs a script to its end.
fn run(story: &str, surroundings: &[(&str, &OsStr)]) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let mut node = Command::new("node");
    node.arg(scripts.join(story).with_extension("mjs"))
        .envs(surroundings.iter().copied())
        .stdin(Stdio::null());
    let output = node.output().expect("Node runs");
    let (printed, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{printed}");
    assert!(output.status.success(), "{story}: {printed}{said}");
}

fn found(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
