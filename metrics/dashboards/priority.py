"""The dashboard of one priority: values by mission, changes, and values over time."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.labels import Contents
from metrics.dashboards.layout import Line, Page, choose_priority
from metrics.dashboards.panels import NARROW_CELLS, Column, PanelBuilder, map_titles, tabulate, transform
from metrics.dashboards.queries import Queries, equal, name_row
from metrics.dashboards.summary_panels import (
    AS_OF,
    count_summary,
    draw_history,
    link_indicator,
    tabulate_breaches,
    tabulate_gaps,
    tabulate_improved,
    tabulate_worsened,
)


def build_page(contents: Contents) -> Page:
    """Return the dashboard of one priority."""
    chosen = equal("priority", "$priority")
    queries = Queries(contents, (chosen,))
    whole = Queries(contents, (chosen,), (equal("mission", "ALL"),))
    titles = contents.row_titles
    return Page(
        uids.PRIORITY,
        "A4P+ priority",
        "All values of one priority by mission, with changes, reporting gaps and values over time.",
        [
            *count_summary(queries),
            Line(13, [(24, tabulate_matrix(contents, queries, "Values by mission"))]),
            Line(8, [(12, tabulate_worsened(queries, titles)), (12, tabulate_improved(queries, titles))]),
            Line(8, [(12, tabulate_breaches(queries)), (12, tabulate_gaps(queries))]),
            Line(
                10,
                [
                    (
                        24,
                        draw_history(
                            whole,
                            titles,
                            "Values over time, all missions",
                            "Values of the priority for all missions together (mission ALL).",
                        ),
                    )
                ],
            ),
        ],
        [choose_priority(contents, "accountability_of_peacekeepers")],
        pages=(("Priority page", "/priorities/${priority}"), ("About A4P+", "/about")),
    )


def tabulate_matrix(contents: Contents, queries: Queries, title: str) -> PanelBuilder:
    """Return a table of values by mission; a cell without a value shows the reason."""
    return tabulate(
        title,
        AS_OF
        + "A row is an indicator or KPI, or a part of one, in the unit at the end of its name. Cells without a value show "
        "the reason: validating, n/a (not applicable), missing, or no report (other missions reported). 0 is a reported "
        "zero. - means that no value is expected, or that the reason is in the row of the whole indicator.",
        [name_row(f"{queries.cells(queries.values())} or {queries.absences()}")],
        [
            Column("row", "Indicator", 330, mappings=[map_titles(contents.row_titles)], link=link_indicator()),
            *(
                Column(mission, mission, unit="locale", mappings=NARROW_CELLS, is_coloured=True, align="center")
                for mission in [*contents.missions, "ALL"]
            ),
            Column("indicator", "indicator", is_hidden=True),
        ],
        "No values of this priority yet",
        sort_by="Indicator",
        transformations=[transform("labelsToFields", valueLabel="mission"), transform("merge")],
        is_long=False,
    )
