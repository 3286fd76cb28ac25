"""Host country cooperation: incidents against the status of forces agreements, their impact, and who talks to whom."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.bases import tabulate_bases
from metrics.dashboards.briefs import AS_OF, LINK_MISSION
from metrics.dashboards.frame import Line, Page
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
from metrics.dashboards.words import LOOK, Vocabulary

PRIORITY = "host_country_cooperation"
# What the first table shows of each mission, under heads that fit.
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


def build_page(words: Vocabulary) -> Page | None:
    """Return the dashboard of host country cooperation, or None where the catalogue lacks what it shows."""
    if not words.names >= NEEDED:
        return None
    queries = Queries(words, (equal("priority", PRIORITY),))
    return Page(
        uids.HOST_COUNTRY,
        "A4P+ host country cooperation",
        "Incidents against the status of forces or mission agreement by mission, new and old, their impact, and coordination.",
        [
            Line(13, [(7, _draw_new()), (17, _tabulate_missions(queries))]),
            Line(8, [(12, _draw_periods(words, queries)), (12, _draw_record(words))]),
            Line(8, [(16, _draw_longstanding(words)), (8, tabulate_bases(words, HOST_TOTALS))]),
            Line(14, [(24, tabulate_matrix(words, queries, "What else does each mission report on the host country?"))]),
        ],
    )


def _draw_new() -> PanelBuilder:
    return draw_bars_now(
        "Which missions have the most new incidents?",
        AS_OF
        + "Incidents recorded in the cycle in which the host country did not respect the agreement. A mission whose figure "
        "is under validation, or that has no agreement, has no bar. Source: peacekeeping missions.",
        [Query(f"sort_desc(max by (mission) ({select('a4p_sofa_incidents_new', NO_ALL)}))", "{{mission}}")],
        "No mission reported new incidents by then",
    )


def _tabulate_missions(queries: Queries) -> PanelBuilder:
    return tabulate(
        "How many incidents, how grave, and who talks with the host?",
        AS_OF
        + "New incidents of the cycle, their share of all missions' new ones, those unresolved from before the cycle, all "
        "on record; how "
        "far incidents hamper movement of civilians, of uniformed personnel and the mandated tasks; mechanisms of "
        "coordination that the "
        "report lists. Validating, n/a and no report say why there is no figure; 0 is a reported nought.",
        [f"max by (row, mission) ({name_row(f'{queries.cells(queries.figures(NO_ALL))} or {_spread_absences(queries)}')})"],
        [
            Column("mission", "Mission", 96, link=LINK_MISSION),
            *(
                Column(f"{name}|{part}", head, unit="locale", mappings=NARROW_CELLS, is_coloured=True, align="center")
                for name, part, head in SHOWN
            ),
        ],
        "No mission reported on the host country by then",
        sort_by="New",
        descending=True,
        transformations=[
            transform("labelsToFields", valueLabel="row"),
            transform("merge"),
        ],
        is_long=False,
    )


def _spread_absences(queries: Queries) -> str:
    """The absence of an indicator that has parts, at each of its parts; of any other as it is."""
    absences = f"{queries.absences(NO_ALL)}"
    parts = [part for name, part, _ in SHOWN if name == "sofa_impact_level"]
    of_impact = queries.absences(NO_ALL, equal("indicator", "sofa_impact_level"))
    spread = " or ".join(f'label_replace({of_impact}, "part", "{part}", "", "")' for part in parts)
    return f"{absences} or {spread}"


def _draw_periods(words: Vocabulary, queries: Queries) -> PanelBuilder:
    new = select("a4p_sofa_incidents_new", NO_ALL)
    limit = queries.limits(equal("metric", "a4p_sofa_incidents_new"))
    panel = draw_steps(
        "Do new incidents grow, cycle by cycle?",
        "New incidents of each cycle, missions on top of each other. Dashed: the limit for one mission. Source: "
        "peacekeeping missions.",
        [
            Query(draw_over_period(new, "half_yearly"), "{{mission}}"),
            Query(f"max by (severity, comparison) ({limit})", "limit for each mission: {{comparison}}, {{severity}}"),
        ],
        "No figure within the time range",
        bars=True,
        stacked=True,
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    dash_limits(panel, "B", LOOK)
    return panel


def _draw_record(words: Vocabulary) -> PanelBuilder:
    panel = draw_steps(
        "How many incidents are on record, and where?",
        "All incidents on record at the time of reporting: new ones and unresolved ones from before the cycle. A line "
        "ends where a figure is "
        "under validation. Source: peacekeeping missions.",
        [Query(select("a4p_sofa_incidents_total", NO_ALL), "{{mission}}")],
        "No figure within the time range",
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    return panel


def _draw_longstanding(words: Vocabulary) -> PanelBuilder:
    panel = draw_steps(
        "Are old incidents resolved?",
        "Incidents on record less the new ones of the cycle: those unresolved from before it. ALL is the sum over "
        "missions with both values in the newest period that any mission reported.",
        [Query(select("a4p_sofa_incidents_longstanding"), "{{mission}}")],
        "No figure within the time range",
    )
    for matcher, properties in colour_missions(words):
        panel.with_override(matcher, properties)
    return panel
