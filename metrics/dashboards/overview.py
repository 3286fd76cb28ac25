"""The overview dashboard: changes, breaches, gaps and status by mission, at the end of the time range."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import ValueMapping

from metrics.dashboards import uids
from metrics.dashboards.labels import BAD, BAD_CELL, CLEAR, GOOD, UNCERTAIN, UNCERTAIN_CELL, WARNING, WARNING_CELL, Contents
from metrics.dashboards.layout import Line, Page, link_to
from metrics.dashboards.mission_map import draw_map
from metrics.dashboards.panels import Column, PanelBuilder, map_nothing, map_titles, map_values, tabulate, transform
from metrics.dashboards.queries import Queries
from metrics.dashboards.summary_panels import (
    AS_OF,
    count_summary,
    tabulate_breaches,
    tabulate_gaps,
    tabulate_improved,
    tabulate_worsened,
)

# The status of a priority in a mission is that of its worst value.
STATUSES = {
    4: ("critical", BAD_CELL),
    3: ("limit", WARNING_CELL),
    2: ("worse", WARNING_CELL),
    1: ("gap", UNCERTAIN_CELL),
    0: ("ok", CLEAR),
}
# A mark needs a colour on land, where the cell of a table is clear.
MARK_COLOURS = {4: BAD, 3: WARNING, 2: WARNING, 1: UNCERTAIN, 0: GOOD}


def build_page(contents: Contents) -> Page:
    """Return the overview."""
    queries = Queries(contents)
    titles = contents.row_titles
    return Page(
        uids.OVERVIEW,
        "A4P+ overview",
        "Indicators that improved or worsened, threshold breaches and reporting gaps, by mission and priority.",
        [
            *count_summary(queries),
            Line(12, [(12, _draw_map(contents, queries)), (12, tabulate_breaches(queries))]),
            Line(11, [(24, _tabulate_status(contents, queries))]),
            Line(8, [(12, tabulate_worsened(queries, titles)), (12, tabulate_improved(queries, titles))]),
            Line(8, [(24, tabulate_gaps(queries))]),
        ],
        pages=(("Overview page", "/"), ("Missions", "/missions"), ("Thresholds", "/thresholds"), ("About A4P+", "/about")),
    )


def _rank_status(queries: Queries, by: str) -> str:
    """Return the worst status of any value by these labels, as a number of `STATUSES`."""
    of_metric = f"* on (metric) group_left (priority) {queries.info_by_metric()}"
    of_indicator = f"* on (indicator) group_left (priority) {queries.info()}"
    return " or ".join(
        [
            f"{by} ({queries.breaches(severity='critical')} {of_metric}) * 0 + 4",
            f"{by} ({queries.breaches()} {of_metric}) * 0 + 3",
            f"{by} ({queries.worse()}) * 0 + 2",
            f"{by} ({queries.gaps()} {of_indicator}) * 0 + 1",
            f"{by} ({queries.values()} {of_indicator}) * 0",
        ]
    )


def _draw_map(contents: Contents, queries: Queries) -> PanelBuilder:
    look: list[ValueMapping] = [map_values({code: (text, MARK_COLOURS[code]) for code, (text, _) in STATUSES.items()})]
    return draw_map(
        contents.catalogue,
        "Missions by worst status",
        AS_OF + "The worst status of any value of the mission, with the colours of the table below.",
        f"({_rank_status(queries, 'max by (mission)')})",
        look,
        "No values yet. Choose a later end of the time range.",
    )


def _tabulate_status(contents: Contents, queries: Queries) -> PanelBuilder:
    standing = _rank_status(queries, "max by (priority, mission)")
    titles = {}
    for number, entry in enumerate(contents.catalogue.priorities):
        titles[entry.priority] = entry.title
        standing = f'label_replace({standing}, "order", "{number:02}", "priority", "{entry.priority}")'
    look: list[ValueMapping] = [map_values(STATUSES), map_nothing("")]
    return tabulate(
        "Status by priority and mission",
        AS_OF
        + "The worst status of any value of the priority in the mission. critical: breach of a critical threshold. limit: "
        "breach of another threshold. worse: worse than the period before. gap: not reported, behind, missing or under "
        "validation. ok: none of these. Empty: no value is expected.",
        [standing],
        [
            Column(
                "priority\\mission",
                "Priority",
                240,
                mappings=[map_titles(titles)],
                link=("Priority details", link_to(uids.PRIORITY, priority="${__value.raw}")),
            ),
            *(
                Column(
                    mission,
                    mission,
                    mappings=look,
                    is_coloured=True,
                    align="center",
                    link=(f"Details of {mission}", link_to(uids.MISSION, mission=mission)),
                )
                for mission in [*contents.missions, "ALL"]
            ),
        ],
        "No values yet. Choose a later end of the time range.",
        transformations=[
            transform("sortBy", fields={}, sort=[{"field": "order"}]),
            transform("groupingToMatrix", columnField="mission", rowField="priority", valueField="Value", emptyValue="null"),
        ],
    )
