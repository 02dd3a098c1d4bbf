//! The commands of the documentation, run as a reader runs them.
//!
//! Every `sh` block of a Markdown file is a part of one shell session per file, in the order of the page. The session has
//! a folder of its own that looks like the repository, the built programs on its path, and a loopback address of its own,
//! which stands in for `127.0.0.1`. The first command that fails ends it. A block that is only to be read is `text`. Needs bash, curl and Python.
#![cfg(target_os = "linux")]

mod markdown;
mod session;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use markdown::{blocks, documents};
use session::run;

/// Pages with `sh` blocks, each run by a test below.
const PAGES: [&str; 14] = [
    "README.md",
    "auction-client/README.md",
    "auction-client/docs/peers.md",
    "auction-client/docs/proofs.md",
    "auction-client/examples/README.md",
    "auction-proto/README.md",
    "auction-proto/conformance/README.md",
    "auction-proto/fuzz/README.md",
    "auction-proto/golden/README.md",
    "auction-server/README.md",
    "auction-server/bench/README.md",
    "auction-server/docs/auctioneers.md",
    "auction-server/docs/faces.md",
    "auction-server/docs/operating.md",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(page: &str) -> String {
    std::fs::read_to_string(repository().join(page)).expect(page)
}

#[test]
fn every_page_with_commands_is_run() {
    let with_commands = documents(&repository())
        .into_iter()
        .filter(|page| blocks(&read(page), "sh").next().is_some());
    let with_commands: BTreeSet<String> = with_commands.collect();
    assert_eq!(with_commands, PAGES.map(str::to_owned).into());
}

#[test]
fn links_between_pages_lead_to_files() {
    let mut dead = Vec::new();
    for page in documents(&repository()) {
        let folder = repository().join(&page);
        let folder = folder.parent().unwrap();
        for link in markdown::links(&read(&page)) {
            if !folder.join(&link).exists() {
                dead.push(format!("{page}: {link}"));
            }
        }
    }
    assert_eq!(dead, [""; 0]);
}

/// The program of `auction-core/README.md` is compiled and run by the core's own tests.
#[test]
fn the_readme_embeds_the_core_as_the_core_does() {
    let readme = read("README.md");
    let (_, shown) = blocks(&readme, "rust").next().expect("a Rust block");
    let core = read("auction-core/README.md");
    let (_, compiled) = blocks(&core, "rust").next().expect("a Rust block");
    let plain = |lines: &[&str]| {
        let lines = lines.iter().map(|line| line.trim());
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(
        plain(&compiled).contains(&plain(&shown)),
        "{}",
        plain(&shown)
    );
}

#[test]
fn the_readme_has_at_most_170_lines() {
    assert!(read("README.md").lines().count() <= 170);
}

#[test]
fn readme() {
    run("README.md");
}

#[test]
fn client_readme() {
    run("auction-client/README.md");
}

#[test]
fn client_peers() {
    run("auction-client/docs/peers.md");
}

#[test]
fn client_proofs() {
    run("auction-client/docs/proofs.md");
}

#[test]
fn client_examples() {
    run("auction-client/examples/README.md");
}

#[test]
fn proto_readme() {
    run("auction-proto/README.md");
}

#[test]
fn proto_conformance() {
    run("auction-proto/conformance/README.md");
}

#[test]
fn proto_fuzz() {
    run("auction-proto/fuzz/README.md");
}

#[test]
fn proto_golden() {
    run("auction-proto/golden/README.md");
}

#[test]
fn server_readme() {
    run("auction-server/README.md");
}

#[test]
fn server_bench() {
    run("auction-server/bench/README.md");
}

#[test]
fn server_auctioneers() {
    run("auction-server/docs/auctioneers.md");
}

#[test]
fn server_faces() {
    run("auction-server/docs/faces.md");
}

#[test]
fn server_operating() {
    run("auction-server/docs/operating.md");
}
