"""The dashboard of data quality: completeness, status and age of values, reconciliation, and loads."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.coverage import tabulate_coverage
from metrics.dashboards.labels import ABSENT_CELL, BAD, CLEAR, UNCERTAIN, UNCERTAIN_CELL, VALUE, WARNING, WARNING_CELL, Contents
from metrics.dashboards.layout import Line, Page
from metrics.dashboards.panels import (
    REF_IDS,
    Column,
    PanelBuilder,
    Query,
    count,
    draw_bars_now,
    draw_steps,
    map_nothing,
    map_titles,
    map_values,
    override,
    show_snapshot,
    tabulate,
    transform,
)
from metrics.dashboards.queries import PERIOD_END, Queries, equal, select, select_scraped
from metrics.dashboards.summary_panels import AS_OF, count_not_final, count_overdue, link_indicator

# A cell shows the worst status of an indicator in a mission.
QUALITY = {
    0: ("ok", CLEAR),
    1: ("estimated", WARNING_CELL),
    2: ("provisional", WARNING_CELL),
    3: ("n/a", ABSENT_CELL),
    4: ("behind", UNCERTAIN_CELL),
    5: ("missing", UNCERTAIN_CELL),
    6: ("validating", UNCERTAIN_CELL),
    7: ("no report", UNCERTAIN_CELL),
}
STATUSES = {"E": 1, "P": 2, "M": 3, "O": 5, "L": 5, "V": 6}
BY = "max by (indicator, mission)"
LOADED = (
    ("a4p_warehouse_batches", "batches"),
    ("a4p_warehouse_observations", "observations"),
    ("a4p_warehouse_revisions", "revisions"),
    ("a4p_load_refused_total", "loads refused"),
)


def build_page(contents: Contents) -> Page:
    """Return the dashboard of data quality."""
    queries = Queries(contents)
    return Page(
        uids.DATA_QUALITY,
        "A4P+ data quality",
        "Completeness, status and age of values, reconciliation of printed totals with their parts, and loads.",
        [
            Line(3, [(6, panel) for panel in _count_gaps(queries)]),
            Line(3, [(8, panel) for panel in (count_not_final(queries), _count_disagreeing(), show_snapshot())]),
            Line(13, [(24, _tabulate_cells(contents, queries))]),
            Line(10, [(8, _tabulate_disagreeing()), (8, _tabulate_incomplete(contents)), (8, _tabulate_old(contents))]),
            Line(8, [(8, _draw_completeness()), (8, _draw_loads()), (8, tabulate_coverage(contents))]),
        ],
        pages=(("Data quality page", "/quality"), ("Rounds", "/rounds")),
    )


def _select_status(status: str) -> str:
    return f"{BY} ({select('a4p_indicator_status', equal('status', status))})"


def _count_gaps(queries: Queries) -> list[PanelBuilder]:
    reported = f"count({queries.expected()} unless on (indicator, mission) {queries.gaps()})"
    return [
        count(
            "Reported",
            AS_OF
            + "Share of expected values, by indicator and mission, that were reported for the newest period or reported as "
            "not applicable.",
            f"round(100 * {reported} / count({queries.expected()}), 0.1)",
            "Nothing reported",
            "text",
            "% of expected values are reported",
            "% of expected values are reported",
        ),
        count(
            "Never reported",
            AS_OF + "Expected values, by indicator and mission, that were never reported although other missions reported the "
            "indicator.",
            f"count({queries.never_reported()})",
            "No value was never reported",
            UNCERTAIN,
            "value was never reported",
            "values were never reported",
        ),
        count(
            "Missing or under validation",
            AS_OF + "Indicators, by mission, whose current observation is under validation or was reported as missing.",
            f"count({queries.unvalidated()})",
            "No value is missing",
            UNCERTAIN,
            "value is missing or under validation",
            "values are missing or under validation",
        ),
        count_overdue(queries),
    ]


def _count_disagreeing() -> PanelBuilder:
    return count(
        "Totals that disagree",
        AS_OF + "Printed totals that differ from the sum of their parts in the newest reconciliation.",
        f"count({_disagreeing()})",
        "All totals agree with their parts",
        BAD,
        "printed total disagrees with its parts",
        "printed totals disagree with their parts",
    )


def _disagreeing() -> str:
    return f"max by (check) ({select('a4p_reconciliation_agrees')}) == 0"


def _tabulate_cells(contents: Contents, queries: Queries) -> PanelBuilder:
    cells = " or ".join(
        [
            f"{queries.never_reported()} * 7",
            *(
                f"{_select_status(status)} * {code}"
                for status, code in sorted(STATUSES.items(), key=lambda one: -one[1])
                if code > 4
            ),
            f"{queries.behind()} * 0 + 4",
            *(
                f"{_select_status(status)} * {code}"
                for status, code in sorted(STATUSES.items(), key=lambda one: -one[1])
                if code < 4
            ),
            f"{BY} ({select(PERIOD_END)}) * 0",
        ]
    )
    return tabulate(
        "Data status by indicator and mission",
        AS_OF + "The worst status of an indicator in a mission: no report (never reported although other missions did), "
        "validating, missing, behind (other missions reported a later period), n/a, provisional, estimated, or ok (as "
        "reported). Empty: no value is expected.",
        [f"sort_desc({cells})"],
        [
            Column(
                "name", "Indicator", 330, mappings=[map_titles(contents.short_titles)], link=link_indicator("${__value.raw}")
            ),
            *(
                Column(mission, mission, mappings=[map_values(QUALITY), map_nothing("")], is_coloured=True, align="center")
                for mission in [*contents.missions, "ALL"]
            ),
        ],
        "No values yet. Choose a later end of the time range.",
        transformations=[
            transform("groupingToMatrix", columnField="mission", rowField="indicator", valueField="Value", emptyValue="null"),
            transform("organize", renameByName={"indicator\\mission": "name"}),
        ],
    )


def _tabulate_disagreeing() -> PanelBuilder:
    return tabulate(
        "Failed reconciliation checks",
        AS_OF + "Checks that failed in the newest reconciliation. The view `reconciliation` has both values and a note.",
        [_disagreeing()],
        [Column("check", "Check")],
        "All totals agree with their parts",
        sort_by="Check",
    )


def _tabulate_incomplete(contents: Contents) -> PanelBuilder:
    ratio = f"max by (indicator) ({select('a4p_missions_reporting_ratio')})"
    return tabulate(
        "Incomplete indicators",
        AS_OF + "Share of expected missions that reported the newest period of an indicator. Missing values and values under "
        "validation do not count.",
        [f"sort({ratio} < 1)"],
        [
            Column(
                "indicator", "Indicator", mappings=[map_titles(contents.short_titles)], link=link_indicator("${__value.raw}")
            ),
            Column("Value", "Reported", 84, unit="percentunit", colour=UNCERTAIN),
        ],
        "All missions reported all indicators",
    )


def _tabulate_old(contents: Contents) -> PanelBuilder:
    return tabulate(
        "Oldest values",
        AS_OF + "Days since the end of the newest period that any mission reported.",
        [f"sort_desc(min by (indicator) ({select('a4p_indicator_age_days')}))"],
        [
            Column(
                "indicator", "Indicator", mappings=[map_titles(contents.short_titles)], link=link_indicator("${__value.raw}")
            ),
            Column("Value", "Age", 100, unit="d", colour=WARNING),
        ],
        "No values yet",
    )


def _draw_completeness() -> PanelBuilder:
    panel = draw_steps(
        "Completeness over time",
        "Share of expected missions that reported the newest period, averaged over all indicators.",
        [Query(f"avg({select('a4p_missions_reporting_ratio')})", "missions that reported, mean over indicators")],
        "No values in the time range",
        unit="percentunit",
    )
    return panel.with_override(*override("byFrameRefID", REF_IDS[0], color={"mode": "fixed", "fixedColor": VALUE}))


def _draw_loads() -> PanelBuilder:
    return draw_bars_now(
        "Loads and revisions",
        "Files loaded, observations, revisions among them, and loads refused since the last start of the service. The view "
        "`batches` lists all loads with their files.",
        [Query(f"sum({select_scraped(name)})", title) for name, title in LOADED],
        "No scrape at the end of the time range",
    )
