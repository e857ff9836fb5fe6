"""Instants are exact to the microsecond, and a civil day begins and ends where the zone says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from creditbank.domain.instants import day_of, end_of, instant_text, microseconds_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = ("Asia/Shanghai", "UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Africa/Cairo")


def test_instants_are_written_in_utc_to_the_microsecond() -> None:
    assert instant_text(0) == "1970-01-01T00:00:00.000000Z"
    assert instant_text(1_795_478_400_000_001) == "2026-11-24T00:00:00.000001Z"


@given(some.datetimes(timezones=some.just(UTC)))
def test_no_microsecond_is_lost_on_the_way_in_and_out(instant: datetime) -> None:
    assert datetime.fromisoformat(instant_text(microseconds_of(instant))) == instant


def test_the_day_begins_in_the_zone_of_the_bank() -> None:
    midnight = microseconds_of(datetime(2026, 11, 23, 16, tzinfo=UTC))
    assert (day_of(midnight - 1, SHANGHAI), day_of(midnight, SHANGHAI)) == (date(2026, 11, 23), date(2026, 11, 24))


@pytest.mark.parametrize("zone", [ZoneInfo(name) for name in ZONES], ids=str)
@given(day=some.dates(date(1970, 1, 2), date(9999, 12, 30)))
def test_the_end_of_a_day_is_its_last_microsecond(zone: ZoneInfo, day: date) -> None:
    end = end_of(day, zone)
    assert (day_of(end, zone), day_of(end + 1, zone)) == (day, day + timedelta(days=1))


def test_the_last_day_of_the_calendar_ends_too() -> None:
    assert day_of(end_of(date.max, SHANGHAI), SHANGHAI) == date.max
