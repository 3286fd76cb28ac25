"""Summary panels: counts and tables of changes, threshold breaches and reporting gaps, used by several dashboards."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models.dashboard import ValueMapping

from metrics.dashboards import uids
from metrics.dashboards.labels import (
    ABSENT_CELL,
    BAD,
    BAD_CELL,
    CERTAINTY,
    GOOD,
    IMPOSSIBLE_CODE,
    UNCERTAIN,
    WARNING,
    WARNING_CELL,
)
from metrics.dashboards.layout import Line, link_to
from metrics.dashboards.panels import (
    CELLS,
    Column,
    PanelBuilder,
    Query,
    count,
    draw_states,
    map_nothing,
    map_titles,
    map_values,
    tabulate,
    transform,
)
from metrics.dashboards.queries import KEY, Queries, name_row

AS_OF = "As of the end of the time range. "
SEVERITIES = {"critical": ("critical", BAD_CELL), "warning": ("warning", WARNING_CELL), "info": ("info", ABSENT_CELL)}
CERTAINTY_LABELS: tuple[ValueMapping, ...] = (
    map_values({code: (text, colour) for code, text, colour in CERTAINTY.values()} | {IMPOSSIBLE_CODE: ("impossible", BAD)}),
    map_nothing(""),
)


def link_indicator(indicator: str = "${__data.fields.indicator}") -> tuple[str, str]:
    """Return the link to the dashboard of an indicator or KPI, by default of the row's column `indicator`."""
    return ("Indicator details", link_to(uids.INDICATOR, indicator=indicator))


LINK_MISSION = ("Mission details", link_to(uids.MISSION, mission="${__value.raw}"))


def count_summary(queries: Queries) -> list[Line]:
    """Return two rows of counts that read as sentences: changes, breaches and gaps, and below them values and certainty."""
    newest = count(
        "Latest period",
        AS_OF + "The last day of the newest period with a reported value. Counts of events are left out.",
        f"1000 * max({queries.period_ends_of_reports()})",
        "No period yet",
        "text",
    )
    newest.unit("time:[newest period ends] YYYY-MM-DD").text(common.VizTextDisplayOptions().value_size(20))
    values = f"{queries.values()} * on (indicator) group_left () {queries.info()}"
    first: list[PanelBuilder] = [
        count(
            "Worsened",
            AS_OF + "Values that worsened since the period before. The catalogue defines which direction is better.",
            f"count({queries.worse()})",
            "No value worsened",
            BAD,
            "value worsened",
            "values worsened",
        ),
        count(
            "Improved",
            AS_OF + "Values that improved since the period before. The catalogue defines which direction is better.",
            f"count({queries.better()})",
            "No value improved",
            GOOD,
            "value improved",
            "values improved",
        ),
        count(
            "Breaches",
            AS_OF + "Values above or below a current threshold. `a4p thresholds list` lists all thresholds.",
            f"count({queries.breaches()})",
            "No value breaches a threshold",
            BAD,
            "value breaches a threshold",
            "values breach a threshold",
        ),
        count(
            "Not reported",
            AS_OF + "Expected values, by indicator and mission, that were never reported, are behind the newest period, or are "
            "missing or under validation.",
            f"count({queries.gaps()})",
            "No expected value is missing",
            UNCERTAIN,
            "expected value is missing",
            "expected values are missing",
        ),
    ]
    second: list[PanelBuilder] = [
        count_overdue(queries),
        count_not_final(queries),
        count(
            "Values",
            AS_OF + "Current values of all indicators and KPIs, by mission and part.",
            f"count({values})",
            "No value yet",
            "text",
            "current value",
            "current values",
        ),
        newest,
    ]
    return [Line(3, [(6, panel) for panel in panels]) for panels in (first, second)]


def count_overdue(queries: Queries) -> PanelBuilder:
    """Return the count of overdue reports."""
    return count(
        "Overdue reports",
        AS_OF + "Expected reports, by indicator and mission, not received by the deadline of the newest cycle whose deadline "
        "has passed.",
        f"count({queries.overdue()})",
        "No report is overdue",
        WARNING,
        "report is overdue",
        "reports are overdue",
    )


def count_not_final(queries: Queries) -> PanelBuilder:
    """Return the count of provisional or estimated values."""
    return count(
        "Provisional or estimated",
        AS_OF + "Values, by indicator and mission, that are estimated (a lower bound, or computed) or provisional (the source "
        "is ambiguous).",
        f"count({queries.not_final()})",
        "No value is provisional",
        WARNING,
        "value is not final",
        "values are not final",
    )


def tabulate_worsened(queries: Queries, titles: dict[str, str]) -> PanelBuilder:
    """Return the table of values that worsened."""
    return _tabulate_changes(queries, titles, "Indicators that worsened", queries.worse(), "Worse by", BAD, "Nothing worsened")


def tabulate_improved(queries: Queries, titles: dict[str, str]) -> PanelBuilder:
    """Return the table of values that improved."""
    return _tabulate_changes(
        queries, titles, "Indicators that improved", queries.better(), "Better by", GOOD, "Nothing improved"
    )


