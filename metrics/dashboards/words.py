"""What dashboards call things: titles of rows, words in cells, and the few colours, each with one meaning."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from metrics.catalogue import METRIC_PREFIX, Catalogue, Indicator, Unit
from metrics.families import INDICATOR_FAMILIES
from metrics.kpi_file import Kpi

# Hues after Okabe and Ito, which people with any colour vision can tell apart. Each has one meaning, in two shades: for text
# and lines on a dark page, and for a cell behind white text.
GOOD, GOOD_CELL = "#56B4E9", "#0B6AA8"
BAD, BAD_CELL = "#F0743A", "#B34700"
LOOK, LOOK_CELL = "#E69F00", "#8F6400"
UNSURE, UNSURE_CELL = "#CC79A7", "#8A4B73"
SILENT, SILENT_CELL = "#9AA3AE", "#4A525C"
FIGURE, FIGURE_CELL = "#A9BCCF", "#34495E"
CLEAR = "transparent"
# One colour for each mission, the same on every panel: after Paul Tol's muted scheme, lightened for a dark page.
MISSION_COLOURS = (
    "#88CCEE", "#44AA99", "#117733", "#6699FF", "#DDCC77", "#999933",
    "#CC6677", "#882255", "#AA4499", "#DDDDDD", "#BBAA88", "#77AADD",
)  # fmt: skip

# A cell that says a word holds a number beyond any figure, which value mappings turn into the word; those that say why there is
# no figure are below all figures, and so last where the largest comes first.
BOOLEAN_BASE = 1e12
LEVEL_BASE = 2e12
STATUS_BASE = -3e12
STATUS_CODES: Mapping[str, int] = {"U": 1, "N": 2, "M": 3}
NEVER_REPORTED_CODE = 4

# What a figure is multiplied by so that its row's title can name the unit; other units stay as they are.
SCALES: Mapping[Unit, tuple[float, str]] = {
    "ratio": (100, "%"),
    "meters": (1e-3, "km"),
    "square_meters": (1e-6, "km²"),
    "days": (1, "days"),
}

CELL_WORDS: Mapping[float, tuple[str, str]] = {
    BOOLEAN_BASE: ("No", LOOK_CELL),
    BOOLEAN_BASE + 1: ("Yes", GOOD_CELL),
    LEVEL_BASE + 1: ("Low", GOOD_CELL),
    LEVEL_BASE + 2: ("Medium", LOOK_CELL),
    LEVEL_BASE + 3: ("High", BAD_CELL),
    STATUS_BASE + 1: ("under validation", UNSURE_CELL),
    STATUS_BASE + 2: ("not applicable", SILENT_CELL),
    STATUS_BASE + 3: ("missing", UNSURE_CELL),
    STATUS_BASE + 4: ("not reported", UNSURE_CELL),
}
# The same where a column is as narrow as the name of a mission.
SHORT_WORDS = {
    **CELL_WORDS,
    **{
        STATUS_BASE + 1: ("validating", UNSURE_CELL),
        STATUS_BASE + 2: ("n/a", SILENT_CELL),
        STATUS_BASE + 4: ("no report", UNSURE_CELL),
    },
}
# What the status of a figure that has a value says of it.
SURENESS: Mapping[str, tuple[int, str, str]] = {
    "A": (0, "as reported", ""),
    "E": (1, "estimated", UNSURE),
    "P": (2, "provisional", UNSURE),
}
# The number that stands for a figure above its largest possible value, beside those of `SURENESS`.
IMPOSSIBLE_CODE = 3


@dataclass(frozen=True)
class Subject:
    """An indicator or KPI as dashboards see it; `values` are those of its dimensions, in the order of `dimensions`."""

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
    # The largest possible value; a larger one is shown and flagged as impossible, and does not set the scale of a chart.
    maximum: float | None = None

    @property
    def metric(self) -> str:
        return METRIC_PREFIX + self.name

    @property
    def counts_a_period(self) -> bool:
        """Whether each figure counts one period (a bar), rather than says how things stood at its end (a step)."""
        return self.frequency in ("half_yearly", "annual") and self.unit not in ("ratio", "boolean", "level")

    @property
    def scaled_title(self) -> str:
        """The title with the unit that `SCALES` gives its figures."""
        return f"{self.title}, {SCALES[self.unit][1]}" if self.unit in SCALES else self.title

    def list_rows(self) -> list[tuple[str, str]]:
        """Return the key and the title of each row that it can have: one without a part, and one for each part."""
        rows = [(f"{self.name}|", self.scaled_title)]
        for values in itertools.product(*self.values):
            part = " ".join(values)
            if part:
                # The part comes first: where a title is cut, it is what tells rows apart. A total goes by the title alone.
                parts = [value for value in values if value != "All"]
                rows.append((f"{self.name}|{part}", " · ".join([*parts, self.scaled_title])))
        return rows


@dataclass(frozen=True)
class Vocabulary:
    """All that dashboards are made from: the catalogue, and its indicators and KPIs as subjects in its order."""

    catalogue: Catalogue
    subjects: tuple[Subject, ...]
    dimensions: tuple[str, ...]
    # Metrics that hold no figures, or figures about other indicators.
    other_metrics: tuple[str, ...]

    def list_maximums(self) -> dict[float, list[str]]:
        """Return the metrics of each largest possible value, such as 1 of a share."""
        maximums: dict[float, list[str]] = {}
        for subject in self.subjects:
            if subject.maximum is not None:
                maximums.setdefault(subject.maximum, []).append(subject.metric)
        return maximums

    @classmethod
    def make(cls, catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> Vocabulary:
        """Return the words of this catalogue and these KPIs."""
        indicators = [_describe_indicator(priority, indicator) for priority, indicator in catalogue.indicators]
        figures = [_describe_kpi(kpi) for kpi in kpis if "indicator" not in kpi.labels]
        order = {priority.priority: number for number, priority in enumerate(catalogue.priorities)}
        subjects = sorted([*indicators, *figures], key=lambda subject: order[subject.priority])
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
        """The missions that report still, ALL not among them."""
        return tuple(mission.mission for mission in self.catalogue.missions if mission.status == "active")

    @property
    def row_titles(self) -> dict[str, str]:
        return dict(row for subject in self.subjects for row in subject.list_rows())

    @property
    def dimensions_with_total(self) -> tuple[str, ...]:
        """Dimensions in which one value, All, is the total of the others wherever they are used."""
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
    )


def _describe_kpi(kpi: Kpi) -> Subject:
    source = f"computed from {', '.join(kpi.inputs)}"
    return Subject(
        kpi.kpi, kpi.title, kpi.description, source, kpi.unit, kpi.better, kpi.priority, "as its inputs", (), (), kpi.maximum
    )
