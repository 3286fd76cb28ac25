"""The panels that brief: how many figures got worse, which, where, beyond which limit, and who has not reported."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models.dashboard import ValueMapping

from metrics.dashboards import uids
from metrics.dashboards.frame import link_to
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
from metrics.dashboards.words import BAD, BAD_CELL, GOOD, IMPOSSIBLE_CODE, LOOK, LOOK_CELL, SILENT_CELL, SURENESS, UNSURE

AS_OF = "As of the end of the time range. "
SEVERITIES = {"critical": ("critical", BAD_CELL), "warning": ("warning", LOOK_CELL), "info": ("info", SILENT_CELL)}
SURE: tuple[ValueMapping, ...] = (
    map_values({code: (text, colour) for code, text, colour in SURENESS.values()} | {IMPOSSIBLE_CODE: ("impossible", BAD)}),
    map_nothing(""),
)


def link_figure(indicator: str = "${__data.fields.indicator}") -> tuple[str, str]:
    """Return the link to the dashboard of a figure; without a name, of that in the row's column `indicator`."""
    return ("About this figure", link_to(uids.INDICATOR, indicator=indicator))


LINK_MISSION = ("About this mission", link_to(uids.MISSION, mission="${__value.raw}"))


def count_all(queries: Queries) -> list[PanelBuilder]:
    """Return eight counts that fill a line: how many figures, what of them, and how new and how sure they are."""
    newest = count(
        "Figures up to?",
        AS_OF + "The last day of the newest period that any of the figures is for.",
        f"1000 * max({queries.period_ends_of_all()})",
        "None",
        "text",
    )
    newest.unit("time:YYYY-MM-DD").text(common.VizTextDisplayOptions().value_size(22))
    figures = f"{queries.figures()} * on (indicator) group_left () {queries.info()}"
    return [
        count(
            "Figures?",
            AS_OF + "Figures that hold, of every indicator and KPI, mission and part.",
            f"count({figures})",
            "None by then",
            "text",
        ),
        count(
            "Got worse?",
            AS_OF + "Figures that changed for the worse against the period before, by the direction that the catalogue gives.",
            f"count({queries.worse()})",
            "None",
            BAD,
        ),
        count(
            "Got better?",
            AS_OF + "Figures that changed for the better against the period before, by the direction that the catalogue gives.",
            f"count({queries.better()})",
            "None",
            GOOD,
        ),
        count(
            "Past limits?",
            AS_OF + "Figures above or below the threshold that is set for them today; `a4p thresholds list` shows all.",
            f"count({queries.beyond()})",
            "None",
            BAD,
        ),
        count(
            "Not reported?",
            AS_OF + "Indicator and mission for which a figure is expected, but none ever came though others reported it, or "
            "none for "
            "the newest period, or which is missing or under validation.",
            f"count({queries.gaps()})",
            "None",
            UNSURE,
        ),
        count(
            "Reports overdue?",
            AS_OF
            + "Expected reports, indicator by mission, that were not received by the deadline of the newest cycle past it.",
            f"count({queries.overdue()})",
            "None",
            LOOK,
        ),
        count(
            "Not certain?",
            AS_OF
            + "Indicator and mission of which a figure is an estimate (a lower bound, or computed) or can be read two ways.",
            f"count({queries.unsure()})",
            "None",
            LOOK,
        ),
        newest,
    ]


def tabulate_worse(queries: Queries, titles: dict[str, str]) -> PanelBuilder:
    """Return the table of what got worse."""
    return _tabulate_changes(
        queries, titles, "What got worse, and where?", queries.worse(), "Worse by", BAD, "Nothing got worse by then"
    )


def tabulate_better(queries: Queries, titles: dict[str, str]) -> PanelBuilder:
    """Return the table of what got better."""
    return _tabulate_changes(
        queries, titles, "What got better, and where?", queries.better(), "Better by", GOOD, "Nothing got better by then"
    )


