"""Charts of what the read copy holds."""

from __future__ import annotations

from typing import Any

from metrics.catalogue import Indicator
from metrics.charts import Limit, Point, draw_history
from metrics.kpi_file import Kpi
from metrics.vega import Chart
from service.warehouse import Connection, run_sql

# More panels than a person looks at; the page asks for one mission then.
MOST_SERIES = 36


def draw_indicator(session: Connection, indicator: Indicator, mission: str | None = None) -> Chart:
    """Return the chart of the history of an indicator, of one mission or of all, as of and known at what the session says."""
    name = indicator.indicator
    rows = run_sql(session, "charts/history", indicator=name, mission=mission, most=MOST_SERIES).fetchall()
    limits = run_sql(session, "charts/limits", indicator=name, mission=mission).fetchall()
    return _draw(rows, limits, indicator.title, indicator.unit, mission)


def draw_kpi(session: Connection, kpi: Kpi, mission: str | None = None) -> Chart:
    """Return the chart of the history of a KPI, as `draw_indicator` does; a figure holds from the date it is as of."""
    rows = run_sql(session, "charts/kpi_history", kpi=kpi.kpi, mission=mission, most=MOST_SERIES).fetchall()
    limits = run_sql(session, "charts/kpi_limits", kpi=kpi.kpi, mission=mission).fetchall()
    return _draw(rows, limits, kpi.title, kpi.unit, mission)


def _draw(rows: list[Any], limits: list[Any], title: str, unit: str, mission: str | None) -> Chart:
    series_count = rows[0][-1] if rows else 0
    note = f"the first {MOST_SERIES} of {series_count:,} series" if series_count > MOST_SERIES else ""
    points = [Point(*row[:-1]) for row in rows]
    return draw_history(points, unit, f"{title}, {mission}" if mission else title, [Limit(*row) for row in limits], note)
