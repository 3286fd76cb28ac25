"""The filter of the page `/events` and of its chart: feed, mission, kind, state and days, read from a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import abort

from service.events.selection import EventSelection, read_bound
from service.names import suggest_names


def read_filter(given: Mapping[str, str], choices: Sequence[Mapping[str, Any]], missions: Sequence[str]) -> EventSelection:
    """Return the filter of a request; by default the feed with the most events. Aborts with 400 or 404 for a wrong value.

    `choices` are the rows of list_event_choices. A kind or state of another feed is ignored: the form has both.
    """
    feeds = [row["feed"] for row in choices]
    feed = given.get("feed") or (feeds[0] if feeds else "")
    if feed not in feeds:
        abort(404, f"No events of the feed {feed!r}. {suggest_names(feed, feeds, 'a4p events feeds lists the feeds.')}")
    mission = given.get("mission") or None
    if mission is not None and mission not in missions:
        abort(404, f"Unknown mission {mission!r}. {suggest_names(mission, missions)}")
    row = next(row for row in choices if row["feed"] == feed)
    kind, state = given.get("kind") or None, given.get("state") or None
    return EventSelection(
        feed,
        mission,
        kind if kind in row["kinds"] else None,
        state if state in row["states"] else None,
        _read_day(given, "from", 1, 1),
        _read_day(given, "to", 12, 31),
    )


def _read_day(given: Mapping[str, str], name: str, month: int, day: int) -> date | None:
    try:
        return read_bound(given.get(name, ""), month, day)
    except ValueError as error:
        abort(400, f"{name}: {error}")
