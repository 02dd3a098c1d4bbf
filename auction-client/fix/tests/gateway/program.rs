//! The program's command line: help, errors and exit codes.

use std::process::{Command, Output};

use crate::stage::{Stage, gateway_program};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(gateway_program());
    command
        .args(arguments)
        .env_remove("AUCTION_SERVER")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_has_examples_and_the_example_is_valid() {
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.status.success() && text.contains("Examples:") && text.contains("Exit codes:"),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.toml");
    std::fs::write(&path, run(&["example"]).stdout).unwrap();
    let mut check = Command::new(gateway_program());
    let checked = check
        .arg("check")
        .arg(&path)
        .env("NED_PASSWORD", "correct horse")
        .output()
        .unwrap();
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(
        text,
        "MIA: account mia, FIX.5.0SP2, trading, password with the logon\n\
         NED: account ned, FIX.4.4, trading, password configured\n\
         NED-COPY: account ned, FIX.5.0SP2, drop copy, password with the logon\n"
    );
    let unset = Command::new(gateway_program())
        .arg("check")
        .arg(&path)
        .env_remove("NED_PASSWORD")
        .output()
        .unwrap();
    assert_eq!(unset.status.code(), Some(2));
    assert!(
        said(&unset).contains("session \"NED\": the environment has no NED_PASSWORD"),
        "{}",
        said(&unset)
    );
}

#[test]
fn errors_name_what_is_wrong_and_have_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.toml");
    let sessions = path.to_str().unwrap();
    std::fs::write(&path, "[[session]]\ncomp_id = \"MIA\"\nuser = \"mia\"\n").unwrap();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 6] = [
        (&[], 2, "SESSIONS.TOML"),
        (&["missing.toml"], 2, "missing.toml: "),
        (
            &[sessions, "--market", "nowhere:port", "--state", state],
            2,
            "is no address",
        ),
        (&[sessions, "--fingerprint", "aabb"], 2, "fingerprint"),
        (&[sessions, "--tls-cert", "cert.pem"], 2, "--tls-key"),
        (
            &[sessions, "--market", "127.0.0.1:1", "--state", state],
            4,
            "the market at 127.0.0.1:1: could not connect",
        ),
    ];
    for (arguments, code, text) in cases {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains(text),
            "{arguments:?}: {}",
            said(&output)
        );
    }
    let output = run(&[
        "--json",
        sessions,
        "--market",
        "127.0.0.1:1",
        "--state",
        state,
    ]);
    let error: serde_json::Value =
        serde_json::from_str(said(&output).lines().last().unwrap()).unwrap();
    assert_eq!(
        (&error["error"]["kind"], &error["error"]["exit_code"]),
        (&"not_connected".into(), &4.into())
    );
}

#[test]
fn a_gateway_that_ends_logs_its_clients_out() {
    let mut stage = Stage::open();
    let mut mia = stage.mia();
    stage.end_gateway();
    let logout = mia.read_kind("5");
    assert_eq!(logout.get(58), "the gateway ends; try again later");
    mia.send("5", "");
    assert_eq!(mia.try_read(), None);
    assert_eq!(stage.gateway_ended(), Some(0));
}

#[test]
fn a_second_gateway_on_the_same_folder_is_refused() {
    let stage = Stage::open();
    let second = stage.gateway_command().output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        said(&second).contains("another gateway uses this folder"),
        "{}",
        said(&second)
    );
}

#[cfg(unix)]
#[test]
fn what_the_gateway_keeps_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "UNI", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    let mut folders = vec![stage.path().join("fix")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            assert_eq!(
                metadata.permissions().mode() & 0o077,
                0,
                "{:?}",
                entry.path()
            );
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                let bytes = std::fs::read(entry.path()).unwrap();
                let has_password = bytes
                    .windows(13)
                    .any(|bytes| bytes == crate::wire::PASSWORD.as_bytes());
                assert!(!has_password, "{:?} holds a password", entry.path());
            }
        }
    }
    assert!(files > 4, "{files} files");
}
