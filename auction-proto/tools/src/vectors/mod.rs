//! Conformance vectors, written into a new folder.
//!
//! An existing folder is never changed: clients elsewhere were tested with it, and version 1 is frozen. Vectors of
//! new messages go into a new folder, `v1.1` and so on.

#[path = "../../../tests/golden/messages.rs"]
#[allow(dead_code)]
mod golden;
mod vector;
mod messages;
mod rejects;
mod lines;
mod feeds;
mod days;
mod signed;

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Writes all vectors into a folder, which must not exist yet.
///
/// # Errors
/// When the folder exists, or a file cannot be written.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let feeds = [feeds::vectors(), days::vectors()].concat();
    let files = [
        ("messages.json", messages::vectors()),
        ("bodies.json", rejects::bodies()),
        ("frames.json", rejects::frames()),
        ("lines.json", lines::vectors()),
        ("feeds.json", feeds),
        ("signed.json", signed::vectors()),
    ];
    for (name, vectors) in files {
        fs::write(folder.join(name), one_a_line(&vectors))?;
        println!("{name}: {} vectors", vectors.len());
    }
    Ok(())
}

fn one_a_line(vectors: &[Value]) -> String {
    let lines: Vec<_> = vectors.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
