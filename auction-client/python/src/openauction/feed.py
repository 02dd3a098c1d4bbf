"""Following the market: a snapshot, then every public event, checked for gaps and against the server's digest, over a
connection that is restored. Signed by the market if a key is given.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from openauction import messages as m
from openauction.connection import Address, Backoff, Connection, ServerClock, unexpected
from openauction.errors import AuctionError, ConnectionFailed, OtherMarket
from openauction.market import Assembler, Event, FeedError, Market
from openauction.verify import FeedVerifier, MarketKey

_WATCH = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The market was replaced by a snapshot: read all of it. Events since the last one are in it, not reported singly."""

    #: The market, as it is at this moment; it changes with the events that follow.
    market: Market


@dataclass(frozen=True, slots=True)
class Live:
    """The connection is restored, and nothing was missed: the events in between follow."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The feed does not fit the market kept here; a snapshot follows."""

    #: Reason, for people. `journal_lost`: the server has lost events that it had sent; inform the operator.
    because: str


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection was lost; the next attempt follows after a wait."""

    #: Reason of the loss, or of the last failed attempt.
    because: Exception
    #: Wait before the next attempt, in seconds.
    wait: float


@dataclass(frozen=True, slots=True)
class Indicative:
    """The changed result that an uncross of a call auction would have now; of several in quick succession the newest."""

    lot: int
    at: datetime
    result: m.IndicativeResult
    #: Aggregated orders of an open book.
    depth: m.BookDepth | None


@dataclass(frozen=True, slots=True)
class Equivocation:
    """The market has signed two contradicting statements. Keep both: anyone who has the market's key can check them."""

    because: str
    first: Any
    second: Any


Update: TypeAlias = Event | Snapshot | Live | Gap | Reconnecting | Indicative | Equivocation


