//! What the README shows of the figures is what was measured.

use std::fs;

const BEGINS: &str = "<!-- measured: this table is written by auction-bench -->";
const ENDS: &str = "<!-- measured: its end -->";

#[test]
fn the_readme_shows_the_table_of_the_report_that_is_kept() {
    let shown = table_of(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));
    let kept = table_of(concat!(env!("CARGO_MANIFEST_DIR"), "/report/report.md"));
    assert_eq!(
        shown, kept,
        "auction-bench writes both: compare --out auction-server/bench/report --readme README.md"
    );
}

fn table_of(path: &str) -> String {
    let text = fs::read_to_string(path).expect(path);
    let (_, rest) = text.split_once(BEGINS).expect("a table begins");
    let (table, _) = rest.split_once(ENDS).expect("it ends");
    table.to_owned()
}
