"""Metric families with their HELP text and unit."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.catalogue import UNIT_SUFFIX, Catalogue
from metrics.kpi_file import Kpi


@dataclass(frozen=True)
class Family:
    """A gauge; `unit` is empty if the name does not end with it."""

    name: str
    help: str
    unit: str


UNIT_TEXT = {
    "count": "count",
    "ratio": "ratio, 1 is 100 %",
    "days": "days",
    "meters": "metres",
    "square_meters": "square metres",
    "boolean": "1 yes, 0 no",
    "level": "1 low, 2 medium, 3 high",
}

INDICATOR_CHANGE = "a4p_indicator_change"

# Families of series about the values of one indicator and mission, which are their first two labels.
PAIRED_FAMILIES = ("a4p_indicator_period_end_timestamp_seconds", "a4p_indicator_status", INDICATOR_CHANGE)

# Families that describe indicators.
INDICATOR_FAMILIES = (
    Family("a4p_indicator_info", "Catalogue entry of an indicator. Always 1.", ""),
    Family("a4p_mission_info", "Place of an active mission, in degrees. Always 1.", ""),
    Family("a4p_kpi_info", "Catalogue entry of a KPI. Always 1.", ""),
    Family(
        "a4p_kpi_missions_used",
        "Number of missions in a KPI value: those with a value in the newest reported period.",
        "",
    ),
    Family(
        "a4p_kpi_missions_expected",
        "Number of missions in a KPI value if all missions had reported.",
        "",
    ),
    Family("a4p_indicator_expected", "Active missions that are expected to report an indicator. Always 1.", ""),
    Family(
        "a4p_indicator_period_end_timestamp_seconds",
        "Last day, at 00:00 UTC, of the newest period in which a mission reported an indicator. Unit: seconds since 1970.",
        "seconds",
    ),
    Family(
        "a4p_indicator_status",
        "Status of the current observation if it is not A (normal): E estimated, P provisional, V under validation, O missing, "
        "L not collected, M not applicable. Always 1.",
        "",
    ),
    Family(
        INDICATOR_CHANGE,
        "Change of the value since the period before. Unit: that of the indicator.",
        "",
    ),
    Family(
        "a4p_indicator_overdue",
        "Overdue reports by mission and indicator, for the newest cycle whose deadline has passed. A calendar year belongs to "
        "the cycle in which it ends. Always 1.",
        "",
    ),
    Family(
        "a4p_threshold",
        "Limit that applies to a series, identified by metric, mission and other labels. Unit: that of the metric.",
        "",
    ),
    Family(
        "a4p_threshold_source_info",
        "Source of the value that is compared with a threshold: period, status, document, page. Always 1.",
        "",
    ),
    Family(
        "a4p_unreported_last_value",
        "Last value before an unreported period, for series with a threshold. It is still compared. Unit: that of the metric.",
        "",
    ),
    Family(
        "a4p_reconciliation_agrees",
        "Whether a printed total agrees with its parts: 1 or 0.",
        "",
    ),
)


def find_family_unit(name: str, unit: str) -> str:
    """Return the unit for OpenMetrics, or an empty string if the name does not end with it (such as `..._share`)."""
    suffix = UNIT_SUFFIX[unit]
    return suffix.removeprefix("_") if name.endswith(suffix) else ""


def _describe_source(kpi: Kpi) -> str:
    if not kpi.is_total:
        return "computed from observations"
    return (
        "computed from observations of the missions with a value in the newest reported period; "
        "a4p_kpi_missions_used has their number"
    )


def list_families(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> tuple[Family, ...]:
    """Return the families of indicators and KPIs, and those that describe indicators, sorted by name."""
    families = [
        Family(
            indicator.metric,
            f"{indicator.title}. Unit: {UNIT_TEXT[indicator.unit]}. Source: {indicator.source}.",
            find_family_unit(indicator.metric, indicator.unit),
        )
        for _, indicator in catalogue.indicators
    ]
    families += [
        Family(
            kpi.metric,
            f"{kpi.title}. Unit: {UNIT_TEXT[kpi.unit]}. Source: {_describe_source(kpi)}.",
            find_family_unit(kpi.metric, kpi.unit),
        )
        for kpi in kpis
    ]
    return tuple(sorted([*families, *INDICATOR_FAMILIES], key=lambda family: family.name))
