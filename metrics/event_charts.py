"""The chart of events over time: their number by year, or by month of short spans, stacked by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from metrics.comparisons import PARTS, WIDTH, draw_nothing
from metrics.languages import gettext, mark_message, translate, write_integer
from metrics.vega import Chart, Spec, frame

OTHER_KINDS = mark_message("Other kinds")
HEIGHT = 220


@dataclass(frozen=True)
class EventCount:
    """The number of events of one kind in the period from its first day to the day before `period_end`."""

    period_start: date
    period_end: date
    kind: str
    events: int


def draw_events(counts: Sequence[EventCount], title: str, kinds: Sequence[str], room: int = WIDTH) -> Chart:
    """Return the events of each period as a stacked bar. Periods without events have no bar.

    The first of `kinds` have a colour each, which does not depend on the counts; others share the last colour.
    """
    if not counts:
        return draw_nothing(title)
    frequent = Counter[str]()
    for count in counts:
        frequent[count.kind] += count.events
    names = list(kinds) if len(kinds) <= len(PARTS) else [*kinds[: len(PARTS) - 1], OTHER_KINDS]
    values: list[Spec] = []
    sums = Counter[date]()
    for count in sorted(counts, key=lambda count: (count.period_start, _rank(count.kind, names))):
        begin = sums[count.period_start]
        sums[count.period_start] += count.events
        values.append(
            {
                "from": count.period_start.isoformat(),
                "to": count.period_end.isoformat(),
                "kind": _name(count.kind if count.kind in names else OTHER_KINDS),
                "low": begin,
                "high": begin + count.events,
            }
        )
    color = {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": list(map(_name, names)), "range": list(PARTS[: len(names)])},
        "legend": {
            "orient": "top",
            "title": None,
            "symbolType": "square",
            "columnPadding": 20,
            "columns": 0 if room >= WIDTH else 2,
        },
    }
    x = {
        "field": "from",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"title": None, "grid": False, "tickCount": max(room // 68, 4)},
    }
    y_axis = {"title": None, "format": "~s", "tickCount": 5, "tickMinStep": 1}
    spec: Spec = {
        "data": {"values": values},
        "width": room - 46,
        "height": HEIGHT,
        "mark": {"type": "rect", "stroke": "#ffffff", "strokeWidth": 0.5},
        "encoding": {
            "x": x,
            "x2": {"field": "to"},
            "y": {"field": "low", "type": "quantitative", "axis": y_axis},
            "y2": {"field": "high"},
            "color": color,
        },
    }
    highest = max(sums, key=lambda day: (sums[day], day))
    total = sum(sums.values())
    described = gettext(
        "%(count)s events: %(kinds)s. The most in one period: %(most)s, from %(day)s.",
        count=write_integer(total),
        kinds="; ".join(f"{_name(kind)} {write_integer(events)}" for kind, events in frequent.most_common(len(PARTS))),
        most=write_integer(sums[highest]),
        day=highest.isoformat(),
    )
    return frame(spec, title, described)


def _name(kind: str) -> str:
    return gettext(kind) if kind == OTHER_KINDS else translate(kind)


def _rank(kind: str, names: Sequence[str]) -> int:
    return names.index(kind) if kind in names else len(names)
