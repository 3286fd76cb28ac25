"""The report of a load: batches, changed cells, warnings, and breaches that would start or end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

ChangeKind = Literal["revision", "removal", "new", "unchanged"]


@dataclass(frozen=True)
class Change:
    """One cell of a loaded file beside the stored observation. previous_* are None for a new cell.

    A `removal` is a revision whose status says that there is no value, where there was one. `revised_columns` names the columns
    that a revision changes.
    """

    kind: ChangeKind
    indicator: str
    mission: str
    dimensions: dict[str, str]
    period: str
    period_start: date
    period_end: date
    note: str | None
    value: float | None
    status: str
    previous_value: float | None
    previous_status: str | None
    revised_columns: tuple[str, ...]

    def __str__(self) -> str:
        after = write_value(self.value, self.status)
        if self.kind not in ("revision", "removal"):
            written, kind = after, str(self.kind)
        elif {"value", "status"}.isdisjoint(self.revised_columns):
            written, kind = after, f"revision of {', '.join(self.revised_columns)}"
        else:
            written, kind = f"{write_value(self.previous_value, self.previous_status or '')} -> {after}", self._describe()
        return f"{name_cell(self.indicator, self.mission, self.dimensions)} {self.period}: {written} ({kind})"

    def _describe(self) -> str:
        if self.value is None or self.previous_value is None or self.value == self.previous_value:
            return self.kind
        change = self.value - self.previous_value
        return f"{self.kind}, {'+' if change > 0 else ''}{change:.10g}"


@dataclass(frozen=True)
class CellCounts:
    """The cells of a file: `ignored` ones are those of a file that was loaded before."""

    new: int
    changed: int
    removed: int
    unchanged: int
    ignored: int


@dataclass(frozen=True)
class LoadWarning:
    """An implausible cell of a loaded file, with its row number in a spreadsheet, and its sheet if there are several."""

    row: int
    indicator: str
    mission: str
    dimensions: dict[str, str]
    period: str
    rule: str
    message: str
    sheet: str = ""

    def __str__(self) -> str:
        place = f"sheet {self.sheet!r}, row {self.row}" if self.sheet else f"row {self.row}"
        return f"warning: {place}, {name_cell(self.indicator, self.mission, self.dimensions)} {self.period}: {self.message}"


@dataclass(frozen=True)
class Finding:
    """A cell of a file that violates a validation rule. A `high` one blocks a submission.

    `action` is what to do. `needs_comment`: the finding is `medium`, and the row has no note. `row` is the row number as a
    spreadsheet shows it, `sheet` its sheet if there are several.
    """

    rule: str
    severity: Literal["high", "medium", "low"]
    indicator: str
    mission: str
    dimensions: dict[str, str]
    period: str
    message: str
    action: str
    row: int | None
    needs_comment: bool
    file_name: str = ""
    sheet: str = ""

    def __str__(self) -> str:
        place = f"row {self.row}, " if self.row else ""
        if self.sheet:
            place = f"sheet {self.sheet!r}, {place}"
        cell = name_cell(self.indicator, self.mission, self.dimensions)
        return f"{self.severity}: {place}{cell} {self.period}: {self.message}. {self.action}"


@dataclass(frozen=True)
class Breach:
    """A series that breaches a threshold."""

    metric: str
    mission: str
    dimensions: dict[str, str]
    comparison: str
    severity: str
    limit: float
    value: float

    def __str__(self) -> str:
        labels = "".join(f" {name}={value}" for name, value in self.dimensions.items())
        return f"{self.metric} {self.mission}{labels}: {self.value:.6g} is {self.comparison} {self.limit:.6g} ({self.severity})"


@dataclass(frozen=True)
class BreachChanges:
    """The breaches that a load would start, and those that it would clear."""

    started: tuple[Breach, ...] = ()
    cleared: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class Batch:
    """The result of loading one file. `batch_id` is None when the file added nothing, and in a preview.

    `changes` are the cells that the caller requested, not necessarily all changed cells. `notes` describe how the file
    was read where that is not obvious: its encoding, dates and numbers. `delays` explain why the change is not visible
    yet. `warnings` are the first of `warning_count`. `revisions` include `removals`.
    """

    file_name: str
    batch_id: int | None
    row_count: int
    new_observations: int
    revisions: int
    loaded_before_at: datetime | None = None
    corrected_since: int = 0
    sha256: str = ""
    changes: tuple[Change, ...] = ()
    is_preview: bool = False
    notes: tuple[str, ...] = ()
    delays: tuple[str, ...] = ()
    warnings: tuple[LoadWarning, ...] = ()
    warning_count: int = 0
    removals: int = 0

    @property
    def cells(self) -> CellCounts:
        if self.loaded_before_at is not None:
            return CellCounts(0, 0, 0, 0, self.row_count)
        return CellCounts(self.new_observations, self.revisions - self.removals, self.removals, self.unchanged, 0)

    @property
    def unchanged(self) -> int:
        return self.row_count - self.new_observations - self.revisions

    @property
    def has_changes(self) -> bool:
        return self.loaded_before_at is None and self.new_observations + self.revisions > 0

    def __str__(self) -> str:
        if self.loaded_before_at is not None:
            since = f"; {self.corrected_since:,} of its values were corrected since" if self.corrected_since else ""
            return (
                f"{self.file_name}: no changes (the same file was loaded on {self.loaded_before_at:%Y-%m-%d %H:%M} UTC{since})"
            )
        if not self.has_changes:
            return f"{self.file_name}: no changes in {self.row_count:,} rows"
        removed = f" ({self.removals:,} without a value)" if self.removals else ""
        batch = "would load" if self.is_preview else f"batch {self.batch_id},"
        return (
            f"{self.file_name}: {batch} {self.new_observations:,} new observations, "
            f"{self.revisions:,} revisions{removed}, {self.unchanged:,} unchanged"
        )


@dataclass(frozen=True)
class Preview:
    """The result that a load would have, and the current breaches that it would start or end.

    A load with `digest` does exactly what was previewed, or nothing: see `compute_digest`.
    """

    batches: tuple[Batch, ...]
    started: tuple[Breach, ...]
    cleared: tuple[Breach, ...]
    digest: str = ""
    findings: tuple[Finding, ...] = ()


def name_cell(name: str, mission: str, dimensions: dict[str, str]) -> str:
    """Return the name of a series in a line of a report: tpp_trainees ALL training=Medical."""
    return " ".join([name, mission, *(f"{dimension}={value}" for dimension, value in dimensions.items())])


def write_number(value: float) -> str:
    """Return a number as it is written in a file: 97, 0.37."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def write_value(value: float | None, status: str) -> str:
    """Return a value with its status where that is not A (normal): 97, 97 (status P), no value (status V)."""
    if value is None:
        return f"no value (status {status})"
    return write_number(value) if status == "A" else f"{write_number(value)} (status {status})"
