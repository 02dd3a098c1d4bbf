"""The client at a scripted server, which misbehaves as no real one does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from conftest import run

import openauction as oa
from openauction import messages as m
from openauction.market import Market

MARKET = "10" * 16
TIME = "1795352400000000"
TOKEN = "07" * 32
LOGGED_IN = {"session": "9", "token": TOKEN, "user": 1, "name": "mia", "role": "trader", "last_request": "0",
             "expires_at": TIME}
ACCEPTED = {"feed_sequence": "1", "done": "now",
            "reply": {"bid": {"lot": 1, "leads": True, "price": "1.40", "extended_to": None, "bought": False}}}


def refused(code: str) -> dict[str, Any]:
    empty = dict.fromkeys(("price", "at", "number", "symbol", "security", "needed", "available"))
    return {"refused": {"code": code, "message": code.replace("_", " "), **empty}}


def snapshot(at: int, **changes: Any) -> dict[str, Any]:
    part = {"market": MARKET, "index": 0, "follows": "nothing", "feed_sequence": str(at), "at": TIME,
            "accounts": "credit", "users": [], "stocks": [], "lots": []}
    return {"snapshot_part": part | changes}


def user(number: int) -> dict[str, Any]:
    return {"at": TIME, "event": {"user_registered": {"user": number, "name": f"u{number}", "role": "trader"}}}


def feed(after: int, *entries: Any, through: int | None = None) -> dict[str, Any]:
    end = after + len(entries) if through is None else through
    return {"feed": {"market": MARKET, "term": "1", "after": str(after), "through": str(end), "entries": list(entries)}}


class Line:
    """One connection of a client, greeted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def heard(self) -> tuple[str, str, Any]:
        """The next message of the client but pings: its number, kind and fields."""
        while True:
            line = await self.reader.readline()
            if not line:
                raise ConnectionError
            message = json.loads(line)
            number = message.pop("request")
            ((kind, body),) = message.items()
            if kind != "ping":
                return number, kind, body

    def say(self, number: str, message: dict[str, Any]) -> None:
        self.writer.write(json.dumps({"request": number, **message}).encode() + b"\n")

    async def greet(self, market: str = MARKET, heartbeat_ms: int = 60_000) -> None:
        number, kind, _ = await self.heard()
        assert kind == "hello"
        welcome = {"version": 1, "market": market, "term": "1", "time": TIME, "server": "script",
                   "heartbeat_ms": heartbeat_ms}
        self.say(number, {"welcome": welcome})

    async def logs_in(self) -> None:
        number, kind, _ = await self.heard()
        assert kind == "login"
        self.say(number, {"logged_in": LOGGED_IN})


Script = Callable[[Line], Awaitable[None]]


