"""The dashboard of one indicator or KPI: latest values, values by period, status and thresholds."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.labels import BAD, GOOD, SCALES, WARNING, Contents
from metrics.dashboards.layout import Line, Page, choose_indicator, link_to
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
from metrics.dashboards.summary_panels import CERTAINTY_LABELS, LINK_MISSION, count_summary

THIS = equal("indicator", "$indicator")
METRIC = "a4p_$indicator"


def build_page(contents: Contents) -> Page:
    """Return the dashboard of one indicator or KPI."""
    queries = Queries(contents)
    return Page(
        uids.INDICATOR,
        "A4P+ indicator",
        "One indicator or KPI: values by mission and period, changes, status, thresholds and source.",
        [
            *count_summary(Queries(contents, (equal("metric", METRIC),))),
            Line(4, [(24, _describe(contents, queries))]),
            Line(12, [(13, _tabulate_missions(queries)), (11, _draw_periods(contents, queries))]),
            Line(12, [(24, _draw_cells(contents, queries))]),
            Line(8, [(24, _compare_with_scraped(contents, queries))]),
        ],
        [choose_indicator(contents, "sofa_incidents_new")],
        pages=(("Indicator page", "/indicators/${indicator}"), ("Thresholds", "/thresholds")),
    )


def _describe(contents: Contents, queries: Queries) -> PanelBuilder:
    subjects = contents.subjects
    descriptions = {subject.name: subject.description for subject in subjects}
    priorities = {entry.priority: entry.title for entry in contents.catalogue.priorities}
    return tabulate(
        "Definition and source",
        "Definition of the indicator or KPI in the catalogue: description, source, unit, and which direction is better.",
        [name_row(queries.info(equal("metric", METRIC)))],
        [
            Column("indicator", "Description", mappings=[map_titles(descriptions)], wraps=True),
            Column("row", "Source", 290, mappings=[map_titles({f"{s.name}|": s.source for s in subjects})], wraps=True),
            Column("unit", "Unit", 126, mappings=[map_titles(UNITS)]),
            Column("better", "Better is", 76),
            Column("priority", "Priority", 160, mappings=[map_titles(priorities)], wraps=True,
                   link=("Priority details", link_to(uids.PRIORITY, priority="${__value.raw}"))),
        ],
        "No data yet. Choose a later end of the time range.",
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
    values = queries.values(this)
    return tabulate(
        "Latest value by mission",
        "As of the end of the time range: the current value or the reason why there is none, the change since the period "
        "before, the last day of the period, and the status (as reported, estimated, provisional or impossible). ALL is all "
        "missions together.",
        [
            f"sort_desc({queries.cells(values)} or {queries.absences(THIS)})",
            queries.relative(queries.worse(THIS)),
            queries.relative(queries.better(THIS)),
            queries.period_ends(f"{values} or {queries.absences(THIS)}"),
            queries.certainty(values),
        ],
        [
            Column("mission", "Mission", link=LINK_MISSION),
            Column("part", "Of which"),
            Column("Value #A", "Value", 126, unit="locale", mappings=CELLS, is_coloured=True, align="center"),
            Column("Value #B", "Worse by", 80, unit="percent", colour=BAD),
            Column("Value #C", "Better by", 80, unit="percent", colour=GOOD),
            Column("Value #E", "Status", 104, mappings=CERTAINTY_LABELS),
            Column("Value #D", "Period to", 98, unit="time:YYYY-MM-DD"),
        ],
        "No values reported, and none expected",
    )


def _draw_periods(contents: Contents, queries: Queries) -> PanelBuilder:
    bars, lines, limits = [], [], []
    for frequency in PERIOD_WINDOWS:
        names = [one.name for one in contents.subjects if one.counts_a_period and one.frequency == frequency]
        if names:
            bars.append(Query(queries.name_part(_named(draw_over_period(_among(names), frequency))), "{{mission}} {{part}}"))
    # Values of one unit share an axis and a factor; most units have neither.
    factors = {"": 1.0} | {unit: factor for unit, (factor, _) in SCALES.items() if factor != 1}
    for unit, factor in factors.items():
        of_unit = [one for one in contents.subjects if (one.unit if one.unit in factors else "") == unit]
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
        "Values by period",
        "A count of a period is a bar as wide as the period, stacked by mission, with the printed total behind. Other "
        "values are steps that last until the next value. Dashed: current limits. An impossible value is drawn at the "
        "maximum; the table shows it as reported and the page /quality lists it.",
        [*bars, *(query for _, query in [*lines, *limits])],
        "No values in the time range",
        bars=True,
        stacked=True,
    )
    for matcher, properties in colour_missions(contents):
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
            dash_limits(panel, ref_id, WARNING)
    return panel


def _among(names: list[str]) -> str:
    """Return a selector of this indicator or KPI if it is one of `names`."""
    return select("", equal("__name__", METRIC), among("__name__", [f"a4p_({'|'.join(names)})"]))


def _named(query: str) -> str:
    return f'label_replace({query}, "indicator", "$indicator", "", "")'


def _draw_cells(contents: Contents, queries: Queries) -> PanelBuilder:
    values = queries.cells(queries.values(equal("__name__", METRIC)))
    return draw_states(
        "Values over time, by mission",
        "The value that was current at each time, or the reason why there was none. A gap means that nothing had been "
        "reported yet.",
        [Query(f"{values} or {queries.absences(THIS)}", "{{mission}} {{part}}")],
        "No values in the time range",
        CELLS,
        {},
    )


def _compare_with_scraped(contents: Contents, queries: Queries) -> PanelBuilder:
    name = equal("__name__", METRIC)
    bounded = contents.list_maximums()
    rest = not_among("__name__", [metric for metrics in bounded.values() for metric in metrics])
    groups = [(None, rest), *((maximum, among("__name__", metrics)) for maximum, metrics in bounded.items())]
    history, scraped = [], []
    for maximum, chosen in groups:
        query = queries.name_part(_named(select("", name, chosen)))
        history.append(Query(clip(query, maximum), "{{mission}} {{part}}"))
        query = queries.name_part(_named(f"last_over_time({select_scraped('', name, chosen)}[1d])"))
        scraped.append(Query(clip(query, maximum), "{{mission}} {{part}} as scraped"))
    panel = draw_steps(
        "Corrections: scraped and current values",
        "Dashed: values as Prometheus scraped them at the time. Solid: current values of the warehouse for the same time. "
        "They differ where a revision was loaded later. There are no scraped values from before Prometheus was installed.",
        [*history, *scraped],
        "No values in the time range",
    )
    for matcher, properties in colour_missions(contents):
        panel.with_override(matcher, properties)
    for ref_id in REF_IDS[len(history) : len(history) + len(scraped)]:
        dashed = {"fill": "dash", "dash": [4, 8]}
        panel.with_override(*override("byFrameRefID", ref_id, custom__lineStyle=dashed, custom__lineWidth=4))
    return panel
