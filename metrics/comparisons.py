"""Charts that compare the values of one period, or the parts of a whole; and definitions shared by all charts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import overload

from metrics.codes import write_code
from metrics.languages import gettext
from metrics.values import NOT_FINAL, STATUS_TEXT, write_value
from metrics.vega import (
    CHARACTER_PIXELS,
    EARLIER,
    INK,
    LIMIT,
    PAPER,
    Chart,
    Spec,
    frame,
    layer,
    pad_labels,
    style_not_final,
    text_layer,
)

# Palette of Okabe and Ito for the parts of a whole, distinguishable with any colour vision and in grey print, darkest first.
PARTS = ("#0072b2", "#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00")
WIDTH = 680
# Suffix of a printed value above the possible maximum; its bar ends at the maximum.
IMPOSSIBLE = " !"


@dataclass(frozen=True)
class Limit:
    """A threshold on one series."""

    series: str
    comparison: str
    value: float


@dataclass(frozen=True)
class Bar:
    """The value of one series in one period, and in the period before."""

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


def draw_comparison(
    bars: Sequence[Bar],
    unit: str,
    title: str,
    previous: str = "",
    limits: Sequence[Limit] = (),
    room: int = WIDTH,
    maximum: float | None = None,
) -> Chart:
    """Return the values of one period side by side, largest first, each printed. Missing values are last, with a mark.

    A grey tick is the value of the previous period; `previous` is its name in the legend, the period
    before unless given. An orange tick is a limit. A bar above `maximum` ends there and is marked.
    """
    if not bars:
        return draw_nothing(title)
    ordered = sorted(bars, key=lambda bar: (bar.value is None, -(bar.value or 0)))
    widest = max(len(bar.label) for bar in ordered)
    width = room - round(widest * CHARACTER_PIXELS) - 90
    texts = [
        write_status(bar.value, unit, bar.status) + (IMPOSSIBLE if is_above(bar.value, maximum) else "") for bar in ordered
    ]
    ordered = [replace(bar, value=clip(bar.value, maximum), previous=clip(bar.previous, maximum)) for bar in ordered]
    limit_values: dict[str, list[float]] = {}
    for limit in limits:
        limit_values.setdefault(limit.series, []).append(limit.value)
    highest = (
        max(
            (
                value
                for bar in ordered
                for value in (bar.value, bar.previous, *limit_values.get(bar.label, []))
                if value is not None
            ),
            default=0,
        )
        or 1
    )
    values = [
        {
            "label": bar.label,
            "kind": "none" if bar.value is None else "bar",
            "value": bar.value,
            "base": 0,
            "edge": _find_edge(bar, limit_values.get(bar.label, []), (len(text) * CHARACTER_PIXELS + 16) * highest / width),
            "text": text,
            "not_final": bar.status in NOT_FINAL,
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
        "sort": None,
        "scale": {"domain": [bar.label for bar in ordered]},
        "axis": {"title": None, "ticks": False, "domain": False, "labelPadding": 6},
    }
    x = {"field": "value", "type": "quantitative", "scale": {"zero": True}, "axis": None}
    tick = {"type": "tick", "thickness": 4, "size": 20, "opacity": 1, "stroke": PAPER, "strokeWidth": 1}
    layers = [
        layer("bar", {"type": "bar", "height": 14}, x=x, x2={"field": "base"}, y=y, **style_not_final()),
        *(layer(kind, {**tick, "color": color}, x=x, y=y) for kind, color in (("previous", EARLIER), ("limit", LIMIT))),
        text_layer("bar", {**x, "field": "edge"}, y, align="left", dx=6),
        text_layer("none", {**x, "field": "edge"}, y, {"value": EARLIER}, align="left", dx=6),
    ]
    padding = pad_labels(bar.label for bar in ordered)
    spec: Spec = {"data": {"values": values}, "width": width, "height": {"step": 22}, "padding": padding, "layer": layers}
    notes = [
        *(
            [gettext("grey tick: %(period)s", period=previous or gettext("the period before"))]
            if any(bar.previous is not None for bar in bars)
            else []
        ),
        *(
            gettext("orange tick: limit, %(limit)s", limit=text)
            for text in dict.fromkeys(f"{write_code(limit.comparison)} {write_value(limit.value, unit)}" for limit in limits)
        ),
        *explain_not_final(bar.status for bar in bars if bar.value is not None),
        *explain_impossible((bar.value for bar in bars), maximum, unit),
    ]
    described = sorted(bars, key=lambda bar: (bar.value is None, -(bar.value or 0)))
    return frame(spec, title, describe_values(((bar.label, bar.value, bar.status) for bar in described), unit), notes)


def draw_parts(parts: Sequence[Part], unit: str, title: str, room: int = WIDTH) -> Chart:
    """Return parts of a whole (at most six) stacked in one bar a row, in the order given, printed where they fit.

    A part without a value is listed beside its bar. Raises ValueError if there are more parts than colours.
    """
    names = list(dict.fromkeys(part.part for part in parts))
    labels = list(dict.fromkeys(part.label for part in parts))
    if len(names) > len(PARTS):
        raise ValueError(f"{len(names)} parts, but only {len(PARTS)} colours are distinguishable: draw a history of each")
    if not parts:
        return draw_nothing(title)
    sums = {label: math.fsum(part.value or 0 for part in parts if part.label == label) for label in labels}
    width = room - round(max(map(len, labels)) * CHARACTER_PIXELS) - 130
    pixels_a_unit = width / (max(sums.values()) or 1)
    values: list[Spec] = []
    for label in labels:
        begin = 0.0
        absent = []
        for part in sorted((part for part in parts if part.label == label), key=lambda part: names.index(part.part)):
            if part.value is None:
                absent.append(f"{part.part}: {write_code(STATUS_TEXT[part.status])}")
                continue
            text = write_value(part.value, unit) + (f" {part.status}" if part.status in NOT_FINAL else "")
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
        total = "" if unit == "ratio" else write_value(begin, unit)
        values.append({"label": label, "kind": "end", "to": begin, "text": "; ".join(filter(None, [total, *absent]))})
    y = {
        "field": "label",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": labels},
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
    described = ((f"{part.label}, {part.part}", part.value, part.status) for part in parts)
    return frame(spec, title, describe_values(described, unit), [])


def draw_nothing(title: str) -> Chart:
    """Return the chart of a metric without values."""
    spec: Spec = {
        "data": {"values": [{}]},
        "width": WIDTH,
        "height": 30,
        "view": {"stroke": None},
        "mark": {"type": "text", "text": gettext("No values.")},
    }
    return frame(spec, title, gettext("No values."), [])


def write_status(value: float | None, unit: str, status: str) -> str:
    """Return a value with the letter of its status, or the reason why there is none."""
    if value is None:
        return write_code(STATUS_TEXT[status])
    return write_value(value, unit) + (f" {status}" if status in NOT_FINAL else "")


def explain_not_final(statuses: Iterable[str]) -> list[str]:
    """Return what the letters stand for, of those that occur."""
    seen = set(statuses)
    return [f"{status} {write_code(STATUS_TEXT[status])}" for status in NOT_FINAL if status in seen]


def describe_values(values: Iterable[tuple[str, float | None, str]], unit: str) -> str:
    """Return the text description of a chart."""
    return "; ".join(f"{label}: {write_status(value, unit, status)}" for label, value, status in values) + "."


def _find_edge(bar: Bar, limits: Iterable[float], text_length: float) -> float:
    """Return the value behind which the text is printed: that of the bar, or of the last tick that is in the way."""
    end = max(bar.value or 0, 0)
    for tick in sorted([*limits, *([] if bar.previous is None else [bar.previous])]):
        if end <= tick < end + text_length:
            end = tick
    return end


def is_above(value: float | None, maximum: float | None) -> bool:
    """Return whether a value is above the possible maximum."""
    return value is not None and maximum is not None and value > maximum


@overload
def clip(value: float, maximum: float | None) -> float: ...
@overload
def clip(value: float | None, maximum: float | None) -> float | None: ...
def clip(value: float | None, maximum: float | None) -> float | None:
    """Return the value, limited to the maximum, so that an impossible value does not set the scale of a chart."""
    return maximum if is_above(value, maximum) else value


def explain_impossible(values: Iterable[float | None], maximum: float | None, unit: str) -> list[str]:
    """Return the note on marked values, or nothing if no value is above the maximum."""
    if maximum is None or not any(is_above(value, maximum) for value in values):
        return []
    return [gettext("!: impossible, above the maximum of %(maximum)s; drawn up to it", maximum=write_value(maximum, unit))]
