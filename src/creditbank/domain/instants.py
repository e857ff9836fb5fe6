"""Instants and days. Inside the bank an instant is an integer: microseconds since 1970 UTC.

A day is a civil day in the bank's time zone; on the outside an instant is RFC 3339 text in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds_of(instant: datetime) -> int:
    """The instant that a time with zone names, to the microsecond."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_text(instant: int) -> str:
    """RFC 3339 in UTC, always with six places."""
    whole = datetime.fromtimestamp(instant // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}".zfill(19) + f".{instant % 1_000_000:06d}Z"


def day_of(instant: int, zone: tzinfo) -> date:
    """The civil day of an instant."""
    return (_EPOCH + instant * _MICROSECOND).astimezone(zone).date()


def end_of(day: date, zone: tzinfo) -> int:
    """The last instant of a civil day; the later one where clocks were put back across midnight."""
    return microseconds_of(datetime.combine(day, time.max.replace(fold=1), zone))
