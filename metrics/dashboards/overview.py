"""The overview: what got better, what got worse, where, and what is missing, at the end of the range."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import ValueMapping

from metrics.dashboards import uids
from metrics.dashboards.briefs import (
    AS_OF,
    count_all,
    tabulate_better,
    tabulate_beyond,
    tabulate_silent,
    tabulate_worse,
)
from metrics.dashboards.frame import Line, Page, link_to
from metrics.dashboards.panels import Column, PanelBuilder, map_nothing, map_titles, map_values, tabulate, transform
from metrics.dashboards.queries import Queries
from metrics.dashboards.words import BAD_CELL, CLEAR, LOOK_CELL, UNSURE_CELL, Vocabulary

# A mission and priority stands as its worst figure does.
STANDING = {
    4: ("critical", BAD_CELL),
    3: ("limit", LOOK_CELL),
    2: ("worse", LOOK_CELL),
    1: ("gap", UNSURE_CELL),
    0: ("ok", CLEAR),
}


def build_page(words: Vocabulary) -> Page:
    """Return the overview."""
    queries = Queries(words)
    titles = words.row_titles
    return Page(
        uids.OVERVIEW,
        "A4P+ overview",
        "What got better, what got worse, where, since when, how sure, and who has not reported.",
        [
            Line(4, [(3, panel) for panel in count_all(queries)]),
            Line(7, [(12, tabulate_worse(queries, titles)), (12, tabulate_better(queries, titles))]),
            Line(6, [(12, tabulate_beyond(queries)), (12, tabulate_silent(queries))]),
            Line(11, [(24, _tabulate_standing(words, queries))]),
        ],
    )


def _tabulate_standing(words: Vocabulary, queries: Queries) -> PanelBuilder:
    by = "max by (priority, mission)"
    of_metric = f"* on (metric) group_left (priority) {queries.info_by_metric()}"
    of_indicator = f"* on (indicator) group_left (priority) {queries.info()}"
    standing = " or ".join(
        [
            f"{by} ({queries.beyond(severity='critical')} {of_metric}) * 0 + 4",
            f"{by} ({queries.beyond()} {of_metric}) * 0 + 3",
            f"{by} ({queries.worse()}) * 0 + 2",
            f"{by} ({queries.gaps()} {of_indicator}) * 0 + 1",
            f"{by} ({queries.figures()} {of_indicator}) * 0",
        ]
    )
    titles = {}
    for number, entry in enumerate(words.catalogue.priorities):
        titles[entry.priority] = entry.title
        standing = f'label_replace({standing}, "order", "{number:02}", "priority", "{entry.priority}")'
    look: list[ValueMapping] = [map_values(STANDING), map_nothing("")]
    return tabulate(
        "Where does each mission stand, by priority?",
        AS_OF
        + "The worst that holds of any figure of the priority in the mission: beyond a critical limit, beyond another limit, "
        "worse than the period before, a gap (not reported, behind, missing or under validation), or ok: none of these. "
        "Empty: no "
        "figure is expected.",
        [standing],
        [
            Column(
                "priority\\mission",
                "Priority",
                240,
                mappings=[map_titles(titles)],
                link=("About this priority", link_to(uids.PRIORITY, priority="${__value.raw}")),
            ),
            *(
                Column(
                    mission,
                    mission,
                    mappings=look,
                    is_coloured=True,
                    align="center",
                    link=(f"About {mission}", link_to(uids.MISSION, mission=mission)),
                )
                for mission in [*words.missions, "ALL"]
            ),
        ],
        "No figure held by then: choose a later end of the time range",
        transformations=[
            transform("sortBy", fields={}, sort=[{"field": "order"}]),
            transform("groupingToMatrix", columnField="mission", rowField="priority", valueField="Value", emptyValue="null"),
        ],
    )
