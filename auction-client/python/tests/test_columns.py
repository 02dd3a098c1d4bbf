"""Columns: what the market said, as exact tables of pyarrow, polars and pandas."""

from __future__ import annotations

import csv
import decimal
import io
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from conftest import PASSWORD, Markets

from openauction import columns
from openauction import messages as m
from openauction.columns import Table
from openauction.market import Event
from openauction.sync import Client

AT = datetime(2026, 11, 30, 14, 30, 0, 1, tzinfo=timezone.utc)
HARD = Table(
    {"price": "decimal", "time": "time", "number": "int", "text": "text", "flag": "bool"},
    [(Decimal("1.4"), AT, 2**63 - 1, "NA", True), (Decimal("99999999999999.9999"), None, None, "T", None),
     (None, datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc), -5, "", False),
     (Decimal("-0.0001"), AT, 0, "01954", True)],
)


def arrow(table: Table) -> Any:
    pytest.importorskip("pyarrow", reason="NOT CHECKED: pip install pyarrow")
    return table.to_arrow()


def polars(table: Table) -> Any:
    pytest.importorskip("polars", reason="NOT CHECKED: pip install polars")
    return table.to_polars()


def pandas(table: Table) -> Any:
    pytest.importorskip("pyarrow", reason="NOT CHECKED: pip install pyarrow")
    pytest.importorskip("pandas", reason="NOT CHECKED: pip install pandas")
    return table.to_pandas()


def test_arrow_has_the_types_that_everyone_reads() -> None:
    found = arrow(HARD)
    types = ["decimal128(18, 4)", "timestamp[us, tz=UTC]", "int64", "string", "bool"]
    assert [str(field.type) for field in found.schema] == types
    assert [tuple(row.values()) for row in found.to_pylist()] == HARD.rows


def test_polars_has_the_same_values() -> None:
    found = polars(HARD)
    kinds = ["Decimal(precision=18, scale=4)", "Datetime(time_unit='us', time_zone='UTC')", "Int64", "String", "Boolean"]
    assert [repr(kind) for kind in found.dtypes] == kinds
    assert found.rows() == HARD.rows


def test_pandas_keeps_decimals() -> None:
    found = pandas(HARD)
    assert [str(kind) for kind in found.dtypes] == [
        "decimal128(18, 4)[pyarrow]", "timestamp[us, tz=UTC][pyarrow]", "int64[pyarrow]", "string[pyarrow]", "bool[pyarrow]"
    ]
    assert found["price"].sum() == Decimal("100000000000001.3998")
    assert list(found["text"]) == ["NA", "T", "", "01954"]
    assert found["number"].iloc[0] == 2**63 - 1


@pytest.mark.parametrize("to", [arrow, polars, pandas])
@pytest.mark.parametrize("wrong", ["100000000000000", "1.00001", "NaN", "Infinity", "1E+9999"])
def test_a_value_that_does_not_fit_is_refused(to: Any, wrong: str) -> None:
    with pytest.raises(OverflowError, match="does not fit into a decimal with 18 digits"):
        to(Table({"price": "decimal"}, [(Decimal(wrong),)]))
    with pytest.raises(OverflowError, match="beyond 64 bits"):
        to(Table({"number": "int"}, [(2**63,)]))


@pytest.mark.parametrize("to", [arrow, polars, pandas])
def test_the_precision_of_the_program_does_not_matter(to: Any) -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        to(HARD)


@pytest.mark.parametrize("to", [arrow, polars, pandas])
def test_an_empty_table_has_its_columns(to: Any) -> None:
    assert list(to(Table(HARD.kinds, [])).columns if to is not arrow else to(Table(HARD.kinds, [])).column_names) == list(
        HARD.kinds
    )


def test_bars_are_cut_at_whole_intervals() -> None:
    def trade(second: float, price: str, volume: int, symbol: str = "S1") -> tuple[Any, ...]:
        return (symbol, AT.replace(microsecond=0) + timedelta(seconds=second), Decimal(price), volume)

    kinds: dict[str, columns.Kind] = {"symbol": "text", "time": "time", "price": "decimal", "volume": "int"}
    rows = [trade(59.999999, "3", 4), trade(0, "2", 1), trade(60, "5", 8), trade(30, "1", 2), trade(1, "9", 1, "S2")]
    bars = columns.bars(Table(kinds, rows), timedelta(minutes=1))
    begin = AT.replace(microsecond=0)
    assert bars.rows == [
        ("S1", begin, Decimal(2), Decimal(3), Decimal(1), Decimal(3), 7, 3),
        ("S1", begin + timedelta(minutes=1), Decimal(5), Decimal(5), Decimal(5), Decimal(5), 8, 1),
        ("S2", begin, Decimal(9), Decimal(9), Decimal(9), Decimal(9), 1, 1),
    ]
    with pytest.raises(ValueError, match="longer than nothing"):
        columns.bars(Table(kinds, rows), timedelta(0))


