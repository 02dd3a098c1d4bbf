//! Writes conformance vectors into a new folder:
//!
//! ```sh
//! cargo run -p auction-proto --example conformance -- auction-proto/conformance/v1
//! ```
//!
//! A folder that is there is never written: it is what clients elsewhere were tested with. As long as version 1 is
//! not frozen, take it away first, deliberately; afterwards a new version gets a folder of its own.

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
    let folder = folder.ok_or("name the new folder, for example auction-proto/conformance/v1")?;
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
