"""Charts of figures, drawn alike on pages and in cycle documents: data in, a chart out, of which `render_svg` makes an SVG.

Vega-Lite draws, in the engine that vl-convert brings: text stays text, nothing is fetched, no style attribute or element is
written (a Content-Security-Policy needs no unsafe-inline), and the same data gives the same bytes. Each colour has one
meaning: blue is a figure, grey the figure before or none, orange a limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from metrics.figures import STATUS_TEXT, write_figure
from metrics.vega import (
    CHARACTER_PIXELS,
    DASH_WHERE_DOUBTFUL,
    EARLIER,
    FIGURE,
    INK,
    LIMIT,
    NONE,
    PAPER,
    Chart,
    Spec,
    arrange,
    doubt,
    frame,
    layer,
    pad_labels,
    text_layer,
)

# Okabe and Ito's palette, told apart by colour-blind readers and in grey print, darkest first; for the parts of a whole.
PARTS = ("#0072b2", "#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00")
WIDTH = 680
MARKS = {"M": "×", "U": "?", "N": "–"}
# Figures that stand, but may change.
NOT_FINAL = ("E", "P")


@dataclass(frozen=True)
class Point:
    """What one series says for one period; `series` names it (a mission, a dimension value, or both), `period` is its label.

    `value` is in the unit of the metric, None where the status is M, U or N.
    """

    series: str
    period: str
    period_start: date
    period_end: date
    value: float | None
    status: str = "A"


@dataclass(frozen=True)
class Limit:
    """A threshold on one series."""

    series: str
    comparison: str
    value: float


@dataclass(frozen=True)
class Bar:
    """What one series says in one period, with what it said in the period before."""

    label: str
    value: float | None
    status: str = "A"
    previous: float | None = None


@dataclass(frozen=True)
class Part:
    """One part (a dimension value) of one row (a mission or period)."""

    label: str
    part: str
    value: float | None
    status: str = "A"


def draw_history(
    points: Sequence[Point], unit: str, title: str, limits: Sequence[Limit] = (), note: str = "", room: int = WIDTH
) -> Chart:
    """Return the history of one metric: a small panel for each series, on common scales.

    A count of a period is a bar over that period. A state (a ratio, a cumulative total, a figure of one day) is a step: over
    its period or, where periods share their first day or have one day, from the end of its period to the next. Yes and no,
    and levels, are a row of fields for each series. Where all is of one period, the series are compared. No
    line slopes, and what has no value is a mark, never 0. `note` stands below the chart, which is at most `room` pixels wide.
    """
    if not points:
        return _draw_nothing(title)
    if unit in ("boolean", "level"):
        return _draw_fields(points, unit, title)
    names = list(dict.fromkeys(point.series for point in points))
    if len(names) == len(points) and len({point.period for point in points}) == 1:
        bars = [Bar(point.series, point.value, point.status) for point in points]
        return draw_comparison(bars, unit, f"{title}, {points[0].period}", limits=limits, room=room)
    spans = _span(points)
    columns = 1 if len(names) == 1 else 2 if len(names) <= 4 or room < WIDTH else 3
    width = (room - 46 - (columns - 1) * 52) // columns
    height = {1: 200, 2: 130, 3: 96}[columns]
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    pixels_a_day = width / max((last - first).days, 1)
    figures = [point.value for point in points if point.value is not None] + [limit.value for limit in limits] + [0.0]
    # Room above the highest figure for its text, or it would push the panel's heading up.
    margin = (max(figures) - min(figures) or 1) * 18 / height
    domain = [min(figures) - (margin if min(figures) < 0 else 0), max(figures) + margin]
    is_step = unit == "ratio" or _is_cumulative(points)

    values: list[Spec] = []
    for point, (begin, end) in zip(points, spans, strict=True):
        pixels = (end - begin).days * pixels_a_day
        # Bars stand apart; steps meet.
        inset = timedelta() if is_step else (end - begin) * 0.07
        text = MARKS.get(point.status, "×") if point.value is None else _tell_short(point.value, unit, pixels + 8, point.status)
        values.append(
            {
                "series": point.series,
                "kind": "none" if point.value is None else "step" if is_step else "bar",
                "from": _tell_instant(begin, inset),
                "to": _tell_instant(end, -inset),
                "middle": (begin + (end - begin) / 2).isoformat(),
                "value": point.value,
                "text": text,
                "base": 0,
                "edge": point.value if is_step else max(point.value or 0, 0),
                "doubtful": point.status in NOT_FINAL,
            }
        )
    if is_step:
        values.extend(_connect(values))
    for limit in limits:
        if limit.series in names:
            text = f"limit: {limit.comparison} {write_figure(limit.value, unit)}"
            values.append({"series": limit.series, "kind": "limit", "value": limit.value, "text": text})

    labels = _label_periods(points, spans, pixels_a_day)
    values.extend({"series": name, "kind": "label", **label} for name in names for label in labels)
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
        layer("bar", {"type": "rect", "strokeWidth": 1}, x=x, x2=x2, y=y, y2={"field": "base"}, **doubt()),
        layer("step", {"type": "rule", "strokeWidth": 3, "color": FIGURE}, x=x, x2=x2, y=y, strokeDash=DASH_WHERE_DOUBTFUL),
        layer("riser", {"type": "rule", "strokeWidth": 1}, x=x, y=y, y2={"field": "base"}, color={"value": FIGURE}),
        *(text_layer(kind, x_middle, {**y, "field": "edge"}, dy=-7) for kind in ("bar", "step")),
        *_draw_limits(y, width),
        text_layer("label", x_middle, {"value": height + 5}, baseline="top", fontSize=10),
    ]
    panel: Spec = {"width": width, "height": height, "layer": layers}
    spec = {"data": {"values": values}, **arrange(panel, names, columns)}
    notes = [
        *(["cumulative or of one day: each figure from the end of its period"] if is_step and unit != "ratio" else []),
        *_explain_statuses(points),
        *(["dashed orange: limit"] if limits else []),
        *([note] if note else []),
    ]
    return frame(spec, title, _describe(((f"{p.series}, {p.period}", p.value, p.status) for p in points), unit), notes)


def draw_comparison(
    bars: Sequence[Bar],
    unit: str,
    title: str,
    previous: str = "the period before",
    limits: Sequence[Limit] = (),
    room: int = WIDTH,
) -> Chart:
    """Return one period's figures side by side, largest first, each printed; those without a value come last, with a mark.

    A grey tick is the figure of the period before; `previous` is what the legend calls that. An orange tick is a limit.
    """
    if not bars:
        return _draw_nothing(title)
    ordered = sorted(bars, key=lambda bar: (bar.value is None, -(bar.value or 0)))
    widest = max(len(bar.label) for bar in ordered)
    width = room - round(widest * CHARACTER_PIXELS) - 90
    most = max((value for bar in bars for value in (bar.value, bar.previous) if value is not None), default=0) or 1
    texts = [_tell_status(bar.value, unit, bar.status) for bar in ordered]
    values = [
        {
            "label": bar.label,
            "kind": "none" if bar.value is None else "bar",
            "value": bar.value,
            "base": 0,
            "edge": _find_edge(bar, (len(text) * CHARACTER_PIXELS + 16) * most / width),
            "text": text,
            "doubtful": bar.status in NOT_FINAL,
        }
        for bar, text in zip(ordered, texts, strict=True)
    ]
    values += [{"label": bar.label, "kind": "previous", "value": bar.previous} for bar in ordered if bar.previous is not None]
    labels = {bar.label for bar in bars if bar.value is not None}
    limits = [limit for limit in limits if limit.series in labels]
    values += [{"label": limit.series, "kind": "limit", "value": limit.value} for limit in limits]
    y = {
        "field": "label",
        "type": "nominal",
        "sort": [bar.label for bar in ordered],
        "axis": {"title": None, "ticks": False, "domain": False, "labelPadding": 6},
    }
    x = {"field": "value", "type": "quantitative", "scale": {"zero": True}, "axis": None}
    tick = {"type": "tick", "thickness": 4, "size": 20, "opacity": 1, "stroke": PAPER, "strokeWidth": 1}
    layers = [
        layer("bar", {"type": "bar", "height": 14}, x=x, x2={"field": "base"}, y=y, **doubt()),
        *(layer(kind, {**tick, "color": color}, x=x, y=y) for kind, color in (("previous", EARLIER), ("limit", LIMIT))),
        text_layer("bar", {**x, "field": "edge"}, y, align="left", dx=6),
        text_layer("none", {**x, "field": "edge"}, y, {"value": EARLIER}, align="left", dx=6),
    ]
    padding = pad_labels(bar.label for bar in ordered)
    spec: Spec = {"data": {"values": values}, "width": width, "height": {"step": 22}, "padding": padding, "layer": layers}
    notes = [
        *(["grey tick: " + previous] if any(bar.previous is not None for bar in bars) else []),
        *(
            f"orange tick: limit, {text}"
            for text in dict.fromkeys(f"{limit.comparison} {write_figure(limit.value, unit)}" for limit in limits)
        ),
        *_explain_doubt(bar.status for bar in bars),
    ]
    return frame(spec, title, _describe(((bar.label, bar.value, bar.status) for bar in ordered), unit), notes)


def _find_edge(bar: Bar, text_length: float) -> float:
    """Return behind which value the figure is printed: the bar's or, where its tick stands in the way, the one before."""
    end = max(bar.value or 0, 0)
    return bar.previous if bar.previous is not None and end <= bar.previous < end + text_length else end


