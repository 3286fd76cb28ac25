"""Dates and instants as users write them, and the as-of date and known-at instant of a session.

Pages, API and commands accept the same forms and report the same errors. A date is written 2023-10-31. An instant is written as
a date, or as a date and time: 2024-07-01T12:00, 2024-07-01 12:00:30 or 2024-07-01T12:00+02:00. Without an offset it is in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import duckdb

MAX_YEARS_AHEAD = 10
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)


def parse_date(text: str) -> date:
    """Return a date written like 2023-10-31. Raises ValueError with a sentence that names the fix."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date. Write it like 2023-10-31.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date: the day does not exist.") from None


def find_last_as_of() -> date:
    """Return the latest as-of date that is accepted."""
    return date(datetime.now(UTC).year + MAX_YEARS_AHEAD, 12, 31)


def parse_as_of(text: str) -> date:
    """Return an as-of date, at most MAX_YEARS_AHEAD years ahead. Raises ValueError with a sentence that names the fix.

    Each half-year until an as-of date has a cycle with its overdue reports: the page of the year 2200 had 11 MB.
    """
    as_of = parse_date(text)
    if as_of > find_last_as_of():
        raise ValueError(f"{text!r} is more than {MAX_YEARS_AHEAD} years ahead. Write an earlier date.")
    return as_of


def parse_instant(text: str) -> datetime:
    """Return a date or a date and time as an instant in UTC. Raises ValueError with a sentence that names the fix."""
    matched = _INSTANT.fullmatch(text)
    try:
        if matched is None:
            raise ValueError
        day, clock, offset = matched.groups()
        return datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or 'Z').upper()}").astimezone(UTC)
    except OverflowError:
        # Within the years 1 to 9999 in local time, but not in UTC. No value was recorded beyond these years.
        edge = datetime.min if text.startswith("0001") else datetime.max
        return edge.replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a date or time. Write it like 2024-07-01T12:00:00Z, or 2024-07-01 for its start in UTC."
        ) from None


def set_moment(session: duckdb.DuckDBPyConnection, as_of: str | None, known_at: str | None = None) -> None:
    """Set the as-of date and known-at instant of a session, in ISO form, where they are given."""
    for name, kind, value in (("as_of", "date", as_of), ("known_at", "timestamptz", known_at)):
        if value is not None:
            # A variable cannot be bound; the text of a date or instant is safe.
            session.execute(f"set variable {name} = {kind} '{value}'")
