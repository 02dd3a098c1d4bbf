//! The tree: its proofs hold, false proofs fail, and another implementation's tree of the same leaves is equal.

use std::convert::Infallible;

use auction_proto::limits::TREE_LEAVES_MAX;
use auction_proto::merkle::{
    Frontier, Hash, ProofError, Root, Subtrees, check_consistency, check_inclusion,
    consistency_path, empty_root, inclusion_path, leaf_hash, node_hash, root,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::Sha256;

/// A tree whose subtrees are computed again at each request.
struct Leaves(Vec<Vec<u8>>);

impl Leaves {
    fn new(count: u64) -> Self {
        Self((0..count).map(leaf).collect())
    }

    fn root(&mut self) -> Root {
        let size = self.0.len() as u64;
        let Ok(hash) = root(self, size);
        Root { size, hash }
    }
}

fn leaf(index: u64) -> Vec<u8> {
    format!("record {}", index + 1).into_bytes()
}

impl Subtrees for Leaves {
    type Error = Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
        if level == 0 {
            return Ok(leaf_hash(&self.0[index as usize]));
        }
        let Ok(left) = self.subtree(level - 1, 2 * index);
        let Ok(right) = self.subtree(level - 1, 2 * index + 1);
        Ok(node_hash(&left, &right))
    }
}

/// Test vectors of RFC 6962's first implementations: roots of the first leaves `""`, `00`, `10`, `20 21`, `30 31`,
/// `40 41 42 43`.
#[test]
fn roots_are_those_that_others_compute() {
    let hex = |text: &str| -> Hash {
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    };
    let leaves: [&[u8]; 6] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    ];
    for (size, expected) in roots.iter().enumerate() {
        let mut tree = Leaves(leaves[..size].iter().map(|leaf| leaf.to_vec()).collect());
        assert_eq!(tree.root().hash, hex(expected), "{size}");
    }
}

#[test]
fn every_proof_of_every_small_tree_holds() {
    for size in 1..=40 {
        let mut tree = Leaves::new(size);
        let whole = tree.root();
        for index in 0..size {
            let Ok(path) = inclusion_path(&mut tree, index, size);
            assert_eq!(
                check_inclusion(&whole, index + 1, &leaf(index), &path),
                Ok(())
            );
            let Ok(path) = consistency_path(&mut tree, index + 1, size);
            let old = Leaves::new(index + 1).root();
            assert_eq!(
                check_consistency(&old, &whole, &path),
                Ok(()),
                "{index} {size}"
            );
        }
        let empty = Root {
            size: 0,
            hash: empty_root(),
        };
        assert_eq!(check_consistency(&empty, &whole, &[]), Ok(()));
    }
}

#[test]
fn the_right_edge_has_the_root_and_reports_each_subtree_once() {
    let mut edge = Frontier::new();
    let mut told = Vec::new();
    for index in 0..70_u64 {
        let mut tree = Leaves::new(index);
        assert_eq!(edge.root(), tree.root(), "{index}");
        edge.push(leaf_hash(&leaf(index)), |level, hash| {
            let mut tree = Leaves::new(index + 1);
            let place = ((index + 1) >> level) - 1;
            let Ok(expected) = tree.subtree(level, place);
            assert_eq!(*hash, expected);
            told.push((level, place));
        });
    }
    // 70 + 35 + 17 + 8 + 4 + 2 + 1.
    assert_eq!(told.len(), 137);
}

fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..=9, 1_u64..=300]
}

proptest! {
    #[test]
    fn another_tree_of_the_same_leaves_gives_the_same_proofs(size in any_size(), at: Index, old: Index) {
        let (at, old) = (at.index(size as usize), 1 + old.index(size as usize) as u64);
        let mut tree = Leaves::new(size);
        let mut other: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
        tree.0.iter().for_each(|leaf| other.push(leaf.clone()));
        let root: Hash = (*other.root().as_bytes()).into();
        prop_assert_eq!(tree.root().hash, root);
        let Ok(path) = inclusion_path(&mut tree, at as u64, size);
        let inclusion = other.prove_inclusion(at);
        prop_assert_eq!(path.concat(), inclusion.as_bytes());
        let Ok(path) = consistency_path(&mut tree, old, size);
        let consistency = other.prove_consistency((size - old) as usize);
        prop_assert_eq!(path.concat(), consistency.as_bytes());
    }

    #[test]
    fn nothing_is_proved_of_another_leaf_place_size_or_root(
        size in any_size(), at: Index, change in 0..5, bit: Index,
    ) {
        let at = at.index(size as usize) as u64;
        let mut tree = Leaves::new(size);
        let mut whole = tree.root();
        let Ok(mut path) = inclusion_path(&mut tree, at, size);
        let (mut record, mut bytes) = (at + 1, leaf(at));
        match change {
            0 => bytes[bit.index(8)] ^= 1,
            1 => record = 1 + (at + 1 + bit.index(300) as u64) % (size + 300),
            2 => whole.hash[bit.index(32)] ^= 1,
            3 if path.is_empty() => path.push([0; 32]),
            3 => {
                let place = bit.index(path.len());
                path[place][0] ^= 1;
            }
            _ => path.push([0; 32]),
        }
        prop_assume!(record != at + 1 || change != 1);
        prop_assert!(check_inclusion(&whole, record, &bytes, &path).is_err());
    }

    /// A journal in which one record differs, is missing, or is swapped with the next.
    #[test]
    fn a_history_that_was_changed_does_not_go_on_from_the_old(
        old in 1_u64..=80, more in 0_u64..=80, at: Index, change in 0..3,
    ) {
        let at = at.index(old as usize);
        let mut changed = Leaves::new(old + more + 1);
        match change {
            0 => changed.0[at].push(b'!'),
            1 => drop(changed.0.remove(at)),
            _ => changed.0.swap(at, at + 1),
        }
        changed.0.truncate((old + more) as usize);
        let before = Leaves::new(old).root();
        let after = changed.root();
        let Ok(path) = consistency_path(&mut changed, old, old + more);
        prop_assert_eq!(check_consistency(&before, &after, &path), Err(ProofError::Mismatch));
    }

    #[test]
    fn what_a_stranger_sends_as_a_proof_harms_nothing(
        old: u64, size: u64, record: u64, path in proptest::collection::vec([any::<u8>(); 32], 0..64),
    ) {
        let (old, whole) = (Root { size: old, hash: [1; 32] }, Root { size, hash: [2; 32] });
        prop_assert!(check_inclusion(&whole, record, b"leaf", &path).is_err());
        prop_assert!(check_consistency(&old, &whole, &path).is_err());
    }
}

#[test]
fn a_tree_larger_than_any_is_refused() {
    for size in [TREE_LEAVES_MAX + 1, u64::MAX / 2 + 1, u64::MAX] {
        let whole = Root {
            size,
            hash: [0; 32],
        };
        let too_large = Err(ProofError::TooLarge { size });
        assert_eq!(check_inclusion(&whole, size, b"leaf", &[]), too_large);
        assert_eq!(check_consistency(&whole, &whole, &[]), too_large);
    }
}
