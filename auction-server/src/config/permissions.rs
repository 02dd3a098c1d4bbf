//! Permissions of files that should be readable for their owner alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Permissions of the group and of others.
const OTHERS: u32 = 0o077;

/// A warning about a file that other users can read or write, with the command that mends it.
pub(super) fn warning(path: &Path) -> Option<String> {
    is_open_to_others(path).then(|| {
        let path = path.display();
        format!("{path}: other users of this machine can read it; say chmod 600 {path}")
    })
}

/// Returns whether other users have any permission; false for what does not exist.
pub(super) fn is_open_to_others(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
}
