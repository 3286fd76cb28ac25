"""Data quality: who has not reported, how sure and how old figures are, whether totals agree, what was loaded."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.bases import tabulate_bases
from metrics.dashboards.briefs import AS_OF, link_figure
from metrics.dashboards.frame import Line, Page
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
from metrics.dashboards.words import BAD, CLEAR, FIGURE, LOOK, LOOK_CELL, SILENT_CELL, UNSURE, UNSURE_CELL, Vocabulary

# A cell says the worst that holds of an indicator in a mission.
QUALITY = {
    0: ("ok", CLEAR),
    1: ("estimated", LOOK_CELL),
    2: ("provisional", LOOK_CELL),
    3: ("n/a", SILENT_CELL),
    4: ("behind", UNSURE_CELL),
    5: ("missing", UNSURE_CELL),
    6: ("validating", UNSURE_CELL),
    7: ("no report", UNSURE_CELL),
}
STATUSES = {"E": 1, "P": 2, "N": 3, "M": 5, "U": 6}
BY = "max by (indicator, mission)"
LOADED = (
    ("a4p_warehouse_batches", "batches"),
    ("a4p_warehouse_observations", "observations"),
    ("a4p_warehouse_revisions", "of them revisions"),
    ("a4p_load_refused_total", "loads refused"),
)


def build_page(words: Vocabulary) -> Page:
    """Return the dashboard of data quality."""
    queries = Queries(words)
    return Page(
        uids.DATA_QUALITY,
        "A4P+ data quality",
        "Who has not reported, how sure and how old the figures are, whether printed totals agree with their parts, what "
        "was loaded.",
        [
            Line(4, list(zip((3, 3, 4, 3, 4, 4, 3), [*_count(queries), show_snapshot()], strict=True))),
            Line(13, [(24, _tabulate_cells(words, queries))]),
            Line(10, [(8, _tabulate_disagreeing()), (8, _tabulate_incomplete(words)), (8, _tabulate_old(words))]),
            Line(8, [(8, _draw_completeness()), (8, _draw_loads()), (8, tabulate_bases(words))]),
        ],
    )


def _told(status: str) -> str:
    return f"{BY} ({select('a4p_indicator_status', equal('status', status))})"


def _count(queries: Queries) -> list[PanelBuilder]:
    reported = f"count({queries.expected()} unless on (indicator, mission) {queries.gaps()})"
    return [
        count(
            "Reported?",
            AS_OF + "Of all indicators and missions of which a figure is expected, the share that reported for the newest "
            "period, or said "
            "that none applies.",
            f"{reported} / count({queries.expected()})",
            "Nothing reported",
            "text",
        ).unit("percentunit"),
        count(
            "Never reported?",
            AS_OF
            + "Indicator and mission of which a figure is expected and none ever came, though other missions reported it.",
            f"count({queries.never_reported()})",
            "None",
            UNSURE,
        ),
        count(
            "Not validated?",
            AS_OF + "Indicator and mission of which what holds is under validation or was reported as missing.",
            f"count({queries.unvalidated()})",
            "None",
            UNSURE,
        ),
        count(
            "Not certain?",
            AS_OF + "Indicator and mission of which any figure is an estimate (a lower bound, or computed) or can be read "
            "two "
            "ways.",
            f"count({queries.unsure()})",
            "None",
            LOOK,
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
            "Totals that disagree?",
            AS_OF + "Printed totals that differ from what their parts give, by the newest reconciliation.",
            f"count({_disagreeing()})",
            "None",
            BAD,
        ),
    ]


def _disagreeing() -> str:
    return f"max by (check) ({select('a4p_reconciliation_agrees')}) == 0"


def _tabulate_cells(words: Vocabulary, queries: Queries) -> PanelBuilder:
    cells = " or ".join(
        [
            f"{queries.never_reported()} * 7",
            *(f"{_told(status)} * {code}" for status, code in sorted(STATUSES.items(), key=lambda one: -one[1]) if code > 4),
            f"{queries.behind()} * 0 + 4",
            *(f"{_told(status)} * {code}" for status, code in sorted(STATUSES.items(), key=lambda one: -one[1]) if code < 4),
            f"{BY} ({select(PERIOD_END)}) * 0",
        ]
    )
    titles = {subject.name: subject.title for subject in words.subjects}
    return tabulate(
        "How sure is each figure, and who is silent?",
        AS_OF + "The worst that holds of an indicator in a mission: no report (it never came, though others did), "
        "validating, "
        "missing, behind "
        "(others reported a later period), n/a, provisional, estimated, or ok: as reported. Empty: no figure is expected.",
        [f"sort_desc({cells})"],
        [
            Column("name", "Indicator", 330, mappings=[map_titles(titles)], link=link_figure("${__value.raw}")),
            *(
                Column(mission, mission, mappings=[map_values(QUALITY), map_nothing("")], is_coloured=True, align="center")
                for mission in [*words.missions, "ALL"]
            ),
        ],
        "No figure held by then: choose a later end of the time range",
        transformations=[
            transform("groupingToMatrix", columnField="mission", rowField="indicator", valueField="Value", emptyValue="null"),
            transform("organize", renameByName={"indicator\\mission": "name"}),
        ],
    )


def _tabulate_disagreeing() -> PanelBuilder:
    return tabulate(
        "Which printed totals disagree with their parts?",
        AS_OF + "Checks of the newest reconciliation that do not hold; the view `reconciliation` has both figures and a note.",
        [_disagreeing()],
        [Column("check", "Check")],
        "Every total agrees with its parts",
        sort_by="Check",
    )


def _tabulate_incomplete(words: Vocabulary) -> PanelBuilder:
    titles = {subject.name: subject.title for subject in words.subjects}
    ratio = f"max by (indicator) ({select('a4p_missions_reporting_ratio')})"
    return tabulate(
        "Which indicators do missions leave out?",
        AS_OF + "Missions that reported the newest period of an indicator over those expected to; missing and under "
        "validation "
        "do not count.",
        [f"sort({ratio} < 1)"],
        [
            Column("indicator", "Indicator", mappings=[map_titles(titles)], link=link_figure("${__value.raw}")),
            Column("Value", "Reported", 84, unit="percentunit", colour=UNSURE),
        ],
        "Every mission reported every indicator",
    )


def _tabulate_old(words: Vocabulary) -> PanelBuilder:
    titles = {subject.name: subject.title for subject in words.subjects}
    return tabulate(
        "Which figures are the oldest?",
        AS_OF + "Days since the end of the newest period of each indicator, whichever mission reported it.",
        [f"sort_desc(min by (indicator) ({select('a4p_indicator_age_days')}))"],
        [
            Column("indicator", "Indicator", mappings=[map_titles(titles)], link=link_figure("${__value.raw}")),
            Column("Value", "Age", 100, unit="d", colour=LOOK),
        ],
        "No figure held by then",
    )


def _draw_completeness() -> PanelBuilder:
    panel = draw_steps(
        "Does reporting get more complete?",
        "Mean over all indicators of the share of expected missions that reported the newest period.",
        [Query(f"avg({select('a4p_missions_reporting_ratio')})", "missions that reported, mean of indicators")],
        "No figure within the time range",
        unit="percentunit",
    )
    return panel.with_override(*override("byFrameRefID", REF_IDS[0], color={"mode": "fixed", "fixedColor": FIGURE}))


def _draw_loads() -> PanelBuilder:
    return draw_bars_now(
        "What was loaded, and how much of it were corrections?",
        "Files loaded, the observations they brought and how many of those corrected another, all that the warehouse holds; "
        "loads refused since the service was started last. The view `batches` lists every load with its file.",
        [Query(f"sum({select_scraped(name)})", title) for name, title in LOADED],
        "Prometheus did not scrape the service at the end of the time range",
    )
