"""Cron schedules with the rules of Debian's cron for daylight saving time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim, CronSimError


class CronSchedule(BaseTrigger):  # type: ignore[misc]
    """A cron expression of five fields in a time zone.

    A job at a fixed hour runs once on each day: if its hour does not exist, right after the change, and if the hour occurs
    twice, the first time. The trigger of APScheduler runs it twice. Weekdays are numbered as in cron: 0 and 7 are Sunday.
    Raises ValueError when the expression is invalid.
    """

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        if len(expression.split()) != 5:
            raise ValueError("a schedule has 5 fields: minute, hour, day of month, month, weekday; for example '0 * * * *'")
        self.expression = expression
        self.zone = zone
        try:
            self.find_next(datetime.now(UTC))
        except CronSimError as error:
            raise ValueError(f"{error} in the schedule {expression!r}") from None
        except StopIteration:
            raise ValueError(f"the schedule {expression!r} is never due") from None

    def find_next(self, after: datetime) -> datetime:
        """Return the first time due later than `after`."""
        # One second earlier, since cronsim drops fractions of seconds. Compared in UTC, since two times of one zone compare by
        # local time.
        start = (after.astimezone(UTC) - timedelta(seconds=1)).astimezone(self.zone)
        return next(due for due in CronSim(self.expression, start) if due.astimezone(UTC) > after)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next run time: after the previous time, or from now on. Called by APScheduler."""
        return self.find_next(previous_fire_time or now - timedelta(microseconds=1))

    def __getstate__(self) -> dict[str, Any]:
        return {"expression": self.expression, "zone": self.zone}
