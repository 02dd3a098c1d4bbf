#!/usr/bin/env bash
# India's exchanges trade for an hour on the evening of Diwali, also on a Sunday: calendars know that hour by year, by name and by weekday.
#
# Expected: the special session ("muhurat trading") is a session of both Indian exchanges in every year, as it was.
# Seen, pandas_market_calendars 5.5.0 and exchange_calendars 4.13.2:
#   NSE has it in 2021, 2022, 2024 and 2025, as a whole day's schedule: one hour that begins at 18:15, 18:15, 18:00 and 13:45
#   NSE does not have those of Sunday 27 October 2019, Saturday 14 November 2020 and Sunday 12 November 2023: the mask of
#       weekdays wins over the list of special times
#   BSE, which holds the same session, has none of these in that package, nor has XBOM in exchange_calendars
# Consequence: a day lot's schedule can't assume that a session begins in the morning, lies on a weekday, or that a listed
# holiday has no trading; phases are given as times, and an empty calendar day is not an error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pandas_market_calendars==5.5.0 exchange_calendars==4.13.2 pandas==3.1.1
"$work/venv/bin/python" - <<'PYTHON'
import exchange_calendars
import pandas_market_calendars

EVENINGS = ["2019-10-27", "2020-11-14", "2021-11-04", "2022-10-24", "2023-11-12", "2024-11-01", "2025-10-21"]


def session(name: str, day: str) -> str | None:
    rows = pandas_market_calendars.get_calendar(name).schedule(day, day)
    if rows.empty:
        return None
    opens, closes = (rows[column].iloc[0].tz_convert("Asia/Kolkata") for column in ("market_open", "market_close"))
    return f"{opens:%H:%M}-{closes:%H:%M}"


nse = {day: session("NSE", day) for day in EVENINGS}
print("NSE:", nse)
assert nse == {
    "2019-10-27": None,
    "2020-11-14": None,
    "2021-11-04": "18:15-19:15",
    "2022-10-24": "18:15-19:15",
    "2023-11-12": None,
    "2024-11-01": "18:00-19:00",
    "2025-10-21": "13:45-14:45",
}
bse = {day: session("BSE", day) for day in EVENINGS}
xbom = {day: exchange_calendars.get_calendar("XBOM").is_session(day) for day in EVENINGS}
print("BSE:", bse)
print("XBOM:", xbom)
assert not any(bse.values()) and not any(xbom.values())
print("as described: the hour is there by name and weekday")
PYTHON
