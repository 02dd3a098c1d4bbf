"""Times: `datetime` in UTC for programs, microseconds since 1970 on the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Returns the time of microseconds since 1970 UTC."""
    return EPOCH + timedelta(microseconds=micros)


def micros(at: datetime) -> int:
    """Returns microseconds since 1970 UTC. Raises TypeError for a time without a zone: it could be any time."""
    if not isinstance(at, datetime):
        raise TypeError(f"a time is a datetime, and {at!r} is of type {type(at).__name__}")
    if at.tzinfo is None:
        raise TypeError(f"{at!r} has no time zone: write datetime(..., tzinfo=timezone.utc)")
    return (at.astimezone(timezone.utc) - EPOCH) // _MICROSECOND


def span_micros(span: timedelta) -> int:
    """Returns a duration in microseconds."""
    if not isinstance(span, timedelta):
        raise TypeError(f"a duration is a timedelta, and {span!r} is of type {type(span).__name__}")
    return span // _MICROSECOND
