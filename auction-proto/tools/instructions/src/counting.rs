//! Counting of instructions with valgrind.

use std::process::Command;

/// Argument with which this program calls itself to run a path.
pub const RUN: &str = "run";

const FEWER: u64 = 1_000;
const MORE: u64 = 3_000;

/// Cost of one operation of a path.
pub struct Counted {
    pub name: &'static str,
    pub instructions: u64,
}

/// Reason why nothing can be counted here.
pub struct NoValgrind(pub String);

/// Counts one path.
pub fn count(name: &'static str) -> Result<Counted, NoValgrind> {
    let (fewer, more) = (executed(name, FEWER)?, executed(name, MORE)?);
    let instructions = more.saturating_sub(fewer) / (MORE - FEWER);
    Ok(Counted { name, instructions })
}

/// Instructions of one whole run.
fn executed(name: &str, operations: u64) -> Result<u64, NoValgrind> {
    let program = std::env::current_exe().expect("this program has a file");
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(program)
        .args([RUN, name, &operations.to_string()])
        // Copies of memory execute the same instructions on every machine only without vector units, which some
        // machines lack.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.hwcaps=-AVX2,-AVX512F,-ERMS,-FSRM",
        )
        .output()
        .map_err(|error| NoValgrind(format!("valgrind does not run here: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("refs:"));
    match counted {
        Some((_, number)) if output.status.success() => {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            Ok(digits.parse().expect("valgrind counts in 64 bits"))
        }
        _ => panic!("{name}: {said}"),
    }
}
