"""The dashboard of accountability: crimes against peacekeepers and misconduct of peacekeepers."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import ValueMapping

from metrics.dashboards import uids
from metrics.dashboards.labels import ABSENT, BAD, CLEAR, GOOD, UNCERTAIN_CELL, VALUE, WARNING, WARNING_CELL, Contents
from metrics.dashboards.layout import Line, Page
from metrics.dashboards.panels import (
    REF_IDS,
    Column,
    PanelBuilder,
    Query,
    colour_missions,
    colour_queries,
    dash_limits,
    draw_bars_now,
    draw_steps,
    map_nothing,
    override,
    plain_thresholds,
    tabulate,
)
from metrics.dashboards.queries import Queries, among, clip, draw_over_period, equal, not_among, select, sum_newest_period
from metrics.dashboards.summary_panels import AS_OF, LINK_MISSION, count_summary

# Steps of the justice process: count, name, column heading, its share of the count before, and the heading of that share.
CHAIN = (
    ("crime_cases_reported", "Cases reported", "Cases", "", ""),
    ("crime_cases_investigated", "Cases investigated", "Investigated", "crime_investigation_ratio", "of cases"),
    ("crime_suspects_identified", "Suspects identified", "Suspects", "", ""),
    ("crime_suspects_detained", "Suspects detained", "Detained", "crime_detention_ratio", "of suspects"),
    ("crime_suspects_tried", "Suspects tried", "Tried", "crime_trial_ratio", "of detained"),
    ("crime_suspects_convicted", "Suspects convicted", "Convicted", "crime_conviction_ratio", "of tried"),
)
# Width of each column of the table in pixels, by its heading.
WIDTHS = {
    "Cases": 58, "Investigated": 98, "of cases": 74, "Suspects": 76, "Detained": 76, "of suspects": 94, "Tried": 54,
    "of detained": 92, "Convicted": 80, "of tried": 70,
}  # fmt: skip
RATES = (
    ("serious_misconduct_change_ratio", "Serious misconduct, change", BAD),
    ("sea_allegations_change_ratio", "Sexual exploitation and abuse, change", WARNING),
    ("sea_late_reporting_ratio", "Abuse reported more than a year late, share", ABSENT),
)
PRIORITIES = ("accountability_to_peacekeepers", "accountability_of_peacekeepers")
COVERAGE = ("military_evaluation_coverage_ratio", "formed_police_evaluation_coverage_ratio")
NEEDED = frozenset(
    [name for link in CHAIN for name in (link[0], link[3]) if name]
    + [name for name, _, _ in RATES]
    + [*COVERAGE, "serious_misconduct_allegations", "sea_allegations_by_incident_date"]
    + ["misconduct_sanctions", "misconduct_sanctions_new"]
)
EMPTY_CELL: list[ValueMapping] = [map_nothing("-")]


def build_page(contents: Contents) -> Page | None:
    """Return the dashboard of accountability, or None if the catalogue lacks an indicator that it shows."""
    if not contents.names >= NEEDED:
        return None
    queries = Queries(contents)
    return Page(
        uids.ACCOUNTABILITY,
        "A4P+ accountability",
        "Crimes against peacekeepers from report to conviction, and misconduct of peacekeepers over time.",
        [
            *count_summary(Queries(contents, (among("priority", PRIORITIES),))),
            Line(8, [(8, _draw_chain(contents)), (16, _tabulate_chain(contents))]),
            Line(8, [(8, _draw_misconduct()), (8, _draw_abuse(contents)), (8, _draw_sanctions())]),
            Line(8, [(12, _draw_rates(queries)), (12, _draw_shares())]),
            Line(9, [(12, _draw_coverage(contents, queries, name)) for name in COVERAGE]),
        ],
        pages=(
            ("Accountability to peacekeepers", "/priorities/accountability_to_peacekeepers"),
            ("Accountability of peacekeepers", "/priorities/accountability_of_peacekeepers"),
        ),
    )


def _only_active(contents: Contents) -> str:
    return among("mission", contents.missions)


def _draw_chain(contents: Contents) -> PanelBuilder:
    counted = [Query(sum_newest_period(name, _only_active(contents)), title) for name, title, *_ in CHAIN]
    panel = draw_bars_now(
        "Crimes against peacekeepers: from report to conviction",
        AS_OF + "Cases of crimes against peacekeepers and suspects since 2013, in active missions with a value in the newest "
        "reported period. A case can have several suspects. Source: Office of Rule of Law and Security Institutions, "
        "Justice and Corrections.",
        counted,
        "No values yet",
    )
    for position, colour in enumerate([ABSENT, ABSENT, VALUE, VALUE, VALUE, GOOD]):
        panel.with_override(*override("byFrameRefID", REF_IDS[position], color={"mode": "fixed", "fixedColor": colour}))
    return panel


def _tabulate_chain(contents: Contents) -> PanelBuilder:
    queries: list[str] = []
    columns = [Column("mission", "Mission", 0, link=LINK_MISSION)]

    def add(name: str, head: str, unit: str, *, is_coloured: bool) -> None:
        queries.append(f"max by (mission) ({select(f'a4p_{name}')})")
        field = f"Value #{REF_IDS[len(queries) - 1]}"
        columns.append(
            Column(field, head, WIDTHS[head], unit=unit, mappings=EMPTY_CELL, is_coloured=is_coloured, align="right")
        )

    for name, _, head, ratio, of in CHAIN:
        add(name, head, "locale", is_coloured=False)
        if ratio:
            add(ratio, of, "percentunit", is_coloured=True)
    panel = tabulate(
        "Justice process by mission",
        AS_OF + "Counts since 2013, each with its share of the count before. Suspects are not a share of cases. ALL excludes "
        "MINUSMA, which is closed, as in the report. A share above 100 % is impossible: the counts disagree, and the page "
        "/quality lists them. The report has 7 suspects tried and 1 detained in UNIFIL.",
        queries,
        columns,
        "No values yet",
    )
    # Shares below one half are highlighted; above 1 one of the counts is wrong.
    panel.thresholds(plain_thresholds((None, WARNING_CELL), (0.5, CLEAR), (1.0001, UNCERTAIN_CELL)))
    return panel


def _draw_misconduct() -> PanelBuilder:
    metric = select("a4p_serious_misconduct_allegations")
    panel = draw_steps(
        "Serious misconduct allegations by year",
        "Allegations of serious misconduct other than sexual exploitation and abuse, by calendar year of reporting. Source: "
        "Department of Management Strategy, Policy and Compliance.",
        [Query(draw_over_period(metric, "annual"), "allegations")],
        "No values in the time range",
        bars=True,
    )
    return panel.with_override(*override("byName", "allegations", color={"mode": "fixed", "fixedColor": VALUE}))


def _draw_abuse(contents: Contents) -> PanelBuilder:
    metric = select("a4p_sea_allegations_by_incident_date")
    panel = draw_steps(
        "Sexual exploitation and abuse allegations by year",
        "Allegations of sexual exploitation and abuse by calendar year of reporting and date of the incident. Source: "
        "Department of Management Strategy, Policy and Compliance.",
        [Query(draw_over_period(metric, "annual"), "{{incident_date}}")],
        "No values in the time range",
        bars=True,
        stacked=True,
    )
    values = contents.find("sea_allegations_by_incident_date").values[0]
    for value, colour in zip(values, [VALUE, "#2E9C8B", WARNING, ABSENT], strict=False):
        panel.with_override(*override("byName", value, color={"mode": "fixed", "fixedColor": colour}))
    return panel


def _draw_sanctions() -> PanelBuilder:
    return draw_bars_now(
        "Action on substantiated sexual exploitation and abuse",
        AS_OF + "Actions on substantiated cases of sexual exploitation and abuse: all since 2010, and new in the newest cycle. "
        "Source: Department of Management Strategy, Policy and Compliance.",
        [
            Query(f"max by (action) ({select('a4p_misconduct_sanctions')})", "{{action}}, all"),
            Query(f"max by (action) ({select('a4p_misconduct_sanctions_new')})", "{{action}}, new"),
        ],
        "No values yet",
    )


def _draw_rates(queries: Queries) -> PanelBuilder:
    rates = [Query(select(f"a4p_{name}", equal("mission", "ALL")), title) for name, title, _ in RATES]
    limit = queries.limits(equal("metric", f"a4p_{RATES[0][0]}"))
    panel = draw_steps(
        "Change in misconduct and share reported late",
        "Change since the previous calendar year, and the share of allegations of abuse reported more than a year after the "
        "incident. Computed from the allegations. Dashed: the limit on the change in serious misconduct.",
        [*rates, Query(f"max by (severity) ({limit})", "limit on change: {{severity}}")],
        "No values in the time range",
        unit="percentunit",
    )
    # A change can be negative.
    panel.min(-0.5)
    for position, (_, _, colour) in enumerate(RATES):
        panel.with_override(*override("byFrameRefID", REF_IDS[position], color={"mode": "fixed", "fixedColor": colour}))
    dash_limits(panel, "D", BAD)
    return panel


def _draw_shares() -> PanelBuilder:
    queries = [
        Query(select(f"a4p_{ratio}", equal("mission", "ALL")), f"{head}, {of}") for _, _, head, ratio, of in CHAIN if ratio
    ]
    panel = draw_steps(
        "Justice process over time",
        "Each count since 2013 as a share of the count before, in active missions with a value in the newest reported "
        "period. A share above 100 % is impossible and ends at the edge of the chart; the page /quality lists it.",
        queries,
        "No values in the time range",
        unit="percentunit",
    )
    # The largest possible share: one impossible value does not set the scale.
    return colour_queries(panel, len(queries)).max(1)


def _draw_coverage(contents: Contents, queries: Queries, name: str) -> PanelBuilder:
    subject = contents.find(name)
    limit = queries.limits(equal("metric", subject.metric))
    panel = draw_steps(
        f"{subject.title}, by mission",
        f"{subject.description} Source: {subject.source}. Dashed: the limit.",
        [
            Query(clip(select(subject.metric, not_among("mission", ["ALL"])), subject.maximum), "{{mission}}"),
            Query(f"max by (severity, comparison) ({limit})", "limit for each mission: {{comparison}}, {{severity}}"),
        ],
        "No values in the time range",
        unit="percentunit",
    )
    for matcher, properties in colour_missions(contents):
        panel.with_override(matcher, properties)
    dash_limits(panel, "B", WARNING)
    return panel
