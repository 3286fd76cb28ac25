"""The layout that all dashboards share: time range, variables, links, cycle annotations, and positions of panels."""

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
    VariableRefresh,
)

from metrics.cycles import Cycles
from metrics.dashboards.labels import ABSENT, Contents
from metrics.dashboards.panels import COLUMNS, PROMETHEUS, PanelBuilder, draw_legend

TAG = "a4p"
# The first year that the report has values of. Counts since an earlier year are values of their last day.
RANGE = ("2017-01-01T00:00:00.000Z", "now")
REFRESH = "30m"
LEGEND_HEIGHT = 3


# Where people open the service's pages: the label `instance` of its scrapes, as in the links of alerts.
SERVICE = 'label_values(up{job="a4p"}, instance)'
DEFAULT_SERVICE = "127.0.0.1:8000"
VariableBuilder = dashboard.CustomVariable | dashboard.DatasourceVariable | dashboard.QueryVariable


@dataclass(frozen=True)
class Line:
    """A row of panels, each with its width in grid columns."""

    height: int
    panels: Sequence[tuple[int, PanelBuilder]]


@dataclass(frozen=True)
class Page:
    """A dashboard before its panels have positions and numbers."""

    uid: str
    title: str
    description: str
    lines: Sequence[Line]
    variables: Sequence[VariableBuilder] = ()
    range: tuple[str, str] = RANGE
    refresh: str = REFRESH
    shows_cycles: bool = True
    annotations: Sequence[dict[str, object]] = ()
    # Pages of the service: title and path, which may have variables of the dashboard.
    pages: Sequence[tuple[str, str]] = ()
    shows_legend: bool = True


def link_to(uid: str, **variables: str) -> str:
    """Return the address of a dashboard at the same time range, with variables set."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{uid}?${{__url_time_range}}{chosen}"


def choose(name: str, label: str, options: Sequence[tuple[str, str]], current: str) -> dashboard.CustomVariable:
    """Return a variable with these (value, text) options; it needs no query."""
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


def choose_mission(contents: Contents, current: str) -> dashboard.CustomVariable:
    """Return the variable that selects a mission; closed ones are last."""
    names = [*contents.catalogue.current_missions, *contents.catalogue.closed_missions]
    return choose("mission", "Mission", [(name, name) for name in names], current if current in names else names[0])


def choose_priority(contents: Contents, current: str) -> dashboard.CustomVariable:
    """Return the variable that selects a priority."""
    options = [(priority.priority, priority.title) for priority in contents.catalogue.priorities]
    return choose("priority", "Priority", options, current if current in dict(options) else options[0][0])


def choose_indicator(contents: Contents, current: str) -> dashboard.CustomVariable:
    """Return the variable that selects an indicator or KPI."""
    options = [(subject.name, subject.title) for subject in contents.subjects]
    return choose("indicator", "Indicator", options, current if current in dict(options) else options[0][0])


def render_page(page: Page, contents: Contents) -> str:
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
                *(
                    dashboard.DashboardLink(title)
                    .type(DashboardLinkType.LINK)
                    .icon("external link")
                    .tooltip("Page of the service")
                    .target_blank(True)
                    .url(f"http://${{service}}{path}")
                    for title, path in page.pages
                ),
                dashboard.DashboardLink("A4P+ dashboards")
                .type(DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)
                .keep_time(True)
                .include_vars(True),
            ]
        )
        .variables([source, *([_find_service()] if page.pages else []), *page.variables])
        .build()
    )
    legend = [Line(LEGEND_HEIGHT, [(COLUMNS, draw_legend())])] if page.shows_legend else []
    built.panels = _place([*page.lines, *legend])
    model: dict[str, Any] = json.loads(json.dumps(built, cls=JSONEncoder))
    # The SDK is for Grafana 11.6 and writes defaults that later versions do not have.
    for variable in model["templating"]["list"]:
        for name in ("auto", "auto_count", "auto_min"):
            variable.pop(name, None)
    for panel in model["panels"]:
        panel.get("options", {}).pop("footer", None)
    cycles = [_draw_cycles(contents.catalogue.cycles)] if page.shows_cycles else []
    model["annotations"] = {"list": [*cycles, *page.annotations]}
    return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _find_service() -> dashboard.QueryVariable:
    """Return the variable with host and port of the service, which links begin with."""
    return (
        dashboard.QueryVariable("service")
        .label("Service")
        .datasource(PROMETHEUS)
        .query(SERVICE)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .current(VariableOption(text=DEFAULT_SERVICE, value=DEFAULT_SERVICE, selected=True))
        .multi(False)
        .include_all(False)
        .hide(VariableHide.HIDE_VARIABLE)
    )


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


def annotate(name: str, ref_id: str, expression: str, title: str) -> dict[str, object]:
    """Return the annotation that shows each series of a query as a region. The SDK lacks titles of Prometheus annotations."""
    return {
        "name": name,
        "datasource": {"type": PROMETHEUS.type_val, "uid": PROMETHEUS.uid},
        "enable": True,
        "hide": False,
        "iconColor": ABSENT,
        "target": {"refId": ref_id, "expr": expression, "interval": "1d", "range": True},
        "titleFormat": title,
        "textFormat": "",
        "tagKeys": "",
    }


def _draw_cycles(cycles: Cycles) -> dict[str, object]:
    """Return the annotation that shows each reporting cycle as a region."""
    rule = cycles.rule
    months = f"12 * (year() - {rule.period_start.year}) + month() - {rule.period_start.month}"
    # The cycle number at each instant becomes a label, so that a new cycle needs no change of the dashboard.
    number = f"floor(({months}) / {rule.months}) + {rule.cycle} >= 1"
    for entry in cycles.exceptions:
        start, end = (
            datetime.combine(day, time.min, UTC).timestamp()
            for day in (entry.period_start, entry.period_end + timedelta(days=1))
        )
        inside = f"((vector(time()) >= {start:.0f}) < {end:.0f})"
        number = f"{inside} * 0 + {entry.cycle} or on () ({number})"
    expression = f'count_values("cycle", {number})'
    return annotate("Reporting cycles", "Cycles", expression, "Cycle {{cycle}}")
