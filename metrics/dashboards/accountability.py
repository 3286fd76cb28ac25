"""Accountability: how far crimes against peacekeepers get, and whether misconduct of peacekeepers rises."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import ValueMapping

from metrics.dashboards import uids
from metrics.dashboards.briefs import AS_OF, LINK_MISSION
from metrics.dashboards.frame import Line, Page
from metrics.dashboards.panels import (
    REF_IDS,
    Column,
    PanelBuilder,
    Query,
    colour_missions,
    dash_limits,
    draw_bars_now,
    draw_steps,
    map_nothing,
    override,
    plain_thresholds,
    tabulate,
)
from metrics.dashboards.queries import Queries, clip, draw_over_period, equal, not_among, select, sum_newest_period
from metrics.dashboards.words import BAD, CLEAR, FIGURE, GOOD, LOOK, LOOK_CELL, SILENT, UNSURE_CELL, Vocabulary

# The chain of justice: a count, its name and its head in a table, the share of the count before it that got this far, and
# what that is a share of.
CHAIN = (
    ("crime_cases_reported", "Cases reported", "Cases", "", ""),
    ("crime_cases_investigated", "Cases investigated", "Investigated", "crime_investigation_ratio", "of cases"),
    ("crime_suspects_identified", "Suspects identified", "Suspects", "", ""),
    ("crime_suspects_detained", "Suspects detained", "Detained", "crime_detention_ratio", "of suspects"),
    ("crime_suspects_tried", "Suspects tried", "Tried", "crime_trial_ratio", "of detained"),
    ("crime_suspects_convicted", "Suspects convicted", "Convicted", "crime_conviction_ratio", "of tried"),
)
# Pixels of each column of the table, by its head.
WIDTHS = {
    "Cases": 58, "Investigated": 98, "of cases": 74, "Suspects": 76, "Detained": 76, "of suspects": 94, "Tried": 54,
    "of detained": 92, "Convicted": 80, "of tried": 70,
}  # fmt: skip
RATES = (
    ("serious_misconduct_change_ratio", "Serious misconduct, change", BAD),
    ("sea_allegations_change_ratio", "Sexual exploitation and abuse, change", LOOK),
    ("sea_late_reporting_ratio", "Abuse reported over a year late, share", SILENT),
)
COVERAGE = ("military_evaluation_coverage_ratio", "formed_police_evaluation_coverage_ratio")
NEEDED = frozenset(
    [name for link in CHAIN for name in (link[0], link[3]) if name]
    + [name for name, _, _ in RATES]
    + [*COVERAGE, "serious_misconduct_allegations", "sea_allegations_by_incident_date"]
    + ["misconduct_sanctions", "misconduct_sanctions_new"]
)
NOTHING: list[ValueMapping] = [map_nothing("-")]


def build_page(words: Vocabulary) -> Page | None:
    """Return the dashboard of accountability, or None where the catalogue lacks what it shows."""
    if not words.names >= NEEDED:
        return None
    queries = Queries(words)
    return Page(
        uids.ACCOUNTABILITY,
        "A4P+ accountability",
        "How far crimes against peacekeepers get, from report to conviction, and how misconduct of peacekeepers develops.",
        [
            Line(8, [(8, _draw_chain(words)), (16, _tabulate_chain(words))]),
            Line(8, [(8, _draw_misconduct()), (8, _draw_abuse(words)), (8, _draw_sanctions())]),
            Line(8, [(12, _draw_rates(queries)), (12, _draw_shares())]),
            Line(9, [(12, _draw_coverage(words, queries, name)) for name in COVERAGE]),
        ],
    )


def _leave_out(words: Vocabulary) -> str:
    closed = [mission.mission for mission in words.catalogue.missions if mission.status != "active"]
    return not_among("mission", closed)


def _draw_chain(words: Vocabulary) -> PanelBuilder:
    counted = [Query(sum_newest_period(name, _leave_out(words)), title) for name, title, *_ in CHAIN]
    panel = draw_bars_now(
        "How far do crimes against peacekeepers get?",
        AS_OF + "Cases of crime against peacekeepers and people suspected of them, since 2013, over the active missions with a "
        "value in the newest period that any of them reported. A case can have several suspects. "
        "Source: Office of Rule of Law and Security Institutions, Justice and Corrections.",
        counted,
        "No figures by then",
    )
    for position, colour in enumerate([SILENT, SILENT, FIGURE, FIGURE, FIGURE, GOOD]):
        panel.with_override(*override("byFrameRefID", REF_IDS[position], color={"mode": "fixed", "fixedColor": colour}))
    return panel


def _tabulate_chain(words: Vocabulary) -> PanelBuilder:
    asked: list[str] = []
    columns = [Column("mission", "Mission", 0, link=LINK_MISSION)]

    def add(name: str, head: str, unit: str, *, is_coloured: bool) -> None:
        asked.append(f"max by (mission) ({select(f'a4p_{name}')})")
        field = f"Value #{REF_IDS[len(asked) - 1]}"
        columns.append(Column(field, head, WIDTHS[head], unit=unit, mappings=NOTHING, is_coloured=is_coloured, align="right"))

    for name, _, head, ratio, of in CHAIN:
        add(name, head, "locale", is_coloured=False)
        if ratio:
            add(ratio, of, "percentunit", is_coloured=True)
    panel = tabulate(
        "In which mission does the chain break?",
        AS_OF + "Counts since 2013, and each as a share of the count before it; suspects identified are no share of "
        "cases. ALL "
        "leaves out "
        "MINUSMA, which is closed, as the report does. A share above 100 % is impossible: "
        "the counts disagree, and the page /quality lists them. The report has "
        "seven tried and one "
        "detained in UNIFIL.",
        asked,
        columns,
        "No figures by then",
    )
    # Below half the chain breaks here; above one the counts cannot both be right.
    panel.thresholds(plain_thresholds((None, LOOK_CELL), (0.5, CLEAR), (1.0001, UNSURE_CELL)))
    return panel


def _draw_misconduct() -> PanelBuilder:
    metric = select("a4p_serious_misconduct_allegations")
    panel = draw_steps(
        "Is serious misconduct rising?",
        "Allegations of serious misconduct other than sexual exploitation and abuse, by the calendar year of reporting. "
        "Source: Department of "
        "Management Strategy, Policy and Compliance.",
        [Query(draw_over_period(metric, "annual"), "allegations")],
        "No figure within the time range",
        bars=True,
    )
    return panel.with_override(*override("byName", "allegations", color={"mode": "fixed", "fixedColor": FIGURE}))


def _draw_abuse(words: Vocabulary) -> PanelBuilder:
    metric = select("a4p_sea_allegations_by_incident_date")
    panel = draw_steps(
        "Is sexual abuse rising, and told late?",
        "Allegations of sexual exploitation and abuse, by the calendar year of reporting, by when the incident ended. "
        "Source: Department of "
        "Management Strategy, Policy and Compliance.",
        [Query(draw_over_period(metric, "annual"), "{{incident_date}}")],
        "No figure within the time range",
        bars=True,
        stacked=True,
    )
    values = words.find("sea_allegations_by_incident_date").values[0]
    for value, colour in zip(values, [FIGURE, "#7E9AB5", LOOK, SILENT], strict=False):
        panel.with_override(*override("byName", value, color={"mode": "fixed", "fixedColor": colour}))
    return panel


def _draw_sanctions() -> PanelBuilder:
    return draw_bars_now(
        "What followed from substantiated abuse?",
        AS_OF + "Actions on substantiated cases of sexual exploitation and abuse: all since 2010, and those new in the "
        "newest "
        "cycle. Source: "
        "Department of Management Strategy, Policy and Compliance.",
        [
            Query(f"max by (action) ({select('a4p_misconduct_sanctions')})", "{{action}}, all"),
            Query(f"max by (action) ({select('a4p_misconduct_sanctions_new')})", "{{action}}, new"),
        ],
        "No figures by then",
    )


def _draw_rates(queries: Queries) -> PanelBuilder:
    asked = [Query(select(f"a4p_{name}", equal("mission", "ALL")), title) for name, title, _ in RATES]
    limit = queries.limits(equal("metric", f"a4p_{RATES[0][0]}"))
    panel = draw_steps(
        "How fast does misconduct change, and how much is told late?",
        "Change of a calendar year against the year before, and the share of allegations of abuse whose incident lies "
        "over a year before "
        "its report. Computed from the allegations. Dashed: the limit on the change of serious misconduct.",
        [*asked, Query(f"max by (severity) ({limit})", "limit on change: {{severity}}")],
        "No figure within the time range",
        unit="percentunit",
    )
    # A change can be a fall.
    panel.min(-0.5)
    for position, (_, _, colour) in enumerate(RATES):
        panel.with_override(*override("byFrameRefID", REF_IDS[position], color={"mode": "fixed", "fixedColor": colour}))
    dash_limits(panel, "D", BAD)
    return panel


def _draw_shares() -> PanelBuilder:
    asked = [
        Query(select(f"a4p_{ratio}", equal("mission", "ALL")), f"{head}, {of}") for _, _, head, ratio, of in CHAIN if ratio
    ]
    panel = draw_steps(
        "Does the chain of justice get better?",
        "Each count of the chain as a share of the count before it, over the active missions with a value in the newest period "
        "that any of them reported, since 2013. A share above 100 % is impossible and ends at the edge of the chart; the page "
        "/quality lists it.",
        asked,
        "No figure within the time range",
        unit="percentunit",
    )
    # The largest possible share: one impossible value does not set the scale.
    return panel.max(1)


def _draw_coverage(words: Vocabulary, queries: Queries, name: str) -> PanelBuilder:
    subject = words.find(name)
    limit = queries.limits(equal("metric", subject.metric))
    panel = draw_steps(
        f"{subject.title}, by mission: enough?",
        f"{subject.description} Source: {subject.source}. Dashed: the limit.",
        [
            Query(clip(select(subject.metric, not_among("mission", ["ALL"])), subject.maximum), "{{mission}}"),
            Query(f"max by (severity, comparison) ({limit})", "limit for each mission: {{comparison}}, {{severity}}"),
        ],
        "No figure within the time range",
        unit="percentunit",
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    dash_limits(panel, "B", LOOK)
    return panel
