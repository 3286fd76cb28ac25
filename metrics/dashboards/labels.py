"""Labels of dashboards: titles of rows, texts of cells, and colours, each with one meaning."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from metrics.catalogue import METRIC_PREFIX, Catalogue, Indicator, Unit
from metrics.families import INDICATOR_FAMILIES
from metrics.kpi_file import Kpi

# Colours with the hues of Okabe and Ito, distinguishable with any colour vision. Each has one meaning and two shades: for text
# and lines on the backgrounds of both of Grafana's themes, and for cells behind white text.
GOOD, GOOD_CELL = "#2E8BC9", "#0B6AA8"
BAD, BAD_CELL = "#E0561B", "#B34700"
WARNING, WARNING_CELL = "#B87F00", "#8F6400"
UNCERTAIN, UNCERTAIN_CELL = "#C05A94", "#8A4B73"
ABSENT, ABSENT_CELL = "#7D8793", "#4A525C"
VALUE, VALUE_CELL = "#5F84A8", "#34495E"
CLEAR = "transparent"
# What the colours of values mean, in the legend of each dashboard.
MEANINGS = (
    ("critical, worse or high", BAD_CELL),
    ("warning, medium or no", WARNING_CELL),
    ("uncertain, missing or not reported", UNCERTAIN_CELL),
    ("better, yes or low", GOOD_CELL),
    ("not applicable or information", ABSENT_CELL),
    ("value without a judgement", VALUE_CELL),
)
# One colour per mission on all panels, with the hues of Paul Tol's muted scheme, for the backgrounds of both themes.
MISSION_COLOURS = (
    "#2F96C8", "#2E9C8B", "#2C8A4B", "#5580F0", "#B08A1E", "#8A8A2E",
    "#D0606F", "#B04578", "#B356B3", "#8C8C8C", "#9A7F55", "#6C7FC0",
)  # fmt: skip

# Of series that are neither missions nor better or worse.
SERIES_COLOURS = (MISSION_COLOURS[0], MISSION_COLOURS[4], MISSION_COLOURS[8], MISSION_COLOURS[2])

# A cell with a text has a number outside the range of values, which value mappings replace by the text. Numbers for reasons why
# there is no value are below all values, so that they come last in descending order.
BOOLEAN_BASE = 1e12
LEVEL_BASE = 2e12
STATUS_BASE = -3e12
STATUS_CODES: Mapping[str, int] = {"V": 1, "M": 2, "O": 3, "L": 3}
NEVER_REPORTED_CODE = 4

# Factor and unit name of scaled values; other units are not scaled.
SCALES: Mapping[Unit, tuple[float, str]] = {
    "ratio": (100, "%"),
    "meters": (1e-3, "km"),
    "square_meters": (1e-6, "km²"),
    "days": (1, "days"),
}

CELL_LABELS: Mapping[float, tuple[str, str]] = {
    BOOLEAN_BASE: ("No", WARNING_CELL),
    BOOLEAN_BASE + 1: ("Yes", GOOD_CELL),
    LEVEL_BASE + 1: ("Low", GOOD_CELL),
    LEVEL_BASE + 2: ("Medium", WARNING_CELL),
    LEVEL_BASE + 3: ("High", BAD_CELL),
    STATUS_BASE + 1: ("under validation", UNCERTAIN_CELL),
    STATUS_BASE + 2: ("not applicable", ABSENT_CELL),
    STATUS_BASE + 3: ("missing", UNCERTAIN_CELL),
    STATUS_BASE + 4: ("not reported", UNCERTAIN_CELL),
}
# Short texts for columns as narrow as a mission name.
SHORT_CELL_LABELS = {
    **CELL_LABELS,
    **{
        STATUS_BASE + 1: ("validating", UNCERTAIN_CELL),
        STATUS_BASE + 2: ("n/a", ABSENT_CELL),
        STATUS_BASE + 4: ("no report", UNCERTAIN_CELL),
    },
}
# Code, text and colour of the statuses of observations with a value.
CERTAINTY: Mapping[str, tuple[int, str, str]] = {
    "A": (0, "as reported", ""),
    "E": (1, "estimated", UNCERTAIN),
    "P": (2, "provisional", UNCERTAIN),
    "V": (4, "under validation", UNCERTAIN),
}
# The code of a value above its maximum, beside those of `CERTAINTY`.
IMPOSSIBLE_CODE = 3


@dataclass(frozen=True)
class Subject:
    """An indicator or KPI on dashboards; `values` has the values of each of its `dimensions`."""

    name: str
    title: str
    description: str
    source: str
    unit: Unit
    better: str
    priority: str
    frequency: str
    dimensions: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    # The largest possible value. A larger one is flagged as impossible and does not set the scale of a chart.
    maximum: float | None = None
    short_title: str | None = None

    @property
    def metric(self) -> str:
        return METRIC_PREFIX + self.name

    @property
    def counts_a_period(self) -> bool:
        """Whether a value counts events in one period (a bar) rather than the state at its end (a step)."""
        return self.frequency in ("half_yearly", "annual") and self.unit not in ("ratio", "boolean", "level")

    @property
    def scaled_title(self) -> str:
        """The title of a row, which is short if the definition has a short one, with the unit name from `SCALES`."""
        title = self.short_title or self.title
        return f"{title}, {SCALES[self.unit][1]}" if self.unit in SCALES else title

    def list_rows(self) -> list[tuple[str, str]]:
        """Return key and title of each possible row: one without a part, and one per part."""
        rows = [(f"{self.name}|", self.scaled_title)]
        for values in itertools.product(*self.values):
            part = " ".join(values)
            if part:
                # The part comes first, so that it is visible in a truncated title. A total has the title alone.
                parts = [value for value in values if value != "All"]
                rows.append((f"{self.name}|{part}", " · ".join([*parts, self.scaled_title])))
        return rows


@dataclass(frozen=True)
class Contents:
    """Contents of the dashboards: the catalogue, and its indicators and KPIs in catalogue order."""

    catalogue: Catalogue
    subjects: tuple[Subject, ...]
    dimensions: tuple[str, ...]
    # Metrics about other indicators.
    other_metrics: tuple[str, ...]

    def list_maximums(self) -> dict[float, list[str]]:
        """Return the metrics by their maximum, such as 1 for shares."""
        maximums: dict[float, list[str]] = {}
        for subject in self.subjects:
            if subject.maximum is not None:
                maximums.setdefault(subject.maximum, []).append(subject.metric)
        return maximums

    @classmethod
    def make(cls, catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> Contents:
        """Return the contents for this catalogue and these KPIs."""
        indicators = [_describe_indicator(priority, indicator) for priority, indicator in catalogue.indicators]
        kpi_subjects = [_describe_kpi(kpi) for kpi in kpis if "indicator" not in kpi.labels]
        order = {priority.priority: number for number, priority in enumerate(catalogue.priorities)}
        subjects = sorted([*indicators, *kpi_subjects], key=lambda subject: order[subject.priority])
        return cls(
            catalogue,
            tuple(subjects),
            tuple(sorted({dimension for subject in subjects for dimension in subject.dimensions})),
            tuple(
                sorted(
                    [family.name for family in INDICATOR_FAMILIES] + [kpi.metric for kpi in kpis if "indicator" in kpi.labels]
                )
            ),
        )

    @property
    def names(self) -> frozenset[str]:
        return frozenset(subject.name for subject in self.subjects)

    @property
    def missions(self) -> tuple[str, ...]:
        """Active missions, without ALL."""
        return tuple(mission.mission for mission in self.catalogue.missions if mission.status == "active")

    @property
    def short_titles(self) -> dict[str, str]:
        """Titles by the name of an indicator or KPI, for columns of tables."""
        return {subject.name: subject.short_title or subject.title for subject in self.subjects}

    @property
    def row_titles(self) -> dict[str, str]:
        return dict(row for subject in self.subjects for row in subject.list_rows())

    @property
    def dimensions_with_total(self) -> tuple[str, ...]:
        """Dimensions whose value All is the total of the other values in all indicators."""
        used: dict[str, list[tuple[str, ...]]] = {}
        for subject in self.subjects:
            for dimension, values in zip(subject.dimensions, subject.values, strict=True):
                used.setdefault(dimension, []).append(values)
        return tuple(sorted(dimension for dimension, uses in used.items() if all("All" in values for values in uses)))

    def find(self, name: str) -> Subject:
        """Return the indicator or KPI of this name."""
        return next(subject for subject in self.subjects if subject.name == name)


def _describe_indicator(priority: str, indicator: Indicator) -> Subject:
    return Subject(
        indicator.indicator,
        indicator.title,
        indicator.description,
        indicator.source,
        indicator.unit,
        indicator.better,
        priority,
        indicator.frequency,
        tuple(indicator.dimensions),
        tuple(indicator.dimensions.values()),
        indicator.maximum,
        indicator.short_title,
    )


def _describe_kpi(kpi: Kpi) -> Subject:
    source = f"computed from {kpi.source}"
    return Subject(
        kpi.kpi,
        kpi.title,
        kpi.description,
        source,
        kpi.unit,
        kpi.better,
        kpi.priority,
        "as its inputs",
        (),
        (),
        kpi.maximum,
        kpi.short_title,
    )
