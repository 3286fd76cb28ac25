"""The dashboard of host country cooperation: incidents against status of forces agreements, impact and coordination."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.coverage import tabulate_coverage
from metrics.dashboards.labels import WARNING, Contents
from metrics.dashboards.layout import Line, Page
from metrics.dashboards.panels import (
    NARROW_CELLS,
    Column,
    PanelBuilder,
    Query,
    colour_missions,
    dash_limits,
    draw_bars_now,
    draw_steps,
    tabulate,
    transform,
)
from metrics.dashboards.priority import tabulate_matrix
from metrics.dashboards.queries import Queries, draw_over_period, equal, name_row, not_among, select
from metrics.dashboards.summary_panels import AS_OF, LINK_MISSION, count_summary

PRIORITY = "host_country_cooperation"
# The start of the first cycle with a value.
RANGE = ("2023-11-01T00:00:00.000Z", "now")
# Columns of the first table: indicator, part, and a heading that fits.
SHOWN = (
    ("sofa_incidents_new", "", "New"),
    ("sofa_incidents_new_share", "", "% of all new"),
    ("sofa_incidents_longstanding", "", "Longstanding"),
    ("sofa_incidents_total", "", "On record"),
    ("sofa_impact_level", "Civilian movement", "Civilians"),
    ("sofa_impact_level", "Uniformed movement", "Uniformed"),
    ("sofa_impact_level", "Mandated tasks", "Mandate"),
    ("coordination_mechanisms", "", "Mechanisms"),
)
NEEDED = frozenset(name for name, _, _ in SHOWN)
NO_ALL = not_among("mission", ["ALL"])

HOST_TOTALS = ("sofa_incidents_longstanding", "sofa_incidents_new_share")


def build_page(contents: Contents) -> Page | None:
    """Return the dashboard of host country cooperation, or None if the catalogue lacks an indicator that it shows."""
    if not contents.names >= NEEDED:
        return None
    queries = Queries(contents, (equal("priority", PRIORITY),))
    return Page(
        uids.HOST_COUNTRY,
        "A4P+ host country cooperation",
        "New and unresolved incidents against status of forces or mission agreements, their impact, and coordination, by "
        "mission.",
        [
            *count_summary(queries),
            Line(13, [(7, _draw_new()), (17, _tabulate_missions(queries))]),
            Line(8, [(12, _draw_periods(contents, queries)), (12, _draw_record(contents))]),
            Line(8, [(16, _draw_longstanding(contents)), (8, tabulate_coverage(contents, HOST_TOTALS))]),
            Line(14, [(24, tabulate_matrix(contents, queries, "All host country indicators by mission"))]),
        ],
        range=RANGE,
        pages=(("Priority page", f"/priorities/{PRIORITY}"), ("Documents by cycle", "/cycles")),
    )


def _draw_new() -> PanelBuilder:
    return draw_bars_now(
        "New incidents by mission",
        AS_OF
        + "Incidents in the cycle in which the host country did not respect the agreement. A mission whose value is under "
        "validation, or that has no agreement, has no bar. Source: peacekeeping missions.",
        [Query(f"sort_desc(max by (mission) ({select('a4p_sofa_incidents_new', NO_ALL)}))", "{{mission}}")],
        "No new incidents reported yet",
    )


def _tabulate_missions(queries: Queries) -> PanelBuilder:
    return tabulate(
        "Incidents, impact and coordination by mission",
        AS_OF
        + "New incidents in the cycle, their share of all new incidents, unresolved incidents from earlier cycles, and all "
        "incidents on record; impact on movement of civilians, movement of uniformed personnel and mandated tasks; and "
        "coordination mechanisms listed in the report. Cells without a value show the reason: validating, n/a or no "
        "report. 0 is a reported zero.",
        [f"max by (row, mission) ({name_row(f'{queries.cells(queries.values(NO_ALL))} or {_spread_absences(queries)}')})"],
        [
            Column("mission", "Mission", 96, link=LINK_MISSION),
            *(
                Column(f"{name}|{part}", head, unit="locale", mappings=NARROW_CELLS, is_coloured=True, align="center")
                for name, part, head in SHOWN
            ),
        ],
        "No values yet",
        sort_by="New",
        descending=True,
        transformations=[
            transform("labelsToFields", valueLabel="row"),
            transform("merge"),
        ],
        is_long=False,
    )


def _spread_absences(queries: Queries) -> str:
    """Return absences by indicator and part: an indicator with parts has its absence at each part."""
    absences = f"{queries.absences(NO_ALL)}"
    parts = [part for name, part, _ in SHOWN if name == "sofa_impact_level"]
    of_impact = queries.absences(NO_ALL, equal("indicator", "sofa_impact_level"))
    spread = " or ".join(f'label_replace({of_impact}, "part", "{part}", "", "")' for part in parts)
    return f"{absences} or {spread}"


def _draw_periods(contents: Contents, queries: Queries) -> PanelBuilder:
    new = select("a4p_sofa_incidents_new", NO_ALL)
    limit = queries.limits(equal("metric", "a4p_sofa_incidents_new"))
    panel = draw_steps(
        "New incidents by cycle",
        "New incidents in each cycle, stacked by mission. Dashed: the limit for one mission. Source: peacekeeping missions.",
        [
            Query(draw_over_period(new, "half_yearly"), "{{mission}}"),
            Query(f"max by (severity, comparison) ({limit})", "limit for each mission: {{comparison}}, {{severity}}"),
        ],
        "No values in the time range",
        bars=True,
        stacked=True,
    )
    for matcher, properties in colour_missions(contents):
        panel.with_override(matcher, properties)
    dash_limits(panel, "B", WARNING)
    return panel


def _draw_record(contents: Contents) -> PanelBuilder:
    panel = draw_steps(
        "Incidents on record by mission",
        "All incidents on record at the time of reporting: new incidents and unresolved incidents from earlier cycles. A "
        "line ends where the value is under validation. Source: peacekeeping missions.",
        [Query(select("a4p_sofa_incidents_total", NO_ALL), "{{mission}}")],
        "No values in the time range",
    )
    for matcher, properties in colour_missions(contents):
        panel.with_override(matcher, properties)
    return panel


def _draw_longstanding(contents: Contents) -> PanelBuilder:
    panel = draw_steps(
        "Unresolved incidents from earlier cycles",
        "Incidents on record minus new incidents of the cycle. ALL is the sum over missions with both values in the newest "
        "reported period.",
        [Query(select("a4p_sofa_incidents_longstanding"), "{{mission}}")],
        "No values in the time range",
    )
    for matcher, properties in colour_missions(contents):
        panel.with_override(matcher, properties)
    return panel
