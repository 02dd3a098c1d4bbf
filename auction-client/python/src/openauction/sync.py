"""The client without asyncio, for scripts and notebooks: the same methods, which wait for their answers.

    with Client("127.0.0.1:2022") as client:
        client.login("mia", password)
        client.bid("AAPL", Decimal("1.40"))
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from openauction import account, client, feed
from openauction import messages as m
from openauction.client import ANSWER_TIMEOUT, BidPlaced, DayOrderPlaced, Fill, OrderPlaced
from openauction.connection import Address, Encoding
from openauction.market import Market
from openauction.verify import MarketKey

T = TypeVar("T")
U = TypeVar("U")


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openauction", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            # Such as Ctrl-C: nobody waits for the answer any more.
            future.cancel()
            raise

    def call(self, make: Callable[[], T]) -> T:
        async def made() -> T:
            return make()

        return self.run(made())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Updates(Generic[U]):
    """Updates of a watch, as an iterator."""

    def __init__(self, loop: _Loop, watch: Any) -> None:
        self._loop, self._watch = loop, watch

    def __iter__(self) -> Iterator[U]:
        return self

    def __next__(self) -> U:
        return self.next()

    def next(self, timeout: float | None = None) -> U:
        """Waits for the next update. Raises TimeoutError after `timeout` seconds; nothing is lost then."""

        async def wait() -> U:
            async with asyncio.timeout(timeout):
                update: U = await self._watch.next()
                return update

        return self._loop.run(wait())

    def close(self) -> None:
        """Ends the connection."""
        self._loop.run(self._watch.close())


class Watch(Updates[feed.Update]):
    """The public market as it changes."""

    @property
    def market(self) -> Market:
        """The market after the last update. Raises LookupError before the first one."""
        market: Market = self._watch.market
        return market


class AccountWatch(Updates[account.AccountUpdate]):
    """The user's own account as it changes."""

    @property
    def state(self) -> account.AccountState:
        """The state after the last update."""
        state: account.AccountState = self._watch.state
        return state


