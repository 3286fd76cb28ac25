"""The operations that commands request from the service, and their requests and results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from metrics.thresholds import EVERY_MISSION, Comparison, Severity
from service.alerting.thresholds import ThresholdChange
from service.events.export import Export
from service.events.report import EventReport
from service.jobs.run import Run
from service.loading.interrupt import Interrupt
from service.loading.report import Batch, Preview
from service.loading.request import DIGEST_PATTERN, LoadRequest
from service.rounds.transitions import Action
from service.system.progress import Progress
from service.warehouse.backups.verify import Verification


class Request(BaseModel):
    """The body of a request other than a LoadRequest; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EmptyRequest(Request):
    """A request without parameters."""


class EventsRequest(Request):
    """An export of a feed to load or preview, as an absolute path, and who loads it."""

    file: Path
    feed: str
    # The name to record of an uploaded file, in place of its path.
    name: str | None = None
    loaded_by: str = ""
    dry_run: bool = False
    skip_unreadable: bool = False
    max_rows: int | None = Field(None, ge=1)
    digest: str | None = Field(None, pattern=DIGEST_PATTERN)

    @property
    def export(self) -> Export:
        return Export(self.file, self.name or str(self.file), self.feed, self.skip_unreadable, self.digest)


class JobsRequest(Request):
    """The number of newest runs to list, and whether to list only failed ones."""

    last: int
    only_failed: bool


class ThresholdRequest(Request):
    """A threshold to set, or to remove for all listed comparisons and severities."""

    action: Literal["set", "remove"]
    metric: str
    mission: str
    dimensions: dict[str, str]
    comparisons: list[Comparison] = Field(min_length=1)
    severities: list[Severity] = Field(min_length=1)
    limit: float | None = Field(allow_inf_nan=False)
    note: str | None
    set_by: str
    # The revision that the caller read: see `check_revision`.
    expected: str | None = None

    @model_validator(mode="after")
    def _check_limit(self) -> ThresholdRequest:
        if self.action == "set" and self.limit is None:
            raise ValueError("a threshold needs a limit")
        return self


class AlertsRequest(Request):
    """List the firing alerts, show one, or acknowledge some."""

    action: Literal["list", "show", "ack"]
    alerts: list[str] = Field(default_factory=list)
    note: str | None = None
    acknowledged_by: str = ""


class SilenceRequest(Request):
    """A silence to set from now until `ends_at`, of the alerts with all the given labels."""

    ends_at: AwareDatetime
    mission: str = EVERY_MISSION
    metric: str | None = None
    severity: Severity | None = None
    dimensions: dict[str, str] = Field(default_factory=dict)
    alert: str | None = Field(None, max_length=200)
    note: str | None = None
    set_by: str = ""


class SavedQueryRequest(Request):
    """A query to save."""

    name: str
    text: str
    is_shared: bool = False


class RoundsRequest(Request):
    """Read a round or its submissions, upload a file for one, act on a submission, or extend a closed round."""

    operation: Literal["show", "list", "preview", "upload", "read", "act", "comment", "extend"]
    cycle: int | None = None
    mission: str | None = None
    file: Path | None = None
    number: int | None = None
    action: Action | None = None
    digest: str | None = None
    reason: str | None = None
    indicator: str | None = None
    dimensions: dict[str, str] = Field(default_factory=dict)
    period_end: date | None = None
    follow_up: Literal["set", "cleared"] | None = None
    until: date | None = None
    user: str = ""


class CancelRequest(Request):
    """The load or preview to cancel, by the name in the header of its request."""

    work: str


class BackupRequest(Request):
    """The file to write, as an absolute path, and who requests it."""

    target: Path
    backed_up_by: str = ""


@dataclass(frozen=True)
class SnapshotSummary:
    """The number, date and size of a snapshot."""

    snapshot_id: int
    as_of: date
    series_count: int


class Client(Protocol):
    """The service as commands see it.

    Every method raises the ServiceError of the operation, and HandoffError if the service became unavailable.
    """

    def load(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> tuple[Batch, ...]:
        """Load files and publish them; return a Batch for each, also if the load was committed before it was cancelled."""

    def preview(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> Preview:
        """Return what a load of the files would change, without loading them."""

    def load_events(self, request: EventsRequest, progress: Progress, interrupt: Interrupt) -> EventReport:
        """Load an export of a feed and publish it, or preview it."""

    def refresh(self, progress: Progress) -> SnapshotSummary:
        """Compute and publish a snapshot."""

    def list_runs(self, request: JobsRequest) -> tuple[Run, ...]:
        """Return the newest runs of jobs, newest first."""

    def change_threshold(self, request: ThresholdRequest, progress: Progress) -> ThresholdChange:
        """Set or remove a threshold and publish the change."""

    def use_alerts(self, request: AlertsRequest) -> Any:
        """Return the firing alerts, one alert with its origin, or the names of acknowledged alerts."""

    def use_rounds(self, request: RoundsRequest) -> Any:
        """Return a round, submissions, a review or a submission as JSON, as in service/client/round_messages.py."""

    def back_up(self, request: BackupRequest, progress: Progress) -> None:
        """Write a consistent copy of the warehouse."""

    def verify(self, progress: Progress) -> Verification:
        """Read the whole warehouse and return the faults found."""


R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True)
class Operation(Generic[R, T]):
    """An operation on the socket: the path of its URL, the type of its request, and its result as JSON."""

    path: str
    request: type[R]
    result_type: Any

    @cached_property
    def result(self) -> TypeAdapter[T]:
        """The result as JSON. Made when it is used: those of all operations take a sixth of the start of a command."""
        return TypeAdapter(self.result_type)


# The header with the name of a load or preview, for the path `cancel`.
WORK_HEADER = "X-A4P-Work"
CANCEL_PATH = "cancel"
LOAD: Operation[LoadRequest, tuple[Batch, ...]] = Operation("load", LoadRequest, tuple[Batch, ...])
PREVIEW: Operation[LoadRequest, Preview] = Operation("preview", LoadRequest, Preview)
EVENTS: Operation[EventsRequest, EventReport] = Operation("events", EventsRequest, EventReport)
SNAPSHOT: Operation[EmptyRequest, SnapshotSummary] = Operation("snapshot", EmptyRequest, SnapshotSummary)
JOBS: Operation[JobsRequest, tuple[Run, ...]] = Operation("jobs", JobsRequest, tuple[Run, ...])
THRESHOLDS: Operation[ThresholdRequest, ThresholdChange] = Operation("thresholds", ThresholdRequest, ThresholdChange)
ALERTS: Operation[AlertsRequest, Any] = Operation("alerts", AlertsRequest, Any)
ROUNDS: Operation[RoundsRequest, Any] = Operation("rounds", RoundsRequest, Any)
BACKUP: Operation[BackupRequest, None] = Operation("backup", BackupRequest, None)
VERIFY: Operation[EmptyRequest, Verification] = Operation("verify", EmptyRequest, Verification)
