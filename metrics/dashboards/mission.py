"""The dashboard of one mission: its values, compared with other missions, and over time."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.labels import BAD, GOOD, Contents
from metrics.dashboards.layout import Line, Page, choose_mission
from metrics.dashboards.panels import CELLS, Column, PanelBuilder, map_titles, tabulate
from metrics.dashboards.queries import Queries, equal, name_row
from metrics.dashboards.summary_panels import (
    AS_OF,
    CERTAINTY_LABELS,
    count_summary,
    draw_history,
    link_indicator,
    tabulate_breaches,
    tabulate_improved,
    tabulate_worsened,
)

# Missions report most values since 2023; counts of fatalities are on the dashboard of safety.
RANGE = ("2022-11-01T00:00:00.000Z", "now")


def build_page(contents: Contents) -> Page:
    """Return the dashboard of one mission."""
    queries = Queries(contents, of=(equal("mission", "$mission"),))
    titles = contents.row_titles
    return Page(
        uids.MISSION,
        "A4P+ mission",
        "All values of one mission, compared with other missions and over time, with reporting gaps and threshold breaches.",
        [
            *count_summary(queries),
            Line(13, [(24, _tabulate_values(contents, queries))]),
            Line(
                8,
                [
                    (8, tabulate_breaches(queries)),
                    (8, tabulate_worsened(queries, titles)),
                    (8, tabulate_improved(queries, titles)),
                ],
            ),
            Line(
                24,
                [
                    (
                        24,
                        draw_history(
                            queries, titles, "Values over time", "All values of the mission, or the reason why there is none."
                        ),
                    )
                ],
            ),
        ],
        [choose_mission(contents, "UNMISS")],
        range=RANGE,
        pages=(("Mission page", "/missions/${mission}"), ("Reports of the mission", "/rounds")),
    )


def _tabulate_values(contents: Contents, queries: Queries) -> PanelBuilder:
    priorities = {entry.priority: entry.title for entry in contents.catalogue.priorities}
    others = Queries(contents, of=('mission!="$mission"', 'mission!="ALL"'))
    keys = f"({queries.cells(queries.values())} or {queries.absences()})"

    values = queries.values()
    of_others = f"{others.scaled(others.values())}"
    median = f"quantile by (indicator, part) (0.5, {of_others})"
    return tabulate(
        "Values compared with other missions",
        AS_OF + "The current value in the unit at the end of its name, or the reason why there is none; the change since the "
        "period before; the median of the other missions; the status; and the last day of the period.",
        [
            name_row(f"{keys} * on (indicator) group_left (priority) {queries.info()}"),
            name_row(queries.relative(queries.worse())),
            name_row(queries.relative(queries.better())),
            name_row(f"{values} * 0 + on (indicator, part) group_left () {median}"),
            name_row(queries.certainty(values)),
            name_row(queries.period_ends(keys)),
        ],
        [
            Column("row", "Indicator", mappings=[map_titles(contents.row_titles)], link=link_indicator()),
            Column("priority", "Priority", 236, mappings=[map_titles(priorities)]),
            Column("Value #A", "This mission", 130, unit="locale", mappings=CELLS, is_coloured=True, align="center"),
            Column("Value #D", "Median of others", 130, unit="locale"),
            Column("Value #B", "Worse by", 80, unit="percent", colour=BAD),
            Column("Value #C", "Better by", 80, unit="percent", colour=GOOD),
            Column("Value #E", "Status", 104, mappings=CERTAINTY_LABELS),
            Column("Value #F", "Period to", 98, unit="time:YYYY-MM-DD"),
            Column("indicator", "indicator", is_hidden=True),
        ],
        "No values reported, and none expected",
        sort_by="Priority",
    )
