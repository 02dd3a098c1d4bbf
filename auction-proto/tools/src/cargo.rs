//! Calls of cargo in the workspace of this program.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Runs cargo with arguments and environment variables.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), Box<dyn Error>> {
    // Set by cargo for the programs it runs.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("cargo {} failed: {status}", arguments.join(" ")).into())
}
