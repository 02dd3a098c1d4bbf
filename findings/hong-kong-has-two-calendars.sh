#!/usr/bin/env bash
# pandas_market_calendars knows the Hong Kong exchange under two names with different trading days and closes; neither is the real one.
#
# Expected: HKEX and XHKG are two names of one calendar, as NYSE and XNYS, LSE and XLON, JPX and XTKS are.
# Seen, pandas_market_calendars 5.5.0 (XHKG mirrors exchange_calendars 4.13.2):
#   HKEX  has no half days: on the eves of Christmas, New Year and Lunar New Year it closes at 16:00, XHKG at 12:00
#   HKEX  is open on 6 April 2021 (Tuesday after Easter Monday, a public holiday), XHKG is not
#   XHKG  is open on 1 and 8 September 2023 (a typhoon, a black rainstorm: no trading), HKEX is not
#   HKEX  is open on 13 October 2020, 13 October 2021 and 6 September 2024 (typhoons: no trading), XHKG is not
# Consequence: a schedule of phases made from such a calendar has to be checked against the exchange's notices, and the name under
# which it was asked for is part of the data.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pandas_market_calendars==5.5.0 exchange_calendars==4.13.2 pandas==3.1.1
"$work/venv/bin/python" - <<'PYTHON'
import pandas_market_calendars


def closes(name: str, zone: str) -> dict[str, str]:
    schedule = pandas_market_calendars.get_calendar(name).schedule("2017-01-01", "2026-11-27")
    return {str(day.date()): close.tz_convert(zone).strftime("%H:%M") for day, close in schedule.market_close.items()}


for one, other, zone in (
    ("NYSE", "XNYS", "America/New_York"),
    ("LSE", "XLON", "Europe/London"),
    ("JPX", "XTKS", "Asia/Tokyo"),
):
    assert closes(one, zone) == closes(other, zone), (one, other)
    print(one, "and", other, "agree on every day")

hkex, xhkg = closes("HKEX", "Asia/Hong_Kong"), closes("XHKG", "Asia/Hong_Kong")
only_hkex, only_xhkg = sorted(hkex.keys() - xhkg.keys()), sorted(xhkg.keys() - hkex.keys())
half_days = sorted(day for day in hkex.keys() & xhkg.keys() if hkex[day] != xhkg[day])
print("open in HKEX alone:", only_hkex)
print("open in XHKG alone:", only_xhkg)
print(f"{len(half_days)} days with another close, the last:", half_days[-1], hkex[half_days[-1]], xhkg[half_days[-1]])
assert only_hkex == ["2020-10-13", "2021-04-06", "2021-10-13", "2024-09-06"]
assert only_xhkg == ["2023-09-01", "2023-09-08"]
assert {(hkex[day], xhkg[day]) for day in half_days} == {("16:00", "12:00")} and len(half_days) == 21
assert set(hkex.values()) == {"16:00"}
print("as described: two calendars of one exchange")
PYTHON
