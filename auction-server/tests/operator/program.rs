//! The real program: its settings and its exit codes.

use std::path::Path;
use std::process::{Command, Output};

/// The program in a folder, without settings from the environment of this test.
fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_auction-server"));
    program.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUCTION_") {
            program.env_remove(name);
        }
    }
    program
}

fn run(program: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn flags_environment_and_files_combine_and_show_their_origins() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("here")).unwrap();
    let settings = "lots = 2\nseed = 7\nopen-for = \"1m\"\n";
    std::fs::write(folder.path().join("here/auction.toml"), settings).unwrap();
    let mut program = program(folder.path());
    program
        .env("AUCTION_LOTS", "3")
        .env("AUCTION_OPEN_FOR", "2m");
    program.env("AUCTION_STEP", ""); // An empty variable counts as unset.
    program.args(["--open-for", "3m", "config", "print", "--data", "here"]);
    let (code, printed, _) = run(&mut program);
    assert_eq!(code, Some(0));
    let expected = "\
listen = \"127.0.0.1:2022\" # default
data = \"here\" # --data
lots = \"3\" # AUCTION_LOTS
# lots-file: none
open-for = \"3m\" # --open-for
extend-within = \"60s\" # default
extend-by = \"60s\" # default
step = \"0.01\" # default
seed = \"7\" # here/auction.toml:2: seed
on-outage = \"extend\" # default
# accounts: none
durability = \"strict\" # default
demo = \"off\" # default
log = \"human\" # default
log-level = \"info\" # default
# log-file: none
heartbeat = \"5s\" # default
# tls-cert: none
# tls-key: none
tls-self-signed = \"off\" # default
# public-host: none
base-path = \"/\" # default
# trusted-proxy: none
proxy-protocol = \"off\" # default
ops-listen = \"auto\" # default
connections-per-address = \"10000\" # default
rate-connections = \"60000/1m\" # default
rate-logins = \"600/1m\" # default
rate-failed-logins = \"20/10m\" # default
registration = \"open\" # default
rate-registrations = \"600/1m\" # default
rate-commands = \"off\" # default
trading-days = \"on\" # default
";
    assert_eq!(printed, expected);

    // The printed text is a settings file.
    std::fs::write(folder.path().join("printed.toml"), printed).unwrap();
    let mut again = self::program(folder.path());
    let (code, printed, said) = run(again.args(["--config", "printed.toml", "config", "print"]));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        printed.contains("open-for = \"3m\" # printed.toml:5: open-for"),
        "{printed}"
    );
}

#[test]
fn wrong_settings_end_with_2_and_all_faults() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = program(folder.path());
    program
        .env("AUCTION_LOTS", "ten")
        .args(["--step", "0", "config", "check"]);
    let (code, printed, said) = run(&mut program);
    assert_eq!((code, printed.as_str()), (Some(2), ""));
    assert!(
        said.contains("error: AUCTION_LOTS \"ten\" is not a number of lots"),
        "{said}"
    );
    assert!(said.contains("error: --step \"0\" is no step"), "{said}");

    let (code, _, said) =
        run(self::program(folder.path()).args(["--config", "no.toml", "config", "check"]));
    assert_eq!(code, Some(2));
    assert!(said.contains("no.toml: "), "{said}");
}

#[test]
fn wrong_command_lines_end_with_2_and_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--lotz", "3"], "--lotz"),
        (&["export", "everything"], "users, bids, results"),
        (
            &["user", "add", "=x", "--role", "trader"],
            "it is not a name; expected 2 to 32",
        ),
        (&["user", "add", "apple", "--role", "company"], "--symbol"),
        (
            &["user", "add", "mia", "--role", "trader", "--password", "x"],
            "--password",
        ),
    ];
    for (arguments, expected) in cases {
        let (code, _, said) = run(program(folder.path()).args(*arguments));
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn the_manual_names_every_setting_in_all_its_spellings() {
    let folder = tempfile::tempdir().unwrap();
    let (code, printed, _) = run(program(folder.path()).arg("--help"));
    assert_eq!(code, Some(0));
    for setting in auction_server::testing::config::Setting::ALL {
        assert!(
            printed.contains(&format!("--{} ", setting.key()))
                || printed.contains(&format!("--{}[", setting.key())),
            "{}",
            setting.key()
        );
        assert!(
            printed.contains(setting.variable()),
            "{}",
            setting.variable()
        );
        if let Some(default) = setting.default_text() {
            let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                words.contains(&format!("[default: {default}]")),
                "{}",
                setting.key()
            );
        }
    }
}

#[test]
fn exports_and_verify_work_beside_an_open_journal() {
    let mut stage = crate::stage::Stage::on_disk();
    stage.play();
    let outside = tempfile::tempdir().unwrap();
    let (code, printed, said) = run(program(outside.path())
        .args(["export", "bids", "--data"])
        .arg(stage.path()));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        printed.starts_with("sequence,time,user,symbol,price,lot\n10,"),
        "{printed}"
    );

    let (code, printed, said) = run(program(outside.path())
        .arg("verify")
        .env("AUCTION_DATA", stage.path()));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        printed.contains("records 14: 1 to 14, in 14 frames\n"),
        "{printed}"
    );
}

