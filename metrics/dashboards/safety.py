"""The dashboard of the safety of peacekeepers: fatalities since 1948 by cause and mission, explosives, crimes and hospitals."""

from __future__ import annotations

from grafana_foundation_sdk.models.common import GraphDrawStyle

from metrics.dashboards import uids
from metrics.dashboards.labels import BAD, WARNING, Contents
from metrics.dashboards.layout import Line, Page, annotate
from metrics.dashboards.panels import (
    PanelBuilder,
    Query,
    colour_missions,
    count,
    dash_limits,
    draw_bars_now,
    draw_steps,
    override,
)
from metrics.dashboards.queries import among, draw_over_period, equal, not_among, select
from metrics.dashboards.summary_panels import AS_OF

YEARLY, BY_CYCLE = "a4p_fatalities", "a4p_fatalities_by_cycle"
MALICIOUS = equal("cause", "Malicious act")
NO_ALL = not_among("mission", ["ALL"])
NEEDED = frozenset(
    [
        "fatalities",
        "fatalities_by_cycle",
        "explosive_incidents",
        "explosive_casualties",
        "crime_cases_reported",
        "crime_cases_investigated",
        "hospital_outage_days",
    ]
)
# Malicious acts stand out; causes that are not known are grey.
CAUSE_COLOURS = {
    "Malicious act": "#D0403A",
    "Illness": "#4F86E0",
    "Accident": "#BF8226",
    "Self-inflicted": "#A06FCB",
    "To be determined": "#6F7A85",
    "Unknown": "#989FA8",
}
# The first fatality of the list is of 1948.
RANGE = ("1948-01-01T00:00:00.000Z", "now")
ALL_YEARS = "100y"
# Deaths of one cause in one mission and year that are marked in the charts: wars, and aircraft that crashed.
MANY_DEATHS = 30
SOURCE = "Source: fatality data set of the United Nations, counted by the service."


def build_page(contents: Contents) -> Page | None:
    """Return the dashboard of safety, or None if the catalogue lacks an indicator that it shows."""
    if not contents.names >= NEEDED:
        return None
    large = draw_over_period(select(YEARLY, NO_ALL), "annual")
    return Page(
        uids.SAFETY,
        "A4P+ safety of peacekeepers",
        "Deaths of peacekeepers since 1948 by cause and mission, explosive ordnance, crimes against them, and hospitals.",
        [
            Line(3, [(6, panel) for panel in _count(contents)]),
            Line(10, [(24, _draw_causes())]),
            Line(9, [(12, _draw_malicious()), (12, _draw_missions(contents))]),
            Line(8, [(24, _draw_windows(contents))]),
            Line(10, [(8, _draw_newest(contents)), (8, _draw_most()), (8, _draw_cycles())]),
            Line(8, [(8, _draw_explosives()), (8, _draw_crimes()), (8, _draw_hospitals())]),
        ],
        range=RANGE,
        shows_cycles=False,
        shows_legend=False,
        pages=(("Events", "/events"), ("Indicator page", "/indicators/fatalities")),
        annotations=(
            annotate(
                f"{MANY_DEATHS} or more deaths of one cause",
                "Deaths",
                f"sum by (mission, cause) ({large}) >= {MANY_DEATHS}",
                "{{mission}}: {{cause}}",
            ),
        ),
    )


def _count(contents: Contents) -> list[PanelBuilder]:
    windows = select("a4p_fatalities_malicious_acts_30d", among("mission", contents.missions))
    newest = AS_OF + f"All missions. The newest period is provisional. {SOURCE}"
    return [
        count(
            "Deaths in the newest half-year",
            newest,
            f"sum({select(BY_CYCLE, NO_ALL)})",
            "No half-year counted",
            "text",
            "death in the newest half-year",
            "deaths in the newest half-year",
        ),
        count(
            "Malicious acts in the newest year",
            newest,
            f"sum({select(YEARLY, NO_ALL, MALICIOUS)})",
            "No year counted",
            BAD,
            "death by malicious acts in the newest year",
            "deaths by malicious acts in the newest year",
        ),
        count(
            "Missions with malicious acts within 30 days",
            AS_OF + f"Active missions with deaths by malicious acts in the 30 days before. {SOURCE}",
            f"count({windows} > 0) or count({windows}) * 0",
            "Not known without a recent export",
            BAD,
            "mission with deaths within 30 days",
            "missions with deaths within 30 days",
        ),
        count(
            "Deaths since 1948",
            AS_OF + f"Deaths of any cause in all missions, closed ones included. {SOURCE}",
            f"sum(sum_over_time({select(YEARLY, NO_ALL)}[{ALL_YEARS}]))",
            "No year counted",
            "text",
            "death since 1948",
            "deaths since 1948",
        ),
    ]


def _draw_causes() -> PanelBuilder:
    panel = draw_steps(
        "Fatalities by year and cause",
        "Deaths in each calendar year in all peacekeeping missions, stacked by cause. Marked: missions with "
        f"{MANY_DEATHS} or more deaths of one cause in the year. {SOURCE}",
        [Query(f"sum by (cause) ({draw_over_period(select(YEARLY, NO_ALL), 'annual')})", "{{cause}}")],
        "No values in the time range",
        bars=True,
        stacked=True,
    )
    for cause, colour in CAUSE_COLOURS.items():
        panel.with_override(*override("byName", cause, color={"mode": "fixed", "fixedColor": colour}))
    return panel


