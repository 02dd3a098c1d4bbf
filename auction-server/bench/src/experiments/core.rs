//! What the core and the protocol cost alone, without a server: each beside the least that would do, as their own
//! benchmarks measure it.

use std::io;
use std::process::{Command, Output};

use crate::report::Section;
use crate::row::{Aim, Row, Theirs, Told, Unit};
use crate::setup::{Others, Setup};
use crate::target::unexpected;

/// The benchmarks, each a crate and a name. With `--values` each prints lines: a name, and nanoseconds of ours and of
/// what it is beside.
const BENCHES: [(&str, &str); 3] = [
    ("auction-core", "english"),
    ("auction-core", "call"),
    ("auction-proto", "frame"),
];

const TITLE: &str = "The core and the protocol alone";

/// A line of theirs, and the row it becomes.
struct Line {
    name: &'static str,
    what: &'static str,
    unit: Unit,
    beside: &'static str,
    aim: Aim,
}

const LINES: [Line; 4] = [
    Line {
        name: "english",
        what: "English bids in the core, 10,000 lots",
        unit: Unit::PerSecond,
        beside: "a bare loop that compares and stores",
        aim: Aim::AtLeast(0.15),
    },
    Line {
        name: "uncross",
        what: "a call auction of a million orders, priced and filled",
        unit: Unit::Micros,
        beside: "a bare loop that adds up and scans",
        aim: Aim::AtMost(2.0),
    },
    Line {
        name: "sort",
        what: "a call auction of a million orders, priced and filled",
        unit: Unit::Micros,
        beside: "sorting the orders",
        aim: Aim::AtMost(0.5),
    },
    Line {
        name: "frame",
        what: "a bid's frame, written and read, without allocation",
        unit: Unit::Nanos,
        beside: "bare postcard",
        aim: Aim::AtMost(1.5),
    },
];

pub fn ask(setup: &Setup) -> io::Result<Section> {
    if setup.others == Others::LeftOut {
        return Ok(Section {
            title: TITLE.to_owned(),
            text: vec![
                "Left out of a short run: to build the benchmarks takes minutes.".to_owned(),
            ],
            ..Section::default()
        });
    }
    setup.say("core: building the benchmarks");
    for bench in BENCHES {
        run(bench, &["--no-run"])?;
    }
    let mut values = LINES.map(|_| (Vec::new(), Vec::new()));
    for round in 1..=setup.rounds {
        setup.say(&format!("core: round {round} of {}", setup.rounds));
        for bench in BENCHES {
            let output = run(bench, &["--", "--values"])?;
            let output = String::from_utf8_lossy(&output.stdout);
            for (line, (ours, theirs)) in LINES.iter().zip(&mut values) {
                if let Some((own, other)) = nanos(&output, line.name)? {
                    ours.push(line.unit.of_nanos(own));
                    theirs.push(line.unit.of_nanos(other));
                }
            }
        }
    }
    let rows = LINES.into_iter().zip(values);
    let rows = rows.map(|(line, (ours, theirs))| Row {
        what: line.what.to_owned(),
        unit: line.unit,
        ours,
        beside: line.beside.to_owned(),
        theirs: Theirs::Measured(theirs),
        aim: line.aim,
        told: Told::InShort,
    });
    Ok(Section {
        title: TITLE.to_owned(),
        text: vec![
            "One thread, in memory, without a server, as `cargo bench -p auction-core --bench english`, `--bench call` and \
             `cargo bench -p auction-proto --bench frame` measure it: ours and the other in turns within each. The bare loops \
             do the least that would do; the engine also checks who bids and makes a record of it. That a frame is \
             written and read, and that bids, maxima and orders are decided, without allocation is counted by tests \
             (`auction-proto/tests/memory.rs`, `auction-core/tests/allocations.rs`)."
                .to_owned(),
        ],
        rows: rows.collect(),
        ..Section::default()
    })
}

/// Runs a benchmark of this tree.
fn run((package, bench): (&str, &str), arguments: &[&str]) -> io::Result<Output> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["bench", "--quiet", "--package", package, "--bench", bench]);
    let output = command.args(arguments).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("cargo bench {bench}: {said}")));
    }
    Ok(output)
}

/// The two values behind a name, if the benchmark says them.
fn nanos(output: &str, name: &str) -> io::Result<Option<(f64, f64)>> {
    let values = output
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
    let Some(values) = values else {
        return Ok(None);
    };
    let parsed = values
        .split_once('\t')
        .and_then(|(ours, theirs)| Some((ours.parse().ok()?, theirs.parse().ok()?)));
    let two = parsed.ok_or_else(|| unexpected(format!("{name}: no two numbers: {values}")));
    two.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_name() {
        let output = "sorted\t1\t2\nsort\t3.5\t4\n";
        assert_eq!(nanos(output, "sort").unwrap(), Some((3.5, 4.0)));
        assert_eq!(nanos(output, "call").unwrap(), None);
        assert!(nanos("sort\t3.5\n", "sort").is_err());
    }
}
