"""The thresholds that ship: limits a new service begins with, read from thresholds.yaml and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from metrics.catalogue import CatalogueError, Definition, Line, describe_fault, read_yaml

EVERY_MISSION = "*"
Comparison = Literal["above", "below"]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
COMPARISONS: tuple[Comparison, ...] = ("above", "below")


class DefaultEntry(Definition):
    """An entry of thresholds.yaml: one limit, above or below."""

    metric: Line
    mission: Line = EVERY_MISSION
    dimensions: dict[str, str] = Field(default_factory=dict)
    above: float | None = Field(default=None, allow_inf_nan=False)
    below: float | None = Field(default=None, allow_inf_nan=False)
    severity: Severity
    note: Line

    @model_validator(mode="after")
    def _check(self) -> DefaultEntry:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        return self


@dataclass(frozen=True)
class Threshold:
    """A limit on one metric; `limit` is None for a removal. Dimensions are sorted by name."""

    metric: str
    mission: str
    dimensions: dict[str, str]
    comparison: Comparison
    severity: Severity
    limit: float | None
    note: str | None

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...], str, str]:
        """The fields that identify a threshold."""
        return self.metric, self.mission, tuple(self.dimensions.items()), self.comparison, self.severity

    def __str__(self) -> str:
        labels = {} if self.mission == EVERY_MISSION else {"mission": self.mission}
        text = ", ".join(f"{name}={value}" for name, value in {**labels, **self.dimensions}.items())
        where = f"{{{text}}}" if text else ""
        limit = "" if self.limit is None else f" {self.limit:g}"
        return f"{self.metric}{where} {self.comparison}{limit} ({self.severity})"


def make_threshold(
    metric: str,
    mission: str,
    dimensions: Mapping[str, str],
    comparison: Comparison,
    severity: Severity,
    limit: float | None,
    note: str | None,
) -> Threshold:
    """Return a threshold with its dimensions sorted by name, so that equal thresholds compare equal."""
    return Threshold(metric, mission, dict(sorted(dimensions.items())), comparison, severity, limit, note)


def read_default_thresholds(file: Path) -> tuple[Threshold, ...]:
    """Return the thresholds of a file, none if it does not exist. Raises CatalogueError with entry and fix."""
    if not file.exists():
        return ()
    raw = read_yaml(file)
    if not isinstance(raw, list):
        raise CatalogueError(f"{file}: must be a list of entries, each beginning with '- metric:'")
    faults: list[str] = []
    thresholds: dict[object, Threshold] = {}
    for position, item in enumerate(raw, 1):
        where = f"{file}, entry {position}"
        try:
            entry = DefaultEntry.model_validate(item)
        except ValidationError as error:
            faults += [f"{where}: {describe_fault(fault)}" for fault in error.errors()]
            continue
        threshold = make_threshold(
            entry.metric,
            entry.mission,
            entry.dimensions,
            "below" if entry.above is None else "above",
            entry.severity,
            entry.below if entry.above is None else entry.above,
            entry.note,
        )
        if threshold.key in thresholds:
            faults.append(f"{where}: the same threshold is given twice; remove one")
        thresholds[threshold.key] = threshold
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(thresholds.values())