class Client:
    """A client of a market, as `openauction.Client`."""

    def __init__(
        self,
        address: str | Address,
        *,
        ca: str | None = None,
        fingerprint: str | None = None,
        encoding: Encoding = "json",
        program: str = "openauction-python/0.1.0",
        timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self._loop = _Loop()
        try:
            self._client = self._loop.call(lambda: client.Client(
                address, ca=ca, fingerprint=fingerprint, encoding=encoding, program=program, timeout=timeout))
        except BaseException:
            self._loop.stop()
            raise

    def __enter__(self) -> Client:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connects. Raises ConnectionFailed."""
        try:
            self._loop.run(self._client.open())
        except BaseException:
            self._loop.stop()
            raise

    def close(self) -> None:
        """Ends all connections, and the client."""
        self._loop.run(self._client.close())
        self._loop.stop()

    # The market.

    @property
    def market_id(self) -> bytes:
        """Id of the market."""
        return self._client.market_id

    def server_time(self) -> datetime:
        """Returns the server's time."""
        return self._client.server_time()

    def snapshot(self) -> Market:
        """Returns the public market as it is now."""
        return self._loop.run(self._client.snapshot())

    def watch(self, *symbols: str, key: MarketKey | None = None) -> Watch:
        """Follows the market, or these stocks alone."""
        return Watch(self._loop, self._loop.call(lambda: self._client.watch(*symbols, key=key)))

    def lot(self, lot: int | str) -> m.Lot:
        """Returns a lot by its number, or the open lot of a symbol."""
        return self._loop.run(self._client.lot(lot))

    def history(self, lot: int | str, limit: int = 1_024) -> m.History:
        """Returns the newest bids of a lot."""
        return self._loop.run(self._client.history(lot, limit))

    def least_winning(self, lot: int) -> m.WinningThreshold:
        """Returns what one would have needed to win a closed lot."""
        return self._loop.run(self._client.least_winning(lot))

    # Accounts.

    def register(self, name: str, password: str) -> int:
        """Makes a trader's account and returns its number."""
        return self._loop.run(self._client.register(name, password))

    def login(self, name: str, password: str) -> m.LoggedIn:
        """Opens a session."""
        return self._loop.run(self._client.login(name, password))

    def resume(self, token: bytes) -> m.LoggedIn:
        """Goes on with a session."""
        return self._loop.run(self._client.resume(token))

    def logout(self) -> None:
        """Closes the session for good."""
        self._loop.run(self._client.logout())

    @property
    def token(self) -> bytes | None:
        """Secret of the session, to `resume` it from another program."""
        return self._client.token

    @property
    def user(self) -> m.LoggedIn | None:
        """The user who is logged in."""
        return self._client.user

    def sessions(self) -> list[m.ListedSession]:
        """Returns the user's open sessions."""
        return self._loop.run(self._client.sessions())

    def close_session(self, session: int) -> None:
        """Closes a session of the user."""
        self._loop.run(self._client.close_session(session))

    def balance(self, user: int | None = None) -> m.Balance:
        """Returns cash and holdings, in a market on funds."""
        return self._loop.run(self._client.balance(user))

    def watch_account(self) -> AccountWatch:
        """Follows the user's own account."""
        return AccountWatch(self._loop, self._loop.call(self._client.watch_account))

    def set_dead_man(self, grace: timedelta | None) -> None:
        """Arms the dead-man switch of this session, or clears it."""
        self._loop.run(self._client.set_dead_man(grace))

    # Trading.

    def bid(self, lot: int | str, price: Decimal) -> BidPlaced:
        """Bids a price for each share on an English lot, or takes a Dutch lot at no more than this."""
        return self._loop.run(self._client.bid(lot, price))

    def bid_maximum(self, lot: int | str, maximum: Decimal) -> BidPlaced:
        """Lets the market bid on an English lot, up to a hidden maximum."""
        return self._loop.run(self._client.bid_maximum(lot, maximum))

    def take(self, lot: int | str, at_most: Decimal | None = None) -> BidPlaced:
        """Takes a Dutch lot at its current price, and for no more than `at_most`."""
        return self._loop.run(self._client.take(lot, at_most))

    def order(self, lot: int | str, side: m.Side, quantity: int, limit: Decimal | None = None) -> OrderPlaced:
        """Places a hidden order on a sealed, uniform, pay-as-bid or call lot."""
        return self._loop.run(self._client.order(lot, side, quantity, limit))

    def replace(self, lot: int | str, order: int, quantity: int, limit: Decimal | None = None) -> None:
        """Changes one of the user's own orders."""
        self._loop.run(self._client.replace(lot, order, quantity, limit))

    def cancel(self, lot: int | str, order: int) -> None:
        """Cancels one of the user's own orders."""
        self._loop.run(self._client.cancel(lot, order))

    def orders(self, lot: int | str) -> list[m.OwnOrder]:
        """Returns the user's own orders on a lot."""
        return self._loop.run(self._client.orders(lot))

    def activity(self) -> Iterator[m.ActivityEntry]:
        """Yields the user's bids and orders on all lots."""
        entries = self._client.activity()
        while True:
            try:
                yield self._loop.run(_next(entries))
            except StopAsyncIteration:
                return

    def fills(self) -> list[Fill]:
        """Returns what the user bought and sold."""
        return self._loop.run(self._client.fills())

    def publish_profit(self, symbol: str, security: str, profit: Decimal) -> None:
        """Publishes the profit of the user's company."""
        self._loop.run(self._client.publish_profit(symbol, security, profit))

    # The trading day.

    def place_day_order(
        self,
        lot: int | str,
        side: m.Side,
        quantity: int,
        limit: Decimal | None = None,
        *,
        time_in_force: m.TimeInForce = "day",
        post_only: bool = False,
        self_trade: m.SelfTrade = "refuse",
    ) -> DayOrderPlaced:
        """Places an order on a trading day."""
        return self._loop.run(self._client.place_day_order(
            lot, side, quantity, limit, time_in_force=time_in_force, post_only=post_only, self_trade=self_trade))

    def replace_day_order(
        self, lot: int | str, order: int, quantity: int, limit: Decimal | None = None, *, believed: int | None = None
    ) -> DayOrderPlaced:
        """Replaces the open quantity and the limit of an order on a trading day."""
        return self._loop.run(self._client.replace_day_order(lot, order, quantity, limit, believed=believed))

    def cancel_all(self, lot: int | str | None = None, *, trader: int | None = None) -> m.ReplyAllCancelled:
        """Cancels all orders on call auctions and trading days, or those of a lot."""
        return self._loop.run(self._client.cancel_all(lot, trader=trader))

    def get_trades(
        self, lot: int | str, *, after: int = 0, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[m.DayTrade]:
        """Yields the trades of a trading day, the oldest first."""
        trades = self._client.get_trades(lot, after=after, since=since, until=until)
        while True:
            try:
                yield self._loop.run(_next(trades))
            except StopAsyncIteration:
                return

    def get_lots(self, of: int | str) -> m.Lots:
        """Returns one lot by its number, or lots of a stock."""
        return self._loop.run(self._client.get_lots(of))

    # Auctioneers.

    def open_lot(
        self,
        symbol: str,
        terms: m.Terms,
        closes_at: datetime,
        *,
        quantity: int = 1,
        opens_at: datetime | None = None,
        reserve: Decimal | None = None,
    ) -> int:
        """Opens a lot, now or at a time, and returns its number."""
        return self._loop.run(self._client.open_lot(
            symbol, terms, closes_at, quantity=quantity, opens_at=opens_at, reserve=reserve))

    def extend_lot(self, lot: int, closes_at: datetime) -> None:
        """Moves the close of a lot to a later time."""
        self._loop.run(self._client.extend_lot(lot, closes_at))

    def close_lot(self, lot: int) -> None:
        """Settles a lot now."""
        self._loop.run(self._client.close_lot(lot))

    def cancel_lot(self, lot: int) -> None:
        """Takes a lot back before its first bid."""
        self._loop.run(self._client.cancel_lot(lot))

    def halt_lot(self, lot: int) -> None:
        """Stops the time of a lot."""
        self._loop.run(self._client.halt_lot(lot))

    def resume_lot(self, lot: int) -> None:
        """Lets a halted lot go on."""
        self._loop.run(self._client.resume_lot(lot))

    def move_phase(self, lot: int, phase: int, ends_at: datetime) -> None:
        """Moves the end of a phase of a trading day."""
        self._loop.run(self._client.move_phase(lot, phase, ends_at))

    def halt_all(self) -> None:
        """Halts the whole market."""
        self._loop.run(self._client.halt_all())

    def resume_all(self) -> None:
        """Lets a halted market go on."""
        self._loop.run(self._client.resume_all())

    def set_limits(self, limits: m.TraderLimits | None, *, trader: int | None = None) -> None:
        """Sets the limits of a trader on trading days, or of every trader."""
        self._loop.run(self._client.set_limits(limits, trader=trader))

    def suspend(self, user: int) -> None:
        """Suspends a user."""
        self._loop.run(self._client.suspend(user))

    def reinstate(self, user: int) -> None:
        """Ends the suspension of a user."""
        self._loop.run(self._client.reinstate(user))

    def deposit(self, user: int, asset: m.Asset) -> None:
        """Pays into a trader's account."""
        self._loop.run(self._client.deposit(user, asset))

    def withdraw(self, user: int, asset: m.Asset) -> None:
        """Pays out of a trader's account."""
        self._loop.run(self._client.withdraw(user, asset))

    # Proofs.

    def market_key(self) -> MarketKey:
        """Returns the key that the market signs with."""
        return self._loop.run(self._client.market_key())

    def checkpoint(self, key: MarketKey, kept: m.SignedCheckpoint | None = None) -> m.SignedCheckpoint:
        """Returns the newest signed checkpoint of the journal."""
        return self._loop.run(self._client.checkpoint(key, kept))

    def receipt(self, key: MarketKey, *, request: int | None = None, record: int | None = None) -> m.Receipt:
        """Returns the signed proof that a request is in the journal."""
        return self._loop.run(self._client.receipt(key, request=request, record=record))

    # Any request.

    def request(self, message: m.ClientMessage, number: int | None = None) -> m.ServerMessage | Market:
        """Sends any message of the protocol and returns its answer."""
        return self._loop.run(self._client.request(message, number))


async def _next(entries: AsyncIterator[T]) -> T:
    return await anext(entries)
