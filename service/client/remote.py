"""The client that reaches a running service over its Unix socket."""

from __future__ import annotations

import http.client
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from service.alerting.thresholds import ThresholdChange
from service.client import address
from service.client.messages import read_messages, read_refusal
from service.client.protocol import (
    ALERTS,
    BACKUP,
    CANCEL_PATH,
    EVENTS,
    JOBS,
    LOAD,
    PREVIEW,
    ROUNDS,
    SNAPSHOT,
    THRESHOLDS,
    VERIFY,
    WORK_HEADER,
    AlertsRequest,
    BackupRequest,
    CancelRequest,
    EmptyRequest,
    EventsRequest,
    JobsRequest,
    Operation,
    RoundsRequest,
    SnapshotSummary,
    ThresholdRequest,
)
from service.errors import HandoffError
from service.events.report import EventReport
from service.jobs.run import Run
from service.loading.interrupt import Interrupt
from service.loading.report import Batch, Preview
from service.loading.request import LoadRequest
from service.system.progress import Progress, ignore_progress
from service.warehouse.backups.verify import Verification

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")


class _Connection(http.client.HTTPConnection):
    """HTTP over the socket of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__("localhost")
        self._data_dir = data_dir

    def connect(self) -> None:
        self.sock = address.connect(self._data_dir, CONNECT_SECONDS)


def is_running(data_dir: Path) -> bool:
    """Return whether a service listens in this data directory. Raises HandoffError if it runs as another user."""
    try:
        address.connect(data_dir, CONNECT_SECONDS).close()
    except PermissionError:
        raise HandoffError(f"the service of {data_dir} runs as another user; run this command as that user") from None
    except OSError:
        return False
    return True


class RemoteClient:
    """Requests operations from the service of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def load(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> tuple[Batch, ...]:
        return self._send(LOAD, request, progress, interrupt)

    def preview(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> Preview:
        return self._send(PREVIEW, request, progress, interrupt)

    def load_events(self, request: EventsRequest, progress: Progress, interrupt: Interrupt) -> EventReport:
        return self._send(EVENTS, request, progress, interrupt)

    def refresh(self, progress: Progress) -> SnapshotSummary:
        return self._send(SNAPSHOT, EmptyRequest(), progress)

    def list_runs(self, request: JobsRequest) -> tuple[Run, ...]:
        return self._send(JOBS, request)

    def change_threshold(self, request: ThresholdRequest, progress: Progress) -> ThresholdChange:
        return self._send(THRESHOLDS, request, progress)

    def use_alerts(self, request: AlertsRequest) -> Any:
        return self._send(ALERTS, request)

    def use_rounds(self, request: RoundsRequest) -> Any:
        return self._send(ROUNDS, request)

    def back_up(self, request: BackupRequest, progress: Progress) -> None:
        self._send(BACKUP, request, progress)

    def verify(self, progress: Progress) -> Verification:
        return self._send(VERIFY, EmptyRequest(), progress)

    def _send(
        self,
        operation: Operation[R, T],
        request: R,
        progress: Progress = ignore_progress,
        interrupt: Interrupt | None = None,
    ) -> T:
        connection = _Connection(self._data_dir)
        name = secrets.token_urlsafe(16)
        if interrupt is not None:
            interrupt.call_back(lambda: self._cancel(name))
        try:
            with self._post(connection, operation.path, request, {WORK_HEADER: name}) as response:
                if response.status != http.client.OK:
                    raise read_refusal(response.status, response.read())
                return operation.result.validate_python(read_messages(_read_lines(response), progress).data)
        except (OSError, http.client.HTTPException) as error:
            raise HandoffError(
                f"the connection to the service ended ({error}); start the service and run this command again"
            ) from None
        finally:
            connection.close()

    def _post(
        self, connection: _Connection, path: str, request: BaseModel, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        secret = address.read_secret(self._data_dir)
        # Fields that are not set are not sent: a service of release 0.1 does not know the newer ones.
        body = request.model_dump_json(exclude_unset=True)
        # A service that refuses the connection may have closed it already; its answer can still be read.
        with suppress(BrokenPipeError):
            connection.request(
                "POST", f"/{path}", body, {"Content-Type": "application/json", address.SECRET_HEADER: secret, **headers}
            )
        return connection.getresponse()

    def _cancel(self, name: str) -> None:
        """Cancel a load or preview; its own connection then has the result."""
        connection = _Connection(self._data_dir)
        try:
            self._post(connection, CANCEL_PATH, CancelRequest(work=name), {}).read()
        except (OSError, http.client.HTTPException, HandoffError) as error:
            log.warning("the service did not accept the cancellation: %s", error)
        finally:
            connection.close()


def _read_lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while line := response.readline():
        yield line
