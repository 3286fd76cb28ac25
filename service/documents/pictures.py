"""The charts of a cycle: for each indicator the most informative one, or none if the table is sufficient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.catalogue import ALL_MISSIONS
from metrics.charts import Point, draw_history
from metrics.comparisons import PARTS, Bar, Part, draw_comparison, draw_parts
from metrics.languages import gettext
from metrics.summaries import summarize_values
from metrics.vega import Chart, Engine, render_svg
from service.documents.report import CycleReport, IndicatorReport, Observation, PriorityReport

# A chart of fewer values shows no more than the table.
MIN_PERIODS = 3
MIN_MISSIONS = 3
# Width in pixels: three charts fit side by side on a printed page.
WIDTH = 340


@dataclass(frozen=True)
class Picture:
    """A chart with its heading. `svg` is the file, `width` its width in pixels, `alt` its description.

    `caption` states its values in sentences.
    """

    title: str
    svg: str
    width: int
    alt: str
    caption: str = ""


def draw_pictures(report: CycleReport, priority: PriorityReport, engine: Engine) -> tuple[Picture, ...]:
    """Return the charts of a priority, in the order of its indicators."""
    drawn = ((entry, _choose(report, entry)) for entry in priority.indicators)
    return tuple(_render(entry.title, chart, engine, _caption(report, entry)) for entry, chart in drawn if chart)


def _caption(report: CycleReport, entry: IndicatorReport) -> str:
    rows = [
        {
            "mission": observation.mission,
            "dimensions": {"part": observation.part} if observation.part else {},
            "value": observation.value,
            "unit": entry.unit,
            "better": entry.better,
            "change": observation.change,
            "period": observation.period,
        }
        for observation in entry.observations
        if not observation.is_stale
    ]
    breach_count = sum(metric == entry.metric for metric, _, _ in report.severities)
    return " ".join(summarize_values(rows, breach_count))


def _choose(report: CycleReport, entry: IndicatorReport) -> Chart | None:
    observations = [observation for observation in entry.observations if not observation.is_stale]
    missions = list(dict.fromkeys(observation.mission for observation in observations))
    parts = list(dict.fromkeys(observation.part for observation in observations if observation.part))
    title = gettext("%(title)s, cycle %(cycle)s", title=entry.title, cycle=report.cycle)
    if entry.unit in ("boolean", "level"):
        if len(missions) < MIN_MISSIONS:
            return None
        if parts:
            points = [_place(observation, observation.mission, observation.part) for observation in observations]
            return draw_history(points, entry.unit, title, room=WIDTH)
        return _draw_periods(entry, title, 2)
    if len(missions) == 1 and parts:
        if len(parts) > len(PARTS) or not _is_whole(entry, observations):
            return _draw_periods(entry, title, 2)
        rows = [
            Part(observation.period, observation.part, observation.value, observation.status) for observation in observations
        ]
        if entry.unit != "ratio":
            rows = [Part(p.period, p.series.removeprefix(f"{missions[0]}, "), p.value, p.status) for p in entry.history]
        return draw_parts(rows, entry.unit, title, room=WIDTH)
    if len(missions) == 1:
        return _draw_periods(entry, title, MIN_PERIODS)
    shown = [observation for observation in observations if observation.mission != ALL_MISSIONS]
    if parts or len(shown) < MIN_MISSIONS or sum(bool(observation.value) for observation in shown) < 2:
        return None
    bars = [
        Bar(observation.mission, observation.value, observation.status, observation.previous_value) for observation in shown
    ]
    return draw_comparison(bars, entry.unit, title, room=WIDTH)


def _draw_periods(entry: IndicatorReport, title: str, min_periods: int) -> Chart | None:
    if _count_periods(entry.history) < min_periods:
        return None
    return draw_history(entry.history, entry.unit, title, room=WIDTH)


def _place(observation: Observation, series: str, period: str) -> Point:
    return Point(series, period, observation.period_start, observation.period_end, observation.value, observation.status)


def _count_periods(points: Sequence[Point]) -> int:
    return len({(point.period_start, point.period_end) for point in points})


def _is_whole(entry: IndicatorReport, observations: Sequence[Observation]) -> bool:
    """Return whether the parts add up to a whole: counts without a total among them, or shares that add up to 1."""
    if entry.unit == "ratio":
        return abs(sum(observation.value or 0 for observation in observations) - 1) < 0.005
    is_cumulative = len({point.period_start for point in entry.history}) < _count_periods(entry.history)
    return entry.unit == "count" and not is_cumulative and all(observation.part != "All" for observation in observations)


def _render(title: str, chart: Chart, engine: Engine, caption: str) -> Picture:
    svg = render_svg(chart, engine).decode()
    return Picture(title, svg, int(svg.partition('width="')[2].partition('"')[0]), chart.description, caption)
