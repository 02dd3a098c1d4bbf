//! The tree's hashes, in a file beside the journal: 64 bytes a record, of which memory holds the right edge alone. It
//! is made anew from the journal whenever it is needed, so that nothing that is signed depends on what lay on a disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use auction_proto::merkle::{Frontier, Hash, Root, Subtrees};

const HASH_BYTES: u64 = 32;
/// How many bytes are gathered before they are written.
const UNWRITTEN_BYTES: usize = 64 << 10;

/// The tree of a journal's records.
pub(super) struct HashTree {
    file: File,
    edge: Frontier,
    /// How many hashes the file holds.
    written: u64,
    unwritten: Vec<u8>,
}

impl HashTree {
    /// The tree without records, in a new file.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Self {
            file: options.mode(0o600).open(path)?,
            edge: Frontier::new(),
            written: 0,
            unwritten: Vec::new(),
        })
    }

    pub(super) fn root(&self) -> Root {
        self.edge.root()
    }

    pub(super) fn push(&mut self, leaf: Hash) -> io::Result<()> {
        let unwritten = &mut self.unwritten;
        self.edge
            .push(leaf, |_, hash| unwritten.extend_from_slice(hash));
        if self.unwritten.len() >= UNWRITTEN_BYTES {
            let at = self.written * HASH_BYTES;
            self.file.write_all_at(&self.unwritten, at)?;
            self.written += self.unwritten.len() as u64 / HASH_BYTES;
            self.unwritten.clear();
        }
        Ok(())
    }
}

impl Subtrees for HashTree {
    type Error = io::Error;

    fn subtree(&mut self, level: u32, index: u64) -> io::Result<Hash> {
        let place = place(level, index);
        let mut hash = [0; HASH_BYTES as usize];
        match place.checked_sub(self.written) {
            None => self.file.read_exact_at(&mut hash, place * HASH_BYTES)?,
            Some(behind) => {
                let start = (behind * HASH_BYTES) as usize;
                let found = self.unwritten.get(start..start + hash.len());
                hash.copy_from_slice(found.expect("only whole subtrees are asked for"));
            }
        }
        Ok(hash)
    }
}

/// Where a subtree's hash lies: behind its last leaf and the smaller subtrees that end with it.
fn place(level: u32, index: u64) -> u64 {
    let mut leaf = ((index + 1) << level) - 1;
    let mut place = u64::from(level);
    while leaf > 0 {
        place += leaf;
        leaf >>= 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use auction_proto::merkle::{check_consistency, check_inclusion, leaf_hash};
    use auction_proto::merkle::{consistency_path, inclusion_path};

    use super::*;

    #[test]
    fn proofs_come_from_the_file_and_from_what_is_not_written_yet() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = HashTree::create(&folder.path().join("tree")).unwrap();
        let mut roots = vec![tree.root()];
        // More than are gathered, so that some lie in the file.
        for record in 1..=3_000_u64 {
            tree.push(leaf_hash(&record.to_le_bytes())).unwrap();
            roots.push(tree.root());
        }
        assert!(tree.written > 0 && !tree.unwritten.is_empty());
        for size in [1, 2, 3, 1_000, 1_024, 2_047, 2_999, 3_000] {
            let whole = roots[size as usize];
            for record in [1, 2, size / 2, size - 1, size] {
                if !(1..=size).contains(&record) {
                    continue;
                }
                let path = inclusion_path(&mut tree, record - 1, size).unwrap();
                check_inclusion(&whole, record, &record.to_le_bytes(), &path).unwrap();
                let path = consistency_path(&mut tree, record, size).unwrap();
                check_consistency(&roots[record as usize], &whole, &path).unwrap();
            }
        }
    }
}
