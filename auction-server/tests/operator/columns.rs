//! Exports as Parquet and Arrow: whole files, and what data tools read from them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::market_data;
use crate::stage::Stage;

const EXPORTS: [&str; 6] = ["users", "bids", "results", "trades", "bars", "orders"];

fn export(folder: &Path, what: &str, format: &str, out: &Path) -> (Option<i32>, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_auction-server"));
    program.env_remove("AUCTION_DATA");
    program.args(["export", what, "--format", format, "--out"]);
    let output = program.arg(out).arg("--data").arg(folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

/// A market with lots that were sold, and with more bids than one batch holds.
fn auctions() -> Stage {
    let mut stage = Stage::on_disk();
    stage.play();
    for bid in 0..9_000 {
        let price = format!("{}.{:02}", 10 + bid / 100, bid % 100);
        stage.bid(7, 1 + bid % 2, 3, &price);
    }
    stage.close_all();
    stage
}

fn day() -> Stage {
    let mut stage = market_data::played();
    stage.close_all();
    stage
}

#[test]
fn a_file_of_columns_is_whole_or_absent() {
    let stage = day();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.parquet");
    fs::write(&path, "before").unwrap();
    let nowhere = folder.path().join("nowhere");
    let (code, said) = export(&nowhere, "trades", "parquet", &path);
    assert_eq!(
        (code, fs::read(&path).unwrap().as_slice()),
        (Some(1), &b"before"[..]),
        "{said}"
    );
    for (format, magic) in [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1")] {
        let (code, said) = export(stage.path(), "trades", format, &path);
        assert_eq!((code, said.as_str()), (Some(0), ""));
        let file = fs::read(&path).unwrap();
        assert!(file.starts_with(magic) && file.ends_with(magic), "{format}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
#[ignore = "needs DuckDB, polars, pyarrow and pandas: .ci/columns"]
fn data_tools_read_what_the_csv_says() {
    let folder = tempfile::tempdir().unwrap();
    for (name, stage) in [("auctions", auctions()), ("day", day())] {
        let folder = folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        for what in EXPORTS {
            for format in ["csv", "parquet", "arrow"] {
                let out = folder.join(format!("{what}.{format}"));
                let (code, said) = export(stage.path(), what, format, &out);
                assert_eq!((code, said.as_str()), (Some(0), ""), "{what} {format}");
            }
        }
    }
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("python3")
        .arg(crate_folder.join("tests/operator/columns.py"))
        .arg(crate_folder.join("docs/data.md"))
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}
