"""Charts of indicators and KPIs in the read copy."""

from __future__ import annotations

from typing import Any

from metrics.catalogue import Indicator
from metrics.charts import Point, draw_history
from metrics.comparisons import Limit
from metrics.kpi_file import Kpi
from metrics.vega import Chart
from service.warehouse.database import Connection, run_sql

# More would be unreadable. The page has every period in its table, and a filter by mission.
MAX_SERIES = 36
MAX_PERIODS = 60


def draw_indicator(session: Connection, indicator: Indicator, mission: str | None = None) -> Chart:
    """Return the chart of the history of an indicator, for one mission or all, with as_of and known_at of the session."""
    parameters = {"indicator": indicator.indicator, "mission": mission}
    rows = run_sql(session, "charts/history", max_series=MAX_SERIES, max_periods=MAX_PERIODS, **parameters).fetchall()
    limits = run_sql(session, "charts/limits", **parameters).fetchall()
    return _draw(rows, limits, indicator.title, indicator.unit, mission)


def draw_kpi(session: Connection, kpi: Kpi, mission: str | None = None) -> Chart:
    """Return the chart of the history of a KPI, as `draw_indicator` does. A value is valid from its as_of date."""
    parameters = {"kpi": kpi.kpi, "mission": mission}
    rows = run_sql(session, "charts/kpi_history", max_series=MAX_SERIES, max_periods=MAX_PERIODS, **parameters).fetchall()
    limits = run_sql(session, "charts/kpi_limits", **parameters).fetchall()
    return _draw(rows, limits, kpi.title, kpi.unit, mission, kpi.maximum)


def _draw(
    rows: list[Any], limits: list[Any], title: str, unit: str, mission: str | None, maximum: float | None = None
) -> Chart:
    series_count, period_count = rows[0][6:] if rows else (0, 0)
    left_out = [
        *([f"the first {MAX_SERIES} of {series_count:,} series"] if series_count > MAX_SERIES else []),
        *([f"the last {MAX_PERIODS} of {period_count:,} periods"] if period_count > MAX_PERIODS else []),
    ]
    points = [Point(*row[:6]) for row in rows]
    title = f"{title}, {mission}" if mission else title
    return draw_history(points, unit, title, [Limit(*row) for row in limits], ", ".join(left_out), maximum=maximum)
