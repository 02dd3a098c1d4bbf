//! Access that a start needs: the files of the data folder, and the ports. Nothing is changed or created.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use crate::cli::findings::Findings;
use crate::config::data_dir::DataDir;
use crate::config::{Config, OpsListen};
use crate::journal::{lock, missing_archives};
use crate::server;

/// Tries the files of the data folder as this process's user, and the ports.
pub fn try_access(config: &Config, findings: &mut Findings) {
    let mut tried = Tried(findings);
    tried.folder(&config.data);
    let journal = config.data.journal();
    // Without a folder no server runs on it; its faults are reported above.
    let is_running = lock::is_held(&journal).unwrap_or_default();
    if is_running {
        tried.0.found(
            FILES,
            format!(
                "{}: a server, or another command that writes, is running on it",
                journal.display()
            ),
        );
    }
    tried.port(config.listen, "listen", is_running);
    match config.network.ops {
        OpsListen::Off => {}
        OpsListen::At(address) => tried.port(address, "ops-listen", is_running),
        OpsListen::Auto => {
            if !is_running && let Err(error) = server::bind(OpsListen::USUAL) {
                tried.0.warn(
                    PORTS,
                    format!(
                        "ops-listen: {}: {error}; a start goes on without /readyz and /metrics",
                        OpsListen::USUAL
                    ),
                );
            }
        }
    }
}

const FILES: &str = "files";
const PORTS: &str = "ports";

struct Tried<'a>(&'a mut Findings);

impl Tried<'_> {
    fn folder(&mut self, data: &DataDir) {
        let journal = data.journal();
        let write = Access::WRITE_OK | Access::EXEC_OK;
        if !journal.exists() {
            // The first start creates it.
            return self.needs(existing(&journal), write);
        }
        if let Err(error) = access(data.path(), write) {
            let folder = data.path().display();
            let text = format!("{folder}: {error}: client.csv cannot be written");
            self.0.warn(FILES, text);
        }
        self.needs(&journal, Access::READ_OK | write);
        let files = match fs::read_dir(&journal) {
            Ok(entries) => entries,
            // Reported above.
            Err(_) => return,
        };
        let away = missing_archives(&journal);
        for (link, target) in &away {
            let (link, target) = (link.display(), target.display());
            let text = format!(
                "{link} was archived, and {target} is not there: a start may go on from a snapshot, but receipts, \
                 exports and verify need the segment"
            );
            self.0.warn(FILES, text);
        }
        let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| away.iter().all(|(link, _)| link != file));
        files.sort();
        let is_segment = |file: &&PathBuf| file.extension().is_some_and(|end| end == "seg");
        let last = files.iter().rfind(is_segment).cloned();
        for file in &files {
            let is_written = last.as_ref() == Some(file)
                || file.ends_with("journal.lock")
                || file.ends_with("journal.relaxed");
            let also = if is_written {
                Access::WRITE_OK
            } else {
                Access::empty()
            };
            self.needs(file, Access::READ_OK | also);
        }
        let key = data.market_key();
        if key.exists() {
            self.needs(&key, Access::READ_OK);
        }
    }

    fn needs(&mut self, path: &Path, wanted: Access) {
        if let Err(error) = access(path, wanted) {
            let what = if wanted.contains(Access::WRITE_OK) {
                "written"
            } else {
                "read"
            };
            let path = path.display();
            let text = format!("{path} must be {what} by the user that runs the server: {error}");
            self.0.fail(FILES, text);
        }
    }

    fn port(&mut self, address: SocketAddr, setting: &str, is_running: bool) {
        match server::bind(address) {
            Ok(_) => {}
            Err(error) if is_running && error.kind() == io::ErrorKind::AddrInUse => {
                let text =
                    format!("{setting}: {address} is in use, as it is while this server runs");
                self.0.found(PORTS, text);
            }
            Err(error) => self.0.fail(PORTS, format!("{setting}: {address}: {error}")),
        }
    }
}

/// Checks the access of the effective user; a read-only file system refuses to write.
fn access(path: &Path, wanted: Access) -> io::Result<()> {
    Ok(accessat(CWD, path, wanted, AtFlags::EACCESS)?)
}

/// The path, or the nearest folder above it that exists.
pub fn existing(path: &Path) -> &Path {
    let above = path.ancestors().find(|above| above.exists());
    // A relative path with nothing above it lies in the current folder.
    above.unwrap_or(Path::new("."))
}
