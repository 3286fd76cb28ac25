"""The times of schedules, including daylight saving time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.jobs.schedule import CronSchedule

# The day before each change: clocks go forward, clocks go back. Lord Howe changes by half an hour.
CHANGES = [
    ("Europe/Berlin", "2026-03-28", "2026-10-24"),
    ("America/New_York", "2026-03-07", "2026-10-31"),
    ("Australia/Lord_Howe", "2026-10-03", "2026-04-04"),
]


def list_due(expression: str, zone: ZoneInfo, first_day: str, days: int) -> list[datetime]:
    schedule = CronSchedule(expression, zone)
    due = datetime.fromisoformat(first_day).replace(tzinfo=zone).astimezone(UTC) - timedelta(seconds=1)
    end = (datetime.fromisoformat(first_day) + timedelta(days=days)).replace(tzinfo=zone).astimezone(UTC)
    found = []
    while (due := schedule.find_next(due)).astimezone(UTC) < end:
        found.append(due)
    return found


@pytest.mark.parametrize("time", ["15 1", "45 1", "0 2", "15 2", "30 2", "59 2", "0 3", "45 3"])
@pytest.mark.parametrize(("zone", "forward", "back"), CHANGES)
def test_a_daily_schedule_runs_once_on_each_day_of_a_change(time: str, zone: str, forward: str, back: str) -> None:
    for day in (forward, back):
        due = list_due(f"{time} * * *", ZoneInfo(zone), day, 3)
        first = datetime.fromisoformat(day).date()
        assert [moment.date() for moment in due] == [first + timedelta(days=number) for number in range(3)]


@pytest.mark.parametrize(("zone", "forward", "back"), CHANGES)
def test_an_hourly_schedule_runs_each_hour_that_exists(zone: str, forward: str, back: str) -> None:
    step = timedelta(hours=0.5 if zone == "Australia/Lord_Howe" else 1)
    for day, change in ((forward, -step), (back, step)):
        due = [moment.astimezone(UTC) for moment in list_due("*/30 * * * *", ZoneInfo(zone), day, 3)]
        assert len(due) == (timedelta(days=3) + change) / timedelta(minutes=30)
        assert {later - earlier for earlier, later in pairwise(due)} == {timedelta(minutes=30)}


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from([zone for zone, _, _ in CHANGES]))
def test_the_next_time_is_always_later(moment: datetime, zone: str) -> None:
    schedule = CronSchedule("30 2 * * *", ZoneInfo(zone))
    after = moment.replace(tzinfo=UTC)
    due = schedule.find_next(after).astimezone(UTC)
    assert after < due <= after + timedelta(hours=26)


def test_a_time_that_is_due_now_is_not_skipped() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    schedule = CronSchedule("0 * * * *", ZoneInfo("UTC"))
    assert schedule.get_next_fire_time(None, now) == now
    assert schedule.get_next_fire_time(now, now) == now + timedelta(hours=1)


def test_0_and_7_are_sunday() -> None:
    for weekday in ("0", "7", "sun"):
        assert list_due(f"0 3 * * {weekday}", ZoneInfo("UTC"), "2026-11-23", 7) == [datetime(2026, 11, 29, 3, tzinfo=UTC)]


@pytest.mark.parametrize("expression", ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 31 2 *", "every hour", "@daily"])
def test_an_invalid_expression_is_rejected(expression: str) -> None:
    with pytest.raises(ValueError):
        CronSchedule(expression, ZoneInfo("UTC"))