def draw_parts(parts: Sequence[Part], unit: str, title: str, room: int = WIDTH) -> Chart:
    """Return parts of a whole (at most six) stacked in one bar a row, in the order given, printed where they fit.

    A part without a value is told beside its bar. Raises ValueError for more parts than there are colours to tell apart.
    """
    names = list(dict.fromkeys(part.part for part in parts))
    labels = list(dict.fromkeys(part.label for part in parts))
    if len(names) > len(PARTS):
        raise ValueError(f"{len(names)} parts, but only {len(PARTS)} colours can be told apart: draw a history of each")
    if not parts:
        return _draw_nothing(title)
    sums = {label: math.fsum(part.value or 0 for part in parts if part.label == label) for label in labels}
    width = room - round(max(map(len, labels)) * CHARACTER_PIXELS) - 130
    pixels_a_unit = width / (max(sums.values()) or 1)
    values: list[Spec] = []
    for label in labels:
        begin = 0.0
        absent = []
        for part in sorted((part for part in parts if part.label == label), key=lambda part: names.index(part.part)):
            if part.value is None:
                absent.append(f"{part.part}: {STATUS_TEXT[part.status]}")
                continue
            text = write_figure(part.value, unit) + (f" {part.status}" if part.status in NOT_FINAL else "")
            values.append(
                {
                    "label": label,
                    "kind": "part",
                    "part": part.part,
                    "from": begin,
                    "to": begin + part.value,
                    "middle": begin + part.value / 2,
                    "text": text if len(text) * CHARACTER_PIXELS < part.value * pixels_a_unit else "",
                    "light": names.index(part.part) in (1, 2),
                }
            )
            begin += part.value
        total = "" if unit == "ratio" else write_figure(begin, unit)
        values.append({"label": label, "kind": "end", "to": begin, "text": "; ".join(filter(None, [total, *absent]))})
    y = {
        "field": "label",
        "type": "nominal",
        "sort": labels,
        "axis": {"title": None, "ticks": False, "domain": False, "labelPadding": 6},
    }
    x = {"type": "quantitative", "scale": {"zero": True, "domain": [0, max(sums.values()) or 1]}, "axis": None}
    x2 = {"field": "to"}
    color = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": names, "range": list(PARTS[: len(names)])},
        "legend": {"orient": "top", "title": None, "symbolType": "square", "columnPadding": 28},
    }
    layers = [
        layer("part", {"type": "bar", "height": 18, "stroke": PAPER}, x={**x, "field": "from"}, x2=x2, y=y, color=color),
        text_layer("part", {**x, "field": "middle"}, y, {"condition": {"test": "datum.light", "value": INK}, "value": PAPER}),
        text_layer("end", {**x, "field": "to"}, y, align="left", dx=6),
    ]
    padding = pad_labels(labels)
    spec: Spec = {"data": {"values": values}, "width": width, "height": {"step": 26}, "padding": padding, "layer": layers}
    told = ((f"{part.label}, {part.part}", part.value, part.status) for part in parts)
    return frame(spec, title, _describe(told, unit), [])


