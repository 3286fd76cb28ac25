"""One priority: what each mission reports on it, what got better or worse, and what held over the years."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.briefs import (
    AS_OF,
    count_all,
    draw_history,
    link_figure,
    tabulate_better,
    tabulate_beyond,
    tabulate_silent,
    tabulate_worse,
)
from metrics.dashboards.frame import Line, Page, choose_priority
from metrics.dashboards.panels import NARROW_CELLS, Column, PanelBuilder, map_titles, tabulate, transform
from metrics.dashboards.queries import Queries, equal, name_row
from metrics.dashboards.words import Vocabulary


def build_page(words: Vocabulary) -> Page:
    """Return the dashboard of one priority."""
    chosen = equal("priority", "$priority")
    queries = Queries(words, (chosen,))
    whole = Queries(words, (chosen,), (equal("mission", "ALL"),))
    titles = words.row_titles
    return Page(
        uids.PRIORITY,
        "A4P+ priority",
        "One priority: each mission's figures on it, what is missing, what got better or worse, and every year of the record.",
        [
            Line(4, [(3, panel) for panel in count_all(queries)]),
            Line(13, [(24, tabulate_matrix(words, queries, "What does each mission report on this priority?"))]),
            Line(8, [(12, tabulate_worse(queries, titles)), (12, tabulate_better(queries, titles))]),
            Line(8, [(12, tabulate_beyond(queries)), (12, tabulate_silent(queries))]),
            Line(
                10,
                [
                    (
                        24,
                        draw_history(
                            whole,
                            titles,
                            "What held when, for peacekeeping as a whole?",
                            "Figures of the priority whose mission is ALL.",
                        ),
                    )
                ],
            ),
        ],
        [choose_priority(words, "accountability_of_peacekeepers")],
    )


def tabulate_matrix(words: Vocabulary, queries: Queries, title: str) -> PanelBuilder:
    """Return a table of figures by mission, in which absences say why."""
    return tabulate(
        title,
        AS_OF + "A row is an indicator or KPI, or a part of one, in the unit that its name ends in. Validating, n/a (not "
        "applicable), missing and no report (though others did) say why there is none; 0 is a reported nought; - is "
        "none: nobody expects a figure, or the row of the whole says why there is none.",
        [name_row(f"{queries.cells(queries.figures())} or {queries.absences()}")],
        [
            Column("row", "Figure", 330, mappings=[map_titles(words.row_titles)], link=link_figure()),
            *(
                Column(mission, mission, unit="locale", mappings=NARROW_CELLS, is_coloured=True, align="center")
                for mission in [*words.missions, "ALL"]
            ),
            Column("indicator", "indicator", is_hidden=True),
        ],
        "No figure of this priority held by then",
        sort_by="Figure",
        transformations=[transform("labelsToFields", valueLabel="mission"), transform("merge")],
        is_long=False,
    )
