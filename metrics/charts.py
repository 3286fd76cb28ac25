"""Charts of values on pages and in cycle documents, as Vega-Lite specifications; `render_svg` draws them.

vl-convert draws them as SVG without network access and without style attributes or elements (the Content-Security-Policy
needs no unsafe-inline). Text stays text, and the same data gives the same bytes. Each colour has one meaning: blue is a value,
grey the value of the period before or no value, orange a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from metrics.codes import write_code
from metrics.comparisons import (
    IMPOSSIBLE,
    WIDTH,
    Bar,
    Limit,
    clip,
    describe_values,
    draw_comparison,
    draw_nothing,
    explain_impossible,
    explain_not_final,
    is_above,
    write_status,
)
from metrics.languages import gettext, localize
from metrics.values import MARKS, NOT_FINAL, STATUS_TEXT, write_value
from metrics.vega import (
    CHARACTER_PIXELS,
    DASH_IF_NOT_FINAL,
    EARLIER,
    FINAL,
    INK,
    LIMIT,
    NONE,
    PAPER,
    Chart,
    Spec,
    arrange,
    frame,
    layer,
    outlined_text_layers,
    pad_labels,
    style_not_final,
    text_layer,
)

# A bar or mark that is narrower has no text: those of decades would overlap.
MIN_TEXT_PIXELS = 7
# Texts of wider bars may extend over the gap between them.
NARROW_PIXELS = 12


@dataclass(frozen=True)
class Point:
    """The value of one series in one period; `series` is a mission, a dimension value, or both, `period` a label.

    `value` is in the unit of the metric, None for the statuses O, L and M, and for V without a value.
    """

    series: str
    period: str
    period_start: date
    period_end: date
    value: float | None
    status: str = "A"


def draw_history(
    points: Sequence[Point],
    unit: str,
    title: str,
    limits: Sequence[Limit] = (),
    note: str = "",
    room: int = WIDTH,
    maximum: float | None = None,
) -> Chart:
    """Return the history of one metric as small multiples: a panel per series, with common scales.

    A count of a period is a bar over the period. A state (a ratio, a cumulative total, a value of one day) is a step over its
    period or, if periods share their first day or have one day, from the end of its period to the next. Booleans and levels are
    a row of cells per series. Values of a single period are compared as bars. A missing value is a mark, never 0. A value
    above `maximum` is drawn up to it and marked. `note` is below the chart, which is at most `room` pixels wide.
    """
    if not points:
        return draw_nothing(title)
    if unit in ("boolean", "level"):
        return _draw_fields(points, unit, title)
    names = list(dict.fromkeys(point.series for point in points))
    if len(names) == len(points) and len({point.period for point in points}) == 1:
        bars = [Bar(point.series, point.value, point.status) for point in points]
        return draw_comparison(bars, unit, f"{title}, {points[0].period}", limits=limits, room=room, maximum=maximum)
    spans = _span(points)
    columns = 1 if len(names) == 1 else 2 if len(names) <= 4 or room < WIDTH else 3
    width = (room - 46 - (columns - 1) * 52) // columns
    height = {1: 200, 2: 130, 3: 96}[columns]
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    pixels_a_day = width / max((last - first).days, 1)
    numbers = (
        [clip(point.value, maximum) for point in points if point.value is not None] + [limit.value for limit in limits] + [0.0]
    )
    # Space for the text above the highest value, which would otherwise move the heading of the panel.
    margin = (max(numbers) - min(numbers) or 1) * 18 / height
    domain = [min(numbers) - (margin if min(numbers) < 0 else 0), max(numbers) + margin]
    is_step = unit == "ratio" or _is_cumulative(points)

    values: list[Spec] = []
    for point, (begin, end) in zip(points, spans, strict=True):
        pixels = (end - begin).days * pixels_a_day
        # Bars have gaps; steps do not.
        inset = timedelta() if is_step else (end - begin) * 0.07
        text = (
            MARKS.get(point.status, "×")
            if point.value is None
            else _shorten_value(point.value, unit, pixels + (8 if pixels > NARROW_PIXELS else 2), point.status)
        )
        if pixels < MIN_TEXT_PIXELS:
            text = ""
        values.append(
            {
                "series": point.series,
                "kind": "none" if point.value is None else "step" if is_step else "bar",
                "from": _write_instant(begin, inset),
                "to": _write_instant(end, -inset),
                "middle": (begin + (end - begin) / 2).isoformat(),
                "value": clip(point.value, maximum),
                "text": text + (IMPOSSIBLE if is_above(point.value, maximum) else ""),
                "base": 0,
                "edge": clip(point.value if is_step else max(point.value or 0, 0), maximum),
                "not_final": point.status in NOT_FINAL,
            }
        )
    if is_step:
        values.extend(_connect(values))
    for limit in limits:
        if limit.series in names:
            written = f"{write_code(limit.comparison)} {write_value(limit.value, unit)}"
            text = gettext("limit: %(limit)s", limit=written)
            values.append({"series": limit.series, "kind": "limit", "value": limit.value, "text": text})

    labels = _label_periods(points, spans, pixels_a_day)
    values.extend({"series": name, "kind": "label", **label} for name in names for label in labels)
    for value in values:
        value["order"] = names.index(value["series"])
    axis: Spec = {"grid": False, "title": None, "tickCount": max(2, width // 60)}
    if labels:
        axis |= {"labels": False, "ticks": False, "domain": False}
    x = {
        "field": "from",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [first.isoformat(), last.isoformat()]},
        "axis": axis,
    }
    y_axis: Spec = {"title": None, "tickCount": 4 if height > 150 else 3, "format": ".0%" if unit == "ratio" else "~s"}
    if unit == "count":
        y_axis |= {"tickMinStep": 1}
    y = {"field": "value", "type": "quantitative", "axis": y_axis, "scale": {"domain": domain, "nice": False}}
    x2, x_middle = {"field": "to"}, {**x, "field": "middle"}
    layers: list[Spec] = [
        layer("none", {"type": "rect", "color": NONE}, x=x, x2=x2),
        text_layer("none", x_middle, {"value": height - 10}, fontSize=13),
        layer("bar", {"type": "rect", "strokeWidth": 1}, x=x, x2=x2, y=y, y2={"field": "base"}, **style_not_final()),
        layer("step", {"type": "rule", "strokeWidth": 3, "color": FINAL}, x=x, x2=x2, y=y, strokeDash=DASH_IF_NOT_FINAL),
        layer("riser", {"type": "rule", "strokeWidth": 1}, x=x, y=y, y2={"field": "base"}, color={"value": FINAL}),
        *_draw_limits(y, width),
        *(
            written
            for kind in ("bar", "step")
            for written in outlined_text_layers(kind, x_middle, {**y, "field": "edge"}, {"value": INK}, dy=-7)
        ),
        text_layer("label", x_middle, {"value": height + 5}, baseline="top", fontSize=10),
    ]
    panel: Spec = {"width": width, "height": height, "layer": layers}
    spec = {"data": {"values": values}, **arrange(panel, names, columns)}
    notes = [
        *([gettext("cumulative or of one day: each value from the end of its period")] if is_step and unit != "ratio" else []),
        *_explain_statuses(points),
        *explain_impossible((point.value for point in points), maximum, unit),
        *([gettext("dashed orange: limit")] if limits else []),
        *([note] if note else []),
    ]
    return frame(spec, title, describe_values(((f"{p.series}, {p.period}", p.value, p.status) for p in points), unit), notes)


def _draw_limits(y: Spec, width: int) -> list[Spec]:
    """Return the line and the text of each limit, with a light outline for the parts above a bar."""
    return [
        layer("limit", {"type": "rule", "strokeWidth": 3, "opacity": 0.7}, y=y, color={"value": PAPER}),
        layer("limit", {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 1.5}, y=y, color={"value": LIMIT}),
        *outlined_text_layers("limit", {"value": width - 2}, y, {"value": LIMIT}, align="right", dy=-6, fontSize=10),
    ]


def _write_instant(day: date, shift: timedelta) -> str:
    return (datetime(day.year, day.month, day.day) + shift).isoformat()


def _is_cumulative(points: Sequence[Point]) -> bool:
    """Return whether a series has periods of one day, or periods with the same first day."""
    starts = {(point.series, point.period_start) for point in points}
    return len(starts) < len(points) or any(point.period_start == point.period_end for point in points)


def _span(points: Sequence[Point]) -> list[tuple[date, date]]:
    """Return the first day of the mark of each point, and the day after its last."""
    day = timedelta(days=1)
    if not _is_cumulative(points):
        return [(point.period_start, point.period_end + day) for point in points]
    ends = sorted({point.period_end + day for point in points})
    # The last value is current until the next one; the length of its step is a matter of style.
    after = max((later - earlier for earlier, later in pairwise(ends)), default=timedelta(days=183))
    following = dict(zip(ends, [*ends[1:], ends[-1] + after], strict=True))
    return [(point.period_end + day, following[point.period_end + day]) for point in points]


def _connect(values: list[Spec]) -> list[Spec]:
    """Return the vertical lines of a step chart, between adjacent values of a series."""
    steps = [value for value in values if value["kind"] == "step"]
    risers = []
    for before, after in pairwise(steps):
        if before["series"] == after["series"] and before["to"] == after["from"]:
            risers.append({**after, "kind": "riser", "base": before["value"]})
    return risers


def _label_periods(points: Sequence[Point], spans: Sequence[tuple[date, date]], pixels_a_day: float) -> list[Spec]:
    """Return a label under each period, or none if they do not fit; the axis then has dates."""
    periods = dict.fromkeys(sorted((begin, end, point.period) for point, (begin, end) in zip(points, spans, strict=True)))
    labels: list[Spec] = []
    free_from: date | None = None
    for begin, end, period in periods:
        half = timedelta(days=len(period) * CHARACTER_PIXELS * 0.9 / pixels_a_day / 2)
        middle = begin + (end - begin) / 2
        if free_from is not None and middle - half < free_from:
            return []
        free_from = middle + half
        labels.append({"middle": middle.isoformat(), "text": period})
    return labels


def _draw_fields(points: Sequence[Point], unit: str, title: str) -> Chart:
    """Return a grid with a row per series and a column per period."""
    names = list(dict.fromkeys(point.series for point in points))
    periods = [period for _, period in sorted({(point.period_end, point.period) for point in points})]
    values: list[Spec] = []
    for point in points:
        text = MARKS.get(point.status, "×") if point.value is None else write_status(point.value, unit, point.status)
        share = 0.0 if point.value is None else point.value if unit == "boolean" else (point.value - 1) / 2
        values.append(
            {
                "kind": "field",
                "series": point.series,
                "period": point.period,
                "text": text,
                "fill": NONE if point.value is None else (PAPER, "#8fb8d8", FINAL)[round(min(max(share, 0), 1) * 2)],
                "ink": PAPER if point.value is not None and share >= 1 else INK,
            }
        )
    x = {
        "field": "period",
        "type": "ordinal",
        "sort": None,
        "scale": {"domain": periods},
        "axis": {"title": None, "orient": "top", "labelAngle": 0},
    }
    y = {"field": "series", "type": "nominal", "sort": None, "scale": {"domain": names}, "axis": {"title": None}}
    as_given: Spec = {"type": "nominal", "scale": None}
    layers = [
        layer("field", {"type": "rect", "stroke": EARLIER, "strokeWidth": 0.5}, x=x, y=y, color=as_given | {"field": "fill"}),
        text_layer("field", x, y, as_given | {"field": "ink"}),
    ]
    step = min(110, max(44, 540 // len(periods)))
    size = {"width": {"step": step}, "height": {"step": 20}, "padding": pad_labels(names)}
    spec: Spec = {"data": {"values": values}, **size, "layer": layers}
    described = ((f"{p.series}, {p.period}", p.value, p.status) for p in points)
    return frame(spec, title, describe_values(described, unit), _explain_statuses(points))


def _shorten_value(value: float, unit: str, room_pixels: float, status: str) -> str:
    """Return the value in the longest form that fits: with status, without it, rounded, or an empty string."""
    whole = write_value(value, unit)
    candidates = [f"{whole} {status}"] if status in NOT_FINAL else []
    candidates.append(whole)
    if abs(value) >= 1000:
        candidates.append(localize(f"{value / 1000:,.0f}k" if abs(value) < 999_500 else f"{value / 1e6:,.1f}M"))
    return next((text for text in candidates if len(text) * CHARACTER_PIXELS <= room_pixels), "")


def _explain_statuses(points: Sequence[Point]) -> list[str]:
    absent = {point.status for point in points if point.value is None}
    return [
        *(f"{mark} {write_code(STATUS_TEXT[status])}" for status, mark in MARKS.items() if status in absent),
        *explain_not_final(point.status for point in points if point.value is not None),
    ]
