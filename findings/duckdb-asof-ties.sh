#!/usr/bin/env bash
# Quotes with equal times, joined as of a trade: DuckDB takes the first of them or the last, depending on how many trades there are.
#
# Expected: like merge_asof of pandas and join_asof of polars, an ASOF join takes one and the same of several quotes that share the
# latest time, so that a trade's prevailing quote does not depend on the other trades in the table.
# Seen: DuckDB 2.0.1 takes the first quote while the left table has fewer than 64 rows (a nested loop, setting
# asof_loop_join_threshold), and the last one from 64 rows on (a sort-merge). pandas 3.1.1 and polars 2.1.0 take the last.
# Consequence: a query tried on one trade gives another bid than the same query over the day. Either number the quotes and join
# on the number, or keep one quote a time (arg_max by the feed's sequence) before joining.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 pandas==3.1.1
"$work/venv/bin/python" - <<'PYTHON'
import duckdb
import pandas
import polars

quotes = pandas.DataFrame({"time": [0, 0, 0], "bid": [1, 2, 3]})
database = duckdb.connect()
database.execute("create table quotes as select 0 as time, i as bid from range(1, 4) r(i)")


def bids(trades: int) -> dict[str, set[int]]:
    table = pandas.DataFrame({"time": range(trades)})
    database.execute(f"create or replace table trades as select i as time from range({trades}) r(i)")
    joined = database.sql("select bid from trades asof join quotes on trades.time >= quotes.time").fetchall()
    return {
        "pandas": set(pandas.merge_asof(table, quotes, on="time").bid),
        "polars": set(polars.from_pandas(table).join_asof(polars.from_pandas(quotes), on="time")["bid"]),
        "duckdb": {bid for (bid,) in joined},
    }


for trades in (1, 63, 64, 1000):
    print(trades, "trades:", bids(trades))
assert bids(63) == {"pandas": {3}, "polars": {3}, "duckdb": {1}}
assert bids(64) == {"pandas": {3}, "polars": {3}, "duckdb": {3}}
database.execute("set asof_loop_join_threshold = 0")
assert bids(63)["duckdb"] == {3}
print("as described: the first quote below 64 trades, the last from 64 on")
PYTHON