class Watch:
    """The public market as it changes, as an asynchronous iterator that never ends by itself.

    `market` is the market right after the update that was returned last. No gap goes unreported: a lost connection is a
    Reconnecting, and after it the feed resumes at its place (Live) or begins again (Snapshot).
    """

    def __init__(
        self,
        address: Address,
        program: str,
        *,
        symbols: list[str] | None = None,
        key: MarketKey | None = None,
        expect: bytes | None = None,
    ) -> None:
        self._address, self._program, self._symbols = address, program, symbols
        self._verifier = FeedVerifier(key) if key is not None else None
        self._expect = expect if key is None else key.market
        self._market: Market | None = None
        self._connection: Connection | None = None
        self._backoff = Backoff()
        self._wait = 0.0
        self._updates: deque[Update] = deque()
        self._entries: deque[tuple[datetime, m.PublicEvent]] = deque()
        self._through: int | None = None
        self._parts = Assembler(is_view=symbols is not None)
        self._is_sound = False
        self._because: str | None = None

    @property
    def market(self) -> Market:
        """The market. Raises LookupError before the first update."""
        if self._market is None:
            raise LookupError("the market is known from the first update on")
        return self._market

    @property
    def clock(self) -> ServerClock | None:
        """The server's clock; None while there is no connection."""
        return self._connection.clock if self._connection is not None else None

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Update:
        return await self.next()

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def next(self) -> Update:
        """Waits for the next update. Nothing is lost when it is cancelled."""
        while True:
            try:
                if self._updates:
                    return self._updates.popleft()
                if self._entries:
                    return self._apply()
                if self._connection is None:
                    await self._connect()
                    continue
                received = await self._connection.receive()
                self._handle(received.request, received.message)
                self._backoff.succeeded()
            except FeedError as error:
                self._gap(str(error))
            except (ConnectionFailed, AuctionError) as error:
                if isinstance(error, OtherMarket):
                    raise
                self._lost(error)

    def _apply(self) -> Update:
        at, event = self._entries.popleft()
        market = self.market
        applied = market.apply(at, event)
        if not self._entries and self._through is not None:
            market.feed_sequence, self._through = self._through, None
        self._check_signed()
        return applied

    async def _connect(self) -> None:
        await asyncio.sleep(self._wait)
        # Until this attempt has succeeded, the next one waits.
        self._wait = self._backoff.next_wait()
        connection = await Connection.open(self._address, self._program)
        found = connection.welcome.market
        if self._expect is not None and found != self._expect:
            connection.abort()
            raise OtherMarket(self._expect, found)
        self._expect = found
        self._connection = connection
        self._parts = Assembler(is_view=self._symbols is not None)
        resume = None
        if self._is_sound and self._market is not None:
            resume = m.ResumePoint(self._market.id, self._market.feed_sequence)
        if self._verifier is not None:
            self._verifier.begin()
            connection.send(_WATCH, m.WatchSigned(resume))
        elif self._symbols is not None:
            connection.send(_WATCH, m.WatchSymbols(self._symbols, resume))
        else:
            connection.send(_WATCH, m.Watch(resume))

    def _handle(self, request: int, message: Any) -> None:
        match message:
            case m.Feed() | m.FilteredFeed() if self._verifier is None:
                self.market.check_follows(message)
                self._entries.extend((entry.at, entry.event) for entry in message.entries)
                self._through = message.through
                if not self._entries:
                    self.market.feed_sequence = message.through
            case m.Heartbeat():
                self._check(message)
            case m.Indicative(lot, at, result, depth):
                self._updates.append(Indicative(lot, at, result, depth))
            case m.SnapshotPart() if request == _WATCH and self._verifier is None:
                market = self._parts.add(message)
                if market is not None:
                    self._replace(market)
            case m.SignedSnapshot() if request == _WATCH and self._verifier is not None:
                self._note(self._verifier.snapshot(message))
            case m.SnapshotBytes() if request == _WATCH and self._verifier is not None:
                market = self._verifier.part(message)
                if market is not None:
                    self._replace(market)
            case m.SignedBatch() if self._verifier is not None:
                self._signed_batch(message)
            case m.Resumed():
                self._updates.append(Live())
            case m.Resync(because):
                self._because = because
            case m.Refused() | m.Goodbye():
                raise unexpected(message)
            case _:
                # Answers to requests that this connection never sends.
                pass

    def _signed_batch(self, message: m.SignedBatch) -> None:
        assert self._verifier is not None
        batch, equivocation = self._verifier.batch(message)
        if equivocation is not None:
            # The market here keeps what was shown first.
            self._note(equivocation)
            return
        here = self.market.feed_sequence
        if batch.after > here:
            raise FeedError(f"the server is at {batch.after} of the feed, and the events after {here} never came")
        # Batches can overlap.
        new = batch.entries[max(0, here - batch.after):]
        self._entries.extend((entry.at, entry.event) for entry in new)
        if not self._entries:
            self._check_signed()

    def _check_signed(self) -> None:
        if self._verifier is not None and not self._verifier.is_as_signed(self.market):
            raise FeedError(f"the market here differs from the signed one at {self.market.feed_sequence} of the feed")

    def _note(self, found: tuple[str, Any, Any] | None) -> None:
        if found is not None:
            self._updates.append(Equivocation(*found))

    def _check(self, heartbeat: m.Heartbeat) -> None:
        # Before the first snapshot there is nothing to compare.
        if self._market is None or not self._is_sound:
            return
        here = self._market.feed_sequence
        if heartbeat.feed_sequence > here:
            raise FeedError(f"the server is at {heartbeat.feed_sequence} of the feed, and events after {here} never came")
        is_here = heartbeat.feed_sequence == here and self._symbols is None
        if is_here and heartbeat.digest != self._market.digest():
            raise FeedError(f"the market here differs from the server's at {here} of the feed")

    def _replace(self, market: Market) -> None:
        if self._because == "journal_lost":
            self._updates.append(Gap("journal_lost"))
        self._because = None
        self._market, self._is_sound = market, True
        self._entries.clear()
        self._updates.append(Snapshot(market))

    def _gap(self, because: str) -> None:
        self._drop()
        self._is_sound = False
        self._updates.append(Gap(because))

    def _lost(self, because: Exception) -> None:
        self._drop()
        self._updates.append(Reconnecting(because, self._wait))

    def _drop(self) -> None:
        self._entries.clear()
        self._through = None
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
            self._wait = self._backoff.next_wait()