def scripted(*scripts: Script) -> AbstractAsyncContextManager[str]:
    """A server whose connections are served by these scripts, in their order."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[str]:
        left = list(scripts)
        failed: list[BaseException] = []

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                if left:
                    await left.pop(0)(Line(reader, writer))
            except ConnectionError:
                pass
            except BaseException as error:
                failed.append(error)
            writer.close()

        server = await asyncio.start_server(served, "127.0.0.1", 0)
        try:
            yield "127.0.0.1:{}".format(server.sockets[0].getsockname()[1])
        finally:
            server.close()
        assert not failed, failed
        assert not left, "a script was not played"

    return serve()


async def hang(line: Line) -> None:
    """Reads until the client has gone."""
    while await line.reader.read(1_000):
        pass


def test_a_request_without_an_answer_is_sent_again_with_its_number() -> None:
    heard: list[Any] = []

    async def first(line: Line) -> None:
        await line.greet()
        await line.logs_in()
        heard.append(await line.heard())

    async def second(line: Line) -> None:
        await line.greet()
        number, kind, body = await line.heard()
        assert (kind, body) == ("resume", {"token": TOKEN})
        line.say(number, {"logged_in": LOGGED_IN | {"token": None}})
        heard.append(await line.heard())
        line.say(heard[-1][0], {"accepted": ACCEPTED | {"done": "before"}})
        await hang(line)

    async def test() -> None:
        async with scripted(first, second) as address, oa.Client(address) as client:
            await client.login("mia", "p")
            placed = await client.bid(1, Decimal("1.40"))
            assert placed.repeated and heard[0] == heard[1]
            assert int(heard[0][0]) == placed.request

    run(test())


def test_what_is_meant_for_shutdown_waits_for_the_next_server() -> None:
    async def first(line: Line) -> None:
        await line.greet()
        number, _, _ = await line.heard()
        line.say(number, refused("shutting_down"))
        await hang(line)

    async def second(line: Line) -> None:
        await line.greet()
        number, kind, _ = await line.heard()
        assert kind == "get_snapshot"
        line.say(number, snapshot(0))
        await hang(line)

    async def test() -> None:
        async with scripted(first, second) as address, oa.Client(address) as client:
            assert (await client.snapshot()).feed_sequence == 0

    run(test())


def test_a_login_is_never_sent_twice() -> None:
    async def first(line: Line) -> None:
        await line.greet()
        await line.heard()

    async def test() -> None:
        async with scripted(first) as address, oa.Client(address) as client:
            with pytest.raises(oa.OutcomeUnknown, match="closed the connection"):
                await client.login("mia", "p")

    run(test())


def test_a_session_that_is_gone_leaves_the_outcome_of_what_was_sent_unknown() -> None:
    async def first(line: Line) -> None:
        await line.greet()
        await line.logs_in()
        await line.heard()

    async def second(line: Line) -> None:
        await line.greet()
        number, kind, _ = await line.heard()
        assert kind == "resume"
        line.say(number, refused("session_expired"))
        # The connection is used without a session.
        number, kind, _ = await line.heard()
        assert kind == "get_snapshot"
        line.say(number, snapshot(7))
        await hang(line)

    async def test() -> None:
        async with scripted(first, second) as address, oa.Client(address) as client:
            await client.login("mia", "p")
            with pytest.raises(oa.OutcomeUnknown) as unknown:
                await client.bid(1, Decimal("1.40"))
            assert isinstance(unknown.value.__cause__, oa.SessionRefused)
            assert client.token is None
            assert (await client.snapshot()).feed_sequence == 7

    run(test())


def test_no_answer_in_time_leaves_the_outcome_unknown() -> None:
    async def only(line: Line) -> None:
        await line.greet()
        await hang(line)

    async def test() -> None:
        async with scripted(only) as address, oa.Client(address, timeout=0.05) as client:
            with pytest.raises(oa.OutcomeUnknown, match="no answer within 0.05 s"):
                await client.snapshot()

    run(test())


def test_requests_are_not_sent_to_another_market() -> None:
    async def first(line: Line) -> None:
        await line.greet()
        await line.heard()

    async def other(line: Line) -> None:
        await line.greet(market="99" * 16)
        await hang(line)

    async def test() -> None:
        async with scripted(first, other, other) as address, oa.Client(address) as client:
            with pytest.raises(oa.OutcomeUnknown, match="another market"):
                await client.bid(1, Decimal("1.40"))
            with pytest.raises(oa.OtherMarket):
                await client.watch().next()

    run(test())


def test_a_silent_server_is_left_after_two_heartbeats() -> None:
    async def silent(line: Line) -> None:
        await line.greet(heartbeat_ms=200)
        await hang(line)

    async def second(line: Line) -> None:
        await line.greet()
        number, _, _ = await line.heard()
        line.say(number, snapshot(3))
        await hang(line)

    async def test() -> None:
        async with scripted(silent, second) as address, oa.Client(address) as client:
            assert (await client.snapshot()).feed_sequence == 3

    run(test())


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"{}\n", b'{"request":"1","welcome":{}}\n',
                                     b'{"request":"1","welcome":{"version":3,"market":"' + b"10" * 16 +
                                     b'","term":"1","time":"1","server":"s","heartbeat_ms":1}}\n'])
def test_a_server_of_something_else_is_named(garbage: bytes) -> None:
    async def only(line: Line) -> None:
        await line.heard()
        line.writer.write(garbage)
        await hang(line)

    async def test() -> None:
        async with scripted(only) as address:
            with pytest.raises(oa.ProtocolError):
                await oa.Client(address).open()

    run(test())


def watching(*messages: dict[str, Any], resume: Any = None) -> Script:
    """A connection that is watched from this place, and says these messages as the answer."""

    async def script(line: Line) -> None:
        await line.greet()
        number, kind, body = await line.heard()
        assert kind == "watch" and body["resume"] == resume, body
        for message in messages:
            of_its_own = next(iter(message)) in ("feed", "heartbeat", "news_of_later")
            line.say("0" if of_its_own else number, message)
        await hang(line)

    return script


async def updates(address: str, count: int) -> list[oa.Update]:
    async with oa.Client(address) as client, client.watch() as watch:
        return [await watch.next() for _ in range(count)]


def place(at: int) -> dict[str, Any]:
    return {"market": MARKET, "feed_sequence": str(at)}


def heartbeat(at: int, digest: str = "00" * 32) -> dict[str, Any]:
    return {"heartbeat": {"time": TIME, "feed_sequence": str(at), "digest": digest}}


@pytest.mark.parametrize(
    "wrong",
    [feed(6, user(2)), feed(4, user(2)), feed(5, user(3)), feed(5, user(2), through=7), heartbeat(6), heartbeat(5)],
    ids=["events missed", "events repeated", "contradiction", "wrong end", "behind", "digest"],
)
def test_a_feed_that_does_not_fit_is_a_gap_and_begins_again(wrong: dict[str, Any]) -> None:
    users = [{"user": 1, "name": "u1", "role": "trader"}]

    async def greeted(line: Line) -> None:
        await line.greet()
        await hang(line)

    async def test() -> None:
        first = watching(snapshot(5, users=users), wrong)
        async with scripted(greeted, first, watching(snapshot(9))) as address:
            found = await updates(address, 3)
            assert [type(each) for each in found] == [oa.Snapshot, oa.Gap, oa.Snapshot]
            assert isinstance(found[2], oa.Snapshot) and found[2].market.feed_sequence == 9

    run(test())


def test_a_feed_goes_on_at_its_place_and_skips_news_of_later_versions() -> None:
    async def greeted(line: Line) -> None:
        await line.greet()
        await hang(line)

    async def lost(line: Line) -> None:
        await line.greet()
        number, _, _ = await line.heard()
        line.say(number, snapshot(0))
        line.say("0", feed(0, user(1)))

    again = watching({"resumed": {"feed_sequence": "1"}}, {"news_of_later": {"x": 1}}, feed(1, user(2)), resume=place(1))

    async def test() -> None:
        async with scripted(greeted, lost, again) as address:
            found = await updates(address, 5)
            kinds = [oa.Snapshot, oa.Event, oa.Reconnecting, oa.Live, oa.Event]
            assert [type(each) for each in found] == kinds
            assert isinstance(found[4], oa.Event) and found[4].feed_sequence == 2

    run(test())


def test_a_journal_that_lost_its_end_is_reported() -> None:
    async def greeted(line: Line) -> None:
        await line.greet()
        await hang(line)

    async def lost(line: Line) -> None:
        await line.greet()
        number, _, _ = await line.heard()
        line.say(number, snapshot(8))

    again = watching({"resync": {"because": "journal_lost"}}, snapshot(3), resume=place(8))

    async def test() -> None:
        async with scripted(greeted, lost, again) as address:
            found = await updates(address, 4)
            assert [type(each) for each in found] == [oa.Snapshot, oa.Reconnecting, oa.Gap, oa.Snapshot]
            assert found[2] == oa.Gap("journal_lost")

    run(test())


def test_a_dutch_price_falls_with_the_clock_to_its_floor() -> None:
    from datetime import timedelta

    from openauction.times import EPOCH

    terms = m.DutchTerms(Decimal(100), Decimal(1), timedelta(seconds=10), Decimal(50))
    lot = m.Lot(1, "S1", 1, Decimal(1), EPOCH, EPOCH + timedelta(hours=1), 0, terms, "open", None, m.DutchBook(None))
    seconds = {0: 100, 9.999999: 100, 10: 99, 499.999999: 51, 500: 50, 2_000: 50}
    for after, price in seconds.items():
        assert oa.dutch_price(lot, EPOCH + timedelta(seconds=after)) == price
    with pytest.raises(TypeError, match="not a Dutch lot"):
        from dataclasses import replace

        oa.dutch_price(replace(lot, terms=m.SealedTerms("first_price")), EPOCH)


def test_an_empty_market_has_a_digest() -> None:
    assert len(Market(b"\x10" * 16).digest()) == 32
