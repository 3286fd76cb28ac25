"""One mission: every figure it reports, against the other missions, and what held over the years."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.briefs import (
    AS_OF,
    SURE,
    count_all,
    draw_history,
    link_figure,
    tabulate_better,
    tabulate_beyond,
    tabulate_worse,
)
from metrics.dashboards.frame import Line, Page, choose_mission
from metrics.dashboards.panels import CELLS, Column, PanelBuilder, map_titles, tabulate
from metrics.dashboards.queries import Queries, equal, name_row
from metrics.dashboards.words import BAD, GOOD, Vocabulary


def build_page(words: Vocabulary) -> Page:
    """Return the dashboard of one mission."""
    queries = Queries(words, of=(equal("mission", "$mission"),))
    titles = words.row_titles
    return Page(
        uids.MISSION,
        "A4P+ mission",
        "Everything about one mission: each figure against the other missions, what is missing, and every year of the record.",
        [
            Line(4, [(3, panel) for panel in count_all(queries)]),
            Line(13, [(24, _tabulate_figures(words, queries))]),
            Line(
                8, [(8, tabulate_beyond(queries)), (8, tabulate_worse(queries, titles)), (8, tabulate_better(queries, titles))]
            ),
            Line(
                24,
                [(24, draw_history(queries, titles, "What held when?", "Every figure of the mission, and why there is none."))],
            ),
        ],
        [choose_mission(words, "UNMISS")],
    )


def _tabulate_figures(words: Vocabulary, queries: Queries) -> PanelBuilder:
    priorities = {entry.priority: entry.title for entry in words.catalogue.priorities}
    others = Queries(words, of=('mission!="$mission"', 'mission!="ALL"'))
    keys = f"({queries.cells(queries.figures())} or {queries.absences()})"

    figures = queries.figures()
    of_others = f"{others.scaled(others.figures())}"
    median = f"quantile by (indicator, part) (0.5, {of_others})"
    return tabulate(
        "Where does this mission stand, against the others?",
        AS_OF
        + "Each figure in the unit that its name ends in, or why there is none; how it changed against the period before; "
        "the "
        "median of the other missions that have one; how sure it is and the last day of its period.",
        [
            name_row(f"{keys} * on (indicator) group_left (priority) {queries.info()}"),
            name_row(queries.relative(queries.worse())),
            name_row(queries.relative(queries.better())),
            name_row(f"{figures} * 0 + on (indicator, part) group_left () {median}"),
            name_row(queries.sureness(figures)),
            name_row(queries.period_ends(keys)),
        ],
        [
            Column("row", "Figure", mappings=[map_titles(words.row_titles)], link=link_figure()),
            Column("priority", "Priority", 220, mappings=[map_titles(priorities)]),
            Column("Value #A", "This mission", 130, unit="locale", mappings=CELLS, is_coloured=True, align="center"),
            Column("Value #D", "Median of others", 130, unit="locale"),
            Column("Value #B", "Worse by", 80, unit="percent", colour=BAD),
            Column("Value #C", "Better by", 80, unit="percent", colour=GOOD),
            Column("Value #E", "How sure", 104, mappings=SURE),
            Column("Value #F", "Period to", 98, unit="time:YYYY-MM-DD"),
            Column("indicator", "indicator", is_hidden=True),
        ],
        "The mission has reported nothing by then, and nothing is expected of it",
        sort_by="Priority",
    )
