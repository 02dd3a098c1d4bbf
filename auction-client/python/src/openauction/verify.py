"""What a market signs, checked with its key alone: SPEC.md, section 11. Signatures need `pip install 'openauction[verify]'`."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from openauction import merkle, times
from openauction import messages as m
from openauction.codec import Cursor, Malformed, schema
from openauction.errors import MissingExtra, NotSigned
from openauction.market import Assembler, Market

#: Greatest number of signed statements that are kept to compare with later ones; the oldest is dropped.
STATEMENTS_MAX = 4_096
_U64_MAX = 2**64 - 1

# The curve of RFC 8032, for the one check that the library does not make.
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_Point = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class MarketKey:
    """The key that a market signs with. Keep it at the first time and refuse another."""

    #: Id of the market.
    market: bytes
    #: Public Ed25519 key.
    key: bytes

    @property
    def fingerprint(self) -> str:
        """The first 16 bytes of the key's hash, for people to compare."""
        return fingerprint(self.key)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The journal up to one record."""

    #: The last record.
    sequence: int
    #: The journal's chain after it.
    chain: bytes
    #: Root of the tree of all records up to it.
    root: bytes


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """Head of every statement."""

    market: bytes
    term: int
    #: Time of the signature.
    time: datetime
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Batch(SignedStatement):
    """Signed events of the feed."""

    after: int
    through: int
    #: Digest of the market at `through`.
    digest: bytes
    entries: list[m.FeedEntry]


@dataclass(frozen=True, slots=True)
class SignedMarket(SignedStatement):
    """A signed snapshot: the hashes of its parts."""

    feed_sequence: int
    digest: bytes
    parts: list[bytes]


@dataclass(frozen=True, slots=True)
class Proven:
    """Facts that a receipt proves."""

    #: Place of the record in the journal, from 1.
    sequence: int
    #: Time of the decision.
    at: datetime
    #: The user who asked; None: hidden and not opened, or asked by the server itself.
    user: int | None
    #: Session and number of the request.
    request: tuple[int, int] | None
    #: True if the record hides what was asked from everyone but its owner.
    is_hidden: bool
    #: The signed checkpoint.
    checkpoint: Checkpoint


def fingerprint(key: bytes) -> str:
    """Returns a key's fingerprint in eight groups, such as 8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6."""
    digits = hashlib.sha256(b"auction.fingerprint.1" + key).hexdigest()[:32]
    return "-".join(digits[at : at + 4] for at in range(0, 32, 4))


def is_signed(key: bytes, purpose: bytes, statement: bytes, signature: bytes) -> bool:
    """Returns True if the key has signed the statement for this purpose. Strict, as SPEC.md says.

    Raises MissingExtra without the package cryptography.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise MissingExtra("cryptography", "verify") from error
    if len(key) != 32 or len(signature) != 64:
        return False
    # A key or an R of small order signs what nobody has said.
    if _is_small(key) or _is_small(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, purpose + statement)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _is_small(data: bytes) -> bool:
    """Returns True if these bytes are not the only form of a point, or one of small order."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return True
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return True
    point: _Point = (x, y, 1, x * y % _P)
    for _ in range(3):
        point = _add(point, point)
    return point[0] == 0 and (point[1] - point[2]) % _P == 0


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def read_statement(key: MarketKey, signed: Any) -> SignedStatement:
    """Returns the content of a SignedBatch, SignedSnapshot or SignedCheckpoint. Raises NotSigned."""
    purpose = _PURPOSES[type(signed)]
    if not is_signed(key.key, purpose, signed.statement, signed.signature):
        raise NotSigned(f"a {type(signed).__name__} that the market's key {key.fingerprint} has not signed")
    cursor = Cursor(signed.statement)
    try:
        statement = _statement(type(signed), cursor)
        cursor.end()
    except Malformed as error:
        raise NotSigned(f"the statement is signed, and malformed: {error}") from error
    if statement.market != key.market:
        raise NotSigned(f"the statement is of market {statement.market.hex()}, not {key.market.hex()}")
    return statement


