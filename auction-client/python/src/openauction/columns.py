"""Columns for analysis: bids, orders, fills, trades, bars and results, as tables of polars, pandas or pyarrow.

Prices are exact decimals with four places, times UTC in microseconds, numbers 64-bit integers, everything else text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any, Literal

from openauction import messages as m
from openauction.client import Fill
from openauction.errors import MissingExtra
from openauction.market import Event, Market
from openauction.times import EPOCH

Kind = Literal["decimal", "int", "time", "text", "bool"]

#: Digits of a decimal column, four of them behind the point. More would not be read by everyone as a decimal.
PRECISION, SCALE = 18, 4
_LEAST = Decimal("0.0001")
_INT = 2**63
# A context of its own: that of the program may round to few digits.
_CONTEXT = Context(prec=40)


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of the same length."""

    kinds: dict[str, Kind]
    rows: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """Returns the values of a column. Raises KeyError."""
        if name not in self.kinds:
            raise KeyError(f"{name!r} is none of the columns {', '.join(self.kinds)}")
        at = list(self.kinds).index(name)
        return [row[at] for row in self.rows]

    def to_arrow(self) -> Any:
        """Returns a `pyarrow.Table`: decimal128(18, 4), timestamp(us, UTC), int64, string, bool.

        Raises MissingExtra, and OverflowError for a value that its column cannot hold exactly.
        """
        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingExtra("pyarrow", "arrow") from error
        types = {
            "decimal": pa.decimal128(PRECISION, SCALE), "int": pa.int64(), "time": pa.timestamp("us", tz="UTC"),
            "text": pa.string(), "bool": pa.bool_(),
        }
        schema = pa.schema([(name, types[kind]) for name, kind in self.kinds.items()])
        arrays = [pa.array(self._exact(name), type=types[kind]) for name, kind in self.kinds.items()]
        return pa.Table.from_arrays(arrays, schema=schema)

    def to_polars(self) -> Any:
        """Returns a `polars.DataFrame`: Decimal(18, 4), Datetime(us, UTC), Int64, String, Boolean.

        Raises MissingExtra, and OverflowError for a value that its column cannot hold exactly.
        """
        try:
            import polars as pl
        except ImportError as error:
            raise MissingExtra("polars", "polars") from error
        types: dict[Kind, Any] = {
            "decimal": pl.Decimal(PRECISION, SCALE), "int": pl.Int64(), "time": pl.Datetime("us", "UTC"),
            "text": pl.String(), "bool": pl.Boolean(),
        }
        return pl.DataFrame(
            {name: self._exact(name) for name in self.kinds},
            schema={name: types[kind] for name, kind in self.kinds.items()},
        )

    def to_pandas(self) -> Any:
        """Returns a `pandas.DataFrame` whose columns have pyarrow's types, so that decimals stay decimals.

        Raises MissingExtra.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtra("pandas", "pandas") from error
        return self.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)

    def _exact(self, name: str) -> list[Any]:
        values = self.column(name)
        if self.kinds[name] == "int" and any(value is not None and not -_INT < value < _INT for value in values):
            raise OverflowError(f"the column {name} has a number beyond 64 bits")
        if self.kinds[name] != "decimal":
            return values
        return [None if value is None else _exact(value) for value in values]


def _exact(value: Decimal) -> Decimal:
    """Returns an amount with the column's four places. Libraries round what has more, or cut it, or end."""
    if value.is_finite() and value.adjusted() < PRECISION - SCALE:
        exact = value.quantize(_LEAST, context=_CONTEXT)
        if exact == value:
            return exact
    raise OverflowError(f"{value} does not fit into a decimal with {PRECISION} digits, {SCALE} of them behind the point")


def bids(market: Market, histories: Iterable[m.History]) -> Table:
    """Bids of lots, as `client.history` returns them: open bids, and sealed ones once they are opened.

    Raises ValueError for a lot with more bids than its history holds: record the feed instead, with `bids_of_feed`.
    """
    rows: list[tuple[Any, ...]] = []
    for history in histories:
        lot = market.lot(history.lot)
        if history.total > len(history.bids) + len(history.opened):
            raise ValueError(
                f"lot {lot.id} has {history.total} bids, and its history holds the newest "
                f"{len(history.bids) + len(history.opened)}: record the feed instead"
            )
        closed_at = lot.phase.at if isinstance(lot.phase, m.PhaseClosed) else None
        for bid in history.bids:
            rows.append((
                lot.id, lot.symbol, bid.at, market.name(bid.bidder), bid.amount, bid.price, market.name(bid.leader), None,
                None, bid.feed_sequence,
            ))
        for opened in history.opened:
            rows.append((
                lot.id, lot.symbol, closed_at, market.name(opened.bidder), opened.price, opened.pays, None,
                opened.quantity, opened.filled, None,
            ))
    return Table(_BIDS, rows)


_BIDS: dict[str, Kind] = {
    "lot": "int", "symbol": "text", "time": "time", "bidder": "text", "amount": "decimal", "price": "decimal",
    "leader": "text", "quantity": "int", "filled": "int", "feed_sequence": "int",
}


def bids_of_feed(market: Market, events: Iterable[Event]) -> Table:
    """Open bids among recorded events of the feed, with the columns of `bids`: without a limit, from where recording began."""
    rows: list[tuple[Any, ...]] = []
    for event in events:
        bid = event.event
        if isinstance(bid, m.BidAccepted):
            rows.append((
                bid.lot, market.lot(bid.lot).symbol, event.at, market.name(bid.bidder), bid.amount, bid.price,
                market.name(bid.leader), None, None, event.feed_sequence,
            ))
    return Table(_BIDS, rows)