#[test]
fn only_bars_have_a_length_and_it_divides_a_day() {
    let mut stage = crate::stage::Stage::on_disk();
    stage.play();
    stage.close_all();
    let export = |arguments: &[&str]| {
        run(program(stage.path())
            .arg("export")
            .args(arguments)
            .args(["--data", "."]))
    };
    let (code, printed, said) = export(&["bars", "--every", "1h"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(printed.contains("\n2026-11-22T13:00:00.000000Z,1,AAPL,1.51,"));
    let (code, printed, said) = export(&["bars", "--every", "7m"]);
    assert_eq!((code, printed.as_str()), (Some(2), ""));
    assert!(
        said.contains("does not divide a day evenly; expected for example 1m, 5m"),
        "{said}"
    );
    let (code, printed, said) = export(&["trades", "--every", "1h"]);
    assert_eq!((code, printed.as_str()), (Some(2), ""));
    assert!(said.contains("--every is the length of bars"), "{said}");
}

#[test]
fn damage_ends_verify_and_export_with_1_and_names_the_file() {
    let mut stage = crate::stage::Stage::on_disk();
    stage.play();
    let path = stage.folder().journal().join("00000000000000000001.seg");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096 + 100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for arguments in [
        &["verify"][..],
        &["export", "users"],
        &["export", "bids", "--format", "json"],
    ] {
        let (code, _, said) = run(program(stage.path()).args(arguments).args(["--data", "."]));
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(
            said.starts_with("error: ") && said.contains("1.seg is damaged at byte"),
            "{said}"
        );
    }
    let nothing = tempfile::tempdir().unwrap();
    let (code, _, said) = run(program(nothing.path()).arg("verify"));
    assert_eq!(code, Some(1));
    assert!(
        said.contains("there is no market in data; start the server there once"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn an_export_whose_reader_has_seen_enough_ends_quietly() {
    let mut stage = crate::stage::Stage::on_disk();
    stage.play();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = program(stage.path())
        .args(["export", "bids", "--data", "."])
        .stdout(writer)
        .output();
    let output = output.unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

fn add_user(folder: &Path, arguments: &[&str], password: &str) -> (Option<i32>, String, String) {
    let mut program = program(folder);
    program
        .args(["user", "add"])
        .args(arguments)
        .args(["--data", "."]);
    run(program.env("AUCTION_PASSWORD", password))
}

#[test]
fn user_add_makes_accounts_of_every_role_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("stocks.csv"),
        "Security,Symbol,Price,Profit\n01954,AAPL,1.32,9350\n",
    )
    .unwrap();
    let cases: &[(&[&str], Option<i32>, &str)] = &[
        (&["mia", "--role", "trader"], Some(0), ""),
        (
            &["apple", "--role", "company", "--symbol", "aapl"],
            Some(0),
            "",
        ),
        (&["tom", "--role", "auctioneer"], Some(0), ""),
        (
            &["MIA", "--role", "auctioneer"],
            Some(1),
            "error: the name mia is taken; choose another\n",
        ),
        (
            &["msft", "--role", "company", "--symbol", "MSFT"],
            Some(1),
            "error: there is no stock MSFT\n",
        ),
        (
            &["ann", "--role", "trader", "--symbol", "AAPL"],
            Some(2),
            "--symbol goes with --role company",
        ),
    ];
    for (arguments, expected, said) in cases {
        let (code, _, error) = add_user(folder.path(), arguments, "correct horse");
        assert_eq!(code, *expected, "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    let (code, printed, _) = run(program(folder.path()).args(["export", "users", "--data", "."]));
    assert_eq!(code, Some(0));
    assert_eq!(
        printed,
        "name,role,symbol\nmia,trader,\napple,company,AAPL\ntom,auctioneer,\n"
    );
    let (code, ..) = run(program(folder.path()).args(["verify", "--data", "."]));
    assert_eq!(code, Some(0));
}

#[test]
fn user_add_reads_the_password_from_stdin_and_requires_one() {
    let folder = tempfile::tempdir().unwrap();
    let add = |name: &str, input: &str| {
        let path = folder.path().join("password");
        std::fs::write(&path, input).unwrap();
        let mut program = program(folder.path());
        program.args(["user", "add", name, "--role", "trader", "--data", "."]);
        run(program.stdin(std::fs::File::open(&path).unwrap()))
    };
    assert_eq!(
        add("mia", "correct horse\r\nnothing more is read\n").0,
        Some(0)
    );
    let (code, _, said) = add("tom", "");
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "error: a password is not empty\n")
    );
    let (code, _, said) = add("tom", &"x".repeat(5_000));
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "error: a password has at most 128 bytes\n")
    );
}

#[test]
fn user_add_waits_for_no_running_server() {
    let stage = crate::stage::Stage::on_disk();
    let (code, _, said) = add_user(stage.path(), &["mia", "--role", "trader"], "correct horse");
    assert_eq!(code, Some(1));
    assert!(
        said.contains("another server runs on this journal; stop it"),
        "{said}"
    );
}

#[test]
fn an_account_made_before_the_first_start_spoils_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("stocks.csv"),
        "Security,Symbol,Price,Profit\n01954,AAPL,1.32,9350\n",
    )
    .unwrap();
    let (code, _, said) =
        run(program(folder.path()).args(["--demo", "user", "add", "mia", "--role", "trader"]));
    assert_eq!(code, Some(2));
    assert!(
        said.contains("auction-server user ... --data data/demo"),
        "{said}"
    );
    let add = |data: &str| {
        run(program(folder.path())
            .args(["user", "add", "mia", "--role", "trader", "--data", data])
            .env("AUCTION_PASSWORD", "correct horse"))
    };
    // The demo would refuse a market that begins with another account than its own.
    let (code, _, said) = add("demo");
    assert_eq!(code, Some(1));
    let expected =
        "there is no market in demo yet: start its demo once with `auction-server --demo`";
    assert!(said.contains(expected), "{said}");
    assert!(!folder.path().join("demo").exists(), "nothing is made");
    // A market gets its key with its journal: the first start misses none.
    let (code, _, said) = add(".");
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(folder.path().join("market.key").exists());
}
