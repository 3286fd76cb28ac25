"""Charts of indicators and KPIs in the read copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from metrics.catalogue import Indicator
from metrics.charts import Point, draw_history
from metrics.comparisons import WIDTH, Limit
from metrics.kpi_file import Kpi
from metrics.languages import gettext, translate, translate_rows, translate_series, write_integer
from metrics.thresholds import EVERY_MISSION, Threshold
from metrics.vega import Chart
from service.warehouse.database import Connection, make_object, read_objects, read_rows, run_sql

# More would be unreadable. The page has every period in its table, and a filter by mission.
MAX_SERIES = 36
# The counts of events reach back to 1948.
MAX_PERIODS = 100


def draw_indicator(session: Connection, indicator: Indicator, mission: str | None = None, room: int = WIDTH) -> Chart:
    """Return the chart of the history of an indicator, for one mission or all, with as_of and known_at of the session."""
    parameters = {"indicator": indicator.indicator, "mission": mission}
    rows = read_rows(run_sql(session, "charts/history", max_series=MAX_SERIES, max_periods=MAX_PERIODS, **parameters))
    limits = read_objects(run_sql(session, "charts/limits", **parameters), Limit)
    return _draw(rows, limits, translate(indicator.title), indicator.unit, mission, room)


def draw_kpi(session: Connection, kpi: Kpi, mission: str | None = None, room: int = WIDTH) -> Chart:
    """Return the chart of the history of a KPI, as `draw_indicator` does. A value is valid from its as_of date."""
    parameters = {"kpi": kpi.kpi, "mission": mission}
    rows = read_rows(run_sql(session, "charts/kpi_history", max_series=MAX_SERIES, max_periods=MAX_PERIODS, **parameters))
    limits = read_objects(run_sql(session, "charts/kpi_limits", **parameters), Limit)
    return _draw(rows, limits, translate(kpi.title), kpi.unit, mission, room, kpi.maximum)


def draw_back_test(session: Connection, measured: Indicator | Kpi, tested: Sequence[Threshold], room: int = WIDTH) -> Chart:
    """Return the chart of an indicator or KPI with the limits of back-tested thresholds, for the series that they govern."""
    mission = None if len(tested) > 1 or tested[0].mission == EVERY_MISSION else tested[0].mission
    if isinstance(measured, Indicator):
        query, about, maximum = "charts/history", {"indicator": measured.indicator}, None
    else:
        query, about, maximum = "charts/kpi_history", {"kpi": measured.kpi}, measured.maximum
    rows = read_rows(run_sql(session, query, max_series=MAX_SERIES, max_periods=MAX_PERIODS, mission=mission, **about))
    limits: list[Limit] = []
    for threshold in tested:
        if threshold.limit is not None:
            found = run_sql(
                session,
                "charts/tested_limits",
                metric=threshold.metric,
                mission=threshold.mission,
                dimensions=threshold.dimensions,
                comparison=threshold.comparison,
                severity=threshold.severity,
                limit_value=threshold.limit,
            )
            limits += read_objects(found, Limit)
    return _draw(rows, limits, translate(measured.title), measured.unit, mission, room, maximum)


def _draw(
    rows: list[dict[str, Any]],
    limits: list[Limit],
    title: str,
    unit: str,
    mission: str | None,
    room: int,
    maximum: float | None = None,
) -> Chart:
    series_count, period_count = (rows[0]["series_count"], rows[0]["period_count"]) if rows else (0, 0)
    left_out = [
        *([gettext("the first %(shown)s of %(count)s series", shown=MAX_SERIES, count=write_integer(series_count))]
          if series_count > MAX_SERIES else []),
        *([gettext("the last %(shown)s of %(count)s periods", shown=MAX_PERIODS, count=write_integer(period_count))]
          if period_count > MAX_PERIODS else []),
    ]  # fmt: skip
    points = [make_object(Point, row) for row in translate_rows(rows)]
    limits = [replace(limit, series=translate_series(limit.series)) for limit in limits]
    title = f"{title}, {mission}" if mission else title
    return draw_history(points, unit, title, limits, ", ".join(left_out), room, maximum)
