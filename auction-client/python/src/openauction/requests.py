"""Requests in flight over a connection that is restored: each is carried out once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from openauction import messages as m
from openauction.connection import Address, Backoff, Connection, now_micros, unexpected
from openauction.errors import (
    ConnectionFailed,
    NotConnected,
    OtherMarket,
    OutcomeUnknown,
    SessionRefused,
    refusal,
)
from openauction.market import Assembler, FeedError

log = logging.getLogger("openauction")

#: Greatest number of requests in flight; the next one waits for an answer.
IN_FLIGHT_MAX = 64

# Requests that are not sent again after a lost connection: a second login would open a second session.
_NEVER = (m.Register, m.Login)
# Requests that only read the market, and so can be sent again without a session.
_ALWAYS = (
    m.Resume, m.GetSnapshot, m.GetHistory, m.GetMarketKey, m.GetCheckpoint, m.GetSealingKey, m.Envelope, m.OfferPeer,
    m.GetPeers, m.GetLots, m.GetTrades,
)


@dataclass(slots=True)
class Pending:
    """A request without an answer."""

    message: Any
    answer: asyncio.Future[Any]
    #: True once the request was sent: then it may have been carried out.
    sent: bool = False
    parts: Assembler = field(default_factory=Assembler)

    def fail(self, because: Exception) -> None:
        if self.answer.done():
            return
        if self.sent:
            self.answer.set_exception(_caused(OutcomeUnknown(
                f"no answer came, so it is not known whether this was done: {because}"), because))
        else:
            self.answer.set_exception(_caused(NotConnected(f"not sent: {because}"), because))

    def refuse(self, because: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(because)

    def succeed(self, answer: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class Requests:
    """Sends requests and returns their answers. A lost connection is restored: the session is resumed, and requests
    without an answer are sent again with their numbers, so that the market carries out each of them once.
    """

    def __init__(self, address: Address, program: str) -> None:
        self._address, self._program = address, program
        self._pending: dict[int, Pending] = {}
        self._room = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._wake = asyncio.Event()
        self._backoff = Backoff()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._lost: Exception = ConnectionFailed("not connected")
        self._is_closed = False
        #: True if the session has a dead-man switch: then the connection is restored even without requests.
        self._is_armed = False
        #: Token of the session, once logged in.
        self.token: bytes | None = None
        self.session: int | None = None
        self.user: m.LoggedIn | None = None
        self.welcome: m.Welcome | None = None

    async def open(self) -> None:
        """Connects for the first time; does nothing if it has. Raises ConnectionFailed."""
        if self._is_closed:
            raise NotConnected("the client was closed: make another")
        if self._task is not None:
            return
        connection = await Connection.open(self._address, self._program)
        self.welcome = connection.welcome
        self._connection = connection
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Ends the connection; requests without an answer fail."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for pending in self._take(lambda _: True):
            pending.fail(ConnectionFailed("the client was closed"))
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @property
    def connection(self) -> Connection | None:
        return self._connection

    async def ask(self, message: Any, timeout: float, number: int | None = None) -> tuple[int, Any]:
        """Sends a request; returns its number and its answer.

        Raises Refused, NotConnected (never sent) and OutcomeUnknown (sent, and no answer came in time).
        """
        if self._task is None or self._is_closed:
            raise NotConnected("not sent: the client is not open")
        async with self._room:
            number = self._next() if number is None else number
            if number in self._pending:
                raise ValueError(f"the request {number} is in flight already")
            pending = Pending(message, asyncio.get_running_loop().create_future())
            if self._connection is not None:
                self._connection.send(number, message)
                pending.sent = True
            else:
                # An invalid message is reported to its caller, not to the task that connects.
                _check(message)
            self._pending[number] = pending
            self._wake.set()
            try:
                async with asyncio.timeout(timeout):
                    if self._connection is not None:
                        await self._connection.drain()
                    return number, await pending.answer
            except TimeoutError as error:
                pending.answer = asyncio.get_running_loop().create_future()
                pending.fail(self._lost if self._connection is None else ConnectionFailed(
                    f"no answer within {timeout:g} s"))
                raise pending.answer.exception() or error from error
            finally:
                self._pending.pop(number, None)

    def _next(self) -> int:
        self._last = max(self._last + 1, now_micros())
        return self._last

    def _take(self, which: Any) -> list[Pending]:
        return [self._pending.pop(number) for number, each in list(self._pending.items()) if which(each)]

    async def _run(self) -> None:
        while True:
            if self._connection is None:
                if not self._pending and not self._is_armed:
                    self._wake.clear()
                    await self._wake.wait()
                await asyncio.sleep(self._backoff.next_wait())
                await self._reconnect()
                continue
            try:
                received = await self._connection.receive()
                self._handle(received.request, received.message)
                self._backoff.succeeded()
            except (ConnectionFailed, FeedError) as error:
                self._connection_lost(error)
            except Exception as error:
                # A bug here or in the server: nobody may wait in vain for it.
                log.exception("a message of the server could not be handled")
                self._connection_lost(error)

    def _connection_lost(self, because: Exception) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        self._lost = because
        for pending in self._pending.values():
            pending.parts = Assembler()
        for pending in self._take(lambda each: each.sent and isinstance(each.message, _NEVER)):
            pending.fail(because)

    async def _reconnect(self) -> None:
        try:
            connection = await Connection.open(self._address, self._program)
        except Exception as error:  # Each is a reason to try again.
            self._lost = error
            return
        try:
            async with asyncio.timeout(10):
                if self.token is not None:
                    await self._resume(connection, self.token)
        except SessionRefused as refused:
            self._session_gone(refused)
        except Exception as error:  # Each is a reason to try again.
            connection.abort()
            self._lost = error
            return
        before = self.welcome
        if before is not None and before.market != connection.welcome.market:
            # Requests meant for one market must not be sent to another.
            connection.abort()
            other = OtherMarket(before.market, connection.welcome.market)
            self._lost = other
            for pending in self._take(lambda _: True):
                pending.fail(other)
            return
        self.welcome = connection.welcome
        self._connection = connection
        for number, pending in sorted(self._pending.items()):
            connection.send(number, pending.message)
            pending.sent = True

    async def _resume(self, connection: Connection, token: bytes) -> None:
        number = self._next()
        connection.send(number, m.Resume(token=token))
        while True:
            received = await connection.receive()
            if received.request != number:
                continue
            if not isinstance(received.message, m.LoggedIn):
                raise unexpected(received.message)
            self._last = max(self._last, received.message.last_request)
            return

    def _session_gone(self, refused: SessionRefused) -> None:
        self.end_session()

        def is_lost(each: Pending) -> bool:
            return not isinstance(each.message, _NEVER + _ALWAYS)

        # A session that is gone remembers no numbers, so nothing can be repeated.
        for pending in self._take(is_lost):
            if pending.sent and isinstance(pending.message, m.Logout) and refused.code == "session_closed":
                pending.succeed(m.Accepted(feed_sequence=0, done="before", reply="done"))
            elif pending.sent:
                pending.fail(refused)
            else:
                pending.refuse(refused)

    def end_session(self) -> None:
        self.token = self.session = self.user = None
        self._is_armed = False

    def _handle(self, number: int, message: Any) -> None:
        pending = self._pending.get(number)
        if isinstance(message, m.Refused) and message.code == "shutting_down":
            # Nothing was done: requests that can be repeated are sent again when the server is back.
            raise ConnectionFailed(message.message)
        if isinstance(message, m.Refused) and message.code in ("session_closed", "session_expired"):
            self.end_session()
        if pending is None:
            return
        if isinstance(message, m.SnapshotPart):
            market = pending.parts.add(message)
            if market is not None:
                pending.succeed(market)
            return
        if isinstance(message, m.LoggedIn):
            self._logged_in(pending.message, message)
        armed = isinstance(message, m.Accepted) or (isinstance(message, m.Refused) and message.code == "unchanged")
        if isinstance(pending.message, m.SetDeadMan) and armed:
            self._is_armed = pending.message.grace is not None
        if isinstance(message, m.Refused):
            pending.refuse(refusal(message))
            return
        closes = isinstance(pending.message, m.CloseSession) and pending.message.session == self.session
        if isinstance(pending.message, m.Logout) or closes:
            self.end_session()
        pending.succeed(message)

    def _logged_in(self, asked: Any, answer: m.LoggedIn) -> None:
        self._last = max(self._last, answer.last_request)
        token = answer.token or (asked.token if isinstance(asked, m.Resume) else None)
        if token is not None:
            self.token, self.session, self.user = token, answer.session, answer


def _check(message: Any) -> None:
    from openauction.codec import dump_json

    dump_json(0, message)


def _caused(error: Exception, because: Exception) -> Exception:
    error.__cause__ = because
    return error