def test_a_history_that_is_not_whole_is_refused(markets: Markets) -> None:
    with Client(markets.open().address) as client:
        market = client.snapshot()
        with pytest.raises(ValueError, match="lot 1 has 2000 bids, and its history holds the newest 0"):
            columns.bids(market, [m.History(1, 2_000, [], [])])


def test_tables_of_a_market_add_up_to_its_exports(markets: Markets) -> None:
    lots = "symbol,format,quantity\nS1,english,1\nS2,call,1\nS3,vickrey,1\nS4,uniform,100\nS5,english,1\n"
    server = markets.open(lots)
    with Client(server.address) as mia, Client(server.address) as tom, Client(server.address) as ann:
        for client, name in ((mia, "mia"), (tom, "tom")):
            client.register(name, PASSWORD)
            client.login(name, PASSWORD)
        ann.login("ann", PASSWORD)
        watch = ann.watch()
        next(watch)
        for n in range(20):
            (mia, tom)[n % 2].bid("S1", Decimal(n + 2) + Decimal("0.0001"))
        mia.order("S2", "buy", 500, Decimal("1.20"))
        tom.order("S2", "sell", 300)
        mia.order("S3", "buy", 1, Decimal("50"))
        tom.order("S4", "buy", 60, Decimal("4.50"))
        for lot in (1, 2, 3, 4):
            ann.close_lot(lot)
        events: list[Event] = []
        while not (events and isinstance(events[-1].event, m.LotClosed) and events[-1].event.lot == 4):
            update = next(watch)
            events += [update] if isinstance(update, Event) else []
        market = ann.snapshot()
        bids = columns.bids(market, [ann.history(lot.id) for lot in market.lots])
        recorded = columns.bids_of_feed(market, events)
        results, trades = columns.results(market), columns.trades(market)
        fills, orders = columns.fills(mia.fills()), columns.orders(mia.activity())

    open_bids = [row for row in bids.rows if row[-1] is not None]
    assert open_bids == recorded.rows and len(open_bids) == 20
    assert [(row[0], row[3], row[4], row[5], row[8]) for row in bids.rows if row[-1] is None] == [
        (3, "mia", Decimal("50.00"), Decimal("1.00"), 1), (4, "tom", Decimal("4.50"), Decimal("4.50"), 60)
    ]
    assert [row[7:] for row in results.rows] == [
        ("sold", "highest_bid", "tom", Decimal("21.0001"), 1), ("crossed", "volume", None, Decimal("1.20"), 300),
        ("sold", "least_bid", "mia", Decimal("1.00"), 1), ("allocated", "enough_for_all", None, Decimal("4.50"), 60),
    ]
    assert trades.column("lot") == [1, 2, 3, 4] and trades.column("volume") == [1, 300, 1, 60]
    assert [(row[1], row[4], row[5], row[6]) for row in fills.rows] == [
        ("S3", "buy", 1, Decimal("1.00")), ("S2", "buy", 300, Decimal("1.20"))
    ]
    assert [(row[1], row[7]) for row in orders.rows] == [("S3", "closed"), ("S2", "closed"), ("S1", "closed")]
    exported = list(csv.DictReader(io.StringIO(server.run("export", "bids"))))
    assert sorted((row["user"], row["symbol"], Decimal(row["price"])) for row in exported) == sorted(
        zip(bids.column("bidder"), bids.column("symbol"), bids.column("amount"))
    )
    exported = list(csv.DictReader(io.StringIO(server.run("export", "results"))))
    assert [(row["lot"], row["symbol"], Decimal(row["price"]), row["shares"]) for row in exported] == [
        (str(row[0]), row[1], row[10], str(row[11])) for row in results.rows
    ]
    for to in (arrow, polars):
        assert to(bids).num_rows == len(bids) if to is arrow else to(bids).height == len(bids)
