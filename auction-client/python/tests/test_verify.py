"""The signed feed at a scripted server that signs with a key of the test, rightly and wrongly."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from conftest import run
from test_scripted import MARKET, Line, Script, hang, scripted

import openauction as oa
from openauction import codec, merkle, times, verify
from openauction import messages as m
from openauction.market import Assembler, FeedError, Market

ed25519 = pytest.importorskip(
    "cryptography.hazmat.primitives.asymmetric.ed25519", reason="NOT CHECKED: pip install cryptography"
)
SIGNER = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x42" * 32)
KEY = oa.MarketKey(bytes.fromhex(MARKET), SIGNER.public_key().public_bytes_raw())
AT = times.from_micros(1_795_352_400_000_000)


def varint(number: int) -> bytes:
    out = bytearray()
    codec.put_varint(out, number)
    return bytes(out)


def signed(purpose: bytes, body: bytes, market: bytes = KEY.market, records: int = 1, root: bytes = b"\0" * 32) -> dict[str, str]:
    head = varint(16) + market + varint(1) + varint(times.micros(AT))
    head += varint(records) + varint(32) + b"\xc4" * 32 + varint(32) + root
    statement = head + body
    return {"statement": statement.hex(), "signature": SIGNER.sign(purpose + statement).hex()}


def registered(user: int, name: str = "") -> m.FeedEntry:
    return m.FeedEntry(AT, m.UserRegistered(user, name or f"u{user}", "trader"))


def market_at(users: int) -> Market:
    """The market after so many users have registered: the place is their number."""
    market = Market(KEY.market)
    for user in range(1, users + 1):
        entry = registered(user)
        market.apply(entry.at, entry.event)
    return market


def batch(after: int, *entries: m.FeedEntry, digest: bytes | None = None, **of_head: Any) -> dict[str, Any]:
    through = after + len(entries)
    body = bytearray(varint(after) + varint(through) + varint(32) + (digest or market_at(through).digest()))
    body += varint(len(entries))
    for entry in entries:
        codec.schema().codec("FeedEntry").write(entry, body)
    return {"signed_batch": signed(b"auction.batch.1", bytes(body), **of_head)}


def snapshot(users: int, digest: bytes | None = None, part: bytes | None = None) -> list[dict[str, Any]]:
    market = market_at(users)
    body = bytearray()
    whole = m.SnapshotPart(market.id, 0, "nothing", users, market.at, "credit", market.users, [], [])
    codec.schema().by_name["snapshot_part"][1].write(whole, body)
    named = varint(users) + varint(32) + (digest or market.digest()) + varint(1) + varint(32) + hashlib.sha256(body).digest()
    return [
        {"signed_snapshot": signed(b"auction.snapshot.1", named)},
        {"snapshot_bytes": {"index": 0, "part": (part or bytes(body)).hex()}},
    ]


async def greeted(line: Line) -> None:
    await line.greet()
    await hang(line)


def says(*messages: dict[str, Any], place: int | None = None) -> Script:
    async def script(line: Line) -> None:
        await line.greet()
        number, kind, body = await line.heard()
        resume = None if place is None else {"market": MARKET, "feed_sequence": str(place)}
        assert (kind, body["resume"]) == ("watch_signed", resume)
        for message in messages:
            line.say("0" if "signed_batch" in message else number, message)
        await hang(line)

    return script


def watched(*scripts: Script, count: int) -> list[Any]:
    async def test() -> list[Any]:
        async with scripted(greeted, *scripts) as address, oa.Client(address) as client, client.watch(key=KEY) as watch:
            return [await watch.next() for _ in range(count)]

    return run(test())


def kinds(updates: list[Any]) -> list[type]:
    return [type(update) for update in updates]


def test_signed_events_are_folded_and_overlapping_batches_give_each_event_once() -> None:
    batches = [batch(1, registered(2)), batch(1), batch(0, registered(1), registered(2), registered(3)), batch(3)]
    found = watched(says(*snapshot(1), *batches), count=3)
    assert kinds(found) == [oa.Snapshot, oa.Event, oa.Event]
    assert [update.feed_sequence for update in found[1:]] == [2, 3]


@pytest.mark.parametrize(
    "wrong", [batch(1, registered(2), digest=b"\0" * 32), batch(2, registered(3))], ids=["digest", "events missed"]
)
def test_signed_events_that_do_not_lead_to_the_signed_market_are_a_gap(wrong: dict[str, Any]) -> None:
    found = watched(says(*snapshot(1), wrong), says(*snapshot(4)), count=3)
    assert kinds(found) == [oa.Snapshot, oa.Gap, oa.Snapshot]


@pytest.mark.parametrize(
    "wrong, then",
    [
        ([*snapshot(1)[:1], {"snapshot_bytes": {"index": 0, "part": "00"}}], [oa.Snapshot]),
        # It is signed, and contradicts the right one.
        (snapshot(1, digest=b"\0" * 32), [oa.Equivocation, oa.Snapshot]),
        ([*snapshot(1), batch(1, registered(2), market=b"\x99" * 16)], [oa.Live]),
        ([*snapshot(1), {"signed_batch": batch(1)["signed_batch"] | {"signature": "00" * 64}}], [oa.Live]),
    ],
    ids=["part", "digest of the snapshot", "other market", "signature"],
)
def test_what_the_market_has_not_signed_ends_the_connection(wrong: list[dict[str, Any]], then: list[type]) -> None:
    is_late = then == [oa.Live]
    again = says({"resumed": {"feed_sequence": "1"}}, place=1) if is_late else says(*snapshot(1))
    found = watched(says(*wrong), again, count=1 + is_late + len(then))
    lost = found.pop(is_late)
    assert isinstance(lost, oa.Reconnecting) and isinstance(lost.because, oa.NotSigned)
    assert kinds(found[is_late:]) == then


def test_two_contradicting_statements_are_reported_with_both_of_them() -> None:
    first, second = batch(1, registered(2)), batch(1, registered(2, "other"), digest=b"\1" * 32)
    found = watched(says(*snapshot(1), first, second, batch(2, registered(3))), count=4)
    # What was shown first stays.
    assert kinds(found) == [oa.Snapshot, oa.Event, oa.Equivocation, oa.Event]
    assert found[2].because == "two different statements about event 2"
    assert [each.statement.hex() for each in (found[2].first, found[2].second)] == [
        each["signed_batch"]["statement"] for each in (first, second)
    ]
    found = watched(says(*snapshot(1), batch(1, root=b"\1" * 32), batch(1, root=b"\2" * 32)), count=2)
    assert kinds(found) == [oa.Snapshot, oa.Equivocation] and "journal 1" in found[1].because


def test_a_checkpoint_that_does_not_go_on_from_the_kept_one_is_refused() -> None:
    def checkpoint(records: int, root: bytes, proof: list[bytes] | None = None) -> m.SignedCheckpoint:
        raw = signed(b"auction.checkpoint.1", b"", records=records, root=root)
        return m.SignedCheckpoint(bytes.fromhex(raw["statement"]), bytes.fromhex(raw["signature"]), proof)

    leaves = [b"one", b"two"]
    one, two = merkle.root(leaves[:1]), merkle.root(leaves)
    kept, proof = checkpoint(1, one), [merkle.leaf_hash(leaves[1])]
    assert verify.check_continues(KEY, kept, checkpoint(2, two, proof)).sequence == 2
    assert verify.check_continues(KEY, kept, checkpoint(1, one, [])).sequence == 1
    assert verify.check_continues(KEY, checkpoint(0, merkle.root([])), checkpoint(2, two)).sequence == 2
    for newest in (
        checkpoint(2, two), checkpoint(2, two, []), checkpoint(2, two, [b"\0" * 32]), checkpoint(2, one, proof),
        checkpoint(1, two, []), checkpoint(0, merkle.root([]), []),
    ):
        with pytest.raises(oa.NotSigned, match="does not continue"):
            verify.check_continues(KEY, kept, newest)


def test_an_opened_end_that_was_not_the_committed_one_is_a_contradiction() -> None:
    terms = m.CallTerms(Decimal("0.01"), "open", None, 0, False, timedelta(0), timedelta(seconds=9), None)
    end = m.RandomEnd(timedelta(seconds=3), b"\x5a" * 16)
    lot = (1).to_bytes(4, "little")
    committed = hashlib.sha256(b"auction.end.1" + lot + (3_000_000).to_bytes(8, "little") + end.salt).digest()
    events: list[m.PublicEvent] = [
        m.StockListed("S1", "00001", Decimal(1), Decimal(0)),
        m.LotOpened(1, "S1", 1, Decimal(1), None, AT + timedelta(hours=1), terms, False),
        m.EndCommitted(1, committed),
    ]
    for opened, is_right in ((end, True), (replace(end, before_close=timedelta(seconds=2)), False),
                             (replace(end, salt=b"\x5b" * 16), False)):
        market = Market(KEY.market)
        for event in events:
            market.apply(AT, event)
        if is_right:
            market.apply(AT, m.EndOpened(1, opened))
            book = market.lot(1).book
            assert isinstance(book, m.CallBook) and book.end is None
        else:
            with pytest.raises(FeedError, match="contradiction"):
                market.apply(AT, m.EndOpened(1, opened))


def test_a_snapshot_whose_parts_do_not_follow_is_refused() -> None:
    part = m.SnapshotPart(KEY.market, 0, "more", 0, AT, "credit", [], [], [])
    assembler = Assembler()
    assert assembler.add(part) is None
    with pytest.raises(FeedError, match="gap"):
        assembler.add(replace(part, index=2))
