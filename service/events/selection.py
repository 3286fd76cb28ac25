"""A selection of the events of one feed, as the page `/events` and its chart show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from metrics.catalogue import ALL_MISSIONS
from metrics.counting import CountedFrom

# Spans of at most this many years have a bar for each month.
MAX_YEARS_BY_MONTH = 3


@dataclass(frozen=True)
class EventSelection:
    """The events of a feed with these values; None for any. The first and last day are inclusive."""

    feed: str
    mission: str | None = None
    kind: str | None = None
    state: str | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The selection as the parameters of its queries."""
        return vars(self).copy()

    def write(self, **changes: str | None) -> dict[str, str | None]:
        """Return the selection, with changes, as the parameters of a link."""
        written = {"feed": self.feed, "mission": self.mission, "kind": self.kind, "state": self.state}
        return {**written, "from": write_bound(self.first_day, 1, 1), "to": write_bound(self.last_day, 12, 31), **changes}

    def within(self, first_day: date, last_day: date) -> EventSelection:
        """Return the selection with the days of a period."""
        return replace(self, first_day=first_day, last_day=last_day)

    @property
    def written_from(self) -> str:
        """The first day as it is written in the form."""
        return write_bound(self.first_day, 1, 1) or ""

    @property
    def written_to(self) -> str:
        """The last day as it is written in the form."""
        return write_bound(self.last_day, 12, 31) or ""

    def is_by_month(self, first_year: int, last_year: int) -> bool:
        """Return whether the chart of events from the first to the last year has a bar for each month."""
        first = max(self.first_day.year if self.first_day else first_year, first_year)
        last = min(self.last_day.year if self.last_day else last_year, last_year)
        return last - first < MAX_YEARS_BY_MONTH


def select_counted(
    rule: CountedFrom,
    mission: str | None = None,
    dimensions: Mapping[str, str] | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
) -> EventSelection:
    """Return the selection of the events that a rule counts, as far as the page has a filter for its fields."""
    fields = {name: values[0] for name, values in rule.where.items() if len(values) == 1}
    fields |= {rule.by[name]: value for name, value in (dimensions or {}).items() if name in rule.by}
    return EventSelection(
        rule.feed,
        None if mission == ALL_MISSIONS else mission,
        fields.get("kind"),
        fields.get("state"),
        max(first_day, rule.since) if first_day else rule.since,
        last_day,
    )


def select_window(feed: str, window_days: int, mission: str, last_day: date) -> EventSelection:
    """Return the selection of the events of a mission in the window of a KPI that ends with a day."""
    return EventSelection(feed, mission, first_day=last_day - timedelta(days=window_days - 1), last_day=last_day)


def read_bound(written: str, month: int, day: int) -> date | None:
    """Return the day of a bound, written as YYYY-MM-DD or as a year, whose day it then has. None for an empty text.

    Raises ValueError.
    """
    text = written.strip()
    if not text:
        return None
    if re.fullmatch(r"(19|2\d)\d\d", text, re.ASCII):
        return date(int(text), month, day)
    if re.fullmatch(r"(19|2\d)\d\d-\d\d-\d\d", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"{text!r} is not a year or day. Write it as 2020 or 2020-05-01.")


def write_bound(bound: date | None, month: int, day: int) -> str | None:
    """Return a bound as text: its year if it is that day of the year."""
    if bound is None:
        return None
    return str(bound.year) if (bound.month, bound.day) == (month, day) else bound.isoformat()
