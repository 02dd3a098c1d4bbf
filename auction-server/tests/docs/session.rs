//! One reader of one page: its commands become one script, and the script is run.
//!
//! | a line | what becomes of it |
//! |---|---|
//! | `cargo run --release -p auction-server`, with flags behind `--` | the built server, with these flags |
//! | any other that begins with `cargo ` | not run; the packages, examples and targets that it names must exist |
//! | `auction-server` with flags alone | runs in the background, in place of the server before it, until it is ready |
//! | one that ends in `# until Ctrl-C` | runs in the background; shows something, and ends well or by SIGINT at the end |
//! | a comment that begins with `# Ctrl-C` | ends the server, which must end well |
//! | every other | run, and must succeed |

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::markdown::blocks;
use crate::{PAGES, read, repository};

/// A session that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(180);
/// Words of the server's command line that make it do something else than serve.
const SERVER_COMMANDS: [&str; 12] = [
    "backup",
    "restore",
    "archive",
    "doctor",
    "export",
    "is-ready",
    "verify",
    "user",
    "config",
    "completions",
    "man",
    "--help",
];

/// Functions of the script. With `set -m` a background command is a process group of its own, which SIGINT reaches.
const PREAMBLE: &str = r#"
set -eEu -o pipefail -m
trap 'echo "failed: $at" >&2' ERR
server=
watchers=()
watcher_lines=()
end_server() {
  [ -n "$server" ] || return 0
  kill -INT "$server"
  wait "$server" || { echo "the server did not end well" >&2; return 1; }
  server=
}
serve() {
  end_server
  "$@" > "$OUT/server" 2>&1 < /dev/null &
  server=$!
  echo "$server" >> "$OUT/groups"
  until auction-server is-ready 2> "$OUT/is-ready"; do
    kill -0 "$server" || { cat "$OUT/server" >&2; return 1; }
    sleep 0.05
  done
}
watching() {
  local shown="$OUT/watcher-${#watchers[@]}"
  "$@" > "$shown" 2>&1 < /dev/null &
  watchers+=($!)
  watcher_lines+=("$at")
  echo "$!" >> "$OUT/groups"
  until [ -s "$shown" ] || ! kill -0 "$!" 2> /dev/null; do sleep 0.05; done
}
end_watchers() {
  local number code
  for number in "${!watchers[@]}"; do
    at=${watcher_lines[number]}
    kill -INT "${watchers[number]}" 2> /dev/null || true
    code=0
    wait "${watchers[number]}" || code=$?
    # 130: ended by SIGINT.
    [ "$code" -eq 0 ] || [ "$code" -eq 130 ] || { cat "$OUT/watcher-$number" >&2; return 1; }
    [ -s "$OUT/watcher-$number" ] || { echo "nothing was shown" >&2; return 1; }
  done
}
"#;

