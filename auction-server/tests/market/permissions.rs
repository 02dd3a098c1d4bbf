//! Files that the server's user may not read or write: `config check` reports before a start what the start reports.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::test_market::{TestMarket, ended, text};

/// A user without rights, on every system.
const NOBODY: u32 = 65_534;

#[test]
#[ignore = "needs root: runs the program as another user"]
fn what_a_start_may_not_use_config_check_reports() {
    let test_market = TestMarket::with_lots(1).set("ops-listen", "off");
    // Readable by others, as the program is for them.
    let program = test_market.path().join("auction-server");
    fs::copy(env!("CARGO_BIN_EXE_auction-server"), &program).unwrap();
    mode(test_market.path(), 0o755);
    let as_nobody = |check: bool| {
        let mut server = test_market.server();
        if check {
            server.args(["config", "check"]);
        }
        let mut command = Command::new(&program);
        command.args(server.get_args()).uid(NOBODY).gid(NOBODY);
        crate::test_market::without_settings(&mut command);
        let output = ended(&mut command);
        (output.status.code(), text(output.stderr))
    };
    let both_refuse = |says: &str| {
        for check in [true, false] {
            let (code, said) = as_nobody(check);
            assert_eq!(code, Some(1), "check {check}: {said}");
            assert!(
                said.contains(says),
                "check {check}: {says:?} is not in: {said}"
            );
        }
    };
    both_refuse("Permission denied");
    // Root's market, in a folder that the other user may write to.
    test_market.open().end();
    chown(test_market.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    both_refuse("Permission denied");

    let all = |change: &dyn Fn(&Path)| {
        let journal = test_market.path().join("journal");
        let entries = fs::read_dir(&journal).unwrap();
        entries.for_each(|entry| change(&entry.unwrap().path()));
        change(&journal);
        change(&test_market.path().join("market.key"));
    };
    all(&|file| chown(file, Some(NOBODY), Some(NOBODY)).unwrap());
    assert_eq!(as_nobody(true).0, Some(0), "{}", as_nobody(true).1);
    // Each file alone.
    all(&|file| {
        if file.is_dir() || file.extension().is_some_and(|end| end == "tmp") {
            return;
        }
        chown(file, Some(0), Some(0)).unwrap();
        both_refuse("Permission denied");
        chown(file, Some(NOBODY), Some(NOBODY)).unwrap();
    });
    assert_eq!(as_nobody(true).0, Some(0), "{}", as_nobody(true).1);
}

#[test]
#[ignore = "needs root: mounts a read-only disk"]
fn what_a_start_may_not_use_on_a_read_only_disk() {
    let test_market = TestMarket::with_lots(1);
    test_market.open().end();
    let mounted = ReadOnly::mount(test_market.path());
    let (code, said) = test_market.fails_to_open();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    let mut check = test_market.server();
    let checked = ended(check.args(["config", "check"]));
    drop(mounted);
    let said = text(checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
}

/// A folder that is mounted over itself, read-only, until it is dropped.
struct ReadOnly<'a>(&'a Path);

impl<'a> ReadOnly<'a> {
    fn mount(folder: &'a Path) -> Self {
        run(Command::new("mount").arg("--bind").args([folder, folder]));
        run(Command::new("mount")
            .args(["-o", "remount,ro,bind"])
            .arg(folder));
        Self(folder)
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        run(Command::new("umount").arg(self.0));
    }
}

fn run(command: &mut Command) {
    let output = ended(command);
    assert!(output.status.success(), "{}", text(output.stderr));
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
