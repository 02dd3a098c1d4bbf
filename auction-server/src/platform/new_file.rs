//! A file that is complete or absent: written under another name in the same folder, synced, then renamed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file being written. Dropping it before [`finish`](Self::finish) leaves nothing behind.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    aside: PathBuf,
    file: File,
    finished: bool,
}

impl NewFile {
    /// Begins a file that will have the name `path`. A file of that name stays as it is until [`finish`](Self::finish).
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(io::Error::from(io::ErrorKind::InvalidFilename));
        };
        // A device or a pipe is not replaced by a file.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::other("it is there and is no file"));
        }
        let mut aside = OsString::from(".");
        aside.push(name);
        // By chance, so that two programs that write the same file do not write into each other's.
        aside.push(format!(".{:016x}.new", rand::random::<u64>()));
        let aside = path.with_file_name(aside);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&aside)?;
        Ok(Self {
            path: path.to_owned(),
            aside,
            file,
            finished: false,
        })
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// The disk refused; a file that had the name before is unchanged.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.aside, &self.path)?;
        self.finished = true;
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.aside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_what_is_no_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        fs::write(&path, "before").unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let mut dropped = NewFile::create(&path).unwrap();
        dropped.write_all(b"half").unwrap();
        // Another one that was left by a killed program is in nobody's way.
        let mut new = NewFile::create(&path).unwrap();
        assert_eq!(names(), 3);
        drop(dropped);
        new.write_all(b"after").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"before");
        new.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"after");
        assert_eq!(names(), 1);

        for other in [folder.path(), Path::new("/dev/null")] {
            assert!(NewFile::create(other).is_err(), "{}", other.display());
        }
    }
}
