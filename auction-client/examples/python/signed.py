"""What a market signs: Ed25519 (RFC 8032, checked strictly), the tree of RFC 6962, and the journal's chain, in plain Python.

Slow, and not meant for secrets: it only checks.
"""
import hashlib
import struct

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL = (0, 1, 1, 0)


def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(number, point):
    result = NEUTRAL
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


def _same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def _point(data):
    """The point of 32 bytes; nothing: they are none, or not its only form."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = _point(bytes.fromhex("58" + "66" * 31))


def is_signed(key, purpose, statement, signature):
    """Whether the key has signed the statement for this purpose."""
    a, r, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    # A key or an R of small order signs what nobody has said.
    if any(_same(_times(8, point), NEUTRAL) for point in (a, r)):
        return False
    signed = signature[:32] + key + purpose + statement
    k = int.from_bytes(hashlib.sha512(signed).digest(), "little") % ORDER
    return _same(_times(s, BASE), _add(r, _times(k, a)))


def fingerprint(key):
    digits = hashlib.sha256(b"auction.fingerprint.1" + key).hexdigest()[:32]
    return "-".join(digits[at:at + 4] for at in range(0, 32, 4))


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size):
    """The greatest power of two below a size of at least 2."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    middle = _split(len(leaves))
    return node_hash(root(leaves[:middle]), root(leaves[middle:]))


def is_included(leaf, record, size, tree, path):
    """Whether a record, counted from 1, stands in a tree."""
    def climb(at, size, path):
        if size == 1:
            return leaf_hash(leaf) if not path else None
        if not path:
            return None
        middle = _split(size)
        if at < middle:
            below = climb(at, middle, path[:-1])
            return below and node_hash(below, path[-1])
        below = climb(at - middle, size - middle, path[:-1])
        return below and node_hash(path[-1], below)

    return 1 <= record <= size and climb(record - 1, size, path) == tree


def goes_on(old_size, old_tree, size, tree, path):
    """Whether a tree goes on from an older one of at least one record."""
    def climb(old, size, path, is_whole):
        """The roots of the older tree and of the newer, as far as they lie here."""
        if old == size:
            if is_whole:
                return (old_tree, old_tree) if not path else None
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


def genesis(market):
    return hashlib.sha256(b"auction.genesis.1" + market).digest()


def next_chain(chain, first, count, public):
    return hashlib.sha256(b"auction.chain.1" + chain + struct.pack("<QI", first, count) + public).digest()
