"""The public market as a fold of its feed: SPEC.md, sections 5 and 6."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from openauction import digest as d
from openauction import messages as m
from openauction import money, times
from openauction.errors import AmbiguousSymbol, AuctionError, UnknownSymbol

_PRICE_MAX, _AMOUNT_MAX = 9_999_999_999_999, 10**18


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
        #: Stocks by symbol.
        self.stocks: dict[str, m.Stock] = {}
        self._lots: list[m.Lot | None] = []
        self._names: dict[str, int] = {}
        self._hashes: dict[tuple[str, Any], int] = {}
        self._combined = 0

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
        """Returns the digest, which is the server's at the same place. A change of the market costs one hash.

        Raises ValueError for a view of some stocks.
        """
        if self.is_view:
            raise ValueError("a view of some stocks has no digest")
        items = self._combined ^ (d.item_hash(d.FUNDS) if self.accounts == "funds" else 0)
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
        _APPLY[type(event)](self, event, at)
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
        self._hash(("lot", lot.id), d.lot_bytes(lot))

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
        self._put_lot(m.Lot(
            id=event.lot, symbol=event.symbol, quantity=event.quantity, base_price=event.base_price,
            opened_at=event.opens_at or at, closes_at=event.closes_at, extensions=0, terms=event.terms,
            phase="scheduled" if scheduled else "open", halted_since=None, book=first_book(event),
        ))

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
        counts = event.cause in ("soft_close", "volatility")
        lot = replace(lot, closes_at=event.closes_at, extensions=lot.extensions + counts)
        if event.cause == "market_orders":
            lot = replace(lot, book=replace(self._call(event.lot)[1], market_extended=True))
        self._put_lot(lot)

    def _lot_closed(self, event: m.LotClosed, at: datetime) -> None:
        lot = self._open_lot(event.lot)
        self._put_lot(replace(lot, phase=m.PhaseClosed(at, event.outcome)))
        if isinstance(event.outcome, m.Crossed):
            self._put_stock(replace(self._stock(lot.symbol), last_uncross=event.outcome.price))

    def _profit_published(self, event: m.ProfitPublished, _: datetime) -> None:
        self._put_stock(replace(self._stock(event.symbol), profit=event.profit))

    def _lot_began(self, event: m.LotBegan, at: datetime) -> None:
        self._put_lot(replace(self._open_lot(event.lot), phase="open", opened_at=at))

    def _lot_halted(self, event: m.LotHalted, at: datetime) -> None:
        self._put_lot(replace(self._open_lot(event.lot), halted_since=at))

    def _lot_resumed(self, event: m.LotResumed, _: datetime) -> None:
        lot = self._open_lot(event.lot)
        self._put_lot(replace(lot, opened_at=event.opened_at, closes_at=event.closes_at, halted_since=None))

    def _bidders_counted(self, event: m.BiddersCounted, _: datetime) -> None:
        lot = self._open_lot(event.lot)
        match lot.book:
            case m.CallBook():
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
        lot, book = self._call(event.lot)
        self._put_lot(replace(lot, book=replace(book, end=event.commitment)))

    def _end_opened(self, event: m.EndOpened, _: datetime) -> None:
        lot, book = self._call(event.lot)
        before_close = times.span_micros(event.end.before_close)
        fixed = event.lot.to_bytes(4, "little") + before_close.to_bytes(8, "little") + event.end.salt
        if book.end != hashlib.sha256(b"auction.end.1" + fixed).digest():
            # The server has cheated.
            raise FeedError("contradiction")
        self._put_lot(replace(lot, book=replace(book, end=None)))


_APPLY: dict[type[Any], Callable[[Market, Any, datetime], None]] = {
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
        for each in self._parts:
            for user in each.users:
                market._put_user(user)
            for stock in each.stocks:
                market._put_stock(stock)
            for lot in each.lots:
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


def dutch_price(lot: m.Lot, now: datetime) -> Decimal:
    """Returns the price of an open Dutch lot at a time of the server's clock. Raises TypeError for another format."""
    if not isinstance(lot.terms, m.DutchTerms):
        raise TypeError(f"lot {lot.id} is not a Dutch lot")
    terms = lot.terms
    since = max(lot.halted_since or now, lot.opened_at) - lot.opened_at
    steps = since // terms.interval
    fallen = money.units(terms.start) - money.units(terms.step) * steps
    return money.decimal(max(money.units(terms.floor), fallen))
