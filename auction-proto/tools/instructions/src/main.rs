//! Instructions of the hot paths of core and proto, kept in `counts.txt` beside this program:
//!
//! ```text
//! cargo xtask instructions          compares: fails when a path costs 10 % more
//! cargo xtask instructions update   stores the current counts
//! ```
//!
//! Times on a busy machine vary by up to a factor of two; instruction counts vary by a few in a thousand. Valgrind counts
//! them. A path is run twice, with more and with fewer operations after the same preparation: the difference is the cost
//! of the operations, without the rest of the program.

mod stage;
mod engine;
mod wire;
mod counting;
mod kept;

use std::process::ExitCode;

use counting::{Counted, NoValgrind};
use kept::Kept;

/// A hot path: performs a number of operations after a preparation that is always the same.
type Path = fn(u64);

/// All counted paths, by name.
const PATHS: &[(&str, Path)] = &[
    ("core: a bid of a user", engine::bids_of_users),
    ("core: a bid of a session", engine::bids_of_sessions),
    ("core: a bid that is covered by cash", engine::covered_bids),
    ("core: a bid that is too low", engine::refused_bids),
    ("core: a maximum that takes the lead", engine::maxima),
    ("core: a record of a bid, replayed", engine::replayed_bids),
    ("core: a public bid, folded", engine::folded_bids),
    (
        "core: a call order, placed and cancelled",
        engine::orders_placed,
    ),
    ("core: a call order, replaced", engine::orders_replaced),
    (
        "core: a call order, replaced, and the indicative price",
        engine::indicatives,
    ),
    ("core: the uncross of 1,000 orders", engine::uncrosses),
    ("proto: a bid, framed, found and read", wire::bids),
    (
        "proto: an acknowledgement, framed, found and read",
        wire::acknowledgements,
    ),
    (
        "proto: a feed of 64 bids, framed, found and read",
        wire::feeds,
    ),
    ("proto: the record of a bid, written", wire::records_written),
    ("proto: the record of a bid, read", wire::records_read),
];

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    match *asked {
        [] => compare(),
        ["update"] => update(),
        // The run under valgrind.
        [counting::RUN, name, operations] => run(name, operations),
        _ => {
            eprintln!("expected nothing, to compare, or `update`");
            ExitCode::from(2)
        }
    }
}

fn run(name: &str, operations: &str) -> ExitCode {
    let path = PATHS.iter().find(|(other, _)| *other == name);
    let (_, path) = path.expect("a path that is there");
    path(operations.parse().expect("a number"));
    ExitCode::SUCCESS
}

fn update() -> ExitCode {
    match count_all() {
        Ok(counted) => {
            Kept::write(&counted);
            println!("written to {}", kept::FILE);
            ExitCode::SUCCESS
        }
        Err(NoValgrind(why)) => {
            eprintln!("not counted: {why}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> ExitCode {
    let kept = Kept::read();
    if kept.compiler != kept::COMPILER {
        println!(
            "NOT COMPARED: other compiler. The counts are of {}, and this is {}.",
            kept.compiler,
            kept::COMPILER
        );
        return ExitCode::SUCCESS;
    }
    let counted = match count_all() {
        Ok(counted) => counted,
        Err(NoValgrind(why)) => {
            println!("NOT COMPARED: {why}");
            return ExitCode::SUCCESS;
        }
    };
    let mut all_fit = true;
    for Counted { name, instructions } in &counted {
        let verdict = kept.compare(name, *instructions);
        all_fit &= verdict.is_ok();
        let said = verdict.unwrap_or_else(|why| why);
        println!("{name:<58} {instructions:>10}  {said}");
    }
    if all_fit {
        return ExitCode::SUCCESS;
    }
    println!("If that is meant, say why in the commit, and: cargo xtask instructions update");
    ExitCode::FAILURE
}

fn count_all() -> Result<Vec<Counted>, NoValgrind> {
    PATHS
        .iter()
        .map(|(name, _)| counting::count(name))
        .collect()
}
