"""The chart of the events of a feed in the read copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metrics.comparisons import WIDTH
from metrics.event_charts import EventCount, draw_events
from metrics.languages import gettext
from metrics.vega import Chart
from service.events.selection import EventSelection
from service.warehouse.database import Connection, read_objects, run_sql


def draw_feed(session: Connection, chosen: EventSelection, choice: Mapping[str, Any], room: int = WIDTH) -> Chart:
    """Return the chart of selected events, with as_of and known_at of the session. `choice` is a row of list_event_choices."""
    by_month = chosen.is_by_month(choice["first_year"], choice["last_year"])
    title = gettext("Events by month and kind") if by_month else gettext("Events by year and kind")
    counts = read_objects(run_sql(session, "charts/events", by_month=by_month, **chosen.parameters), EventCount)
    return draw_events(counts, title, choice["kinds"], room)
