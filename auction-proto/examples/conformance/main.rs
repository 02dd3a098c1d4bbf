//! Writes conformance vectors into a new folder:
//!
//! ```sh
//! cargo run -p auction-proto --example conformance -- auction-proto/conformance/v1.3
//! ```
//!
//! A folder that is there is never written: it is what clients elsewhere were tested with, and version 1 is frozen.
//! Vectors of what is new go into a new one, `v1.1` and so on.

mod feeds;
mod lines;
#[path = "../../tests/golden/messages.rs"]
#[allow(dead_code)]
mod golden;
mod messages;
mod rejects;
mod vector;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name the new folder, for example auction-proto/conformance/v1.3")?;
    fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = [
        ("messages.json", messages::vectors()),
        ("bodies.json", rejects::bodies()),
        ("frames.json", rejects::frames()),
        ("lines.json", lines::vectors()),
        ("feeds.json", feeds::vectors()),
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
