"""What all dashboards share: range, variables, links that keep the time, cycles as regions, places and numbers of panels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableHide,
    VariableOption,
)

from metrics.cycles import Cycles
from metrics.dashboards.panels import COLUMNS, PROMETHEUS, PanelBuilder
from metrics.dashboards.words import SILENT, Vocabulary

TAG = "a4p"
# The record begins in 2017, and what is half-yearly is looked at over years.
RANGE = ("now-10y", "now")
REFRESH = "30m"


VariableBuilder = dashboard.CustomVariable | dashboard.DatasourceVariable


@dataclass(frozen=True)
class Line:
    """Panels side by side, each with its width in columns."""

    height: int
    panels: Sequence[tuple[int, PanelBuilder]]


@dataclass(frozen=True)
class Page:
    """A dashboard before it is placed and numbered."""

    uid: str
    title: str
    description: str
    lines: Sequence[Line]
    variables: Sequence[VariableBuilder] = ()
    range: tuple[str, str] = RANGE
    refresh: str = REFRESH
    shows_cycles: bool = True


def link_to(uid: str, **variables: str) -> str:
    """Return the address of a dashboard at the same time range, with variables set."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{uid}?${{__url_time_range}}{chosen}"


def choose(name: str, label: str, options: Sequence[tuple[str, str]], current: str) -> dashboard.CustomVariable:
    """Return a picker of (value, text), which needs nothing of Prometheus."""
    escaped = [(value, shown.replace(",", "\\,")) for value, shown in options]
    texts = dict(options)
    return (
        dashboard.CustomVariable(name)
        .label(label)
        .values(", ".join(f"{shown} : {value}" if shown != value else value for value, shown in escaped))
        .options([VariableOption(text=shown, value=value, selected=value == current) for value, shown in options])
        .current(VariableOption(text=texts[current], value=current, selected=True))
        .multi(False)
        .include_all(False)
        .allow_custom_value(False)
    )


def choose_mission(words: Vocabulary, current: str) -> dashboard.CustomVariable:
    """Return the picker of a mission."""
    names = [mission.mission for mission in words.catalogue.missions]
    return choose("mission", "Mission", [(name, name) for name in names], current if current in names else names[0])


def choose_priority(words: Vocabulary, current: str) -> dashboard.CustomVariable:
    """Return the picker of a priority."""
    options = [(priority.priority, priority.title) for priority in words.catalogue.priorities]
    return choose("priority", "Priority", options, current if current in dict(options) else options[0][0])


def choose_indicator(words: Vocabulary, current: str) -> dashboard.CustomVariable:
    """Return the picker of an indicator or KPI."""
    options = [(subject.name, subject.title) for subject in words.subjects]
    return choose("indicator", "Indicator", options, current if current in dict(options) else options[0][0])


def render_page(page: Page, words: Vocabulary) -> str:
    """Return the JSON of a dashboard."""
    source = (
        dashboard.DatasourceVariable("datasource")
        .type("prometheus")
        .label("Prometheus")
        .current(VariableOption(text="Prometheus", value="prometheus", selected=True))
        .hide(VariableHide.HIDE_VARIABLE)
    )
    built = (
        dashboard.Dashboard(page.title)
        .uid(page.uid)
        .description(page.description)
        .tags([TAG])
        .time(*page.range)
        .refresh(page.refresh)
        .timezone("utc")
        .timepicker(dashboard.TimePicker().refresh_intervals(["5m", "30m", "1h", "1d"]))
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .version(1)
        .links(
            [
                dashboard.DashboardLink("A4P+ dashboards")
                .type(DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)
                .keep_time(True)
                .include_vars(True)
            ]
        )
        .variables([source, *page.variables])
        .build()
    )
    built.panels = _place(page.lines)
    model: dict[str, Any] = json.loads(json.dumps(built, cls=JSONEncoder))
    # The SDK, which is of Grafana 11.6, writes defaults that later versions do not have.
    for variable in model["templating"]["list"]:
        for name in ("auto", "auto_count", "auto_min"):
            variable.pop(name, None)
    for panel in model["panels"]:
        panel.get("options", {}).pop("footer", None)
    model["annotations"] = {"list": [_draw_cycles(words.catalogue.cycles)] if page.shows_cycles else []}
    return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _place(lines: Sequence[Line]) -> list[Any]:
    panels: list[Any] = []
    y = 0
    for line in lines:
        x = 0
        for width, builder in line.panels:
            panel = builder.build()
            panel.grid_pos = GridPos(h=line.height, w=width, x=x, y=y)
            panels.append(panel)
            x += width
        if x != COLUMNS:
            raise ValueError(f"a line of panels is {x} columns wide, not {COLUMNS}")
        y += line.height
    for number, panel in enumerate(panels, 1):
        panel.id_val = number
    return panels


def _draw_cycles(cycles: Cycles) -> dict[str, object]:
    """Each reporting cycle as a region. The SDK knows no titles of Prometheus' annotations, so this is written by hand."""
    rule = cycles.rule
    months = f"12 * (year() - {rule.period_start.year}) + month() - {rule.period_start.month}"
    # The number of the cycle at each instant becomes a label: a new cycle needs no edit of the dashboard.
    number = f"floor(({months}) / {rule.months}) + {rule.cycle} >= 1"
    for entry in cycles.exceptions:
        start, end = (
            datetime.combine(day, time.min, UTC).timestamp()
            for day in (entry.period_start, entry.period_end + timedelta(days=1))
        )
        inside = f"((vector(time()) >= {start:.0f}) < {end:.0f})"
        number = f"{inside} * 0 + {entry.cycle} or on () ({number})"
    expression = f'count_values("cycle", {number})'
    return {
        "name": "Reporting cycles",
        "datasource": {"type": PROMETHEUS.type_val, "uid": PROMETHEUS.uid},
        "enable": True,
        "hide": False,
        "iconColor": SILENT,
        "target": {"refId": "Cycles", "expr": expression, "interval": "1d", "range": True},
        "titleFormat": "Cycle {{cycle}}",
        "textFormat": "",
        "tagKeys": "",
    }
