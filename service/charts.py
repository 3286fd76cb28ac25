"""Charts of what the read copy holds."""

from __future__ import annotations

from metrics.catalogue import Indicator
from metrics.charts import Limit, Point, draw_history
from metrics.vega import Chart
from service.warehouse import Connection, run_sql

# More panels than a person looks at; the page asks for one mission then.
MOST_SERIES = 36


def draw_indicator(session: Connection, indicator: Indicator, mission: str | None = None) -> Chart:
    """Return the chart of the history of an indicator, of one mission or of all, as of and known at what the session says."""
    rows = run_sql(session, "charts/history", indicator=indicator.indicator, mission=mission, most=MOST_SERIES).fetchall()
    points = [Point(*row[:-1]) for row in rows]
    limits = [
        Limit(*row) for row in run_sql(session, "charts/limits", indicator=indicator.indicator, mission=mission).fetchall()
    ]
    series_count = rows[0][-1] if rows else 0
    note = f"the first {MOST_SERIES} of {series_count:,} series" if series_count > MOST_SERIES else ""
    title = f"{indicator.title}, {mission}" if mission else indicator.title
    return draw_history(points, indicator.unit, title, limits, note)
