"""The public market as a fold of its feed: SPEC.md, sections 5 and 6."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from openauction import digest as d
from openauction import messages as m
from openauction import money, times
from openauction.errors import AmbiguousSymbol, AuctionError, UnknownSymbol

_PRICE_MAX, _AMOUNT_MAX = 9_999_999_999_999, 10**18
# Phases of a trading day: those that end with an uncross, and those in which everyone sees the orders.
_CALLS, _SHOWING = ("call", "volatility"), ("continuous", "at_last")


class FeedError(AuctionError):
    """A feed that does not follow the fold: `other_market`, `gap`, `wrong_end`, `contradiction`."""


class Event(NamedTuple):
    """A public event, already applied to the market."""

    #: Place of the event in the feed; in a view of some stocks its place or one before.
    feed_sequence: int
    #: Time of the event.
    at: datetime
    #: The event: one of `openauction.messages.PublicEvent`.
    event: m.PublicEvent


class Market:
    """The public market at one place of its feed: users, stocks, lots. Read it; only `apply` changes it.

    After a FeedError it is of no more use: take a new snapshot.
    """

    def __init__(self, market: bytes) -> None:
        #: Id of the market.
        self.id = market
        #: Place of the last event that was applied.
        self.feed_sequence = 0
        #: Time of the last event.
        self.at = times.EPOCH
        #: How traders pay: `credit` or `funds`.
        self.accounts: m.AccountMode = "credit"
        #: Users; user 1 is the first.
        self.users: list[m.SnapshotUser] = []
        #: True for a view of some stocks: other lots, and so the digest, are not known.
        self.is_view = False
        #: Start of the halt, if the whole market is halted.
        self.halted_since: datetime | None = None
        #: Stocks by symbol.
        self.stocks: dict[str, m.Stock] = {}
        self._lots: list[m.Lot | None] = []
        self._names: dict[str, int] = {}
        self._hashes: dict[tuple[str, Any], int] = {}
        self._combined = 0
        # Lots that have changed since they were hashed: a busy trading day changes far more often than it is compared.
        self._unhashed: set[int] = set()

    # Reading.

    @property
    def lots(self) -> list[m.Lot]:
        """All lots, by number."""
        return [lot for lot in self._lots if lot is not None]

    def lot(self, number: int) -> m.Lot:
        """Returns a lot. Raises LookupError if there is none, or if a filtered view does not show it."""
        lot = self._lots[number - 1] if 1 <= number <= len(self._lots) else None
        if lot is None:
            raise LookupError(f"there is no lot {number}")
        return lot

    def lots_of(self, symbol: str) -> list[m.Lot]:
        """Returns all lots of a stock, by number."""
        return [lot for lot in self.lots if lot.symbol == symbol]

    def open_lot(self, symbol: str) -> m.Lot:
        """Returns the open lot of a stock. Raises UnknownSymbol and AmbiguousSymbol."""
        if symbol not in self.stocks:
            raise UnknownSymbol(f"there is no stock {symbol}")
        found = [lot for lot in self.lots_of(symbol) if lot.phase == "open"]
        if not found:
            raise UnknownSymbol(f"no lot of {symbol} is open")
        if len(found) > 1:
            raise AmbiguousSymbol(symbol, [lot.id for lot in found])
        return found[0]

    def name(self, user: int) -> str:
        """Returns the name of a user. Raises LookupError if there is none."""
        if not 1 <= user <= len(self.users):
            raise LookupError(f"there is no user {user}")
        return self.users[user - 1].name

    def user(self, name: str) -> int | None:
        """Returns the number of a user, or None."""
        return self._names.get(name)

    def digest(self) -> bytes:
        """Returns the digest, which is the server's at the same place. It hashes what has changed since the last one.

        Raises ValueError for a view of some stocks.
        """
        if self.is_view:
            raise ValueError("a view of some stocks has no digest")
        for number in self._unhashed:
            self._hash(("lot", number), d.lot_bytes(self.lot(number)))
        self._unhashed.clear()
        items = self._combined ^ (d.item_hash(d.FUNDS) if self.accounts == "funds" else 0)
        if self.halted_since is not None:
            items ^= d.item_hash(d.halt_bytes(self.halted_since))
        return d.market_digest(self.id, self.feed_sequence, self.at, items)

    # Folding.

    def follow(self, feed: m.Feed | m.FilteredFeed) -> Iterator[Event]:
        """Applies the events of a feed, and yields each. Raises FeedError."""
        self.check_follows(feed)
        for entry in feed.entries:
            yield self.apply(entry.at, entry.event)
        self.feed_sequence = feed.through

    def check_follows(self, feed: m.Feed | m.FilteredFeed) -> None:
        """Checks that a feed follows this market. Raises FeedError."""
        if feed.market != self.id:
            raise FeedError("other_market")
        if feed.after != self.feed_sequence:
            raise FeedError("gap")
        # Between the events of a view lie those of other stocks.
        beyond = feed.through - feed.after - len(feed.entries)
        if beyond < 0 or (beyond and isinstance(feed, m.Feed)):
            raise FeedError("wrong_end")

    def apply(self, at: datetime, event: m.PublicEvent) -> Event:
        """Applies one event, the next of the feed. Raises FeedError if it contradicts the market."""
        _APPLY[event if isinstance(event, str) else type(event)](self, event, at)
        self.feed_sequence += 1
        self.at = max(self.at, at)
        return Event(self.feed_sequence, at, event)

    def _hash(self, key: tuple[str, Any], item: bytes) -> None:
        new = d.item_hash(item)
        self._combined ^= self._hashes.get(key, 0) ^ new
        self._hashes[key] = new

    def _put_user(self, user: m.SnapshotUser) -> None:
        self.users.append(user)
        self._names[user.name] = user.user
        self._hash(("user", user.user), d.user_bytes(user))

    def _put_stock(self, stock: m.Stock) -> None:
        self.stocks[stock.listing.symbol] = stock
        self._hash(("stock", stock.listing.symbol), d.stock_bytes(stock))

    def _put_lot(self, lot: m.Lot) -> None:
        # A view of some stocks has gaps among its lots.
        self._lots.extend([None] * (lot.id - len(self._lots)))
        self._lots[lot.id - 1] = lot
        self._unhashed.add(lot.id)

    def _open_lot(self, number: int) -> m.Lot:
        lot = self._lots[number - 1] if 1 <= number <= len(self._lots) else None
        if lot is None or isinstance(lot.phase, m.PhaseClosed):
            raise FeedError("contradiction")
        return lot

    def _call(self, number: int) -> tuple[m.Lot, m.CallBook]:
        lot = self._open_lot(number)
        if not isinstance(lot.book, m.CallBook):
            raise FeedError("contradiction")
        return lot, lot.book

    def _day(self, number: int) -> tuple[m.Lot, m.DayBook]:
        lot = self._open_lot(number)
        if not isinstance(lot.book, m.DayBook) or lot.phase != "open":
            raise FeedError("contradiction")
        return lot, lot.book

    def _stock(self, symbol: str) -> m.Stock:
        if symbol not in self.stocks:
            raise FeedError("contradiction")
        return self.stocks[symbol]

    def _stock_listed(self, event: m.StockListed, _: datetime) -> None:
        listing = m.Listing(event.symbol, event.security, event.price, event.profit)
        old = self.stocks.get(event.symbol)
        if old is None:
            self._put_stock(m.Stock(listing, listing.profit, None))
        else:
            keeps = old.listing.profit == listing.profit
            self._put_stock(m.Stock(listing, old.profit if keeps else listing.profit, old.last_uncross))

    def _user_registered(self, event: m.UserRegistered, _: datetime) -> None:
        if event.user != len(self.users) + 1 or event.name in self._names:
            raise FeedError("contradiction")
        self._put_user(m.SnapshotUser(event.user, event.name, event.role))

    def _lot_opened(self, event: m.LotOpened, at: datetime) -> None:
        # In a view of some stocks the numbers between are of others.
        is_next = event.lot > len(self._lots) if self.is_view else event.lot == len(self._lots) + 1
        if not is_next or event.symbol not in self.stocks:
            raise FeedError("contradiction")
        scheduled = event.opens_at is not None
        lot = m.Lot(
            id=event.lot, symbol=event.symbol, quantity=event.quantity, base_price=event.base_price,
            opened_at=event.opens_at or at, closes_at=event.closes_at, extensions=0, terms=event.terms,
            phase="scheduled" if scheduled else "open", halted_since=None, book=first_book(event),
        )
        self._put_lot(lot if scheduled else begun(lot, at))

    def _bid_accepted(self, event: m.BidAccepted, _: datetime) -> None:
        lot = self._open_lot(event.lot)
        match lot.book:
            case m.EnglishBook(bids=bids):
                book: m.Book = m.EnglishBook(
                    event.price, event.leader, event.least, bids + 1, event.bidders, event.reserve
                )
            case m.DutchBook():
                book = m.DutchBook(m.Taken(event.leader, event.price))
            case _:
                raise FeedError("contradiction")
        self._put_lot(replace(lot, book=book))

    def _lot_extended(self, event: m.LotExtended, _: datetime) -> None:
        lot = self._open_lot(event.lot)
        if isinstance(lot.book, m.DayBook):
            # Its schedule moves by the phase.
            raise FeedError("contradiction")
        counts = event.cause in ("soft_close", "volatility")
        lot = replace(lot, closes_at=event.closes_at, extensions=lot.extensions + counts)
        if event.cause == "market_orders":
            lot = replace(lot, book=replace(self._call(event.lot)[1], market_extended=True))
        self._put_lot(lot)

    def _lot_closed(self, event: m.LotClosed, at: datetime) -> None:
        lot = self._open_lot(event.lot)
        outcome, book = event.outcome, lot.book
        if isinstance(outcome, m.Day):
            if not isinstance(book, m.DayBook):
                raise FeedError("contradiction")
            statistics = replace(book.statistics, close=outcome.close)
            book = replace(book, phase=None, traders=0, statistics=statistics, orders=[])
        self._put_lot(replace(lot, phase=m.PhaseClosed(at, outcome), book=book))
        price = outcome.price if isinstance(outcome, m.Crossed) else None
        price = outcome.close if isinstance(outcome, m.Day) else price
        if price is not None:
            self._put_stock(replace(self._stock(lot.symbol), last_uncross=price))

    def _profit_published(self, event: m.ProfitPublished, _: datetime) -> None:
        self._put_stock(replace(self._stock(event.symbol), profit=event.profit))

    def _lot_began(self, event: m.LotBegan, at: datetime) -> None:
        self._put_lot(begun(self._open_lot(event.lot), at))

    def _lot_halted(self, event: m.LotHalted, at: datetime) -> None:
        self._put_lot(replace(self._open_lot(event.lot), halted_since=at))

    def _lot_resumed(self, event: m.LotResumed, _: datetime) -> None:
        lot = self._open_lot(event.lot)
        book = lot.book
        if isinstance(book, m.DayBook):
            since = event.opened_at if lot.halted_since is None else lot.halted_since
            halt = max(event.closes_at - lot.closes_at, timedelta(0))
            book = replace(shifted(book, since, halt), halt=None)
        self._put_lot(replace(
            lot, opened_at=event.opened_at, closes_at=event.closes_at, halted_since=None, book=book
        ))

    def _bidders_counted(self, event: m.BiddersCounted, _: datetime) -> None:
        lot = self._open_lot(event.lot)
        match lot.book:
            case m.CallBook() | m.DayBook():
                book: m.Book = replace(lot.book, traders=event.bidders)
            case m.SealedBook() | m.UniformBook():
                book = replace(lot.book, bidders=event.bidders)
            case _:
                raise FeedError("contradiction")
        self._put_lot(replace(lot, book=book))

    def _bids_opened(self, event: m.BidsOpened, _: datetime) -> None:
        self._open_lot(event.lot)

    def _accounts_set(self, event: m.AccountsSet, _: datetime) -> None:
        if self.accounts == "funds" or event.mode == "credit" or self._lots:
            raise FeedError("contradiction")
        self.accounts = event.mode

    def _reference_fixed(self, event: m.ReferenceFixed, _: datetime) -> None:
        lot, book = self._call(event.lot)
        self._put_lot(replace(lot, book=replace(book, reference=event.reference or None)))

    def _end_committed(self, event: m.EndCommitted, _: datetime) -> None:
        lot, book = self._committed(event.lot)
        if isinstance(book, m.DayBook) and (book.phase not in _CALLS or book.end is not None):
            raise FeedError("contradiction")
        self._put_lot(replace(lot, book=replace(book, end=event.commitment)))

    def _end_opened(self, event: m.EndOpened, _: datetime) -> None:
        lot, book = self._committed(event.lot)
        before_close = times.span_micros(event.end.before_close)
        fixed = event.lot.to_bytes(4, "little") + before_close.to_bytes(8, "little") + event.end.salt
        if book.end != hashlib.sha256(b"auction.end.1" + fixed).digest():
            # The server has cheated.
            raise FeedError("contradiction")
        self._put_lot(replace(lot, book=replace(book, end=None)))

    # The trading day.

    def _committed(self, number: int) -> tuple[m.Lot, m.CallBook | m.DayBook]:
        """A lot whose calls have a random end."""
        return self._day(number) if isinstance(self._open_lot(number).book, m.DayBook) else self._call(number)

    def _phase_began(self, event: m.PhaseBegan, _: datetime) -> None:
        lot, book = self._day(event.lot)
        if event.index < book.phase_index or event.index >= len(book.ends) or book.end is not None:
            raise FeedError("contradiction")
        reference = event.reference or None
        statistics = book.statistics
        if event.phase == "at_last":
            statistics = replace(statistics, close=reference)
        book = replace(
            book, phase=event.phase, phase_index=event.index, phase_ends_at=event.ends_at, reference=reference,
            collar=event.collar, traders=0, extensions=0, market_extended=False, resumes_by_call=False,
            statistics=statistics, orders=[],
        )
        self._put_lot(replace(lot, closes_at=max(lot.closes_at, event.ends_at), book=book))

    def _phase_extended(self, event: m.PhaseExtended, _: datetime) -> None:
        lot, book = self._day(event.lot)
        if book.phase not in _CALLS or book.end is not None or event.cause not in ("volatility", "market_orders"):
            raise FeedError("contradiction")
        book = replace(
            book, phase_ends_at=event.ends_at, extensions=book.extensions + (event.cause == "volatility"),
            market_extended=book.market_extended or event.cause == "market_orders",
        )
        self._put_lot(replace(lot, closes_at=max(lot.closes_at, event.ends_at), book=book))

    def _phase_moved(self, event: m.PhaseMoved, _: datetime) -> None:
        lot, book = self._day(event.lot)
        if event.phase >= len(book.ends):
            raise FeedError("contradiction")
        ends, lengths = list(book.ends), list(book.lengths)
        later = event.ends_at - ends[event.phase]
        ends[event.phase] = event.ends_at
        lengths[event.phase] = max(lengths[event.phase] + later, timedelta(0))
        if event.phase + 1 < len(lengths):
            lengths[event.phase + 1] = max(lengths[event.phase + 1] - later, timedelta(0))
        # A volatility call ends by itself; the phase that it interrupts is the one that moves.
        runs = event.phase == book.phase_index and book.phase != "volatility"
        phase_ends_at = event.ends_at if runs else book.phase_ends_at
        book = replace(book, ends=ends, lengths=lengths, phase_ends_at=phase_ends_at)
        self._put_lot(replace(lot, closes_at=max(phase_ends_at, ends[-1]), book=book))

    def _call_uncrossed(self, event: m.CallUncrossed, _: datetime) -> None:
        lot, book = self._day(event.lot)
        if book.phase not in _CALLS:
            raise FeedError("contradiction")
        match event.outcome:
            case m.Crossed(price=price, volume=volume):
                statistics = counted(book.statistics, price, volume)
                if event.trade != statistics.trades:
                    raise FeedError("contradiction")
                self._put_lot(replace(lot, book=replace(book, last_call=price, statistics=statistics)))
            case m.NoCross() if event.trade is None:
                pass
            case _:
                raise FeedError("contradiction")

    def _order_shown(self, event: m.OrderShown, _: datetime) -> None:
        lot, book = self._day(event.lot)
        is_known = any(order.number == event.number for order in book.orders)
        if book.phase not in _SHOWING or is_known or not 1 <= event.number <= book.last_number + 1:
            raise FeedError("contradiction")
        order = m.ShownOrder(event.number, event.side, event.price, event.open)
        orders = list(book.orders)
        # Behind all at its price: orders to buy come first, the best of each side first.
        orders.insert(bisect.bisect_right(orders, _rank(order), key=_rank), order)
        self._put_lot(replace(lot, book=replace(
            book, orders=orders, last_number=max(book.last_number, event.number)
        )))

    def _order_reduced(self, event: m.OrderReduced, _: datetime) -> None:
        lot, book = self._day(event.lot)
        if event.open >= _shown(book, event.number).open:
            raise FeedError("contradiction")
        self._put_lot(replace(lot, book=left(book, event.number, event.open)))

    def _order_gone(self, event: m.OrderGone, _: datetime) -> None:
        lot, book = self._day(event.lot)
        self._put_lot(replace(lot, book=left(book, event.number, 0)))

    def _traded(self, event: m.Traded, _: datetime) -> None:
        lot, book = self._day(event.lot)
        order = _shown(book, event.resting)
        fits = (
            book.phase in _SHOWING and event.number == book.statistics.trades + 1 and event.quantity <= order.open
            and order.price == event.price and order.side != event.aggressor
        )
        if not fits:
            raise FeedError("contradiction")
        book = left(book, event.resting, order.open - event.quantity)
        self._put_lot(replace(lot, book=replace(
            book, statistics=counted(book.statistics, event.price, event.quantity)
        )))

    def _interrupted(self, event: m.Interrupted, _: datetime) -> None:
        lot, book = self._day(event.lot)
        if book.phase != "continuous":
            raise FeedError("contradiction")
        self._put_lot(replace(lot, book=replace(book, interruptions=book.interruptions + 1)))

    def _day_halted(self, event: m.DayHalted, at: datetime) -> None:
        lot, book = self._day(event.lot)
        if book.halt is not None or lot.halted_since is not None:
            raise FeedError("contradiction")
        # The interruption that is one too many holds no call.
        too_many = event.cause == "interruptions" and book.interruptions > 0
        book = replace(book, halt=event.cause, interruptions=book.interruptions - too_many)
        self._put_lot(replace(lot, halted_since=at, book=book))

    def _market_halted(self, _: str, at: datetime) -> None:
        if self.halted_since is not None:
            raise FeedError("contradiction")
        self.halted_since = at

    def _market_resumed(self, _: str, at: datetime) -> None:
        since, self.halted_since = self.halted_since, None
        if since is None:
            raise FeedError("contradiction")
        halt = max(at - since, timedelta(0))
        for lot in self.lots:
            if isinstance(lot.phase, m.PhaseClosed) or lot.halted_since is not None:
                continue
            book = lot.book
            if isinstance(book, m.DayBook):
                book = replace(shifted(book, since, halt), resumes_by_call=book.phase == "continuous")
            self._put_lot(replace(lot, opened_at=lot.opened_at + halt, closes_at=lot.closes_at + halt, book=book))


_APPLY: dict[type[Any] | str, Callable[[Market, Any, datetime], None]] = {
    m.StockListed: Market._stock_listed,
    m.UserRegistered: Market._user_registered,
    m.LotOpened: Market._lot_opened,
    m.BidAccepted: Market._bid_accepted,
    m.LotExtended: Market._lot_extended,
    m.LotClosed: Market._lot_closed,
    m.ProfitPublished: Market._profit_published,
    m.LotBegan: Market._lot_began,
    m.LotHalted: Market._lot_halted,
    m.LotResumed: Market._lot_resumed,
    m.BiddersCounted: Market._bidders_counted,
    m.BidsOpened: Market._bids_opened,
    m.AccountsSet: Market._accounts_set,
    m.ReferenceFixed: Market._reference_fixed,
    m.EndCommitted: Market._end_committed,
    m.EndOpened: Market._end_opened,
    m.PhaseBegan: Market._phase_began,
    m.PhaseExtended: Market._phase_extended,
    m.PhaseMoved: Market._phase_moved,
    m.CallUncrossed: Market._call_uncrossed,
    m.OrderShown: Market._order_shown,
    m.OrderReduced: Market._order_reduced,
    m.OrderGone: Market._order_gone,
    m.Traded: Market._traded,
    m.Interrupted: Market._interrupted,
    m.DayHalted: Market._day_halted,
    "market_halted": Market._market_halted,
    "market_resumed": Market._market_resumed,
}


class Assembler:
    """Builds a market from the parts of a snapshot, or a view of some stocks."""

    def __init__(self, is_view: bool = False) -> None:
        self._parts: list[m.SnapshotPart] = []
        self._is_view = is_view

    def add(self, part: m.SnapshotPart) -> Market | None:
        """Takes the next part; returns the market after the last. Raises FeedError if a part is missing."""
        if part.index == 0:
            self._parts = []
        if part.index != len(self._parts):
            raise FeedError("gap")
        self._parts.append(part)
        if part.follows == "more":
            return None
        market = Market(part.market)
        market.is_view = self._is_view
        market.feed_sequence, market.at, market.accounts = part.feed_sequence, part.at, part.accounts
        market.halted_since = part.follows.at if isinstance(part.follows, m.FollowsHalted) else None
        for each in self._parts:
            for user in each.users:
                market._put_user(user)
            for stock in each.stocks:
                market._put_stock(stock)
            for lot in each.lots:
                # A day with more shown orders than fit into a part goes on in the next one.
                begin = market._lots[lot.id - 1] if lot.id <= len(market._lots) else None
                if begin is not None and isinstance(begin.book, m.DayBook) and isinstance(lot.book, m.DayBook):
                    lot = replace(lot, book=replace(lot.book, orders=begin.book.orders + lot.book.orders))
                market._put_lot(lot)
        self._parts = []
        return market


def first_book(event: m.LotOpened) -> m.Book:
    """Returns the book of a lot for which nobody has bid."""
    match event.terms:
        case m.DutchTerms():
            return m.DutchBook(None)
        case m.CallTerms():
            return m.CallBook(0, None, False, None)
        case m.DayTerms():
            return m.DayBook(
                phase=None, phase_ends_at=times.EPOCH, phase_index=0, ends=[], lengths=[], reference=None, collar=None,
                traders=0, extensions=0, market_extended=False, end=None, halt=None, resumes_by_call=False,
                interruptions=0, last_call=None, last_number=0,
                statistics=m.DayStatistics(None, None, None, None, None, 0, 0, 0), orders=[],
            )
        case m.SealedTerms():
            return m.SealedBook(0, event.has_reserve)
        case m.UniformTerms():
            return m.UniformBook(0, event.has_reserve)
        case m.EnglishTerms(steps, buy_now):
            base = money.units(event.base_price)
            step = [money.units(band.step) for band in steps if money.units(band.from_) <= base][-1]
            greatest = min(_PRICE_MAX, _AMOUNT_MAX // event.quantity)
            least = [money.decimal(base + step)] if base + step <= greatest else []
            least += [buy_now] if buy_now is not None else []
            reserve: m.ReserveStatus = "not_met" if event.has_reserve else "none"
            return m.EnglishBook(None, None, min(least, default=None), 0, 0, reserve)


def begun(lot: m.Lot, at: datetime) -> m.Lot:
    """Returns a lot that opens now; a trading day gets the ends of its phases."""
    lot = replace(lot, phase="open", opened_at=at)
    if not isinstance(lot.book, m.DayBook) or not isinstance(lot.terms, m.DayTerms):
        return lot
    ends = [at + phase.begins_after for phase in lot.terms.phases[1:]] + [lot.closes_at]
    lengths = [max(end - begins, timedelta(0)) for begins, end in zip([at, *ends], ends, strict=False)]
    return replace(lot, book=replace(lot.book, ends=ends, lengths=lengths))


def shifted(book: m.DayBook, since: datetime, halt: timedelta) -> m.DayBook:
    """Returns a trading day after a halt: all times that had not come are later by its duration."""
    ends = [end + halt if end > since else end for end in book.ends]
    phase_ends_at = book.phase_ends_at if book.phase is None else book.phase_ends_at + halt
    return replace(book, ends=ends, phase_ends_at=phase_ends_at)


def counted(day: m.DayStatistics, price: Decimal, shares: int) -> m.DayStatistics:
    """Returns the statistics of a day after one trade more."""
    return m.DayStatistics(
        open=price if day.open is None else day.open, high=price if day.high is None else max(day.high, price),
        low=price if day.low is None else min(day.low, price), last=price, close=day.close,
        volume=day.volume + shares, value=day.value + shares * money.units(price), trades=day.trades + 1,
    )


def left(book: m.DayBook, number: int, shares: int) -> m.DayBook:
    """Returns a day on which a shown order has so many open shares, or is gone with none. Raises FeedError."""
    at = book.orders.index(_shown(book, number))
    orders = list(book.orders)
    orders[at : at + 1] = [replace(orders[at], open=shares)] if shares else []
    return replace(book, orders=orders)


def _shown(book: m.DayBook, number: int) -> m.ShownOrder:
    for order in book.orders:
        if order.number == number:
            return order
    raise FeedError("contradiction")


def _rank(order: m.ShownOrder) -> tuple[int, Decimal]:
    return (0, -order.price) if order.side == "buy" else (1, order.price)


def dutch_price(lot: m.Lot, now: datetime) -> Decimal:
    """Returns the price of an open Dutch lot at a time of the server's clock. Raises TypeError for another format."""
    if not isinstance(lot.terms, m.DutchTerms):
        raise TypeError(f"lot {lot.id} is not a Dutch lot")
    terms = lot.terms
    since = max(lot.halted_since or now, lot.opened_at) - lot.opened_at
    steps = since // terms.interval
    fallen = money.units(terms.start) - money.units(terms.step) * steps
    return money.decimal(max(money.units(terms.floor), fallen))