def _tabulate_changes(
    queries: Queries, titles: dict[str, str], title: str, changes: str, by: str, colour: str, none: str
) -> PanelBuilder:
    return tabulate(
        title,
        AS_OF + "Changes against the period before; what is better, the catalogue says. First what stands out most from what "
        "chance "
        "does to counts (the change over the root of the two figures). Of a figure that has a total, the total only.",
        [
            name_row(queries.weight(changes)),
            name_row(queries.cells(queries.before(changes))),
            name_row(f"{queries.cells(queries.figures())} and on ({KEY}) {changes}"),
            name_row(queries.relative(changes)),
            *([] if queries.of else [name_row(queries.period_ends(f"max by ({KEY}) ({changes})"))]),
        ],
        [
            Column("row", "Figure", mappings=[map_titles(titles)], link=link_figure()),
            *_show_missions(queries),
            Column("Value #B", "Before", 62, unit="locale", mappings=CELLS),
            Column("Value #C", "Now", 56, unit="locale", mappings=CELLS),
            Column("Value #D", by, 78, unit="percent", colour=colour),
            # The page of one mission has it beside every figure.
            *([] if queries.of else [Column("Value #E", "Period to", 96, unit="time:YYYY-MM-DD")]),
            Column("indicator", "indicator", is_hidden=True),
        ],
        none,
    )


def _show_missions(queries: Queries) -> list[Column]:
    # On the page of one mission every row is about it.
    return [] if queries.of else [Column("mission", "Where", 86, link=LINK_MISSION)]


def tabulate_beyond(queries: Queries) -> PanelBuilder:
    """Return the table of what is beyond its limit."""
    metrics = {subject.metric: subject.scaled_title for subject in queries.words.subjects}
    scale = f"on (metric) group_left () {queries.scale_by_metric()}"
    by = "by (metric, mission, comparison, severity)"
    # Of a figure that has parts, the part that is farthest beyond.
    worst = f"(max {by} ({queries.beyond('above')}) or min {by} ({queries.beyond('below')}))"
    limits = f"max {by} ({queries.limits()}) and {worst}"

    def name(query: str) -> str:
        # Links read the name of the figure without its prefix, and severities have no alphabetical order.
        named = f'label_replace({query}, "name", "$1", "metric", "a4p_(.+)")'
        for rank, severity in enumerate(SEVERITIES):
            named = f'label_replace({named}, "rank", "{rank}", "severity", "{severity}")'
        return named

    return tabulate(
        "What is beyond its limit?",
        AS_OF + "Figures above or below the threshold that is set for them today, with the limit they crossed, worst "
        "first; of "
        "a figure "
        "that has parts, the worst part.",
        [name(f"round({worst} * {scale}, 0.1)"), name(f"round(({limits}) * {scale}, 0.1)")],
        [
            Column("metric", "Figure", mappings=[map_titles(metrics)], link=link_figure("${__data.fields.name}")),
            *_show_missions(queries),
            *([] if queries.of else [Column("comparison", "Is", 62)]),
            Column("Value #B", "Limit", 62, unit="locale"),
            Column("Value #A", "Now", 70, unit="locale"),
            Column("severity", "Severity", 82, mappings=[map_values(SEVERITIES)], is_coloured=True, align="center"),
            Column("name", "name", is_hidden=True),
        ],
        "Nothing is beyond a limit of today, or none is set",
        transformations=[transform("merge"), transform("sortBy", fields={}, sort=[{"field": "rank"}])],
    )


def tabulate_silent(queries: Queries) -> PanelBuilder:
    """Return the table of missions that have not reported, with how much."""
    by = "count by (mission)"
    return tabulate(
        "Who has not reported?",
        AS_OF
        + "Of the indicators that a mission is expected to report: how many it never reported though others did, how many it "
        "has not reported for the newest period, and how many are missing or under validation.",
        [
            f"sort_desc({by} ({queries.gaps()}))",
            f"{by} ({queries.never_reported()})",
            f"{by} ({queries.behind()})",
            f"{by} ({queries.unvalidated()})",
            f"{by} ({queries.expected()}) and on (mission) ({by} ({queries.gaps()}))",
        ],
        [
            Column("mission", "Mission", link=LINK_MISSION),
            Column("Value #A", "Gaps", 70, colour=UNSURE),
            Column("Value #E", "of expected", 100),
            Column("Value #B", "Never reported", 124),
            Column("Value #C", "Behind others", 116),
            Column("Value #D", "Under validation", 132),
        ],
        "Nothing that others reported is missing by then",
    )


def draw_history(queries: Queries, titles: dict[str, str], title: str, description: str) -> PanelBuilder:
    """Return lines of what held when, one for each figure."""
    return draw_states(
        title,
        description + " Each cell holds from the day after its period until the next; a gap: nothing was reported by then.",
        [Query(name_row(f"{queries.cells(queries.figures())} or {queries.absences()}"), "{{row}}")],
        "No figure within the time range",
        CELLS,
        titles,
    )
