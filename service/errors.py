"""All errors of the service; each text says what is wrong, where, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

RETRY_STATUSES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


class ServiceError(Exception):
    """A failure that is told in one sentence, without a stack trace.

    `can_retry` says whether the same call may work later without a change.
    """

    can_retry = False


class WarehouseLocked(ServiceError):
    """Another process holds the warehouse file."""

    can_retry = True


class WarehouseError(ServiceError):
    """The warehouse file or its directory cannot be used as it is."""


class WarehouseLost(WarehouseError):
    """The warehouse file is missing, or holds less than was recorded of it; it is not opened."""


class WarehouseUnwritable(WarehouseError):
    """The disk takes no more: it is full, out of inodes or read-only. What is served stays, and the service tries again."""

    can_retry = True


class WarehouseOpening(ServiceError):
    """The warehouse is not open yet; what was published before is served."""

    can_retry = True


class PortTaken(ServiceError):
    """Something else listens on the address the service was told to bind."""

    can_retry = True


class HandoffError(ServiceError):
    """The service that holds the warehouse could not do the work handed to it."""

    can_retry = True


class ThresholdError(ServiceError):
    """A threshold names what is not known, or not clearly one that is in force."""


class AlertError(ServiceError):
    """An alert is not known, or not clearly one; or the token of the alerts endpoint cannot be used."""


class QueryError(ServiceError):
    """A query that a user wrote cannot be answered as it is.

    `line` and `column` count from 1 and are None where the fault has no place; the text shows `excerpt`, what the line
    says, with a pointer at its character `mark`.
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
    """A snapshot could not be made; the last good one goes on being served."""


class KpiError(SnapshotError):
    """The query of one KPI failed, or returned what cannot be exposed."""

    def __init__(self, kpi: str, message: str) -> None:
        self.kpi = kpi
        super().__init__(message)


class TimeLimitPassed(ServiceError):
    """A request took longer than it may; its work was ended."""

    can_retry = True

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"This takes longer than {seconds:g} seconds (A4P_PAGE_SECONDS). Choose one mission, or ask for it in SQL"
        )


class ClientGone(ServiceError):
    """The client of a request closed its connection; the work for it was ended."""


class DrawingError(ServiceError):
    """A chart could not be drawn."""

    can_retry = True


class ReportError(ServiceError):
    """A cycle cannot be written as a document: it is not known."""


class OutputError(ServiceError):
    """A file could not be written."""


@dataclass(frozen=True)
class RowError:
    """One thing wrong with one cell of a loaded file; `row` counts as a spreadsheet does, the header being row 1."""

    file: str
    row: int
    column: str
    value: str | None
    problem: str
    fix: str

    def __str__(self) -> str:
        value = "(empty)" if self.value is None or self.value == "" else repr(self.value)
        return f"{self.file}, row {self.row}, column {self.column}: {value} {self.problem}; {self.fix}"


class LoadError(ServiceError):
    """A file was refused whole; `rows` are the first errors and `total` how many there are."""

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


class JobInterrupted(ServiceError):
    """A job ended early because the service is stopping; the next start records that it was interrupted."""


class WorkerLost(ServiceError):
    """A worker ended, or was killed, before it had answered; `is_late` says that it took too long."""

    def __init__(self, message: str, is_late: bool = False) -> None:
        super().__init__(message)
        self.is_late = is_late


class PoolBusy(ServiceError):
    """Too many queries at once: `is_full` says that there was no place to wait."""

    can_retry = True

    def __init__(self, message: str, is_full: bool) -> None:
        super().__init__(message)
        self.is_full = is_full


class UnknownMetric(ServiceError):
    """A requested metric is not in the history."""


class PlacesTaken(ServiceError):
    """There is no place: `is_full` says that too many wait already, else the time to wait has passed."""

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
    """A remote-read request that is not answered: `status` is HTTP's, `reason` the label of its counter."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.can_retry = status in RETRY_STATUSES


class PrivilegeError(ServiceError):
    """Privileges of root could not be given up; the service does not start."""
