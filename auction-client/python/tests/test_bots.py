"""The bot framework and the three example bots, at the real server."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import PASSWORD, Markets, run

import openauction as oa
from openauction import messages as m
from openauction.bot import Bot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from bidder import Bidder  # noqa: E402
from maker import Maker  # noqa: E402
from taker import Taker  # noqa: E402


async def trader(address: str, name: str) -> oa.Client:
    client = oa.Client(address)
    await client.open()
    await client.register(name, PASSWORD)
    await client.login(name, PASSWORD)
    return client


async def until(watch: oa.Watch | oa.AccountWatch, kind: type) -> object:
    async for update in watch:
        if isinstance(update, kind):
            return update
        event = getattr(update, "event", None)
        if isinstance(event, kind):
            return event
    raise AssertionError("a watch never ends")


def test_a_bot_is_given_every_event_with_market_and_account_at_it(markets: Markets) -> None:
    server = markets.open()
    seen: list[object] = []

    class Recorder(Bot):
        tick = 0.05

        async def on_start(self) -> None:
            seen.append("start")
            if len(seen) == 1:
                assert await self.bid(1, Decimal("0.10")) is None
                assert (await self.bid(1, Decimal("2.00"))) is not None

        async def on_refused(self, refused: oa.Refused) -> None:
            seen.append(refused.code)

        async def on_event(self, event: oa.Event) -> None:
            assert event.feed_sequence == self.market.feed_sequence
            if isinstance(event.event, m.BidAccepted) and event.event.leader == self.user:
                seen.append("event")
                await self.order(1, "buy", 1, Decimal(1))

        async def on_account(self, event: m.AccountEvent) -> None:
            if isinstance(event, m.AccountLeads):
                assert m.StandingLead(1, Decimal("2.00")) in self.account.leads
                seen.append("account")

        async def on_tick(self, now: datetime) -> None:
            assert abs(now - self.market.at) < timedelta(minutes=1)
            if {"event", "account", "bid_too_low", "takes_bids"} <= set(map(str, seen)):
                self.stop()

    async def test() -> None:
        await Recorder().start(server.address, "bot", PASSWORD)
        # It has logged out, and starts again with the account that is there.
        async with oa.Client(server.address) as client:
            await client.login("bot", PASSWORD)
            assert len(await client.sessions()) == 1

    run(test())
    assert seen[0] == "start" and seen.count("event") == 1 and seen.count("account") == 1


def test_the_orders_of_a_bot_end_with_it(markets: Markets) -> None:
    server = markets.open("S1,call\n")

    async def test() -> None:
        async with await trader(server.address, "tom") as tom:
            bot = Maker()
            running = asyncio.create_task(bot.start(server.address, "maker", PASSWORD))
            watch = tom.watch()
            while not (tom_sees := [lot.book for lot in (await tom.snapshot()).lots
                                    if isinstance(lot.book, m.CallBook) and lot.book.traders == 1]):
                await watch.next()
            assert tom_sees
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            async with oa.Client(server.address) as again:
                await again.login("maker", PASSWORD)
                own = again.watch_account()
                await own.next()
                while own.state.orders:
                    await own.next()

    run(test())


def test_a_maker_quotes_both_sides_and_follows_the_price(markets: Markets) -> None:
    server = markets.open("symbol,format,book\nS1,call,open\n")

    async def test() -> None:
        async with (
            await trader(server.address, "tom") as tom, await trader(server.address, "mia") as mia,
            oa.Client(server.address) as ann,
        ):
            await ann.login("ann", PASSWORD)
            bot = Maker()
            running = asyncio.create_task(bot.start(server.address, "maker", PASSWORD))
            watch = tom.watch()

            async def quotes(buy: str, sell: str) -> None:
                while True:
                    update = await until(watch, oa.Indicative)
                    assert isinstance(update, oa.Indicative) and update.depth is not None
                    limits = [q.price for q in update.depth.buys], [q.price for q in update.depth.sells]
                    if Decimal(buy) in limits[0] and Decimal(sell) in limits[1]:
                        return

            await quotes("0.98", "1.02")
            # Two others move the price to 2.00, and the maker goes along.
            await tom.order("S1", "buy", 1_000, Decimal("2.00"))
            await mia.order("S1", "sell", 900, Decimal("2.00"))
            await quotes("1.96", "2.04")
            await ann.close_lot(1)
            await until(watch, m.LotClosed)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    run(test())


def test_a_bidder_wins_what_is_worth_its_price_alone(markets: Markets, capsys: pytest.CaptureFixture[str]) -> None:
    server = markets.open("S1,english\nS2,english\n")

    async def test() -> None:
        async with await trader(server.address, "tom") as tom, oa.Client(server.address) as ann:
            await ann.login("ann", PASSWORD)
            await tom.bid("S1", Decimal("1.10"))
            await tom.bid("S2", Decimal("1.30"))
            running = asyncio.create_task(Bidder(Decimal("1.25"), timedelta(hours=2)).start(server.address, "bidder", PASSWORD))
            watch = tom.watch_account()
            assert await until(watch, m.AccountOutbid) == m.AccountOutbid(1, Decimal("1.11"))
            await ann.close_lot(1)
            await ann.close_lot(2)
            assert await until(watch, m.AccountWon) == m.AccountWon(2, Decimal("1.30"))
            assert (await tom.snapshot()).lot(1).phase != "open"
            while "won lot 1 at 1.11" not in capsys.readouterr().out:
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    run(test())


def test_a_taker_waits_until_the_price_is_low_enough(markets: Markets) -> None:
    server = markets.open("symbol,format,start,step,interval,floor\nS1,dutch,2,0.20,100ms,0.50\n")

    async def test() -> None:
        async with oa.Client(server.address) as client:
            running = asyncio.create_task(Taker(Decimal("0.9")).start(server.address, "taker", PASSWORD))
            watch = client.watch()
            closed = await until(watch, m.LotClosed)
            assert isinstance(closed, m.LotClosed) and isinstance(closed.outcome, m.Sold)
            assert closed.outcome.price <= Decimal("0.9")
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    run(test())
