"""The client: requests of one user, and watches of the market and of the account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from openauction import messages as m
from openauction import money
from openauction.account import AccountWatch
from openauction.connection import Address, Encoding, unexpected
from openauction.errors import NotConnected, NotSigned
from openauction.feed import Snapshot, Watch
from openauction.market import Market, dutch_price
from openauction.requests import Requests
from openauction.verify import MarketKey, check_continues, read_receipt, read_statement

#: Default time limit of a request in seconds, over as many connections as needed.
ANSWER_TIMEOUT = 30.0
#: Entries of one page of the activity.
_PAGE = 1_024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BidPlaced:
    """An accepted bid. It is durable."""

    lot: int
    #: True if the bidder leads.
    leads: bool
    #: The price when others see a change.
    price: Decimal | None
    #: The new close if the bid moved it.
    extended_to: datetime | None
    #: True if it bought the lot: at the buy-now price, or a Dutch lot.
    bought: bool
    #: Place of the feed from which on everyone sees it.
    feed_sequence: int
    #: Number of the request in the session, for `Client.receipt`.
    request: int
    #: True if an earlier copy of the same request had placed it.
    repeated: bool


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """An accepted order. It is durable."""

    lot: int
    #: Number of the order among the user's orders on this lot.
    order: int
    #: Number of the request in the session, for `Client.receipt`.
    request: int


@dataclass(frozen=True, slots=True)
class DayOrderPlaced:
    """An accepted order of a trading day, or a replacement. It is durable."""

    lot: int
    #: Number of the order among the user's orders on this lot.
    order: int
    #: Shares that traded at once.
    traded: int
    #: Sum of price x shares of them.
    value: Decimal
    #: What became of the rest.
    rest: m.DayRest
    #: Number of the request in the session, for `Client.receipt`.
    request: int


@dataclass(frozen=True, slots=True)
class Fill:
    """Shares that the user bought or sold in a lot that has closed."""

    lot: int
    symbol: str
    side: m.Side
    #: Number of the order; 0 for a bid.
    order: int
    #: Number of shares.
    filled: int
    #: Price of a share.
    price: Decimal
    #: Time of the user's last change to the bid or order.
    at: datetime


class Client:
    """A client of a market.

    ::

        async with Client("127.0.0.1:2022") as client:
            await client.login("mia", password)
            await client.bid("AAPL", Decimal("1.40"))

    Requests can be sent side by side; at most 64 are in flight. When the connection is lost, it is restored, the session
    is resumed, and requests without an answer are sent again with their numbers: each is carried out once. A request
    raises `Refused` (nothing was done; a class for each code), `NotConnected` (never sent) or `OutcomeUnknown` (sent,
    and no answer came within `timeout` seconds).

    `lot` is the number of a lot, or a symbol with exactly one open lot. The first symbol begins a watch of the market,
    which the client keeps up to date. Money is a `Decimal`; a float is refused with TypeError.
    """

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
        if isinstance(address, str):
            address = Address.parse(address, ca=ca, fingerprint=fingerprint, encoding=encoding)
        self._address, self._program, self._timeout = address, program, timeout
        self._requests = Requests(address, program)
        self._watches: list[Watch | AccountWatch] = []
        # The market in which symbols are looked up, and the task that keeps it up to date.
        self._symbols: Watch | None = None
        self._following: asyncio.Task[None] | None = None
        self._known = asyncio.Event()

    async def __aenter__(self) -> Client:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connects. Raises ConnectionFailed."""
        await self._requests.open()

    async def close(self) -> None:
        """Ends all connections. The session stays open on the server: `logout` closes it."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        for watch in self._watches:
            await watch.close()
        self._watches.clear()
        await self._requests.close()

    # The market.

    @property
    def market_id(self) -> bytes:
        """Id of the market."""
        return self._welcome().market

    def server_time(self) -> datetime:
        """Returns the server's time, by which lots open and close. Raises NotConnected while there is no connection."""
        connection = self._requests.connection
        if connection is None:
            raise NotConnected("there is no connection, and so no clock")
        return connection.clock.now()

    async def snapshot(self) -> Market:
        """Returns the public market as it is now."""
        return await self._ask(m.GetSnapshot(), Market)

    def watch(self, *symbols: str, key: MarketKey | None = None) -> Watch:
        """Follows the market, or these stocks alone: `async for update in client.watch()`.

        It connects when its first update is awaited. With the market's key every event is checked against its signature (`pip install 'openauction[verify]'`).
        """
        if symbols and key is not None:
            raise ValueError("the signed feed is of the whole market: leave out the symbols or the key")
        market = self._welcome().market
        watch = Watch(self._address, self._program, symbols=list(symbols) or None, key=key, expect=market)
        self._watches.append(watch)
        return watch

    async def lot(self, lot: int | str) -> m.Lot:
        """Returns a lot by its number, or the open lot of a symbol. Raises UnknownSymbol and AmbiguousSymbol."""
        try:
            return _find(await self._followed(), lot)
        except LookupError:
            # It may be newer than what was followed so far.
            return _find(await self.snapshot(), lot)

    async def history(self, lot: int | str, limit: int = 1_024) -> m.History:
        """Returns the newest bids of a lot; of a closed lot also the bids that were sealed."""
        return await self._ask(m.GetHistory(await self._number(lot), limit), m.History)

    async def least_winning(self, lot: int) -> m.WinningThreshold:
        """Returns what one would have needed to win a closed lot. Needs a login."""
        return (await self._ask(m.GetLeastWinning(lot), m.LeastWinning)).least

    # Accounts.

    async def register(self, name: str, password: str) -> int:
        """Makes a trader's account and returns its number. Raises NameTaken."""
        _, answer = await self._accepted(m.Register(name, password))
        return _reply(answer, m.ReplyRegistered).user

    async def login(self, name: str, password: str) -> m.LoggedIn:
        """Opens a session. Keep `client.token` to `resume` it later. Raises BadCredentials."""
        return await self._ask(m.Login(name, password), m.LoggedIn)

    async def resume(self, token: bytes) -> m.LoggedIn:
        """Goes on with a session, also after a restart of the server. Raises SessionRefused when it has ended."""
        return await self._ask(m.Resume(token), m.LoggedIn)

    async def logout(self) -> None:
        """Closes the session for good."""
        await self._accepted(m.Logout())

    @property
    def token(self) -> bytes | None:
        """Secret of the session, to `resume` it from another program; None: not logged in."""
        return self._requests.token

    @property
    def user(self) -> m.LoggedIn | None:
        """The user who is logged in."""
        return self._requests.user

    async def sessions(self) -> list[m.ListedSession]:
        """Returns the user's open sessions, the oldest first."""
        return (await self._ask(m.ListSessions(), m.Sessions)).sessions

    async def close_session(self, session: int) -> None:
        """Closes a session of the user."""
        await self._accepted(m.CloseSession(session))

    async def balance(self, user: int | None = None) -> m.Balance:
        """Returns cash and holdings, in a market on funds. Those of others are for auctioneers."""
        whole = await self._ask(m.GetBalance(user, None), m.Balance)
        holdings, page = list(whole.holdings), whole
        while page.follows == "more":
            page = await self._ask(m.GetBalance(user, page.holdings[-1].symbol), m.Balance)
            holdings += page.holdings
        return m.Balance(whole.user, whole.cash, whole.reserved, holdings, "nothing")

    def watch_account(self) -> AccountWatch:
        """Follows the user's own account: `async for update in client.watch_account()`. Raises NotConnected before a login."""
        if self.token is None:
            raise NotConnected("nobody is logged in: login or resume first")
        watch = AccountWatch(self._address, self._program, self._welcome().market, self.token)
        self._watches.append(watch)
        return watch

    async def set_dead_man(self, grace: timedelta | None) -> None:
        """Arms the dead-man switch of this session, or clears it (None).

        When no connection has spoken for the session for `grace`, the market cancels the user's open orders.
        """
        await self._accepted(m.SetDeadMan(grace))

    # Trading.

    async def bid(self, lot: int | str, price: Decimal) -> BidPlaced:
        """Bids a price for each share on an English lot, or takes a Dutch lot at no more than this. Other lots take an `order`."""
        number = await self._number(lot)
        return self._placed(number, await self._accepted(m.Bid(number, price)))

    async def bid_maximum(self, lot: int | str, maximum: Decimal) -> BidPlaced:
        """Lets the market bid on an English lot, up to a hidden maximum."""
        number = await self._number(lot)
        return self._placed(number, await self._accepted(m.BidMaximum(number, maximum)))

    async def take(self, lot: int | str, at_most: Decimal | None = None) -> BidPlaced:
        """Takes a Dutch lot at its current price, and for no more than `at_most`."""
        found = await self.lot(lot)
        price = dutch_price(found, self.server_time())
        return await self.bid(found.id, price if at_most is None else min(price, at_most))

    async def order(self, lot: int | str, side: m.Side, quantity: int, limit: Decimal | None = None) -> OrderPlaced:
        """Places a hidden order on a sealed (the whole quantity), uniform, pay-as-bid or call lot.

        Without a limit: a market order of a call auction.
        """
        number = await self._number(lot)
        request, answer = await self._accepted(m.PlaceOrder(number, side, quantity, limit))
        return OrderPlaced(number, _reply(answer, m.ReplyOrderPlaced).order, request)

    async def replace(self, lot: int | str, order: int, quantity: int, limit: Decimal | None = None) -> None:
        """Changes one of the user's own orders."""
        await self._accepted(m.ReplaceOrder(await self._number(lot), order, quantity, limit))

    async def cancel(self, lot: int | str, order: int) -> None:
        """Cancels one of the user's own orders."""
        await self._accepted(m.CancelOrder(await self._number(lot), order))

    async def orders(self, lot: int | str) -> list[m.OwnOrder]:
        """Returns the user's own orders on a lot: the open ones, and after the close what each got."""
        return (await self._ask(m.GetOrders(await self._number(lot)), m.Orders)).orders

    async def activity(self) -> AsyncIterator[m.ActivityEntry]:
        """Yields the user's bids and orders on all lots, open and closed, the newest lot first."""
        before: m.ActivityPlace | None = None
        while True:
            page = await self._ask(m.GetActivity(before, _PAGE), m.Activity)
            for entry in page.entries:
                yield entry
            before = page.next
            if before is None:
                return

    async def fills(self) -> list[Fill]:
        """Returns what the user bought and sold, the newest lot first."""
        fills = []
        async for entry in self.activity():
            what = entry.what
            if isinstance(what, m.ActivityCancelled) or not isinstance(what.state, m.OrderClosed):
                continue
            filled, price = what.state.filled, what.state.price
            if not filled or price is None:
                continue
            side, order = (what.side, what.order) if isinstance(what, m.OwnOrder) else ("buy", 0)
            fills.append(Fill(entry.lot, entry.symbol, side, order, filled, price, entry.at))
        return fills

    async def publish_profit(self, symbol: str, security: str, profit: Decimal) -> None:
        """Publishes the profit of the user's company; the security code must be the stock's."""
        await self._accepted(m.PublishProfit(symbol, security, profit))

    # The trading day.

    async def place_day_order(
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
        """Places an order on a trading day. Without a limit: a market order.

        A good-till-time order has `time_in_force=TimeInForceUntil(at)`. `self_trade` decides what happens when it meets
        an order of the same trader in continuous trading.
        """
        number = await self._number(lot)
        order = m.DayOrder(side, quantity, limit, time_in_force, post_only, self_trade)
        return _day_order(number, await self._accepted(m.PlaceDayOrder(number, order)))

    async def replace_day_order(
        self, lot: int | str, order: int, quantity: int, limit: Decimal | None = None, *, believed: int | None = None
    ) -> DayOrderPlaced:
        """Replaces the open quantity and the limit of an order on a trading day; its number stays.

        It keeps its place if the limit is the same and the quantity not raised. Raises `refusals.OpenDiffers` if its
        open quantity is not the `believed` one.
        """
        number = await self._number(lot)
        return _day_order(number, await self._accepted(m.ReplaceDayOrder(number, order, quantity, limit, believed)))

    async def cancel_all(self, lot: int | str | None = None, *, trader: int | None = None) -> m.ReplyAllCancelled:
        """Cancels all orders on call auctions and trading days, or those of a lot, and returns how many.

        `kept` orders could not be cancelled. With `more` ask again for the others. Those of other traders are for
        auctioneers.
        """
        number = None if lot is None else await self._number(lot)
        _, answer = await self._accepted(m.CancelAll(trader, number))
        return _reply(answer, m.ReplyAllCancelled)

    async def get_trades(
        self, lot: int | str, *, after: int = 0, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[m.DayTrade]:
        """Yields the trades of a trading day behind the one with the number `after`, the oldest first.

        Only those from `since` on and before `until`.
        """
        number = await self._number(lot)
        while True:
            page = await self._ask(m.GetTrades(number, after, since, until, _PAGE), m.Trades)
            for trade in page.trades:
                yield trade
            if page.follows == "nothing" or not page.trades:
                return
            after = page.trades[-1].number

    async def get_lots(self, of: int | str) -> m.Lots:
        """Returns one lot by its number, or the lots of a stock that have not closed and the newest that has."""
        return await self._ask(m.GetLots(m.LotsOfLot(of) if isinstance(of, int) else m.LotsOfSymbol(of)), m.Lots)

    # Auctioneers.

    async def open_lot(
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
        _, answer = await self._accepted(m.OpenLot(symbol, quantity, opens_at, closes_at, terms, reserve))
        return _reply(answer, m.ReplyLotOpened).lot

    async def extend_lot(self, lot: int, closes_at: datetime) -> None:
        """Moves the close of a lot to a later time."""
        await self._accepted(m.ExtendLot(lot, closes_at))

    async def close_lot(self, lot: int) -> None:
        """Settles a lot now, by its rules."""
        await self._accepted(m.CloseLot(lot))

    async def cancel_lot(self, lot: int) -> None:
        """Takes a lot back before its first bid."""
        await self._accepted(m.CancelLot(lot))

    async def halt_lot(self, lot: int) -> None:
        """Stops the time of a lot: it takes nothing but cancels."""
        await self._accepted(m.HaltLot(lot))

    async def resume_lot(self, lot: int) -> None:
        """Lets a halted lot go on, later by as long as it was halted."""
        await self._accepted(m.ResumeLot(lot))

    async def move_phase(self, lot: int, phase: int, ends_at: datetime) -> None:
        """Moves the end of a phase of a trading day, named by its position in the schedule, from 0."""
        await self._accepted(m.MovePhase(lot, phase, ends_at))

    async def halt_all(self) -> None:
        """Halts the whole market: it takes nothing but cancels, and its time stops."""
        await self._accepted(m.HaltAll())

    async def resume_all(self) -> None:
        """Lets a halted market go on, later by as long as it was halted."""
        await self._accepted(m.ResumeAll())

    async def set_limits(self, limits: m.TraderLimits | None, *, trader: int | None = None) -> None:
        """Sets the limits of a trader on trading days, or of every trader without limits of their own.

        None: a trader has those of every trader again, or every trader none.
        """
        await self._accepted(m.SetLimits(trader, limits))

    async def suspend(self, user: int) -> None:
        """Suspends a user, who can do nothing more; what they have bid binds."""
        await self._accepted(m.SuspendUser(user))

    async def reinstate(self, user: int) -> None:
        """Ends the suspension of a user."""
        await self._accepted(m.ReinstateUser(user))

    async def deposit(self, user: int, asset: m.Asset) -> None:
        """Pays `Cash` or `Shares` into a trader's account, in a market on funds."""
        await self._accepted(m.Deposit(user, asset))

    async def withdraw(self, user: int, asset: m.Asset) -> None:
        """Pays what is free of `Cash` or `Shares` out of a trader's account."""
        await self._accepted(m.Withdraw(user, asset))

    # Proofs.

    async def market_key(self) -> MarketKey:
        """Returns the key that the market signs with. Keep it at the first time, and compare its fingerprint."""
        key = await self._ask(m.GetMarketKey(), m.MarketKey)
        return MarketKey(key.market, key.key)

    async def checkpoint(self, key: MarketKey, kept: m.SignedCheckpoint | None = None) -> m.SignedCheckpoint:
        """Returns the newest signed checkpoint of the journal, proven to go on from a kept one.

        Raises NotSigned when it is not signed with the key, or does not go on from the kept one: keep both then.
        """
        since = read_statement(key, kept).checkpoint.sequence if kept is not None else None
        newest = await self._ask(m.GetCheckpoint(since), m.SignedCheckpoint)
        if kept is None:
            read_statement(key, newest)
        else:
            check_continues(key, kept, newest)
        return newest

    async def receipt(self, key: MarketKey, *, request: int | None = None, record: int | None = None) -> m.Receipt:
        """Returns the signed proof that a request of this session, or a record of this user, is in the journal.

        Checked before it is returned; `openauction.verify.read_receipt` checks it again, without the market.
        """
        if (request is None) == (record is None):
            raise ValueError("name either a request or a record")
        of: m.ReceiptOf = m.ReceiptOfRequest(request) if request is not None else m.ReceiptOfRecord(record or 0)
        receipt = await self._ask(m.GetReceipt(of), m.Receipt)
        proven = read_receipt(key, receipt)
        is_other = proven.sequence != record if record is not None else (
            proven.request is not None and proven.request[1] != request
        )
        if is_other:
            raise NotSigned(f"the market sent the receipt of record {proven.sequence}, which was not requested")
        return receipt

    # Any request.

    async def request(self, message: m.ClientMessage, number: int | None = None) -> m.ServerMessage | Market:
        """Sends any message of the protocol and returns its answer.

        With `number` it repeats an earlier request of the session whose outcome is unknown.
        """
        _, answer = await self._requests.ask(message, self._timeout, number)
        found: m.ServerMessage | Market = answer
        return found

    # Inside.

    def _welcome(self) -> m.Welcome:
        if self._requests.welcome is None:
            raise NotConnected("the client is not open: write `async with Client(...) as client`")
        return self._requests.welcome

    async def _ask(self, message: Any, kind: type[T]) -> T:
        _, answer = await self._requests.ask(message, self._timeout)
        if not isinstance(answer, kind):
            raise unexpected(answer)
        return answer

    async def _accepted(self, message: Any) -> tuple[int, m.Accepted]:
        number, answer = await self._requests.ask(message, self._timeout)
        if not isinstance(answer, m.Accepted):
            raise unexpected(answer)
        return number, answer

    @staticmethod
    def _placed(lot: int, accepted: tuple[int, m.Accepted]) -> BidPlaced:
        request, answer = accepted
        bid = _reply(answer, m.BidReply)
        return BidPlaced(
            lot, bid.leads, bid.price, bid.extended_to, bid.bought, answer.feed_sequence, request, answer.done == "before"
        )

    async def _number(self, lot: int | str) -> int:
        return lot if isinstance(lot, int) else (await self.lot(lot)).id

    async def _followed(self) -> Market:
        """The market as the client follows it: a snapshot at the first use, from then on its changes alone."""
        if self._following is None:
            self._symbols = self.watch()
            self._following = asyncio.create_task(self._follow(self._symbols))
        known = asyncio.create_task(self._known.wait())
        await asyncio.wait([known, self._following], timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
        if known.done() and self._symbols is not None:
            return self._symbols.market
        known.cancel()
        failed = self._following.exception() if self._following.done() else None
        self._following = None
        raise NotConnected("the market is not known: no snapshot came in time") from failed

    async def _follow(self, watch: Watch) -> None:
        async for update in watch:
            if isinstance(update, Snapshot):
                self._known.set()


def _find(market: Market, lot: int | str) -> m.Lot:
    return market.open_lot(lot) if isinstance(lot, str) else market.lot(lot)


def _day_order(lot: int, accepted: tuple[int, m.Accepted]) -> DayOrderPlaced:
    request, answer = accepted
    reply = _reply(answer, m.DayReply)
    return DayOrderPlaced(lot, reply.order, reply.traded, money.decimal(reply.value), reply.rest, request)


def _reply(accepted: m.Accepted, kind: type[T]) -> T:
    if not isinstance(accepted.reply, kind):
        raise unexpected(accepted)
    return accepted.reply