def draw_sparkline(points: Sequence[Point], unit: str, title: str) -> Chart:
    """Return the history of one series for a table's cell, 120 by 24 pixels: a bar a period, a grey field where none."""
    values = [
        {"at": index, "kind": "none" if point.value is None else "bar", "value": point.value, "base": 0}
        for index, point in enumerate(points)
    ]
    x = {"field": "at", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0.15}}
    layers = [
        layer("none", {"type": "bar", "color": NONE}, x=x, y={"value": 0}, y2={"value": 24}),
        layer("bar", {"type": "bar", "color": FIGURE}, x=x, y={"field": "value", "type": "quantitative", "axis": None}),
    ]
    spec: Spec = {"data": {"values": values}, "width": 120, "height": 24, "padding": 0, "layer": layers}
    told = _describe(((point.period, point.value, point.status) for point in points), unit)
    return frame(spec, title, told, [])


def _draw_limits(y: Spec, width: int) -> list[Spec]:
    """Return the line of each limit and its text, on a lighter ground where they lie over a bar."""
    return [
        layer("limit", {"type": "rule", "strokeWidth": 3, "opacity": 0.7}, y=y, color={"value": PAPER}),
        layer("limit", {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 1.5}, y=y, color={"value": LIMIT}),
        *(
            text_layer("limit", {"value": width - 2}, y, {"value": color}, align="right", dy=-6, fontSize=10, **edge)
            for color, edge in ((PAPER, {"stroke": PAPER, "strokeWidth": 3}), (LIMIT, {}))
        ),
    ]


