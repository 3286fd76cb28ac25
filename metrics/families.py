"""The type between a snapshot and its text: which metric families there are, with their help and unit."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.catalogue import UNIT_SUFFIX, Catalogue
from metrics.kpi_file import Kpi


@dataclass(frozen=True)
class Family:
    """A gauge: `name` as Prometheus knows it; `unit` is empty where the name ends in none."""

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

# About indicators rather than of them; labels as in the design's contract.
INDICATOR_FAMILIES = (
    Family("a4p_indicator_info", "What the catalogue says of an indicator. Always 1.", ""),
    Family("a4p_kpi_info", "What the catalogue says of a KPI. Always 1.", ""),
    Family(
        "a4p_kpi_missions_used",
        "How many missions a KPI value is computed over: those with a value in the newest period that any mission reported.",
        "",
    ),
    Family(
        "a4p_kpi_missions_expected",
        "How many missions a KPI value would be computed over if all had reported.",
        "",
    ),
    Family("a4p_indicator_expected", "Which missions that are open are expected to report an indicator. Always 1.", ""),
    Family(
        "a4p_indicator_period_end_timestamp_seconds",
        "Last day, at 00:00 UTC, of the newest period in which a mission reported an indicator. Unit: seconds since 1970.",
        "seconds",
    ),
    Family(
        "a4p_indicator_status",
        "Status other than A (normal) of what holds: E estimated, P provisional, M missing, U under validation, "
        "N not applicable. Always 1.",
        "",
    ),
    Family(
        INDICATOR_CHANGE,
        "Value less that of the period before, where there is one. Unit: that of the indicator.",
        "",
    ),
    Family(
        "a4p_indicator_overdue",
        "Reports that are overdue: which mission did not report which indicator (its name and title) for the newest cycle past "
        "its deadline; a calendar year counts with the cycle in which it ends. Always 1.",
        "",
    ),
    Family(
        "a4p_threshold",
        "Limit that governs a series, which it names by metric, mission and further labels. Unit: that of the metric.",
        "",
    ),
    Family(
        "a4p_threshold_source_info",
        "Where the figure that a threshold is compared with comes from: period, status, document, page. Always 1.",
        "",
    ),
    Family(
        "a4p_unreported_last_value",
        "Figure before an unreported period, for series with a threshold: it goes on being compared. Unit: that of the metric.",
        "",
    ),
    Family(
        "a4p_reconciliation_agrees",
        "Whether a printed total agrees with its parts: 1 or 0.",
        "",
    ),
)


def find_family_unit(name: str, unit: str) -> str:
    """Return the unit as OpenMetrics writes it, or an empty string where the name does not end in it (as `..._share`)."""
    suffix = UNIT_SUFFIX[unit]
    return suffix.removeprefix("_") if name.endswith(suffix) else ""


def _describe_source(kpi: Kpi) -> str:
    if not kpi.is_total:
        return "computed from observations"
    return (
        "computed from observations of the missions with a value in the newest period that any mission reported; "
        "a4p_kpi_missions_used says how many"
    )


def list_families(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> tuple[Family, ...]:
    """Return the family of every indicator and KPI, and those about indicators, by name."""
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
