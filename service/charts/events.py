"""The chart of the events of a feed in the read copy."""

from __future__ import annotations

from metrics.event_charts import EventCount, draw_events
from metrics.vega import Chart
from service.events.selection import EventSelection
from service.warehouse.database import Connection, read_objects, run_sql


def draw_feed(session: Connection, chosen: EventSelection, first_year: int, last_year: int) -> Chart:
    """Return the chart of selected events, with as_of and known_at of the session. The years are those of the feed."""
    by_month = chosen.is_by_month(first_year, last_year)
    counts = read_objects(run_sql(session, "charts/events", by_month=by_month, **chosen.parameters), EventCount)
    return draw_events(counts, f"Events by {'month' if by_month else 'year'} and kind")
