"""A trading day at the real server: the fold of every event is the server's market, and the account follows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from conftest import PASSWORD, Markets, run

import openauction as oa
from openauction import messages as m
from openauction import refusals
from openauction.account import AccountSnapshot, AccountState

DAY = 'symbol,format,schedule\nS1,day,"call 1h, continuous 1h, call 1h, at-last 10m"\n'


async def followed(watch: oa.Watch, client: oa.Client) -> None:
    """Follows the feed to the server's present place, where fold and snapshot must be the same."""
    wanted = await client.snapshot()
    while watch.market.feed_sequence < wanted.feed_sequence:
        update = await watch.next()
        assert isinstance(update, (oa.Event, oa.Indicative)), update
    assert watch.market.feed_sequence == wanted.feed_sequence
    assert watch.market.lots == wanted.lots
    assert watch.market.halted_since == wanted.halted_since
    assert watch.market.digest() == wanted.digest()


async def until_phase(watch: oa.Watch, phase: m.DayPhase) -> None:
    while True:
        match await watch.next():
            case oa.Event(event=m.PhaseBegan(phase=found)) if found == phase:
                return
            case oa.Event() | oa.Indicative():
                pass
            case other:
                pytest.fail(str(other))


def test_a_day_is_followed_from_its_call_to_its_close(markets: Markets) -> None:
    server = markets.open(DAY, trading_days="on", heartbeat="1s")

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

            # The call: orders are hidden until its uncross.
            hidden = await mia.place_day_order("S1", "sell", 100, Decimal("1.00"))
            assert (hidden.order, hidden.traded, hidden.value) == (1, 0, Decimal(0))
            assert hidden.rest == m.DayRestRests(100)
            await tom.place_day_order("S1", "buy", 40, None)
            await followed(watch, tom)
            await ann.move_phase(1, 0, ann.server_time() + timedelta(milliseconds=300))
            await until_phase(watch, "continuous")
            await followed(watch, tom)

            # Continuous trading: 60 shares are left, and shown.
            bought = await tom.place_day_order(1, "buy", 10, Decimal("1.00"), time_in_force="immediate_or_cancel")
            assert (bought.traded, bought.value, bought.rest) == (10, Decimal("10.00"), "none")
            first = await mia.place_day_order(1, "sell", 5, Decimal("1.01"), post_only=True)
            second = await mia.place_day_order(1, "sell", 7, Decimal("1.01"))
            await tom.place_day_order(1, "buy", 3, Decimal("0.95"))
            await followed(watch, tom)
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
            await followed(watch, tom)
            trades = [trade async for trade in tom.get_trades(1)]
            assert [(trade.number, trade.quantity, trade.aggressor) for trade in trades] == [
                (1, 40, None), (2, 10, "buy")
            ]
            assert [trade.number async for trade in tom.get_trades(1, after=1)] == [2]

            # A halt of the whole market, in which orders can only be cancelled.
            await ann.halt_all()
            with pytest.raises(refusals.MarketHalted):
                await tom.place_day_order(1, "buy", 1, Decimal("0.90"))
            await followed(watch, tom)
            assert watch.market.halted_since is not None
            await ann.resume_all()
            while True:
                update = await watch.next()
                assert isinstance(update, (oa.Event, oa.Indicative)), update
                if isinstance(update, oa.Event) and update.event == "market_resumed":
                    break
            book = watch.market.lot(1).book
            assert isinstance(book, m.DayBook) and book.resumes_by_call
            await until_phase(watch, "volatility")
            await followed(watch, tom)

            # The account: what was followed is what a new watch begins with.
            await ann.set_limits(m.TraderLimits(5, None, None, None, None, None), trader=2)
            with pytest.raises(refusals.OverLimit):
                await mia.place_day_order(1, "sell", 6, Decimal("1.50"))
            found = mia.watch_account()
            assert isinstance(await found.next(), AccountSnapshot)
            assert len(found.state.day_orders) == 3

            def orders(state: AccountState) -> list[m.StandingDayOrder]:
                return sorted(state.day_orders, key=lambda each: each.order.order)

            while orders(account.state) != orders(found.state):
                assert isinstance(await account.next(), m.AccountEntry)
            cancelled = await mia.cancel_all()
            assert (cancelled.cancelled, cancelled.kept, cancelled.more) == (3, 0, False)
            while account.state.day_orders:
                assert isinstance(await account.next(), m.AccountEntry)

            # The close.
            lots = await tom.get_lots("S1")
            assert [lot.id for lot in lots.lots] == [1] and lots.lots == (await tom.get_lots(1)).lots
            await ann.close_lot(1)
            await followed(watch, tom)
            phase = watch.market.lot(1).phase
            assert isinstance(phase, m.PhaseClosed) and isinstance(phase.outcome, m.Day)
            assert (phase.outcome.volume, phase.outcome.trades) == (50, 2)

    run(test())
