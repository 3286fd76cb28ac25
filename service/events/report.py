"""The report of a load of events: counts, faults of rows, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from service.errors import RowError
from service.loading.report import BreachChanges

MAX_SHOWN_BREACHES = 20


@dataclass(frozen=True)
class EventChange:
    """How many events changed one field in the same way; `field` is kind, state, mission, occurred_on or an attribute.

    `before` and `after` are null where there is no value, and for fields whose changes are only counted.
    """

    field: str
    before: str | None
    after: str | None
    events: int

    def __str__(self) -> str:
        if self.before is None and self.after is None:
            return f"{self.field}: {self.events:,}"
        return f"{self.field}: {self.before or '(none)'} -> {self.after or '(none)'}: {self.events:,}"


@dataclass(frozen=True)
class LeftOut:
    """How many rows were left out for a reason of the feed, and the missions that they name, as in the file."""

    reason: str
    rows: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"left out, {self.reason}: {self.rows:,} ({', '.join(self.names)})"


@dataclass(frozen=True)
class EventFault:
    """A fault of one row. A duplicate is another row of an event, a conflict has other content with the same time of update."""

    row: int
    fault: str
    event_id: str | None
    column: str | None
    written: str | None
    problem: str

    def __str__(self) -> str:
        place = f"row {self.row}" + (f", column {self.column}" if self.column else "")
        return f"{self.fault}: {place}: {self.problem}"


@dataclass(frozen=True)
class CountChange:
    """A count that is new or differs from the recorded one, and why."""

    indicator: str
    mission: str
    dimensions: dict[str, str]
    period_start: date
    period_end: date
    previous_value: float | None
    previous_status: str | None
    value: float | None
    status: str
    note: str | None

    def __str__(self) -> str:
        part = "".join(f", {value}" for value in self.dimensions.values())
        before = _write_count(self.previous_value, self.previous_status)
        return (
            f"{self.indicator}, {self.mission}{part}, {self.period_start}/{self.period_end}: "
            f"{before} -> {_write_count(self.value, self.status)} ({self.note or 'new'})"
        )


def _write_count(value: float | None, status: str | None) -> str:
    return "none" if status is None else status if value is None else f"{value:g} {status}"


@dataclass(frozen=True)
class CountReport:
    """What counting the events of a feed changed. `batch_id` is None if no count changed. `changes` are the first revisions."""

    batch_id: int | None
    new: int
    revised: int
    unchanged: int
    changes: tuple[CountChange, ...]


@dataclass(frozen=True)
class EventReport:
    """What loading an export did, or would do in a preview. `batch_id` is None when it added nothing, and in a preview.

    `confirmed` are the unchanged events whose time of update is later than recorded: they are recorded without a revision.
    `unreadable` are the first unreadable rows, `faults` the first duplicates and conflicts. `delays` explain why the change is
    not visible yet. A preview has `breaches`, which the load would start or clear, and the `digest` of what it found.
    """

    file_name: str
    feed: str
    batch_id: int | None
    row_count: int
    new: int
    changed: int
    unchanged: int
    confirmed: int
    older: int
    withdrawn: int
    duplicates: int
    conflicts: int
    unreadable_count: int
    left_out_count: int
    sha256: str
    exported_at: datetime | None
    unreadable: tuple[RowError, ...] = ()
    faults: tuple[EventFault, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    changes: tuple[EventChange, ...] = ()
    notes: tuple[str, ...] = ()
    is_preview: bool = False
    delays: tuple[str, ...] = ()
    counts: CountReport | None = None
    breaches: BreachChanges | None = None
    digest: str | None = None

    @property
    def has_changes(self) -> bool:
        """Whether current events, or their history, differ from before."""
        return self.new + self.changed + self.older + self.withdrawn + self.conflicts > 0

    def __str__(self) -> str:
        if not self.has_changes:
            return f"{self.file_name}: nothing new in {self.row_count:,} rows for {self.feed}"
        batch = "would load" if self.is_preview else f"batch {self.batch_id},"
        return (
            f"{self.file_name}: {batch} {self.new:,} new events of {self.feed}, {self.changed:,} changed, "
            f"{self.unchanged:,} unchanged, {self.withdrawn:,} withdrawn"
        )

    @property
    def lines(self) -> list[str]:
        """The lines of the report below the first."""
        lines = [*self.notes]
        for label, count in (
            ("older than recorded, not current", self.older),
            ("duplicate rows", self.duplicates),
            ("conflicts", self.conflicts),
            ("unreadable rows, not loaded", self.unreadable_count),
        ):
            if count:
                lines.append(f"{label}: {count:,}")
        lines += map(str, self.left_out)
        lines += [f"changed {entry}" for entry in self.changes]
        lines += [f"unreadable: {row}" for row in self.unreadable]
        lines += map(str, self.faults)
        if self.counts is not None and self.counts.new + self.counts.revised:
            lines.append(
                f"counts: {self.counts.new:,} new, {self.counts.revised:,} revised, {self.counts.unchanged:,} unchanged"
            )
            lines += [f"count of {change}" for change in self.counts.changes]
        if self.breaches is not None:
            for title, breaches in (("start", self.breaches.started), ("clear", self.breaches.cleared)):
                lines.append(f"breaches that would {title}: {len(breaches) or 'none'}")
                lines += map(str, breaches[:MAX_SHOWN_BREACHES])
                if left := len(breaches) - MAX_SHOWN_BREACHES:
                    lines += [f"and {left:,} more"] if left > 0 else []
        return lines
