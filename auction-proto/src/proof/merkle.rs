//! The tree of RFC 6962 over a journal's records: its leaves, its nodes, and the proofs from it.
//!
//! A leaf is the public bytes of a batch that contains only this record, so that a leaf can be read like any batch.
//! The tree of the first `n` records is `MTH(D[n])` of the RFC, with SHA-256. The crate `ct-merkle` checks the
//! proofs; this module builds them as the RFC defines them, from complete subtrees in the caller's storage.

use alloc::vec::Vec;
use core::ops::Range;

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::{Digest as _, Sha256};

use crate::limits::TREE_LEAVES_MAX;

/// A node of the tree.
pub type Hash = [u8; 32];

const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// Reason why a proof is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The record is not in the tree, or the older tree is larger than the newer.
    #[error("record {record} does not lie within the first {size} records")]
    OutOfTree {
        /// The record, or the last one of the older tree.
        record: u64,
        /// Number of records in the tree.
        size: u64,
    },
    /// No tree can have this number of records.
    #[error("a tree of {size} records; at most {TREE_LEAVES_MAX} can be")]
    TooLarge {
        /// Claimed number of records.
        size: u64,
    },
    /// The hashes do not give the root.
    #[error("the hashes do not lead to the signed root")]
    Mismatch,
}

/// Root of a tree, and its number of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Number of records.
    pub size: u64,
    /// `MTH(D[size])`.
    pub hash: Hash,
}

/// Returns the hash of a leaf: `SHA-256(00 ‖ bytes)`.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new_with_prefix(LEAF)
        .chain_update(bytes)
        .finalize()
        .into()
}

/// Returns the hash of a node: `SHA-256(01 ‖ left ‖ right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let hash = Sha256::new_with_prefix(NODE);
    hash.chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Returns the root of the tree without records: `SHA-256()`.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Storage of the hashes of complete subtrees: those with a power of two of leaves that begin at a multiple of it.
pub trait Subtrees {
    /// Error of reading a hash.
    type Error;

    /// Returns the hash of the `index`th subtree of `2^level` leaves.
    ///
    /// # Errors
    /// When the hash cannot be read.
    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Returns `MTH(D[size])`: the root of the first `size` leaves.
///
/// # Errors
/// Those of the subtrees.
pub fn root<S: Subtrees>(subtrees: &mut S, size: u64) -> Result<Hash, S::Error> {
    match size {
        0 => Ok(empty_root()),
        _ => range(subtrees, 0, size),
    }
}

/// Returns `PATH(leaf, D[size])`: the audit path of a leaf, counted from 0.
///
/// # Errors
/// Those of the subtrees.
///
/// # Panics
/// When the leaf is not in the tree.
pub fn inclusion_path<S: Subtrees>(
    subtrees: &mut S,
    leaf: u64,
    size: u64,
) -> Result<Vec<Hash>, S::Error> {
    assert!(leaf < size, "the leaf lies within the tree");
    let ranges = path_ranges(leaf, size).into_iter();
    ranges
        .map(|Range { start, end }| range(subtrees, start, end))
        .collect()
}

/// Returns the leaves, counted from 0, that each hash of an [audit path](inclusion_path) covers, in its order: each
/// hash is the root of a range. The ranges and the leaf itself cover all leaves of the tree, none of them twice.
///
/// # Panics
/// When the leaf is not in the tree.
#[must_use]
pub fn path_ranges(leaf: u64, size: u64) -> Vec<Range<u64>> {
    assert!(leaf < size, "the leaf lies within the tree");
    let mut ranges = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if leaf < middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
        }
    }
    // The RFC orders a path from the leaf up.
    ranges.reverse();
    ranges
}

