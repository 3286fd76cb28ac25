"""All errors of the service. Each message names the problem, the place and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

RETRY_STATUSES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


class ServiceError(Exception):
    """A failure that is reported as a message, without a stack trace.

    `can_retry`: the same call may succeed later without a change.
    """

    can_retry = False


class WarehouseLocked(ServiceError):
    """Another process has the warehouse file open."""

    can_retry = True


class WarehouseError(ServiceError):
    """The warehouse file or its directory cannot be used."""


class WarehouseLost(WarehouseError):
    """The warehouse file is missing or has fewer rows than were recorded. It is not opened."""


class WarehouseUnwritable(WarehouseError):
    """The disk is full, out of inodes or read-only. The service serves the last state and retries."""

    can_retry = True


class WarehouseOpening(ServiceError):
    """The warehouse is not open yet. The service serves the last published state."""

    can_retry = True


class LakeError(WarehouseError):
    """The settings, packages or tables of the lake cannot be used."""


class LakeUnavailable(WarehouseError):
    """PostgreSQL or the bucket of the lake cannot be reached, or another replica is writing.

    Nothing was recorded, unless PostgreSQL stopped answering during a commit: the message says that.
    """

    can_retry = True


class PortTaken(ServiceError):
    """Another process listens on the configured address."""

    can_retry = True


class HandoffError(ServiceError):
    """The running service could not complete the work of a command."""

    can_retry = True


class ThresholdError(ServiceError):
    """A threshold names something unknown, or matches no or several current thresholds."""


class AlertError(ServiceError):
    """An alert is unknown or ambiguous, or the token of the alerts endpoint cannot be used."""


class SilenceUnknown(AlertError):
    """There is no silence with this id."""


class AlertmanagerUnavailable(ServiceError):
    """Alertmanager could not be reached. `is_refusal`: it answered, and refused a silence."""

    can_retry = True

    def __init__(self, message: str, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal


class QueryError(ServiceError):
    """A user's query is invalid.

    `line` and `column` count from 1 and are None if the position is unknown. The message shows `excerpt`, the text of the
    line, with a pointer to the character `mark`.
    """

    def __init__(
        self, message: str, line: int | None = None, column: int | None = None, excerpt: str = "", mark: int = 1
    ) -> None:
        self.message = message
        self.line = line
        self.column = column
        margin = f"line {line} | "
        pointer = " " * (len(margin) - 2) + "| " + " " * (mark - 1) + "^"
        super().__init__(message if line is None else f"{message}\n\n{margin}{excerpt}\n{pointer}")


class SnapshotError(ServiceError):
    """A snapshot could not be made. The service serves the last good one."""


class KpiError(SnapshotError):
    """The query of one KPI failed or returned an invalid result."""

    def __init__(self, kpi: str, message: str) -> None:
        self.kpi = kpi
        super().__init__(message)


class TimeLimitPassed(ServiceError):
    """A request exceeded its time limit and was ended."""

    can_retry = True

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The request exceeded {seconds:g} seconds (A4P_PAGE_SECONDS). Choose one mission, or use SQL")


class ClientGone(ServiceError):
    """The client of a request closed its connection. The work was ended."""


class DrawingError(ServiceError):
    """A chart could not be drawn."""

    can_retry = True


class ReportError(ServiceError):
    """A document of a cycle cannot be written."""


class OutputError(ServiceError):
    """A file could not be written."""


@dataclass(frozen=True)
class RowError:
    """An error in one cell of a loaded file. `row` is the row number of a spreadsheet: the header is row 1.

    `sheet` and `cell` (such as F3) are set for a workbook.
    """

    file: str
    row: int
    column: str
    value: str | None
    problem: str
    fix: str
    sheet: str = ""
    cell: str = ""

    def __str__(self) -> str:
        value = "(empty)" if self.value is None or self.value == "" else repr(self.value)
        return f"{self.file}, row {self.row}, column {self.column}: {value} {self.problem}; {self.fix}"


class LoadError(ServiceError):
    """A file was rejected. `rows` are the first errors, `total` is their number."""

    def __init__(self, message: str, rows: tuple[RowError, ...] = (), total: int = 0) -> None:
        self.message = message
        self.rows = rows
        self.total = total or len(rows)
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message, *(f"  {row}" for row in self.rows)]
        if self.total > len(self.rows):
            lines.append(f"  ... and {self.total - len(self.rows):,} more")
        return "\n".join(lines)


class PreviewOutdated(LoadError):
    """The file, or what it would change, differs from the preview."""


class JobInterrupted(ServiceError):
    """A job ended early because the service is stopping. The next start records the interruption."""


class WorkerLost(ServiceError):
    """A worker ended or was killed before it responded. `is_late`: it exceeded the time limit."""

    def __init__(self, message: str, is_late: bool = False) -> None:
        super().__init__(message)
        self.is_late = is_late


class PoolBusy(ServiceError):
    """Too many concurrent queries. `is_full`: the waiting queue is full."""

    can_retry = True

    def __init__(self, message: str, is_full: bool) -> None:
        super().__init__(message)
        self.is_full = is_full


class UnknownMetric(ServiceError):
    """A requested metric is not in the history."""


class NoFreeSlot(ServiceError):
    """No slot is free. `is_full`: the waiting queue is full; otherwise the waiting time has passed."""

    can_retry = True

    def __init__(self, message: str, is_full: bool) -> None:
        super().__init__(message)
        self.is_full = is_full


class StackError(ServiceError):
    """A program of the stack is missing, did not start, or ended."""


class SettingsError(ServiceError):
    """A setting has an invalid value."""


class SdkMissing(ServiceError):
    """The library that writes dashboards is not installed. The service runs without it."""


class StaleFiles(ServiceError):
    """A generated file differs from the definitions."""


class ReadRefused(ServiceError):
    """A rejected remote-read request. `status` is the HTTP status, `reason` the label of its counter."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.can_retry = status in RETRY_STATUSES


class PrivilegeError(ServiceError):
    """Root privileges could not be dropped. The service does not start."""


class AccessError(ServiceError):
    """A user, role, token or saved query is unknown, invalid or taken."""


class RoundError(ServiceError):
    """A round or submission does not allow what was requested."""


class RoundUnknown(RoundError):
    """The cycle, the mission or the submission is unknown."""


class QueryUnknown(AccessError):
    """There is no saved query with this number that the caller can see."""


class ChangedMeanwhile(ServiceError):
    """What was to be changed is no longer what the caller read."""


class KeyReused(ServiceError):
    """An idempotency key of another request."""


class KeyInUse(ServiceError):
    """The first request with an idempotency key is still running."""


class AccessUnavailable(ServiceError):
    """The database of users and the audit cannot be read or written. Nothing is allowed that needs it."""

    can_retry = True


class SignInRefused(ServiceError):
    """A wrong name or password, or a user without access; the text is the same for each."""


class SignInDelayed(ServiceError):
    """Too many failed attempts: the next is possible after `seconds`."""

    can_retry = True

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many failed attempts; try again in {seconds} s")
        self.seconds = seconds


class NotSignedIn(ServiceError):
    """An action needs an identity."""


class NotAllowed(ServiceError):
    """The identity does not have the right to an action."""