def _draw_malicious() -> PanelBuilder:
    deaths = f"sum({draw_over_period(select(YEARLY, NO_ALL, MALICIOUS), 'annual')})"
    total = f"sum(sum_over_time({select(YEARLY, NO_ALL, MALICIOUS)}[10y]))"
    panel = draw_steps(
        "Malicious acts and their usual range",
        "Deaths by malicious acts in each year. Dashed: the mean of the ten years before, plus and minus twice its square "
        "root, which is the standard deviation of a Poisson distribution. A year outside the range is unlikely to be chance. "
        + SOURCE,
        [
            Query(deaths, "deaths by malicious acts"),
            Query(f"{total} / 10 + 2 * sqrt({total} / 10)", "upper end of the usual range"),
            Query(f"clamp_min({total} / 10 - 2 * sqrt({total} / 10), 0)", "lower end of the usual range"),
        ],
        "No values in the time range",
        bars=True,
    )
    panel.with_override(*override("byFrameRefID", "A", color={"mode": "fixed", "fixedColor": CAUSE_COLOURS["Malicious act"]}))
    dash_limits(panel, "B", WARNING)
    dash_limits(panel, "C", WARNING)
    return panel


def _draw_missions(contents: Contents) -> PanelBuilder:
    active = among("mission", contents.missions)
    panel = draw_steps(
        "Malicious acts by active mission",
        f"Deaths by malicious acts in each year, stacked by mission that is active today. {SOURCE}",
        [Query(f"sum by (mission) ({draw_over_period(select(YEARLY, active, MALICIOUS), 'annual')})", "{{mission}}")],
        "No values in the time range",
        bars=True,
        stacked=True,
    )
    for matcher, properties in colour_missions(contents):
        if "ALL" not in str(matcher.options):
            panel.with_override(matcher, properties)
    return panel


def _draw_windows(contents: Contents) -> PanelBuilder:
    panel = draw_steps(
        "Malicious acts within 30 days, by active mission",
        f"Deaths by malicious acts in the 30 days until each day. {SOURCE} Without a loaded export there are no values.",
        [Query(select("a4p_fatalities_malicious_acts_30d", among("mission", contents.missions)) + " > 0", "{{mission}}")],
        "No deaths, or no export of the fatality data set is loaded",
    )
    # Lines would connect the deaths of different years, between which there are no values.
    panel.draw_style(GraphDrawStyle.BARS).line_width(1).fill_opacity(80)
    for matcher, properties in colour_missions(contents):
        if "ALL" not in str(matcher.options):
            panel.with_override(matcher, properties)
    return panel


def _draw_newest(contents: Contents) -> PanelBuilder:
    active = among("mission", contents.missions)
    return draw_bars_now(
        "Fatalities in the newest counted half-year",
        AS_OF + f"Deaths of any cause by active mission. {SOURCE}",
        [Query(f"sort_desc(sum by (mission) ({select(BY_CYCLE, active)}) > 0)", "{{mission}}")],
        "No deaths counted",
    )


def _draw_most() -> PanelBuilder:
    return draw_bars_now(
        "Missions with the most fatalities since 1948",
        AS_OF + f"Deaths of any cause, closed missions included. {SOURCE}",
        [Query(f"sort_desc(topk(12, sum by (mission) (sum_over_time({select(YEARLY, NO_ALL)}[{ALL_YEARS}]))))", "{{mission}}")],
        "No values",
    )


def _draw_cycles() -> PanelBuilder:
    return draw_bars_now(
        "Fatalities in the last ten half-years, by cause",
        AS_OF + f"Deaths in all missions. {SOURCE}",
        [Query(f"sort_desc(sum by (cause) (sum_over_time({select(BY_CYCLE, NO_ALL)}[5y])))", "{{cause}}")],
        "No values",
    )


def _draw_explosives() -> PanelBuilder:
    return draw_bars_now(
        "Explosive ordnance: incidents and casualties",
        AS_OF + "Incidents by mission, and peacekeepers killed or injured. Source: missions and UNMAS.",
        [
            Query(f"sort_desc({select('a4p_explosive_incidents', NO_ALL)})", "incidents, {{mission}}"),
            Query(f"sort_desc({select('a4p_explosive_casualties', NO_ALL)})", "{{outcome}}, {{mission}}"),
        ],
        "No values",
    )


def _draw_crimes() -> PanelBuilder:
    return draw_bars_now(
        "Crimes against peacekeepers",
        AS_OF + "Cases since 2013: reported, and investigated by the host state. Source: peacekeeping missions.",
        [
            Query(f"sort_desc({select('a4p_crime_cases_reported', NO_ALL)})", "reported, {{mission}}"),
            Query(f"sort_desc({select('a4p_crime_cases_investigated', NO_ALL)})", "investigated, {{mission}}"),
        ],
        "No values",
    )


def _draw_hospitals() -> PanelBuilder:
    return draw_bars_now(
        "Days with impaired hospital care",
        AS_OF + "Days in the cycle by cause. Source: missions and the Division of Healthcare Management.",
        [Query(f"sort_desc({select('a4p_hospital_outage_days', NO_ALL)})", "{{mission}}, {{cause}}")],
        "No days reported",
    )