def _tabulate_changes(
    queries: Queries, titles: dict[str, str], title: str, changes: str, by: str, colour: str, none: str
) -> PanelBuilder:
    return tabulate(
        title,
        AS_OF
        + "Changes since the period before. Sorted by significance for counts: the change divided by the square root of the "
        "sum of both values. For an indicator with a total, only the total is shown.",
        [
            name_row(queries.weight(changes)),
            name_row(queries.cells(queries.before(changes))),
            name_row(f"{queries.cells(queries.values())} and on ({KEY}) {changes}"),
            name_row(queries.relative(changes)),
            *([] if queries.of else [name_row(queries.period_ends(f"max by ({KEY}) ({changes})"))]),
        ],
        [
            Column("row", "Indicator", mappings=[map_titles(titles)], link=link_indicator()),
            *_show_missions(queries),
            Column("Value #B", "Before", 62, unit="locale", mappings=CELLS),
            Column("Value #C", "Now", 56, unit="locale", mappings=CELLS),
            Column("Value #D", by, 78, unit="percent", colour=colour),
            # The mission dashboard shows it beside every value.
            *([] if queries.of else [Column("Value #E", "Period to", 96, unit="time:YYYY-MM-DD")]),
            Column("indicator", "indicator", is_hidden=True),
        ],
        none,
    )


def _show_missions(queries: Queries) -> list[Column]:
    # On the mission dashboard every row is of that mission.
    return [] if queries.of else [Column("mission", "Mission", 86, link=LINK_MISSION)]


def tabulate_breaches(queries: Queries) -> PanelBuilder:
    """Return the table of values that breach a threshold."""
    metrics = {subject.metric: subject.scaled_title for subject in queries.contents.subjects}
    scale = f"on (metric) group_left () {queries.scale_by_metric()}"
    by = "by (metric, mission, comparison, severity)"
    # Of an indicator with parts, the part with the largest breach.
    worst = f"(max {by} ({queries.breaches('above')}) or min {by} ({queries.breaches('below')}))"
    limits = f"max {by} ({queries.limits()}) and {worst}"

    def name(query: str) -> str:
        # Links need the name without its prefix; severities do not sort alphabetically.
        named = f'label_replace({query}, "name", "$1", "metric", "a4p_(.+)")'
        for rank, severity in enumerate(SEVERITIES):
            named = f'label_replace({named}, "rank", "{rank}", "severity", "{severity}")'
        return named

    return tabulate(
        "Values that breach a threshold",
        AS_OF
        + "Values above or below a current threshold, with its limit, most severe first. For an indicator with parts, only "
        "the part with the largest breach is shown.",
        [name(f"round({worst} * {scale}, 0.1)"), name(f"round(({limits}) * {scale}, 0.1)")],
        [
            Column("metric", "Indicator", mappings=[map_titles(metrics)], link=link_indicator("${__data.fields.name}")),
            *_show_missions(queries),
            *([] if queries.of else [Column("comparison", "Breach", 72)]),
            Column("Value #B", "Limit", 62, unit="locale"),
            Column("Value #A", "Now", 70, unit="locale"),
            Column("severity", "Severity", 82, mappings=[map_values(SEVERITIES)], is_coloured=True, align="center"),
            Column("name", "name", is_hidden=True),
        ],
        "No value breaches a threshold",
        transformations=[transform("merge"), transform("sortBy", fields={}, sort=[{"field": "rank"}])],
    )


def tabulate_gaps(queries: Queries) -> PanelBuilder:
    """Return the table of reporting gaps by mission."""
    by = "count by (mission)"
    return tabulate(
        "Reporting gaps by mission",
        AS_OF
        + "Indicators that a mission is expected to report, by kind of gap: never reported although other missions did, not "
        "reported for the newest period, and missing or under validation.",
        [
            f"sort_desc({by} ({queries.gaps()}))",
            f"{by} ({queries.never_reported()})",
            f"{by} ({queries.behind()})",
            f"{by} ({queries.unvalidated()})",
            f"{by} ({queries.expected()}) and on (mission) ({by} ({queries.gaps()}))",
        ],
        [
            Column("mission", "Mission", link=LINK_MISSION),
            Column("Value #A", "Gaps", 70, colour=UNCERTAIN),
            Column("Value #E", "of expected", 100),
            Column("Value #B", "Never reported", 124),
            Column("Value #C", "Behind", 116),
            Column("Value #D", "Under validation", 132),
        ],
        "No gaps",
    )


def draw_history(queries: Queries, titles: dict[str, str], title: str, description: str) -> PanelBuilder:
    """Return a state timeline with one line for each indicator or KPI."""
    return draw_states(
        title,
        description + "A value is current from the day after its period until the next value. A gap means that nothing had "
        "been reported yet.",
        [Query(name_row(f"{queries.cells(queries.values())} or {queries.absences()}"), "{{row}}")],
        "No values in the time range",
        CELLS,
        titles,
    )
