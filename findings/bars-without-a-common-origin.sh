#!/usr/bin/env bash
# Bars of seven minutes: three table libraries cut one day's trades at three places, and one of them moves with the table's first day.
#
# Expected: bars of N minutes begin at the same instants everywhere, and those of a day do not depend on other days in the table.
# Seen, for trades from 14:30 UTC on 3 March 2026: the first bar begins at
#   pandas 3.1.1   14:28 when the table begins that day, 14:30 when it begins a day earlier (origin: midnight of the first row)
#   polars 2.1.0   14:24, whatever the table holds (origin: 1970-01-01)
#   duckdb 2.0.1   14:30, whatever the table holds (origin: 2000-01-03)
# So open, high, low and close differ. Only lengths that divide a day (1, 5, 15, 30, 60, 90 minutes) agree, and bars of two weeks
# differ as well: 2 March 2026 begins one in polars, and is the eighth day of one in DuckDB.
# Consequence: bars that others shall reproduce say their origin; ask each library for it (origin=, offset, third argument).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 pandas==3.1.1
"$work/venv/bin/python" - <<'PYTHON'
from datetime import datetime, timedelta, timezone

import duckdb
import pandas
import polars

DAY = datetime(2026, 3, 3, tzinfo=timezone.utc)
SESSION = [DAY + timedelta(hours=14, minutes=30 + minute) for minute in range(60)]
database = duckdb.connect()
database.execute("set timezone = 'UTC'")


def first_bar_of_the_day(times: list[datetime], minutes: int) -> dict[str, str]:
    trades = pandas.DataFrame({"time": pandas.Series(times).astype("datetime64[us, UTC]")})
    counted = trades.resample(f"{minutes}min", on="time").size()
    starts = {
        "pandas": [start.to_pydatetime() for start, trades_in_bar in counted.items() if trades_in_bar],
        "polars": polars.DataFrame({"time": times}).group_by_dynamic("time", every=f"{minutes}m").agg()["time"].to_list(),
        "duckdb": [
            start
            for (start,) in database.sql(
                f"select distinct time_bucket(interval '{minutes} minutes', time) from trades"
            ).fetchall()
        ],
    }
    return {name: min(s for s in found if s >= DAY).strftime("%H:%M") for name, found in starts.items()}


earlier = [time - timedelta(days=1) for time in SESSION]
alone = first_bar_of_the_day(SESSION, 7)
after_another_day = first_bar_of_the_day(earlier + SESSION, 7)
print("the day alone:     ", alone)
print("after another day: ", after_another_day)
assert alone == {"pandas": "14:28", "polars": "14:24", "duckdb": "14:30"}, alone
assert after_another_day == {"pandas": "14:30", "polars": "14:24", "duckdb": "14:30"}, after_another_day
for minutes in (5, 30, 90):
    assert len(set(first_bar_of_the_day(earlier + SESSION, minutes).values())) == 1

fortnight = [datetime(2026, 3, 2, tzinfo=timezone.utc) + timedelta(days=day) for day in range(14)]
database.execute(
    "create table days as select timestamptz '2026-03-02 00:00:00+00' + to_days(day::integer) as time from range(14) r(day)"
)
in_polars = polars.DataFrame({"time": fortnight}).group_by_dynamic("time", every="2w").agg(polars.len())["len"].to_list()
in_duckdb = [
    count
    for _, count in sorted(
        database.sql("select time_bucket(interval '2 weeks', time), count(*) from days group by 1").fetchall()
    )
]
print("two weeks from 2 March:", {"polars": in_polars, "duckdb": in_duckdb})
assert (in_polars, in_duckdb) == ([14], [7, 7])
print("as described: three origins")
PYTHON