def orders(entries: Iterable[m.ActivityEntry]) -> Table:
    """The user's own bids and orders, as `client.activity` yields them. A bid has no quantity and the order 0."""
    rows: list[tuple[Any, ...]] = []
    for entry in entries:
        what = entry.what
        if isinstance(what, m.ActivityCancelled):
            continue
        state = what.state
        closed = (state.filled, state.price) if isinstance(state, m.OrderClosed) else (None, None)
        name = "closed" if isinstance(state, m.OrderClosed) else state
        if isinstance(what, m.OwnOrder):
            rows.append((
                entry.lot, entry.symbol, entry.at, what.order, what.side, what.quantity, what.limit, name, *closed
            ))
        else:
            rows.append((entry.lot, entry.symbol, entry.at, 0, "buy", None, what.price, name, *closed))
    kinds: dict[str, Kind] = {
        "lot": "int", "symbol": "text", "time": "time", "order": "int", "side": "text", "quantity": "int",
        "limit": "decimal", "state": "text", "filled": "int", "price": "decimal",
    }
    return Table(kinds, rows)


def fills(found: Iterable[Fill]) -> Table:
    """What the user bought and sold, as `client.fills` returns it."""
    rows = [(f.lot, f.symbol, f.at, f.order, f.side, f.filled, f.price) for f in found]
    kinds: dict[str, Kind] = {
        "lot": "int", "symbol": "text", "time": "time", "order": "int", "side": "text", "filled": "int",
        "price": "decimal",
    }
    return Table(kinds, rows)


def results(market: Market) -> Table:
    """Closed lots, by number. `price` is the winner's, the lowest of those allocated, the uncross price, or a day's close."""
    rows: list[tuple[Any, ...]] = []
    for lot in market.lots:
        if not isinstance(lot.phase, m.PhaseClosed):
            continue
        outcome = lot.phase.outcome
        result: str
        rule: str
        winner: str | None = None
        price: Decimal | None = None
        volume = 0
        match outcome:
            case m.Sold():
                result, rule = "sold", outcome.by
                winner, price, volume = market.name(outcome.winner), outcome.price, lot.quantity
            case m.Unsold():
                result, rule = "unsold", outcome.because
            case m.Allocated():
                result, rule, price, volume = "allocated", outcome.by, outcome.lowest, outcome.sold
            case m.Crossed():
                result, rule, price, volume = "crossed", outcome.by, outcome.price, outcome.volume
            case m.NoCross():
                result, rule = "no_cross", outcome.because
            case m.Day():
                result, rule, price, volume = "day", "close", outcome.close, outcome.volume
        rows.append((
            lot.id, lot.symbol, _format(lot.terms), lot.quantity, lot.base_price, lot.opened_at, lot.phase.at, result,
            rule, winner, price, volume,
        ))
    return Table(_RESULTS, rows)


_RESULTS: dict[str, Kind] = {
    "lot": "int", "symbol": "text", "format": "text", "quantity": "int", "base_price": "decimal", "opened_at": "time",
    "time": "time", "result": "text", "rule": "text", "winner": "text", "price": "decimal", "volume": "int",
}


def trades(market: Market) -> Table:
    """Sales and uncrosses of closed lots, in the order of their time: one row for each lot that sold shares."""
    closed = results(market)
    names = list(closed.kinds)
    wanted: dict[str, Kind] = {
        name: closed.kinds[name] for name in ("lot", "symbol", "format", "time", "price", "volume", "rule")
    }
    rows = [
        tuple(row[names.index(name)] for name in wanted) for row in closed.rows if row[names.index("volume")]
    ]
    at = list(wanted).index("time")
    return Table(wanted, sorted(rows, key=lambda row: (row[at], row[0])))


def bars(table: Table, every: timedelta) -> Table:
    """Open, high, low and close of each symbol in each interval, from the column `price` of trades or bids.

    Intervals are counted from midnight UTC of 1970. One without a price has no bar. `volume` is None for bids.
    """
    if every <= timedelta(0):
        raise ValueError(f"an interval is longer than nothing, and {every} is not")
    at, symbol, price = (list(table.kinds).index(name) for name in ("time", "symbol", "price"))
    volume = list(table.kinds).index("volume") if "volume" in table.kinds else None
    found: dict[tuple[str, datetime], list[Any]] = {}
    for row in sorted((row for row in table.rows if row[price] is not None and row[at] is not None), key=lambda row: row[at]):
        begin = EPOCH + (row[at] - EPOCH) // every * every
        shares = row[volume] if volume is not None else None
        bar = found.get((row[symbol], begin))
        if bar is None:
            found[row[symbol], begin] = [row[price]] * 4 + [shares, 1]
            continue
        bar[1], bar[2], bar[3] = max(bar[1], row[price]), min(bar[2], row[price]), row[price]
        bar[4] = bar[4] + shares if shares is not None else None
        bar[5] += 1
    kinds: dict[str, Kind] = {
        "symbol": "text", "time": "time", "open": "decimal", "high": "decimal", "low": "decimal", "close": "decimal",
        "volume": "int", "count": "int",
    }
    return Table(kinds, [(*key, *bar) for key, bar in sorted(found.items())])


def _format(terms: m.Terms) -> str:
    match terms:
        case m.EnglishTerms():
            return "english"
        case m.DutchTerms():
            return "dutch"
        case m.SealedTerms(pricing):
            return "sealed-first" if pricing == "first_price" else "vickrey"
        case m.UniformTerms(pricing):
            return "uniform" if pricing == "uniform" else "pay-as-bid"
        case m.CallTerms():
            return "call"
        case m.DayTerms():
            return "day"


__all__ = ["Table", "bars", "bids", "bids_of_feed", "fills", "orders", "results", "trades"]
