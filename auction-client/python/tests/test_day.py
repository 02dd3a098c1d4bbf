"""A trading day at the real server: the fold of every event is the server's market, and the account follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from conftest import PASSWORD, Markets, run

import openauction as oa
from openauction import messages as m
from openauction import refusals
from openauction.account import AccountSnapshot, AccountState
from openauction.connection import Connection

DAY = 'symbol,format,schedule\nS1,day,"call 1h, continuous 1h, call 1h, at-last 10m"\n'

# A test that does not read for a while can lose its connection; a gap or a new snapshot would hide a wrong fold.
FOLLOWED = (oa.Event, oa.Indicative, oa.Reconnecting, oa.Live)


async def servers_digest(address: str, place: int) -> bytes:
    """The digest that the server's heartbeat names at a place of the feed."""
    connection = await Connection.open(oa.Address.parse(address), "test")
    try:
        connection.send(3, m.Watch(None))
        while True:
            message = (await connection.receive()).message
            if isinstance(message, m.Heartbeat) and message.feed_sequence >= place:
                assert message.feed_sequence == place
                return message.digest
    finally:
        connection.abort()


async def followed(watch: oa.Watch, client: oa.Client, address: str) -> None:
    """Follows the feed to the server's present place, where fold, snapshot and heartbeat must be the same."""
    wanted = await client.snapshot()
    while watch.market.feed_sequence < wanted.feed_sequence:
        update = await watch.next()
        assert isinstance(update, FOLLOWED), update
    assert watch.market.feed_sequence == wanted.feed_sequence
    assert watch.market.lots == wanted.lots
    assert watch.market.halted_since == wanted.halted_since
    assert watch.market.digest() == wanted.digest() == await servers_digest(address, wanted.feed_sequence)


async def until_phase(watch: oa.Watch, phase: m.DayPhase) -> None:
    while True:
        match await watch.next():
            case oa.Event(event=m.PhaseBegan(phase=found)) if found == phase:
                return
            case update:
                assert isinstance(update, FOLLOWED), update


async def read_entries(account: oa.AccountWatch) -> None:
    while True:
        assert isinstance(await account.next(), m.AccountEntry)


async def until(reading: asyncio.Task[None], condition: Callable[[], bool]) -> None:
    while not condition():
        assert not reading.done(), reading.exception()
        await asyncio.sleep(0.01)


def test_a_day_is_followed_from_its_call_to_its_close(markets: Markets) -> None:
    server = markets.open(DAY, heartbeat="1s")

    async def test() -> None:
        async with (
            oa.Client(server.address) as ann, oa.Client(server.address) as mia,
            oa.Client(server.address, encoding="binary") as tom, tom.watch() as watch,
        ):
            await ann.login("ann", PASSWORD)
            for client, name in ((mia, "mia"), (tom, "tom")):
                await client.register(name, PASSWORD)
                await client.login(name, PASSWORD)
            assert isinstance(await watch.next(), oa.Snapshot)
            account = mia.watch_account()
            assert isinstance(await account.next(), AccountSnapshot)
            reading = asyncio.create_task(read_entries(account))

            # The call: orders are hidden until its uncross.
            hidden = await mia.place_day_order("S1", "sell", 100, Decimal("1.00"))
            assert (hidden.order, hidden.traded, hidden.value) == (1, 0, Decimal(0))
            assert hidden.rest == m.DayRestRests(100)
            await tom.place_day_order("S1", "buy", 40, None)
            await followed(watch, tom, server.address)
            await ann.move_phase(1, 0, ann.server_time() + timedelta(milliseconds=300))
            await until_phase(watch, "continuous")
            await followed(watch, tom, server.address)

            # Continuous trading: 60 shares are left, and shown.
            bought = await tom.place_day_order(1, "buy", 10, Decimal("1.00"), time_in_force="immediate_or_cancel")
            assert (bought.traded, bought.value, bought.rest) == (10, Decimal("10.00"), "none")
            first = await mia.place_day_order(1, "sell", 5, Decimal("1.01"), post_only=True)
            second = await mia.place_day_order(1, "sell", 7, Decimal("1.01"))
            await tom.place_day_order(1, "buy", 3, Decimal("0.95"))
            await followed(watch, tom, server.address)
            book = watch.market.lot(1).book
            assert isinstance(book, m.DayBook)
            shown = [(order.side, order.price, order.open) for order in book.orders]
            assert shown == [
                ("buy", Decimal("0.95"), 3), ("sell", Decimal("1.00"), 50), ("sell", Decimal("1.01"), 5),
                ("sell", Decimal("1.01"), 7),
            ]
            # A smaller order keeps its place; a larger one goes behind the others at its price.
            kept = await mia.replace_day_order(1, second.order, 6, Decimal("1.01"), believed=7)
            assert kept.rest == m.DayRestKeeps(6)
            moved = await mia.replace_day_order(1, first.order, 9, Decimal("1.01"))
            assert moved.rest == m.DayRestRests(9)
            with pytest.raises(refusals.OpenDiffers):
                await mia.replace_day_order(1, first.order, 8, Decimal("1.01"), believed=5)
            await followed(watch, tom, server.address)
            trades = [trade async for trade in tom.get_trades(1)]
            assert [(trade.number, trade.quantity, trade.aggressor) for trade in trades] == [
                (1, 40, None), (2, 10, "buy")
            ]
            assert [trade.number async for trade in tom.get_trades(1, after=1)] == [2]

            # A halt of the whole market, in which orders can only be cancelled.
            await ann.halt_all()
            with pytest.raises(refusals.MarketHalted):
                await tom.place_day_order(1, "buy", 1, Decimal("0.90"))
            await followed(watch, tom, server.address)
            assert watch.market.halted_since is not None
            await ann.resume_all()
            while True:
                update = await watch.next()
                assert isinstance(update, FOLLOWED), update
                if isinstance(update, oa.Event) and update.event == "market_resumed":
                    break
            book = watch.market.lot(1).book
            assert isinstance(book, m.DayBook) and book.resumes_by_call
            await until_phase(watch, "volatility")
            await followed(watch, tom, server.address)

            # The account: what was followed is what a new watch begins with.
            await ann.set_limits(m.TraderLimits(5, None, None, None, None, None), trader=2)
            with pytest.raises(refusals.OverLimit):
                await mia.place_day_order(1, "sell", 6, Decimal("1.50"))
            found = mia.watch_account()
            assert isinstance(await found.next(), AccountSnapshot)
            assert len(found.state.day_orders) == 3

            def orders(state: AccountState) -> list[m.StandingDayOrder]:
                return sorted(state.day_orders, key=lambda each: each.order.order)

            await until(reading, lambda: orders(account.state) == orders(found.state))
            cancelled = await mia.cancel_all()
            assert (cancelled.cancelled, cancelled.kept, cancelled.more) == (3, 0, False)
            await until(reading, lambda: not account.state.day_orders)
            reading.cancel()

            # The close.
            lots = await tom.get_lots("S1")
            assert [lot.id for lot in lots.lots] == [1] and lots.lots == (await tom.get_lots(1)).lots
            await ann.close_lot(1)
            await followed(watch, tom, server.address)
            phase = watch.market.lot(1).phase
            assert isinstance(phase, m.PhaseClosed) and isinstance(phase.outcome, m.Day)
            assert (phase.outcome.volume, phase.outcome.trades) == (50, 2)

    run(test())