/// Runs all commands of a page.
///
/// # Panics
/// When a command fails, with the line of the page and what was printed; when the session hangs.
pub fn run(page: &str) {
    let place = PAGES.iter().position(|known| *known == page).expect(page);
    let script = script_of(page, &read(page));
    let folder = checkout();
    let out = tempfile::tempdir().unwrap();
    let pid = std::process::id();
    // Within 127.0.0.0/8, so that two sessions can use the ports that the pages name.
    let address = format!(
        "127.{}.{}.{}",
        16 + place,
        1 + pid / 250 % 250,
        1 + pid % 250
    );
    let script = script.replace("127.0.0.1", &address);
    fs::write(out.path().join("script"), &script).unwrap();
    let file = |name: &str| fs::File::create(out.path().join(name)).unwrap();

    let mut bash = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AUCTION_") {
            bash.env_remove(name);
        }
    }
    let path = std::env::var("PATH").unwrap();
    let programs = programs().display();
    let mut bash = bash
        .arg(out.path().join("script"))
        .current_dir(folder.path())
        .env("OUT", out.path())
        .env("HOME", out.path())
        .env("PATH", format!("{programs}:{path}"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env("AUCTION_HOME", out.path().join("home"))
        .env("AUCTION_SERVER", format!("{address}:2022"))
        .env("AUCTION_LISTEN", format!("{address}:2022"))
        .env("AUCTION_OPS_LISTEN", format!("{address}:2023"))
        // A certificate that the server makes for itself names this address too.
        .env("AUCTION_PUBLIC_HOST", &address)
        .stdin(Stdio::null())
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .expect("bash");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = bash.try_wait().unwrap() {
            break Some(status);
        }
        if begun.elapsed() > DEADLINE {
            bash.kill().unwrap();
            bash.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = |name| fs::read_to_string(out.path().join(name)).unwrap_or_default();
    let succeeded = status.is_some_and(|status| status.success());
    if !succeeded {
        end_groups(&said("groups"));
    }
    assert!(
        succeeded,
        "{page}: {status:?}\n{}{}\nthe server:\n{}",
        said("stdout"),
        said("stderr"),
        said("server")
    );
}

/// Ends what a session has left running.
fn end_groups(groups: &str) {
    for group in groups.lines().filter_map(|line| line.parse().ok()) {
        if let Some(group) = Pid::from_raw(group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The commands of a page as one script.
fn script_of(page: &str, text: &str) -> String {
    let mut script = PREAMBLE.to_owned();
    for (first, lines) in blocks(text, "sh") {
        let mut rest = lines.into_iter().enumerate();
        while let Some((index, line)) = rest.next() {
            let at = format!("{page}:{}: {line}", first + index);
            let at = at.replace('\'', "'\\''");
            writeln!(script, "at='{at}'; echo \"$at\"").unwrap();
            let begins = line
                .split_once("<<'")
                .map(|(_, end)| end.trim_end_matches('\''));
            match begins {
                Some(end) => {
                    writeln!(script, "{line}").unwrap();
                    let inner = rest.by_ref().map(|(_, line)| line);
                    let body: Vec<&str> = inner.take_while(|line| *line != end).collect();
                    writeln!(script, "{}\n{end}", body.join("\n")).unwrap();
                }
                None => writeln!(script, "{}", command_of(page, line)).unwrap(),
            }
        }
    }
    script.push_str("at='at the end'\nend_watchers\nend_server\n");
    script
}

/// The script's command for a line of a page.
fn command_of(page: &str, line: &str) -> String {
    const SERVER: &str = "cargo run --release -p auction-server";
    if line.starts_with("# Ctrl-C") {
        return "end_server".to_owned();
    }
    if let Some(flags) = line.strip_prefix(SERVER) {
        let flags = flags.strip_prefix(" --").unwrap_or(flags);
        return format!("serve auction-server{flags}");
    }
    if line.starts_with("cargo ") {
        check_cargo(page, line);
        return ":".to_owned();
    }
    if let Some(command) = line.strip_suffix("# until Ctrl-C") {
        return format!("watching {command}");
    }
    let mut words = line.split(' ');
    if words.next() == Some("auction-server") && !words.any(|word| SERVER_COMMANDS.contains(&word))
    {
        return format!("serve {line}");
    }
    line.to_owned()
}

/// Asserts that what a line gives to cargo exists.
fn check_cargo(page: &str, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let behind = |flag: &str| {
        let place = words.iter().position(|word| *word == flag)?;
        words.get(place + 1).copied()
    };
    let Some(package) = behind("-p") else {
        return;
    };
    let folder = match package {
        "auction-bench" => "auction-server/bench",
        other => other,
    };
    let folder = repository().join(folder);
    assert!(folder.join("Cargo.toml").exists(), "{page}: {line}");
    for (flag, kind) in [
        ("--example", "examples"),
        ("--bench", "benches"),
        ("--test", "tests"),
    ] {
        if let Some(name) = behind(flag) {
            let file = folder.join(kind).join(format!("{name}.rs"));
            let room = folder.join(kind).join(name).join("main.rs");
            assert!(file.exists() || room.exists(), "{page}: {line}");
        }
    }
}

/// A folder that looks like a checkout: `data` is a copy, the rest is linked.
fn checkout() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let stocks = "data/stocks.csv";
    fs::copy(repository().join(stocks), folder.path().join(stocks)).unwrap();
    let repository = repository().canonicalize().unwrap();
    for linked in [
        "auction-client",
        "auction-proto",
        "auction-core",
        "auction-server",
    ] {
        symlink(repository.join(linked), folder.path().join(linked)).unwrap();
    }
    folder
}

/// Folder of the built programs. Building the tests of this crate builds no programs of another one.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let server = Path::new(env!("CARGO_BIN_EXE_auction-server"));
        let folder = server.parent().unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--package",
                "auction-client",
                "--bin",
                "auction",
            ])
            .args(["--profile", profile, "--target-dir"])
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        folder.to_owned()
    })
}
