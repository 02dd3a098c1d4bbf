//! QuickFIX as a client: another code base, with its own dictionaries and all of its checks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use auction_client::{HaltLot, PlaceOrder};
use auction_core::{Quantity, Side};

use crate::stage::{CALL, ENG, Stage};

#[test]
#[ignore = "needs QuickFIX from PyPI"]
fn quickfix_speaks_fix_50_with_its_own_dictionary() {
    tells("FIX.5.0SP2", "MIA");
}

#[test]
#[ignore = "needs QuickFIX from PyPI"]
fn quickfix_speaks_fix_44_with_its_own_dictionary() {
    tells("FIX.4.4", "MIA-44");
}

/// Lets QuickFIX tell its story, and does what it asks for.
fn tells(version: &str, comp_id: &str) {
    let mut stage = Stage::open();
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/quickfix_client.py");
    let mut quickfix = Command::new("python3")
        .arg(script)
        .args([version, comp_id, &stage.fix.port().to_string()])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = quickfix.stdin.take().unwrap();
    let mut is_over = false;
    for line in BufReader::new(quickfix.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "halt" => stage.with("ann", async |client| {
                client.ask(HaltLot { lot: ENG }).await.unwrap();
            }),
            "sell and close" => {
                stage.with("ned", async |client| {
                    let order = PlaceOrder {
                        lot: CALL,
                        side: Side::Sell,
                        quantity: Quantity::new(50).unwrap(),
                        limit: None,
                    };
                    client.ask(order).await.unwrap();
                });
                stage.close(CALL);
            }
            "restart the gateway" => {
                stage.kill_gateway();
                stage.start_gateway();
            }
            "over" => {
                is_over = true;
                break;
            }
            other => panic!("QuickFIX asks for {other:?}"),
        }
        answers.write_all(b"done\n").unwrap();
    }
    let status = quickfix.wait().unwrap();
    assert!(status.success() && is_over, "{status}, over: {is_over}");
}
