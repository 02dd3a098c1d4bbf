"""Following the user's own account: its state, then every event of it, over a connection that is restored."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from openauction import messages as m
from openauction import money
from openauction.connection import Address, Backoff, Connection, unexpected
from openauction.errors import AuctionError, ConnectionFailed, OtherMarket, SessionRefused
from openauction.feed import Reconnecting

_RESUME, _WATCH = 3, 4


@dataclass(slots=True)
class AccountState:
    """State of an account."""

    #: Open sessions with a dead-man switch.
    dead_men: list[m.DeadManOf] = field(default_factory=list)
    #: Lots that the user leads, and the user's highest offer on each.
    leads: list[m.StandingLead] = field(default_factory=list)
    #: Orders on lots that have not closed.
    orders: list[m.StandingOrder] = field(default_factory=list)
    #: Orders on trading days that have not closed; `content.quantity` is what is open.
    day_orders: list[m.StandingDayOrder] = field(default_factory=list)

    def apply(self, event: m.AccountEvent) -> None:
        """Applies an event."""
        match event:
            case m.AccountOrderPlaced(lot, order, side, quantity, limit):
                self.orders.append(m.StandingOrder(lot, order, side, quantity, limit))
            case m.AccountOrderReplaced(lot, order, quantity, limit):
                self.orders = [
                    replace(each, quantity=quantity, limit=limit) if (each.lot, each.order) == (lot, order) else each
                    for each in self.orders
                ]
            case (
                m.AccountOrderCancelled(lot=lot, order=order)
                | m.AccountOrderFilled(lot=lot, order=order)
                | m.AccountOrderLapsed(lot=lot, order=order)
            ):
                self.orders = [each for each in self.orders if (each.lot, each.order) != (lot, order)]
                self._day_order(lot, order, open=0)
            case m.AccountDayOrderAccepted(lot, order, content):
                self.day_orders.append(m.StandingDayOrder(lot, m.OwnDayOrder(order, content, 0, 0, "parked")))
            case m.AccountDayOrderReplaced(lot, order, quantity, limit):
                self._day_order(lot, order, open=quantity)
                self.day_orders = [
                    replace(each, order=replace(each.order, content=replace(each.order.content, limit=limit)))
                    if (each.lot, each.order.order) == (lot, order) else each
                    for each in self.day_orders
                ]
            case m.AccountDayOrderParked(lot, order, shares):
                self._day_order(lot, order, open=shares, state="parked")
            case m.AccountDayOrderRests(lot, order, shares):
                self._day_order(lot, order, open=shares, state="resting")
            case m.AccountDayOrderFilled(lot=lot, order=order, price=price, quantity=quantity, left=shares):
                self._day_order(lot, order, open=shares, traded=quantity, value=quantity * money.units(price))
            case m.AccountDayOrdersDecremented():
                self._day_order(event.lot, event.resting, open=event.resting_left)
                self._day_order(event.lot, event.incoming, open=event.incoming_left)
            case m.AccountDayOrderLapsed(lot=lot, order=order):
                self._day_order(lot, order, open=0)
            case m.AccountLeads(lot, offer):
                self.leads = [each for each in self.leads if each.lot != lot] + [m.StandingLead(lot, offer)]
            case m.AccountOutbid(lot=lot) | m.AccountWon(lot=lot) | m.AccountUnsold(lot=lot):
                self.leads = [each for each in self.leads if each.lot != lot]
            case m.AccountDeadManSet(session, grace):
                self._clear(session)
                if grace is not None:
                    self.dead_men.append(m.DeadManOf(session, grace))
            case m.AccountSessionClosed(session):
                self._clear(session)
            case _:
                pass

    def _day_order(
        self, lot: int, order: int, *, open: int, traded: int = 0, value: int = 0, state: m.DayOrderState | None = None
    ) -> None:
        """Changes an order of a trading day; with nothing open it is gone."""
        for at, each in enumerate(self.day_orders):
            if (each.lot, each.order.order) != (lot, order):
                continue
            own = each.order
            self.day_orders[at : at + 1] = [] if open == 0 else [replace(each, order=replace(
                own, content=replace(own.content, quantity=open), traded=own.traded + traded, value=own.value + value,
                state=state or own.state,
            ))]
            return

    def _clear(self, session: int) -> None:
        self.dead_men = [each for each in self.dead_men if each.session != session]


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """A new state: at the beginning, after a lost connection, or because the reader was too slow for single events."""

    state: AccountState


AccountUpdate: TypeAlias = m.AccountEntry | AccountSnapshot | Reconnecting


class AccountWatch:
    """The user's account as it changes, as an asynchronous iterator; `state` is the state after the last update.

    It ends with SessionRefused when the session ends: log in again. There is no place to resume from: after a lost
    connection the newest state comes, without the events in between. What lots that closed meanwhile brought is public.
    """

    def __init__(self, address: Address, program: str, market: bytes, token: bytes) -> None:
        self._address, self._program, self._market, self._token = address, program, market, token
        self.state = AccountState()
        self._connection: Connection | None = None
        self._backoff = Backoff()
        self._wait = 0.0
        self._entries: deque[m.AccountEntry] = deque()
        self._snapshots: deque[AccountState] = deque()
        self._parts: AccountState | None = None
        self._session: int | None = None

    def __aiter__(self) -> AccountWatch:
        return self

    async def __anext__(self) -> AccountUpdate:
        return await self.next()

    async def __aenter__(self) -> AccountWatch:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def next(self) -> AccountUpdate:
        """Waits for the next update. Raises SessionRefused once the session has ended."""
        while True:
            if self._entries:
                entry = self._entries.popleft()
                self.state.apply(entry.event)
                if isinstance(entry.event, m.AccountSessionClosed) and entry.event.session == self._session:
                    # The answer to the next resume gives the reason.
                    self._drop(0.0)
                return entry
            if self._snapshots:
                self.state = self._snapshots.popleft()
                return AccountSnapshot(self.state)
            try:
                if self._connection is None:
                    await self._connect()
                assert self._connection is not None
                self._handle((await self._connection.receive()).message)
                self._backoff.succeeded()
            except (OtherMarket, SessionRefused):
                raise
            except (ConnectionFailed, AuctionError) as error:
                self._drop(self._backoff.next_wait())
                return Reconnecting(error, self._wait)

    async def _connect(self) -> None:
        await asyncio.sleep(self._wait)
        connection = await Connection.open(self._address, self._program)
        if connection.welcome.market != self._market:
            connection.abort()
            raise OtherMarket(self._market, connection.welcome.market)
        connection.send(_RESUME, m.Resume(self._token))
        connection.send(_WATCH, m.WatchAccount())
        self._connection, self._parts = connection, None

    def _handle(self, message: Any) -> None:
        match message:
            case m.LoggedIn(session=session):
                self._session = session
            case m.AccountFeed(entries):
                self._entries.extend(entries)
            case m.Account() | m.DayOrders():
                self._part(message)
            case m.Refused() | m.Goodbye():
                raise unexpected(message)
            case _:
                pass

    def _part(self, part: m.Account | m.DayOrders) -> None:
        if part.index == 0:
            self._parts = AccountState()
        if self._parts is None:
            return
        if isinstance(part, m.DayOrders):
            self._parts.day_orders += part.orders
        else:
            self._parts.dead_men += part.dead_men
            self._parts.leads += part.leads
            self._parts.orders += part.orders
        if part.follows == "nothing":
            self._snapshots.append(self._parts)
            self._parts = None

    def _drop(self, wait: float) -> None:
        self._wait = wait
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
