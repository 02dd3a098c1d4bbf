//! A folder of its own for everything that is measured, on a disk that is one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::statfs;

/// Kinds of file systems that keep files in memory: tmpfs and ramfs.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder within `above`, which is made if it is not there.
    ///
    /// # Errors
    /// When it lies in memory: a sync would cost nothing there.
    pub fn new(above: &Path) -> io::Result<Self> {
        fs::create_dir_all(above)?;
        let above = above.canonicalize()?;
        if IN_MEMORY.contains(&(statfs(&above)?.f_type as i64)) {
            let text = format!(
                "{} lies in memory, where a sync costs nothing; name a folder on a disk with --folder",
                above.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let path = above.join(format!("auction-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A new folder within it.
    pub fn within(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies in the folder that was named.
        let _ = fs::remove_dir_all(&self.0);
    }
}
