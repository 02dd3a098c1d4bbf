//! Tables of measurements in the documentation show what the kept report says.

use std::fs;

const BEGINS: &str = "<!-- measured: this table is written by auction-bench -->";
const ENDS: &str = "<!-- measured: its end -->";
/// Header of the short table. The full one also has each row's aim and whether it was reached.
const SHORT_HEADER: &str = "| what | ours | beside | theirs | ours / theirs |";
const SHORT_ROWS: usize = 5;

#[test]
fn the_page_beside_the_report_shows_its_table() {
    assert_eq!(
        table_of("README.md"),
        table_of("report/report.md"),
        "auction-bench writes both: compare --out auction-server/bench/report --readme auction-server/bench/README.md"
    );
}

#[test]
fn the_readme_shows_five_rows_that_missed_no_aim() {
    let report = table_of("report/report.md");
    let readme = read("../../README.md");
    let (_, rest) = readme.split_once(SHORT_HEADER).expect(SHORT_HEADER);
    let rows = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows.len(), SHORT_ROWS);
    for row in rows {
        let kept = report.lines().find(|kept| kept.starts_with(row));
        let kept = kept.unwrap_or_else(|| panic!("not in the report: {row}"));
        assert!(!kept.contains("missed"), "choose another row: {kept}");
    }
}

/// A file, by its path from this package.
fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).expect(&path)
}

fn table_of(path: &str) -> String {
    let text = read(path);
    let (_, rest) = text.split_once(BEGINS).expect("a table begins");
    let (table, _) = rest.split_once(ENDS).expect("it ends");
    table.to_owned()
}
