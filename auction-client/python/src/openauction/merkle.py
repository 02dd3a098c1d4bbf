"""The tree of RFC 6962 over the journal's records, and the journal's chain: SPEC.md, section 11."""

from __future__ import annotations

import hashlib


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """Returns the greatest power of two below a size of at least 2."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    """Returns the root of a tree."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    middle = _split(len(leaves))
    return node_hash(root(leaves[:middle]), root(leaves[middle:]))


def is_included(leaf: bytes, record: int, size: int, tree: bytes, path: list[bytes]) -> bool:
    """Returns True if a record, counted from 1, stands in a tree."""

    def climb(at: int, size: int, path: list[bytes]) -> bytes | None:
        if size == 1:
            return None if path else leaf_hash(leaf)
        if not path:
            return None
        middle = _split(size)
        if at < middle:
            below = climb(at, middle, path[:-1])
            return below and node_hash(below, path[-1])
        below = climb(at - middle, size - middle, path[:-1])
        return below and node_hash(path[-1], below)

    return 1 <= record <= size and climb(record - 1, size, path) == tree


def goes_on(old_size: int, old_tree: bytes, size: int, tree: bytes, path: list[bytes]) -> bool:
    """Returns True if a tree goes on from an older one of at least one record."""

    def climb(old: int, size: int, path: list[bytes], is_whole: bool) -> tuple[bytes, bytes] | None:
        """Roots of the older tree and of the newer, as far as they lie here."""
        if old == size:
            if is_whole:
                return None if path else (old_tree, old_tree)
            return (path[0], path[0]) if len(path) == 1 else None
        if not path:
            return None
        middle = _split(size)
        if old <= middle:
            found = climb(old, middle, path[:-1], is_whole)
            return found and (found[0], node_hash(found[1], path[-1]))
        found = climb(old - middle, size - middle, path[:-1], False)
        return found and (node_hash(path[-1], found[0]), node_hash(path[-1], found[1]))

    return 1 <= old_size <= size and climb(old_size, size, path, True) == (old_tree, tree)


def genesis(market: bytes) -> bytes:
    """Returns the chain before the first record."""
    return hashlib.sha256(b"auction.genesis.1" + market).digest()


def next_chain(chain: bytes, first: int, count: int, public: bytes) -> bytes:
    """Returns the chain after a batch of records."""
    place = first.to_bytes(8, "little") + count.to_bytes(4, "little")
    return hashlib.sha256(b"auction.chain.1" + chain + place + public).digest()