def _statement(kind: type[Any], cursor: Cursor) -> SignedStatement:
    def number() -> int:
        return cursor.varint(0, _U64_MAX)

    def hashed() -> bytes:
        return cursor.take(cursor.varint(32, 32))

    market = cursor.take(cursor.varint(16, 16))
    term, time = number(), times.from_micros(cursor.varint(0, 253_402_300_799_999_999))
    checkpoint = Checkpoint(number(), hashed(), hashed())
    if kind is m.SignedSnapshot:
        place, digest, count = number(), hashed(), cursor.varint(0, 20_000)
        return SignedMarket(market, term, time, checkpoint, place, digest, [hashed() for _ in range(count)])
    if kind is not m.SignedBatch:
        return SignedStatement(market, term, time, checkpoint)
    after, through, digest, count = number(), number(), hashed(), cursor.varint(0, 1_024)
    entry = schema().codec("FeedEntry")
    batch = Batch(market, term, time, checkpoint, after, through, digest, [entry.read(cursor) for _ in range(count)])
    if through != after + count:
        raise Malformed(f"the batch names {through} as its end, and its events end at {after + count}")
    return batch


_PURPOSES: dict[type[Any], bytes] = {
    m.SignedBatch: b"auction.batch.1",
    m.SignedSnapshot: b"auction.snapshot.1",
    m.SignedCheckpoint: b"auction.checkpoint.1",
    m.Receipt: b"auction.checkpoint.1",
}


class FeedVerifier:
    """Checks the signed feed: signatures, hashes of snapshot parts, digests, and contradictions between statements."""

    def __init__(self, key: MarketKey) -> None:
        self._key = key
        self._snapshot: SignedMarket | None = None
        self._parts = Assembler()
        self._due: tuple[int, bytes] | None = None
        self._seen: OrderedDict[tuple[str, int], tuple[Any, Any]] = OrderedDict()

    def begin(self) -> None:
        """Begins a new connection."""
        self._snapshot, self._parts = None, Assembler()

    def batch(self, signed: m.SignedBatch) -> tuple[Batch, tuple[str, Any, Any] | None]:
        """Returns the batch, and what it contradicts. Raises NotSigned."""
        batch = read_statement(self._key, signed)
        assert isinstance(batch, Batch)
        claims = [("event", place, entry) for place, entry in enumerate(batch.entries, batch.after + 1)]
        found = self._compare(signed, [*claims, ("digest", batch.through, batch.digest), self._journal(batch)])
        if found is None:
            self._due = (batch.through, batch.digest)
        return batch, found

    def snapshot(self, signed: m.SignedSnapshot) -> tuple[str, Any, Any] | None:
        """Begins a snapshot; returns what it contradicts. Raises NotSigned."""
        statement = read_statement(self._key, signed)
        assert isinstance(statement, SignedMarket)
        self._snapshot, self._parts = statement, Assembler()
        claim = ("digest", statement.feed_sequence, statement.digest)
        return self._compare(signed, [claim, self._journal(statement)])

    def part(self, message: m.SnapshotBytes) -> Market | None:
        """Adds a part; returns the market after the last. Raises NotSigned."""
        statement = self._snapshot
        hashed = hashlib.sha256(message.part).digest()
        if statement is None or message.index >= len(statement.parts) or statement.parts[message.index] != hashed:
            raise NotSigned(f"part {message.index} is not the one that the signed snapshot names")
        cursor = Cursor(message.part)
        part = schema().by_name["snapshot_part"][1].read(cursor)
        cursor.end()
        market = self._parts.add(part)
        if market is None:
            return None
        is_whole = message.index + 1 == len(statement.parts)
        is_place = (market.id, market.feed_sequence) == (statement.market, statement.feed_sequence)
        if not is_whole or not is_place or market.digest() != statement.digest:
            raise NotSigned("the snapshot is not the market that was signed")
        self._snapshot, self._due = None, None
        return market

    def is_as_signed(self, market: Market) -> bool:
        """Returns False if the market is at the place of the last batch and has another digest."""
        return self._due is None or self._due[0] != market.feed_sequence or self._due[1] == market.digest()

    @staticmethod
    def _journal(statement: SignedStatement) -> tuple[str, int, Any]:
        return "journal", statement.checkpoint.sequence, statement.checkpoint

    def _compare(self, signed: Any, claims: list[tuple[str, int, Any]]) -> tuple[str, Any, Any] | None:
        for what, place, claim in claims:
            before = self._seen.get((what, place))
            if before is not None and before[0] != claim:
                return f"two different statements about {what} {place}", before[1], signed
        for what, place, claim in claims:
            self._seen.setdefault((what, place), (claim, signed))
        while len(self._seen) > STATEMENTS_MAX:
            self._seen.popitem(last=False)
        return None


