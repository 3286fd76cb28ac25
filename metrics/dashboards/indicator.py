"""One indicator or KPI: where each mission stands, over the whole record, how sure, and against which limit."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.briefs import LINK_MISSION, SURE
from metrics.dashboards.frame import Line, Page, choose_indicator, link_to
from metrics.dashboards.panels import (
    CELLS,
    REF_IDS,
    Column,
    PanelBuilder,
    Query,
    colour_missions,
    dash_limits,
    draw_states,
    draw_steps,
    draw_unstacked,
    map_titles,
    override,
    tabulate,
)
from metrics.dashboards.queries import (
    PERIOD_WINDOWS,
    Queries,
    among,
    clip,
    draw_over_period,
    equal,
    name_row,
    not_among,
    select,
    select_scraped,
)
from metrics.dashboards.words import BAD, GOOD, LOOK, SCALES, Vocabulary

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
            Line(5, [(24, _describe(words, queries))]),
            Line(12, [(13, _tabulate_missions(queries)), (11, _draw_periods(words, queries))]),
            Line(12, [(24, _draw_cells(words, queries))]),
            Line(8, [(24, _compare_with_scraped(words, queries))]),
        ],
        [choose_indicator(words, "sofa_incidents_new")],
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
            Column("row", "Source", 290, mappings=[map_titles({f"{s.name}|": s.source for s in subjects})], wraps=True),
            Column("unit", "Unit", 126, mappings=[map_titles(UNITS)]),
            Column("better", "Better is", 76),
            Column("priority", "Priority", 160, mappings=[map_titles(priorities)], wraps=True,
                   link=("About this priority", link_to(uids.PRIORITY, priority="${__value.raw}"))),
        ],
        "Nothing was loaded by then: choose a later end of the time range",
    )  # fmt: skip


UNITS = {
    "count": "count",
    "ratio": "percent",
    "days": "days",
    "meters": "kilometres",
    "square_meters": "km²",
    "boolean": "yes or no",
    "level": "low/medium/high",
}


def _tabulate_missions(queries: Queries) -> PanelBuilder:
    this = equal("__name__", METRIC)
    figures = queries.figures(this)
    return tabulate(
        "Where does each mission stand, and how sure is it?",
        "As of the end of the time range: the figure that holds or why there is none, the change against the period "
        "before, the last day of its period, and whether it is as reported, estimated, provisional or impossible. ALL is "
        "peacekeeping as a whole.",
        [
            f"sort_desc({queries.cells(figures)} or {queries.absences(THIS)})",
            queries.relative(queries.worse(THIS)),
            queries.relative(queries.better(THIS)),
            queries.period_ends(f"{figures} or {queries.absences(THIS)}"),
            queries.sureness(figures),
        ],
        [
            Column("mission", "Mission", link=LINK_MISSION),
            Column("part", "Of which"),
            Column("Value #A", "Figure", 126, unit="locale", mappings=CELLS, is_coloured=True, align="center"),
            Column("Value #B", "Worse by", 80, unit="percent", colour=BAD),
            Column("Value #C", "Better by", 80, unit="percent", colour=GOOD),
            Column("Value #E", "How sure", 104, mappings=SURE),
            Column("Value #D", "Period to", 98, unit="time:YYYY-MM-DD"),
        ],
        "No mission reported it by then, and none is expected to",
    )


def _draw_periods(words: Vocabulary, queries: Queries) -> PanelBuilder:
    bars, lines, limits = [], [], []
    for frequency in PERIOD_WINDOWS:
        names = [one.name for one in words.subjects if one.counts_a_period and one.frequency == frequency]
        if names:
            bars.append(Query(queries.name_part(_named(draw_over_period(_among(names), frequency))), "{{mission}} {{part}}"))
    # Figures of one unit share an axis and a factor; most have neither of their own.
    factors = {"": 1.0} | {unit: factor for unit, (factor, _) in SCALES.items() if factor != 1}
    for unit, factor in factors.items():
        of_unit = [one for one in words.subjects if (one.unit if one.unit in factors else "") == unit]
        shown, times = ("percentunit", "") if unit == "ratio" else ("locale", f" * {factor:g}" if factor != 1 else "")
        states = [one for one in of_unit if not one.counts_a_period]
        # An impossible value does not set the scale.
        for maximum in dict.fromkeys(one.maximum for one in states):
            query = queries.name_part(_named(_among([one.name for one in states if one.maximum == maximum])))
            lines.append((shown, Query(clip(query, maximum) + times, "{{mission}} {{part}}")))
        if of_unit:
            metrics = among("metric", [f"a4p_({'|'.join(one.name for one in of_unit)})"])
            limit = f"max by (severity, comparison) ({queries.limits(equal('metric', METRIC), metrics)}){times}"
            limits.append((shown, Query(limit, "limit for each mission: {{comparison}}, {{severity}}")))
    panel = draw_steps(
        "How much in each period?",
        "A figure that counts a period is a bar as wide as its period, missions on top of each other, a printed total "
        "behind them; any other is a step "
        "that holds until "
        "the next. Dashed: the limits of today. An impossible figure is drawn at the largest possible value; the table "
        "above shows it as reported, and the page /quality lists it.",
        [*bars, *(query for _, query in [*lines, *limits])],
        "No figure within the time range",
        bars=True,
        stacked=True,
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    # A total is drawn behind its parts, not on top of them.
    panel.with_override(
        *override(
            "byRegexp",
            "/^(ALL|.* All) ?$/",
            custom__stacking={"mode": "none", "group": "totals"},
            custom__fillOpacity=25,
            custom__lineWidth=1,
        )
    )
    for position, (unit, _) in enumerate([*lines, *limits], len(bars)):
        ref_id = REF_IDS[position]
        panel.with_override(*override("byFrameRefID", ref_id, unit=unit))
        if position < len(bars) + len(lines):
            draw_unstacked(panel, ref_id)
        else:
            dash_limits(panel, ref_id, LOOK)
    return panel


def _among(names: list[str]) -> str:
    """Select this indicator or KPI, when it is one of these."""
    return select("", equal("__name__", METRIC), among("__name__", [f"a4p_({'|'.join(names)})"]))


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
    name = equal("__name__", METRIC)
    bounded = words.list_maximums()
    rest = not_among("__name__", [metric for metrics in bounded.values() for metric in metrics])
    groups = [(None, rest), *((maximum, among("__name__", metrics)) for maximum, metrics in bounded.items())]
    history, scraped = [], []
    for maximum, chosen in groups:
        query = queries.name_part(_named(select("", name, chosen)))
        history.append(Query(clip(query, maximum), "{{mission}} {{part}}"))
        query = queries.name_part(_named(f"last_over_time({select_scraped('', name, chosen)}[1d])"))
        scraped.append(Query(clip(query, maximum), "{{mission}} {{part}} as shown then"))
    panel = draw_steps(
        "Was a figure corrected after it was first shown?",
        "Dashed: what was shown at the time, as Prometheus scraped it. Full: what the warehouse says today of the same "
        "time. Where the two "
        "part, a revision was loaded later. Prometheus knows nothing from before it was installed.",
        [*history, *scraped],
        "No figure within the time range",
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    for ref_id in REF_IDS[len(history) : len(history) + len(scraped)]:
        dashed = {"fill": "dash", "dash": [4, 8]}
        panel.with_override(*override("byFrameRefID", ref_id, custom__lineStyle=dashed, custom__lineWidth=4))
    return panel