def _tell_instant(day: date, shift: timedelta) -> str:
    return (datetime(day.year, day.month, day.day) + shift).isoformat()


def _is_cumulative(points: Sequence[Point]) -> bool:
    """Return whether a series has periods of one day, or several from the same first day on."""
    starts = {(point.series, point.period_start) for point in points}
    return len(starts) < len(points) or any(point.period_start == point.period_end for point in points)


def _span(points: Sequence[Point]) -> list[tuple[date, date]]:
    """Return for each point from which day to before which its mark goes."""
    day = timedelta(days=1)
    if not _is_cumulative(points):
        return [(point.period_start, point.period_end + day) for point in points]
    ends = sorted({point.period_end + day for point in points})
    # The last figure goes on, until another one is known; how far is a matter of looks.
    after = max((later - earlier for earlier, later in pairwise(ends)), default=timedelta(days=183))
    following = dict(zip(ends, [*ends[1:], ends[-1] + after], strict=True))
    return [(point.period_end + day, following[point.period_end + day]) for point in points]


def _connect(values: list[Spec]) -> list[Spec]:
    """Return the upright lines of a step chart, where one figure of a series follows on another."""
    steps = [value for value in values if value["kind"] == "step"]
    risers = []
    for before, after in pairwise(steps):
        if before["series"] == after["series"] and before["to"] == after["from"]:
            risers.append({**after, "kind": "riser", "base": before["value"]})
    return risers