def check_continues(key: MarketKey, kept: m.SignedCheckpoint, newest: m.SignedCheckpoint) -> Checkpoint:
    """Returns the newest checkpoint, which must go on from the kept one. Raises NotSigned: keep both then."""
    old, new = read_statement(key, kept).checkpoint, read_statement(key, newest).checkpoint
    proof = newest.consistency
    goes_on = old.sequence == 0 or (
        proof is not None and merkle.goes_on(old.sequence, old.root, new.sequence, new.root, proof)
    )
    # Trees of the same size have the same root and the same chain.
    if not goes_on or (old.sequence == new.sequence and old != new):
        raise NotSigned(
            f"the market's journal of {new.sequence} records does not continue the {old.sequence} that it had signed before"
        )
    return new


def read_receipt(key: MarketKey, receipt: m.Receipt) -> Proven:
    """Returns the facts that a receipt proves. Raises NotSigned when it proves nothing."""
    checkpoint = read_statement(key, receipt).checkpoint
    try:
        return _proven(receipt, checkpoint)
    except Malformed as error:
        raise NotSigned(f"the record of the receipt: {error}") from error


def _proven(receipt: m.Receipt, checkpoint: Checkpoint) -> Proven:
    record = receipt.record
    if record[:1] != b"\1" or int.from_bytes(record[1:5], "little") != len(record) - 5:
        raise Malformed("it is not one record of version 1")
    cursor = Cursor(record, 5)
    sequence = cursor.varint(0, _U64_MAX)
    at = times.from_micros(cursor.varint(0, 253_402_300_799_999_999))
    # The version of the rules.
    cursor.varint(0, 65_535)
    is_hidden = cursor.varint(0, 1) == 1
    if not merkle.is_included(record, sequence, checkpoint.sequence, checkpoint.root, receipt.path):
        raise NotSigned("the record does not stand in the signed journal")
    asked: Cursor | None = None if is_hidden else cursor
    if receipt.private is not None:
        opened = _opened(receipt.private)
        committed = cursor.take(34) if is_hidden else record
        if hashlib.sha256(b"auction.private.1" + opened).digest() not in committed:
            raise NotSigned("the private part is not the one that the record commits to")
        if is_hidden:
            asked = Cursor(opened, 16)
    user, request = _asked(asked) if asked is not None else (None, None)
    return Proven(sequence, at, user, request, is_hidden, checkpoint)


def _opened(private: bytes) -> bytes:
    """Salt and private part of a batch of one record."""
    if private[:1] != b"\1" or int.from_bytes(private[1:5], "little") != len(private) - 5 or len(private) < 21:
        raise Malformed("the private part is not of one record of version 1")
    return private[5:]


def _asked(cursor: Cursor) -> tuple[int | None, tuple[int, int] | None]:
    """Actor and request, with which a command begins."""
    user = cursor.varint() if cursor.varint(0, 2) == 2 else None
    if cursor.varint(0, 1) == 0:
        return user, None
    return user, (cursor.varint(0, _U64_MAX), cursor.varint(0, _U64_MAX))
