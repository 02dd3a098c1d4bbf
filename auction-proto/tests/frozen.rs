//! Version 1 is frozen: its golden bytes remain readable for ever. `FROZEN.sha256` lists every file with such bytes, and
//! `golden/v1/schema.json` contains the types at the time of the freeze; these tests fail when either changes. A new
//! message or record gets new files:
//!
//! ```sh
//! cargo xtask golden
//! ```
//!
//! writes missing golden files, then appends them to the list. It changes no existing file and no existing line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use auction_proto::{SCHEMA_JSON, schema};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

const LIST: &str = "FROZEN.sha256";
/// Folders of the frozen files.
const FOLDERS: [&str; 2] = ["golden", "conformance"];

const RULE: &str = "\
Version 1 is frozen: journals and clients that were made with these bytes are read for ever. Take the change back. A \
body that must differ is a new kind, a choice that must differ a new variant at the end, each with golden files of its \
own; new conformance vectors get a new folder. See `Versions, and what may change` in SPEC.md.";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The list: path of each file, and its SHA-256.
fn listed() -> BTreeMap<String, String> {
    let list = fs::read_to_string(root().join(LIST)).unwrap();
    let line = |line: &str| {
        let (hash, path) = line.split_once("  ").expect("a hash and a path");
        (path.to_owned(), hash.to_owned())
    };
    list.lines().map(line).collect()
}

/// The paths of all frozen files, with `/` between folders.
fn found() -> BTreeSet<String> {
    fn walk(folder: &Path, name: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{name}/{}", path.file_name().unwrap().to_str().unwrap());
            match path.is_dir() {
                true => walk(&path, &name, found),
                // The explanations of the files may change.
                false if name.ends_with(".md") => {}
                false => drop(found.insert(name)),
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        walk(&root().join(folder), folder, &mut found);
    }
    found
}

fn hash(path: &str) -> Option<String> {
    let bytes = fs::read(root().join(path)).ok()?;
    let hash = Sha256::digest(bytes);
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn what_is_frozen_is_as_it_was() {
    let mut wrong = String::new();
    for (path, listed) in listed() {
        match hash(&path) {
            Some(hash) if hash == listed => {}
            Some(_) => writeln!(wrong, "auction-proto/{path} has changed").unwrap(),
            None => writeln!(wrong, "auction-proto/{path} is gone").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong}{RULE}");
}

#[test]
fn every_golden_file_is_listed() {
    let listed = listed();
    let new = found()
        .into_iter()
        .filter(|path| !listed.contains_key(path));
    let lines: String = new
        .map(|path| format!("{}  {path}\n", hash(&path).unwrap()))
        .collect();
    if std::env::var_os("GOLDEN_WRITE").is_some() {
        let mut list = fs::OpenOptions::new()
            .append(true)
            .open(root().join(LIST))
            .unwrap();
        return list.write_all(lines.as_bytes()).unwrap();
    }
    assert!(
        lines.is_empty(),
        "new golden files are frozen with the change that brings them: `cargo xtask golden` appends to auction-proto/{LIST}:\n{lines}"
    );
}

/// Golden files contain some values of a type; its schema describes all possible ones.
#[test]
fn every_type_is_as_it_was_and_has_at_most_more_behind() {
    let kept = fs::read_to_string(root().join("golden/v1/schema.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let now: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    let mut wrong = Vec::new();
    holds("", &kept, &now, &mut wrong);
    assert!(wrong.is_empty(), "{}\n{RULE}", wrong.join("\n"));
}

#[test]
fn changed_types_and_limits_fail_and_additions_pass() {
    let now = schema::json_schema();
    let changed = |change: fn(&mut Value)| {
        let mut kept = now.clone();
        change(&mut kept);
        let mut wrong = Vec::new();
        holds("", &kept, &now, &mut wrong);
        !wrong.is_empty()
    };
    // Simulates a different schema at the time of the freeze.
    assert!(changed(|was| was["$defs"]["bid"]["x-kind"] = 9.into()));
    assert!(changed(|was| {
        let fields = &mut was["$defs"]["bid"]["properties"]["bid"]["x-fields"];
        fields.as_array_mut().unwrap().reverse();
    }));
    assert!(changed(|was| {
        let book = was["$defs"]["Book"]["oneOf"].as_array_mut().unwrap();
        book.swap(0, 1);
    }));
    assert!(changed(|was| {
        let book = was["$defs"]["Book"]["oneOf"].as_array_mut().unwrap();
        book.push(book[0].clone());
    }));
    assert!(changed(|was| was["$defs"]["Price"]["x-maximum"] = 7.into()));
    assert!(changed(
        |was| was["$defs"]["gone"] = was["$defs"]["bid"].clone()
    ));
    assert!(!changed(|was| {
        drop(was["$defs"]["Book"]["oneOf"].as_array_mut().unwrap().pop());
        drop(was["$defs"].as_object_mut().unwrap().remove("bid"));
        was["$defs"]["Price"]["description"] = "otherwise".into();
    }));
}

/// Checks that everything in `kept` is still in `now`, at its place; appends each violation to `wrong`.
fn holds(path: &str, kept: &Value, now: &Value, wrong: &mut Vec<String>) {
    match (kept, now) {
        (Value::Object(kept), Value::Object(now)) => object_holds(path, kept, now, wrong),
        (Value::Array(kept), Value::Array(now)) => {
            let may_grow = path.ends_with("/oneOf");
            // Codes are listed by thousands, so that a new one is inserted between old ones.
            let is_set = path.ends_with("/enum");
            let is_held = match is_set {
                true => kept.iter().all(|kept| now.contains(kept)),
                false => now.len() >= kept.len() && (may_grow || now.len() == kept.len()),
            };
            if !is_held {
                wrong.push(format!("{path}: was {kept:?}, is {now:?}"));
            } else if !is_set {
                for (at, (kept, now)) in kept.iter().zip(now).enumerate() {
                    holds(&format!("{path}/{at}"), kept, now, wrong);
                }
            }
        }
        _ if kept == now => {}
        _ => wrong.push(format!("{path}: was {kept}, is {now}")),
    }
}

fn object_holds(
    path: &str,
    kept: &Map<String, Value>,
    now: &Map<String, Value>,
    wrong: &mut Vec<String>,
) {
    // Descriptions may change; inside `properties` these keys are fields.
    let is_words = |key: &str| {
        matches!(key, "description" | "title" | "$schema") && !path.ends_with("/properties")
    };
    let may_grow = path.ends_with("/$defs") || path.ends_with("/x-names");
    for (key, kept) in kept.iter().filter(|(key, _)| !is_words(key)) {
        match now.get(key) {
            Some(now) => holds(&format!("{path}/{key}"), kept, now, wrong),
            None => wrong.push(format!("{path}/{key} is gone")),
        }
    }
    let new = now
        .keys()
        .filter(|key| !is_words(key) && !kept.contains_key(*key));
    if !may_grow {
        wrong.extend(new.map(|key| format!("{path}/{key} is new, where nothing can be added")));
    }
}
