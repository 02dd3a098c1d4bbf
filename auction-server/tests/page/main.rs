//! The page in a real browser, against the real server: one script a story, told by Node through Playwright.
//!
//! What it takes is looked for, and what is not there is said: `LEFT OUT`, and the test has checked nothing. `.ci/run`
//! installs it: Debian's `chromium`, and `playwright-core` and `axe-core` below `target/page`. With `PAGE_SHOTS` set to
//! a folder, the scripts leave pictures there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use auction_proto::{Frame, ServerMessage, limits};
use serde_json::Value;

/// Where the modules for Node are, below the folder of the workspace.
const MODULES: &str = "target/page";
/// By which names a browser is looked for.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// One story at a time: a browser takes all of a small machine.
static STAGE: Mutex<()> = Mutex::new(());

#[test]
fn the_fold_of_the_page_gives_the_digests_of_the_conformance_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feeds.json");
    std::fs::write(&path, feeds().to_string()).unwrap();
    run("vectors", &[("FEEDS", path.as_os_str())]);
}

#[test]
fn two_people_register_bid_are_outbid_and_one_wins() {
    tell("bidding");
}

#[test]
fn every_format_is_bid_on_changed_withdrawn_and_run_from_the_page() {
    tell("formats");
}

#[test]
fn after_a_kill_the_page_comes_back_and_has_missed_and_doubled_nothing() {
    tell("reconnect");
}

#[test]
fn every_view_in_both_themes_narrow_and_wide_passes_axe_and_asks_nobody_else() {
    tell("looks");
}

#[test]
fn hostile_names_are_shown_as_words_and_what_is_unknown_is_passed_over() {
    tell("hostile");
}

#[test]
fn on_funds_a_balance_is_shown_and_the_auctioneer_pays_in_and_out() {
    tell("funds");
}

#[test]
fn a_call_shows_what_an_uncross_would_give_and_why_it_crossed() {
    tell("indicative");
}

#[test]
fn a_call_is_opened_ordered_on_from_both_sides_and_uncrossed_from_the_page() {
    tell("call");
}

#[test]
fn what_someone_bid_won_and_owes_is_complete_in_a_new_browser_and_never_denied() {
    tell("mine");
}

#[test]
fn a_thousand_lots_that_all_move_are_taken_whole_and_drawn_where_seen() {
    tell("smooth");
}

/// The vectors of feeds with their frames as JSON, for that is what the page reads.
fn feeds() -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../auction-proto/conformance/v1/feeds.json");
    let mut vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for vector in vectors.as_array_mut().unwrap() {
        for step in vector["steps"].as_array_mut().unwrap() {
            step["messages"] = messages(step["hex"].as_str().unwrap());
        }
    }
    vectors
}

fn messages(hex: &str) -> Value {
    let pairs = hex.as_bytes().chunks(2);
    let bytes: Vec<_> = pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let mut rest = &bytes[..];
    let mut messages = Vec::new();
    while let Some(frame) = Frame::take(&mut rest, limits::FRAME_BYTES_MAX).unwrap() {
        let mut line = Vec::new();
        let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
        message.encode_json(frame.request, &mut line);
        messages.push(serde_json::from_slice(&line).unwrap());
    }
    Value::Array(messages)
}

/// Tells a story in a browser, one at a time.
fn tell(story: &str) {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(MODULES);
    let Some(browser) = BROWSERS.into_iter().find_map(found) else {
        return println!("LEFT OUT: there is no Chromium to tell the story {story} with");
    };
    if !modules.join("node_modules/playwright-core").exists() {
        return println!("LEFT OUT: {MODULES} holds no playwright-core to tell the story {story}");
    }
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
    if !runs("node") {
        return println!("LEFT OUT: there is no Node, so nobody tells the story {story}");
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let mut node = Command::new("node");
    node.arg(scripts.join(story).with_extension("mjs"))
        .envs(surroundings.iter().copied())
        .stdin(Stdio::null());
    let output = node.output().unwrap();
    let (printed, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{printed}");
    assert!(output.status.success(), "{story}: {printed}{said}");
}

fn runs(program: &str) -> bool {
    let mut asked = Command::new(program);
    asked
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn found(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
