"""One indicator or KPI: where each mission stands, over the whole record, how sure, and against which limit."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.briefs import SURE
from metrics.dashboards.frame import Line, Page, choose_indicator, choose_mission, link_to
from metrics.dashboards.panels import (
    CELLS,
    Column,
    PanelBuilder,
    Query,
    colour_missions,
    dash_limits,
    draw_states,
    draw_steps,
    map_titles,
    override,
    tabulate,
)
from metrics.dashboards.queries import (
    PERIOD_WINDOWS,
    Queries,
    among,
    draw_over_period,
    equal,
    name_row,
    select,
    select_scraped,
)
from metrics.dashboards.words import BAD, GOOD, LOOK, Vocabulary

THIS = equal("indicator", "$indicator")
METRIC = "a4p_$indicator"


def build_page(words: Vocabulary) -> Page:
    """Return the dashboard of one indicator or KPI."""
    queries = Queries(words)
    return Page(
        uids.INDICATOR,
        "A4P+ indicator",
        "One indicator or KPI: each mission's figure, its change and status, every period of the record, limits and source.",
        [
            Line(4, [(24, _describe(words, queries))]),
            Line(12, [(13, _tabulate_missions(queries)), (11, _draw_periods(words, queries))]),
            Line(12, [(24, _draw_cells(words, queries))]),
            Line(8, [(24, _compare_with_scraped(words, queries))]),
        ],
        [choose_indicator(words, "sofa_incidents_new"), choose_mission(words, "ALL")],
    )


def _describe(words: Vocabulary, queries: Queries) -> PanelBuilder:
    subjects = words.subjects
    descriptions = {subject.name: subject.description for subject in subjects}
    priorities = {entry.priority: entry.title for entry in words.catalogue.priorities}
    return tabulate(
        "What is counted, and who says so?",
        "What the catalogue says of the indicator or KPI: what is counted, where the figures come from, and which "
        "direction is better.",
        [name_row(queries.info(equal("metric", METRIC)))],
        [
            Column("indicator", "What is counted", mappings=[map_titles(descriptions)], wraps=True),
            Column("row", "Source", 220, mappings=[map_titles({f"{s.name}|": s.source for s in subjects})], wraps=True),
            Column("unit", "Unit", 84, mappings=[map_titles(UNITS)], wraps=True),
            Column("better", "Better is", 76),
            Column("priority", "Priority", 170, mappings=[map_titles(priorities)], wraps=True,
                   link=("About this priority", link_to(uids.PRIORITY, priority="${__value.raw}"))),
        ],
        "Nothing was loaded by then: choose a later end of the time range",
    )  # fmt: skip


UNITS = {
    "count": "count",
    "ratio": "percent",
    "days": "days",
    "meters": "kilometres",
    "square_meters": "square kilometres",
    "boolean": "yes or no",
    "level": "low, medium, high",
}


def _tabulate_missions(queries: Queries) -> PanelBuilder:
    this = equal("__name__", METRIC)
    figures = queries.figures(this)
    return tabulate(
        "Where does each mission stand, and how sure is it?",
        "As of the end of the time range: the figure that holds or why there is none, the change against the period "
        "before, the last "
        "day of its period, and whether it is as reported, estimated or provisional. ALL is peacekeeping as a whole.",
        [
            f"sort_desc({queries.cells(figures)} or {queries.absences(THIS)})",
            queries.relative(queries.worse(THIS)),
            queries.relative(queries.better(THIS)),
            queries.period_ends(f"{figures} or {queries.absences(THIS)}"),
            queries.sureness(figures),
        ],
        [
            Column("mission", "Mission", 92, link=("About this mission", link_to(uids.MISSION, mission="${__value.raw}"))),
            Column("part", "Of which", wraps=True),
            Column("Value #A", "Figure", 126, unit="locale", mappings=CELLS, is_coloured=True, align="center"),
            Column("Value #B", "Worse by", 80, unit="percent", colour=BAD),
            Column("Value #C", "Better by", 80, unit="percent", colour=GOOD),
            Column("Value #E", "How sure", 104, mappings=SURE),
            Column("Value #D", "Period to", 98, unit="time:YYYY-MM-DD"),
        ],
        "No mission reported it by then, and none is expected to",
    )


def _draw_periods(words: Vocabulary, queries: Queries) -> PanelBuilder:
    asked = []
    for frequency in PERIOD_WINDOWS:
        names = [s.name for s in words.subjects if s.counts_a_period and s.frequency == frequency]
        if names:
            chosen = select("", equal("__name__", METRIC), among("__name__", [f"a4p_({'|'.join(names)})"]))
            asked.append(Query(queries.name_part(_named(draw_over_period(chosen, frequency))), "{{mission}} {{part}}"))
    counted = "|".join(s.name for s in words.subjects if s.counts_a_period)
    states = select("", equal("__name__", METRIC), f'__name__!~"a4p_({counted})"')
    asked.append(Query(queries.name_part(_named(states)), "{{mission}} {{part}}"))
    limits = queries.limits(equal("metric", METRIC))
    asked.append(Query(f"max by (severity, comparison) ({limits})", "limit: {{comparison}}, {{severity}}"))
    panel = draw_steps(
        "How much in each period?",
        "A figure that counts a period is a bar as wide as its period, missions on top of each other; any other is a step "
        "that holds until "
        "the next. Dashed: limits.",
        asked,
        "No figure within the time range",
        bars=True,
        stacked=True,
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    dash_limits(panel, "ABCDEFG"[len(asked) - 1], LOOK)
    return panel


def _named(query: str) -> str:
    return f'label_replace({query}, "indicator", "$indicator", "", "")'


def _draw_cells(words: Vocabulary, queries: Queries) -> PanelBuilder:
    figures = queries.cells(queries.figures(equal("__name__", METRIC)))
    return draw_states(
        "What held when, for each mission?",
        "At each instant the figure that held, or why there was none. A gap: nothing was ever reported by then.",
        [Query(f"{figures} or {queries.absences(THIS)}", "{{mission}} {{part}}")],
        "No figure within the time range",
        CELLS,
        {},
    )


def _compare_with_scraped(words: Vocabulary, queries: Queries) -> PanelBuilder:
    panel = draw_steps(
        "Was a figure corrected after it was first shown?",
        "Dashed: what was shown at the time, as Prometheus scraped it. Full: what the warehouse says today of the same "
        "time. Where the two "
        "part, a revision was loaded later. Prometheus knows nothing from before it was installed.",
        [
            Query(queries.name_part(_named(select(METRIC))), "{{mission}} {{part}}"),
            Query(
                queries.name_part(_named(f"last_over_time({select_scraped(METRIC)}[1d])")), "{{mission}} {{part}} as shown then"
            ),
        ],
        "No figure within the time range",
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    panel.with_override(*override("byFrameRefID", "B", custom__lineStyle={"fill": "dash", "dash": [4, 8]}, custom__lineWidth=4))
    return panel
