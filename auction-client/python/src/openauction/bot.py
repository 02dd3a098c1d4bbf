"""A framework for bots, in one file: a bot is given every event, and acts through its client.

::

    class Watcher(Bot):
        async def on_event(self, event):
            print(event)

    Watcher().run("127.0.0.1:2022", "mia", password)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from openauction import messages as m
from openauction.account import AccountSnapshot, AccountState, AccountUpdate
from openauction.client import BidPlaced, Client, OrderPlaced
from openauction.errors import NotConnected, OutcomeUnknown, Refused
from openauction.feed import Gap, Indicative, Reconnecting, Snapshot, Update
from openauction.market import Event, Market
from openauction.refusals import NameTaken

log = logging.getLogger("openauction.bot")
T = TypeVar("T")


class Bot:
    """Base of bots: override the methods `on_...`, which are called one after the other, never two at a time.

    A bot is one user. A request that the market refuses is logged and ends nothing, and a lost connection is restored.
    While the bot is away for longer than `grace`, the market cancels its open orders (the dead-man switch), and so it does
    when the bot ends. Bids and maxima bind in any case.
    """

    #: The market cancels the bot's open orders when it has been away for so long; None: they stay.
    grace: ClassVar[timedelta | None] = timedelta(seconds=30)
    #: Interval of `on_tick` in seconds.
    tick: ClassVar[float] = 1.0

    #: The connected client, for everything else.
    client: Client
    #: The public market, with all events up to the present one.
    market: Market
    #: The bot's own account, with all events up to the present one.
    account: AccountState
    #: The bot's number as a user.
    user: int

    # To override.

    async def on_start(self) -> None:
        """Market and account are known: at first, and again after a snapshot of either, without the events in between."""

    async def on_event(self, event: Event) -> None:
        """A public event, already applied to `self.market`."""

    async def on_account(self, event: m.AccountEvent) -> None:
        """An event of the bot's own account, already applied to `self.account`."""

    async def on_indicative(self, indicative: Indicative) -> None:
        """The result that a call auction would have now has changed."""

    async def on_tick(self, now: datetime) -> None:
        """Another `tick` has passed; `now` is the server's time."""

    async def on_refused(self, refused: Refused) -> None:
        """The market refused a request of the methods below."""
        log.info("refused, %s: %s", refused.code, refused)

    # To use: as the client's methods, but None when the market refuses.

    async def bid(self, lot: int | str, price: Decimal) -> BidPlaced | None:
        """Bids on an English lot, or takes a Dutch one."""
        return await self._unless_refused(self.client.bid(lot, price))

    async def bid_maximum(self, lot: int | str, maximum: Decimal) -> BidPlaced | None:
        """Lets the market bid up to a hidden maximum."""
        return await self._unless_refused(self.client.bid_maximum(lot, maximum))

    async def order(self, lot: int | str, side: m.Side, quantity: int, limit: Decimal | None = None) -> OrderPlaced | None:
        """Places an order."""
        return await self._unless_refused(self.client.order(lot, side, quantity, limit))

    async def replace(self, lot: int | str, order: int, quantity: int, limit: Decimal | None = None) -> None:
        """Changes an order."""
        await self._unless_refused(self.client.replace(lot, order, quantity, limit))

    async def cancel(self, lot: int | str, order: int) -> None:
        """Cancels an order."""
        await self._unless_refused(self.client.cancel(lot, order))

    def stop(self) -> None:
        """Ends the bot after the present method."""
        self._stopped.set()

    # Running.

    def run(self, address: str, name: str, password: str, **options: Any) -> None:
        """Runs the bot until it stops, or until Ctrl-C. `options` are those of Client."""
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self.start(address, name, password, **options))

    async def start(self, address: str, name: str, password: str, **options: Any) -> None:
        """Makes the account if it is not there, logs in, and runs until `stop`; at the end it logs out.

        Raises BadCredentials when the name is another's, and SessionRefused when its session is closed elsewhere.
        """
        self._stopped = asyncio.Event()
        async with Client(address, **options) as client:
            self.client = client
            with contextlib.suppress(NameTaken):
                await client.register(name, password)
            self.user = (await client.login(name, password)).user
            if self.grace is not None:
                await client.set_dead_man(self.grace)
            try:
                await self._serve()
            finally:
                # The switch fires at the end of the session.
                with contextlib.suppress(Refused, NotConnected, OutcomeUnknown):
                    await client.logout()

    async def _serve(self) -> None:
        watch, own = self.client.watch(), self.client.watch_account()
        sources: dict[str, Any] = {
            "stop": self._stopped.wait, "market": watch.next, "account": own.next, "tick": self._next_tick
        }
        # One update of each source at a time: while a method runs, nothing but the next one is applied.
        waiting: dict[str, asyncio.Task[Any]] = {}
        try:
            while True:
                for name, source in sources.items():
                    if name not in waiting:
                        waiting[name] = asyncio.create_task(source())
                await asyncio.wait(waiting.values(), return_when=asyncio.FIRST_COMPLETED)
                for name in [name for name, task in waiting.items() if task.done()]:
                    update = waiting.pop(name).result()
                    if self._stopped.is_set():
                        return
                    await self._handle(update)
        finally:
            for task in waiting.values():
                task.cancel()
            await asyncio.gather(*waiting.values(), return_exceptions=True)

    async def _handle(self, update: Update | AccountUpdate | datetime | None) -> None:
        match update:
            case Snapshot(market):
                self.market = market
            case AccountSnapshot(state):
                self.account = state
            case Reconnecting(because):
                log.warning("reconnecting: %s", because)
            case Gap(because):
                log.warning("the feed begins again: %s", because)
            case _:
                pass
        if not hasattr(self, "market") or not hasattr(self, "account"):
            return
        match update:
            case Snapshot() | AccountSnapshot():
                await self.on_start()
            case Event():
                await self.on_event(update)
            case Indicative():
                await self.on_indicative(update)
            case m.AccountEntry(event=event):
                await self.on_account(event)
            case datetime():
                await self.on_tick(update)
            case _:
                pass

    async def _next_tick(self) -> datetime | None:
        await asyncio.sleep(self.tick)
        try:
            return self.client.server_time()
        except NotConnected:
            return None

    async def _unless_refused(self, request: Coroutine[Any, Any, T]) -> T | None:
        try:
            return await request
        except Refused as refused:
            await self.on_refused(refused)
            return None