def _label_periods(points: Sequence[Point], spans: Sequence[tuple[date, date]], pixels_a_day: float) -> list[Spec]:
    """Return a label under each period, or none where they have no room: then the axis has dates."""
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
    """Return a row for each series, a column for each period, and in each field the answer or level."""
    names = list(dict.fromkeys(point.series for point in points))
    periods = [period for _, period in sorted({(point.period_end, point.period) for point in points})]
    values: list[Spec] = []
    for point in points:
        text = MARKS.get(point.status, "×") if point.value is None else _tell_status(point.value, unit, point.status)
        share = 0.0 if point.value is None else point.value if unit == "boolean" else (point.value - 1) / 2
        values.append(
            {
                "kind": "field",
                "series": point.series,
                "period": point.period,
                "text": text,
                "fill": NONE if point.value is None else (PAPER, "#8fb8d8", FIGURE)[round(min(max(share, 0), 1) * 2)],
                "ink": PAPER if point.value is not None and share >= 1 else INK,
            }
        )
    x = {"field": "period", "type": "ordinal", "sort": periods, "axis": {"title": None, "orient": "top", "labelAngle": 0}}
    y = {"field": "series", "type": "nominal", "sort": names, "axis": {"title": None}}
    as_given: Spec = {"type": "nominal", "scale": None}
    layers = [
        layer("field", {"type": "rect", "stroke": EARLIER, "strokeWidth": 0.5}, x=x, y=y, color=as_given | {"field": "fill"}),
        text_layer("field", x, y, as_given | {"field": "ink"}),
    ]
    step = min(110, max(44, 540 // len(periods)))
    size = {"width": {"step": step}, "height": {"step": 20}, "padding": pad_labels(names)}
    spec: Spec = {"data": {"values": values}, **size, "layer": layers}
    told = ((f"{p.series}, {p.period}", p.value, p.status) for p in points)
    return frame(spec, title, _describe(told, unit), _explain_statuses(points))


def _draw_nothing(title: str) -> Chart:
    spec: Spec = {
        "data": {"values": [{}]},
        "width": WIDTH,
        "height": 30,
        "view": {"stroke": None},
        "mark": {"type": "text", "text": "No figure is known."},
    }
    return frame(spec, title, "No figure is known.", [])


def _tell_status(value: float | None, unit: str, status: str) -> str:
    if value is None:
        return STATUS_TEXT[status]
    return write_figure(value, unit) + (f" {status}" if status in NOT_FINAL else "")


def _tell_short(value: float, unit: str, room_pixels: float, status: str) -> str:
    """Return the figure as it fits into so many pixels: whole, then without its status, then rounded, then not at all."""
    whole = write_figure(value, unit)
    candidates = [f"{whole} {status}"] if status in NOT_FINAL else []
    candidates.append(whole)
    if abs(value) >= 1000:
        candidates.append(f"{value / 1000:,.0f}k" if abs(value) < 999_500 else f"{value / 1e6:,.1f}M")
    return next((text for text in candidates if len(text) * CHARACTER_PIXELS <= room_pixels), "")


def _explain_statuses(points: Sequence[Point]) -> list[str]:
    absent = {point.status for point in points if point.value is None}
    return [
        *(f"{mark} {STATUS_TEXT[status]}" for status, mark in MARKS.items() if status in absent),
        *_explain_doubt(point.status for point in points),
    ]


def _explain_doubt(statuses: Iterable[str]) -> list[str]:
    seen = set(statuses)
    return [f"{status} {STATUS_TEXT[status]}" for status in NOT_FINAL if status in seen]


def _describe(told: Iterable[tuple[str, float | None, str]], unit: str) -> str:
    """Return what the chart shows in words, for those who do not see it."""
    return "; ".join(f"{label}: {_tell_status(value, unit, status)}" for label, value, status in told) + "."