/// Returns `PROOF(old, D[size])`: the proof that the tree of `size` leaves extends the tree of the first `old`.
///
/// # Errors
/// Those of the subtrees.
///
/// # Panics
/// When the older tree is empty, or larger than the newer.
pub fn consistency_path<S: Subtrees>(
    subtrees: &mut S,
    old: u64,
    size: u64,
) -> Result<Vec<Hash>, S::Error> {
    assert!((1..=size).contains(&old), "the older tree is within");
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    // `SUBPROOF(m, D[n], b)`: descends until the older tree ends at the end of a subtree.
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range(subtrees, middle, end)?);
            end = middle;
        } else {
            path.push(range(subtrees, start, middle)?);
            start = middle;
        }
    }
    if start > 0 {
        path.push(range(subtrees, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that a record, counted from 1, is in a tree.
///
/// # Errors
/// [`ProofError`].
pub fn check_inclusion(
    root: &Root,
    record: u64,
    leaf: &[u8],
    path: &[Hash],
) -> Result<(), ProofError> {
    let size = root.size;
    if !(1..=size).contains(&record) {
        return Err(ProofError::OutOfTree { record, size });
    }
    let root = known(root)?;
    let proof = InclusionProof::try_from_bytes(path.concat());
    let proof = proof.map_err(|_| ProofError::Mismatch)?;
    root.verify_inclusion(&leaf, record - 1, &proof)
        .map_err(|_| ProofError::Mismatch)
}

/// Checks that a tree extends an older one: that no record of the older was removed, changed or reordered.
///
/// # Errors
/// [`ProofError`].
pub fn check_consistency(old: &Root, new: &Root, path: &[Hash]) -> Result<(), ProofError> {
    if old.size > new.size {
        return Err(ProofError::OutOfTree {
            record: old.size,
            size: new.size,
        });
    }
    let (older, newer) = (known(old)?, known(new)?);
    // Every tree extends the empty one.
    if old.size == 0 {
        let holds = old.hash == empty_root() && path.is_empty();
        return holds.then_some(()).ok_or(ProofError::Mismatch);
    }
    let proof = ConsistencyProof::try_from_bytes(path.concat());
    let proof = proof.map_err(|_| ProofError::Mismatch)?;
    newer
        .verify_consistency(&older, &proof)
        .map_err(|_| ProofError::Mismatch)
}

/// Converts the root to the type of `ct-merkle`, if that crate can handle its size.
fn known(root: &Root) -> Result<RootHash<Sha256>, ProofError> {
    let size = root.size;
    if size > TREE_LEAVES_MAX {
        return Err(ProofError::TooLarge { size });
    }
    Ok(RootHash::new(root.hash.into(), size))
}

/// Returns the greatest power of two below a size of at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Returns `MTH(D[start:end])` for a range that the RFC's definitions use: it begins at a multiple of the power of
/// two that covers it.
fn range<S: Subtrees>(subtrees: &mut S, start: u64, end: u64) -> Result<Hash, S::Error> {
    let size = end - start;
    if size.is_power_of_two() {
        let level = size.ilog2();
        return subtrees.subtree(level, start >> level);
    }
    let middle = start + split(size);
    let left = range(subtrees, start, middle)?;
    let right = range(subtrees, middle, end)?;
    Ok(node_hash(&left, &right))
}

/// The right edge of a growing tree: exactly the hashes from which its root is computed. For programs that read a
/// journal from its beginning to compute its root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The complete subtrees of the tree, the largest first.
    edge: Vec<Hash>,
}

impl Frontier {
    /// Creates the tree without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a leaf by its hash. Calls `whole` with the level and the hash of each subtree that this completes, the
    /// leaf included.
    pub fn push(&mut self, leaf: Hash, mut whole: impl FnMut(u32, &Hash)) {
        whole(0, &leaf);
        let mut hash = leaf;
        for level in 1..=self.size.trailing_ones() {
            let left = self.edge.pop().expect("each one of the size is a subtree");
            hash = node_hash(&left, &hash);
            whole(level, &hash);
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// Returns the current root.
    #[must_use]
    pub fn root(&self) -> Root {
        let mut edge = self.edge.iter().rev();
        let hash = match edge.next() {
            None => empty_root(),
            Some(last) => edge.fold(*last, |right, left| node_hash(left, &right)),
        };
        Root {
            size: self.size,
            hash,
        }
    }
}
