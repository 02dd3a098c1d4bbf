//! Generators of the protocol's files, and the count of instructions:
//!
//! ```text
//! cargo xtask schema                writes auction-proto/schema/v1 from the types, after each change of a message
//! cargo xtask vectors FOLDER        writes conformance vectors into a new folder
//! cargo xtask golden                writes missing golden files, and adds them to the frozen list
//! cargo xtask instructions          compares the instruction counts of the hot paths with the stored ones
//! cargo xtask instructions update   stores the current counts
//! ```

mod cargo;
mod schema;
mod vectors;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask schema
       cargo xtask vectors FOLDER
       cargo xtask golden
       cargo xtask instructions [update]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments {
        ["schema"] => schema::write().map_err(Into::into),
        ["vectors", folder] => vectors::write(Path::new(folder)),
        ["golden"] => golden(),
        ["instructions"] => instructions(&[]),
        ["instructions", "update"] => instructions(&["update"]),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the test that writes missing golden files, then the one that appends them to the list of frozen files.
fn golden() -> Result<(), Box<dyn Error>> {
    for test in ["golden", "frozen"] {
        let arguments = ["test", "-p", "auction-proto", "--test", test];
        cargo::run(&arguments, &[("GOLDEN_WRITE", "1")])?;
    }
    Ok(())
}

/// Runs the package that counts instructions. It is built separately, because the features of this program would
/// change the counts.
fn instructions(rest: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut arguments = vec![
        "run",
        "--profile",
        "dist",
        "--quiet",
        "-p",
        "instructions",
        "--",
    ];
    arguments.extend(rest);
    cargo::run(&arguments, &[])
}
