//! Logins whose token cannot be saved: they leave no session on the server, for every kind of login in the program.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::line::PASSWORD;
use crate::person::{Person, Ran};
use crate::terminal::Terminal;
use crate::test_market::{TestMarket, text};

const FAILED: i32 = 1;
/// More logins than it takes to close the oldest session of a user.
const LOGINS: usize = 20;

fn sessions(person: &Person) -> usize {
    person.does("sessions")["sessions"]
        .as_array()
        .unwrap()
        .len()
}

fn devices(person: &Person) -> usize {
    person.does("device")["devices"].as_array().unwrap().len()
}

/// A command of a user with a different home folder.
fn at_home(person: &Person, line: &str, home: &Path) -> Command {
    let mut command = person.command(line);
    command
        .env("AUCTION_PASSWORD", PASSWORD)
        .env("AUCTION_HOME", home);
    command
}

/// The command with a disk that accepts files, but no bytes.
fn on_a_full_disk(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

fn fails(command: &mut Command) -> String {
    let ran = Ran::of(command);
    assert_eq!(ran.code, FAILED, "{}", ran.json);
    let message = &ran.json["error"]["message"];
    message.as_str().unwrap().to_owned()
}

/// The one file in a folder.
fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

fn mia(server: &crate::test_market::Server) -> Person {
    let mia = Person::at(server.address());
    mia.does("register mia");
    mia.does("login mia");
    mia
}

#[test]
fn a_login_without_a_saved_token_leaves_no_session() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = mia(&server);
    // A file in place of a folder stops the administrator too.
    let blocked = tempfile::tempdir().unwrap();
    let place = blocked.path().join("sessions");
    fs::write(&place, "").unwrap();
    for _ in 0..LOGINS {
        let said = fails(&mut at_home(&mia, "login mia", blocked.path()));
        assert!(said.contains(place.to_str().unwrap()), "{said}");
        assert!(said.contains("AUCTION_HOME"), "{said}");
        assert!(said.contains("nobody was logged in"), "{said}");
    }
    assert_eq!(sessions(&mia), 1);

    let full = tempfile::tempdir().unwrap();
    let said = fails(&mut on_a_full_disk(&at_home(
        &mia,
        "login mia",
        full.path(),
    )));
    assert!(said.contains("nobody was logged in"), "{said}");
    assert_eq!(sessions(&mia), 1);
    let left = fs::read_dir(full.path().join("sessions")).unwrap();
    assert_eq!(left.count(), 0, "nothing is left aside");
    server.end();
}

#[test]
fn a_session_is_closed_if_its_token_cannot_replace_the_old() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = mia(&server);
    let elsewhere = tempfile::tempdir().unwrap();
    let token = only_file(&mia.home().join("sessions"));
    // There is room beside it, but no file can replace a folder.
    let place = elsewhere
        .path()
        .join("sessions")
        .join(token.file_name().unwrap());
    fs::create_dir_all(place.join("in the way")).unwrap();
    for _ in 0..LOGINS {
        let said = fails(&mut at_home(&mia, "login mia", elsewhere.path()));
        assert!(said.contains("was closed again"), "{said}");
        assert!(said.contains(place.to_str().unwrap()), "{said}");
    }
    assert_eq!(sessions(&mia), 1);
    server.end();
}

#[test]
fn screen_and_walk_refuse_logins_that_cannot_be_saved() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = mia(&server);
    let full = tempfile::tempdir().unwrap();

    let mut command = mia.program();
    command.env("AUCTION_HOME", full.path());
    let command = on_a_full_disk(&command);
    let mut terminal = Terminal::start(&command, 160, 40);
    terminal.until("● live");
    terminal.types("L");
    terminal.until("Log in or register");
    terminal.types(&format!("mia\r{PASSWORD}\r"));
    terminal.until("nobody was logged in");
    terminal.until("looking on");
    terminal.types("\x1b");
    terminal.until_no("Log in or register");
    terminal.types("q");
    assert!(terminal.ended().success());

    let mut walk = mia.program();
    walk.arg("--plain").env("AUCTION_HOME", full.path());
    let mut walk = on_a_full_disk(&walk);
    walk.stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = walk.spawn().unwrap();
    let typed = format!("l\nmia\n{PASSWORD}\nr\nleo\n{PASSWORD}\nq\n");
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = text(output.stdout);
    assert_eq!(said.matches("nobody was logged in").count(), 2, "{said}");
    assert_eq!(sessions(&mia), 1);
    // No account was created either, because its session would have been lost.
    assert_eq!(test_market.export("users").len(), 1);
    server.end();
}

#[test]
fn a_device_whose_key_cannot_be_kept_is_not_added() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = mia(&server);
    let blocked = mia.home().join("devices");
    fs::write(&blocked, "").unwrap();
    let said = fails(&mut at_home(&mia, "device add --name laptop", mia.home()));
    assert!(said.contains(blocked.to_str().unwrap()), "{said}");
    fs::remove_file(&blocked).unwrap();
    assert_eq!(devices(&mia), 0);

    server.end();
}
