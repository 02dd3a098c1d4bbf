//! Passes the compiler's version to the program: instruction counts are comparable only for the same compiler.

use std::env::var;
use std::process::Command;

fn main() {
    let rustc = var("RUSTC").expect("cargo names the compiler");
    let said = Command::new(rustc).arg("--version").output();
    let said = said.expect("the compiler runs").stdout;
    let version = String::from_utf8(said).expect("a version is text");
    let target = var("TARGET").expect("cargo names the target");
    println!("cargo::rustc-env=COMPILER={} for {target}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
