//! Permissions of files with secrets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Permissions of the group and of others.
const OTHERS: u32 = 0o077;

/// Returns the warning for a file that other users can read.
pub(super) fn warning(path: &Path) -> Option<String> {
    is_open(path).then(|| {
        let path = path.display();
        format!("{path}: other users of this machine can read it; say chmod 600 {path}")
    })
}

/// Returns whether other users may do anything with a file or folder; false if it does not exist.
pub(super) fn is_open(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.permissions().mode() & OTHERS != 0)
}
