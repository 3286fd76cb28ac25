"""The handoff: work for the process that holds the warehouse, over a Unix socket in the data directory.

Requests are HTTP; a response is lines of JSON: any number of {"stage", "share"}, then {"result"} or {"error"}.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from metrics.thresholds import Comparison, Severity
from service.alerts import acknowledge_alerts, list_firing, trace_alert
from service.application import Application
from service.errors import HandoffError, LoadError, RowError, ServiceError, ThresholdError, WarehouseError
from service.load import SHOWN, SHOWN_CHANGES, Progress, Shown
from service.load_report import BATCHES, PREVIEW, Batch, Preview
from service.thresholds import ThresholdChange, read_threshold, remove_threshold, set_threshold

SOCKET_NAME = "a4p.sock"
SECRET_NAME, SECRET_HEADER = "a4p.secret", "X-A4P-Secret"
CONNECT_SECONDS = 5


class LoadRequest(BaseModel):
    """Files to load or preview, as absolute paths, and who loads them; `changes` limits the changes in the report."""

    model_config = ConfigDict(extra="forbid")
    files: list[Path]
    loaded_by: str = ""
    changes: int = Field(SHOWN_CHANGES, ge=0)
    with_unchanged: bool = False
    sheet: str | None = None

    @property
    def shown(self) -> Shown:
        return Shown(self.changes, self.with_unchanged)


class JobsRequest(BaseModel):
    """How many of the newest runs to list, and whether only those that did not succeed."""

    model_config = ConfigDict(extra="forbid")
    last: int
    only_failed: bool


class ThresholdRequest(BaseModel):
    """A threshold to set, or to remove: then every comparison and severity it may have is given."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["set", "remove"]
    metric: str
    mission: str
    dimensions: dict[str, str]
    comparisons: list[Comparison] = Field(min_length=1)
    severities: list[Severity] = Field(min_length=1)
    limit: float | None = Field(allow_inf_nan=False)
    note: str | None
    set_by: str


class AlertsRequest(BaseModel):
    """List the alerts that fire, show one, or acknowledge some."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["list", "show", "ack"]
    alerts: list[str] = Field(default_factory=list)
    note: str | None = None
    acknowledged_by: str = ""


class BackupRequest(BaseModel):
    """Where to write the backup, as an absolute path."""

    model_config = ConfigDict(extra="forbid")
    target: Path


def _short_path(data_dir: Path) -> tuple[str, int]:
    """Return a path of the socket that fits a Unix address (108 bytes), and the open directory it goes through."""
    directory = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{directory}/{SOCKET_NAME}", directory


def listen(data_dir: Path) -> socket.socket:
    """Return a listening socket that only this user can open. The caller holds the warehouse, so a file there is stale."""
    try:
        (data_dir / SOCKET_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"{data_dir / SOCKET_NAME} is in the way of the socket and cannot be removed: {error.strerror}; remove it and "
            "start again"
        ) from None
    listener = socket.socket(socket.AF_UNIX)
    address, directory = _short_path(data_dir)
    # Between bind and chmod another user could connect; with this mask the file is born private.
    earlier_mask = os.umask(0o177)
    try:
        listener.bind(address)
    except OSError as error:
        raise WarehouseError(f"the socket {data_dir / SOCKET_NAME} cannot be made: {error.strerror}") from None
    finally:
        os.umask(earlier_mask)
        os.close(directory)
    listener.listen()
    return listener


def write_secret(data_dir: Path) -> str:
    """Write a new secret of the socket, which only this user can read, and return it. Raises WarehouseError."""
    secret = secrets.token_urlsafe(32)
    file = data_dir / SECRET_NAME
    try:
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
            stream.write(secret)
    except OSError as error:
        raise WarehouseError(f"the secret of the socket cannot be written to {file}: {error.strerror}") from None
    return secret


def _read_secret(data_dir: Path) -> str:
    file = data_dir / SECRET_NAME
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        # A service of an earlier version needs none.
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HandoffError(f"the secret of the service cannot be read from {file} ({error}); restart the service") from None


class _UnixConnection(http.client.HTTPConnection):
    """HTTP to the socket in a data directory."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__("localhost")
        self._data_dir = data_dir

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(CONNECT_SECONDS)
        address, directory = _short_path(self._data_dir)
        try:
            self.sock.connect(address)
        finally:
            os.close(directory)
        self.sock.settimeout(None)


def find_service(data_dir: Path) -> bool:
    """Return whether a service listens in this data directory."""
    connection = _UnixConnection(data_dir)
    try:
        connection.connect()
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return False
    except PermissionError:
        raise HandoffError(f"the service of {data_dir} runs as another user; run this command as that user") from None
    except OSError:
        return False
    finally:
        connection.close()
    return True


def hand_off(data_dir: Path, work: str, body: dict[str, Any], progress: Progress) -> Any:
    """Have the service do `work` (load, snapshot, backup); return its result.

    Raises what the service raised (LoadError, WarehouseError, ...), or HandoffError when it went away.
    """
    connection = _UnixConnection(data_dir)
    try:
        headers = {"Content-Type": "application/json", SECRET_HEADER: _read_secret(data_dir)}
        # A service that refuses the connection may have closed it already; its answer can still be read.
        with suppress(BrokenPipeError):
            connection.request("POST", f"/{work}", json.dumps(body), headers)
        response = connection.getresponse()
        while line := response.readline():
            message = json.loads(line)
            if "result" in message:
                return message["result"]
            if "error" in message:
                raise _read_error(message["error"])
            progress(message["stage"], message["share"])
    except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
        raise HandoffError(f"the service went away while it worked ({error}); start it and run this command again") from None
    finally:
        connection.close()
    raise HandoffError("the service stopped before it was done; start it and run this command again")


def hand_off_load(
    data_dir: Path, files: list[Path], loaded_by: str, progress: Progress, shown: Shown = SHOWN, sheet: str | None = None
) -> list[Batch]:
    """Have the service load files; return a Batch for each, as `load_files` does."""
    body = {**_name_files(files, shown, sheet), "loaded_by": loaded_by}
    return list(BATCHES.validate_python(hand_off(data_dir, "load", body, progress)))


def hand_off_preview(
    data_dir: Path, files: list[Path], progress: Progress, shown: Shown = SHOWN, sheet: str | None = None
) -> Preview:
    """Have the service preview files, as `preview_files` does."""
    return PREVIEW.validate_python(hand_off(data_dir, "preview", _name_files(files, shown, sheet), progress))


def _name_files(files: list[Path], shown: Shown, sheet: str | None) -> dict[str, Any]:
    return {
        "files": [str(file.absolute()) for file in files],
        "changes": shown.limit,
        "with_unchanged": shown.with_unchanged,
        "sheet": sheet,
    }


def _write_error(error: ServiceError) -> dict[str, Any]:
    if isinstance(error, LoadError):
        return {"message": error.message, "rows": [asdict(row) for row in error.rows], "total": error.total, "is_load": True}
    return {"message": str(error), "is_load": False, "is_threshold": isinstance(error, ThresholdError)}


def _read_error(error: dict[str, Any]) -> ServiceError:
    if error["is_load"]:
        return LoadError(error["message"], tuple(RowError(**row) for row in error["rows"]), error["total"])
    return ThresholdError(error["message"]) if error.get("is_threshold") else HandoffError(error["message"])


def write_refusal(message: str) -> str:
    """Return the body of a refused request; clients of every version show the error of a line."""
    return json.dumps({"error": {"message": message, "is_load": False}}) + "\n"


def make_handoff_app(application: Application, secret: str) -> Flask:
    """Return the WSGI application behind the socket; every request must have the secret."""
    app = Flask("a4p-handoff")

    @app.before_request
    def check_secret() -> Response | None:
        given = request.headers.get(SECRET_HEADER, "")
        if secrets.compare_digest(given.encode(), secret.encode()):
            return None
        message = (
            f"the service refused this command: its secret, in the file {SECRET_NAME} of the data directory, was not sent "
            "or is another one. Run the command with the version of the service, or restart the service"
        )
        return Response(write_refusal(message), 403, mimetype="application/x-ndjson")

    @app.post("/load")
    def load() -> Response:
        wanted = LoadRequest.model_validate_json(request.get_data())
        return _stream(lambda progress: _load(application, wanted, progress))

    @app.post("/preview")
    def preview() -> Response:
        wanted = LoadRequest.model_validate_json(request.get_data())

        def preview_all(progress: Progress) -> Any:
            return PREVIEW.dump_python(
                application.preview(wanted.files, progress, wanted.shown, sheet=wanted.sheet), mode="json"
            )

        return _stream(preview_all)

    @app.post("/snapshot")
    def snapshot() -> Response:
        return _stream(lambda progress: _refresh(application, progress))

    @app.post("/jobs")
    def jobs() -> Response:
        wanted = JobsRequest.model_validate_json(request.get_data())
        return _stream(lambda progress: application.list_runs(wanted.last, wanted.only_failed))

    @app.post("/thresholds")
    def thresholds() -> Response:
        wanted = ThresholdRequest.model_validate_json(request.get_data())
        if wanted.action == "set" and wanted.limit is None:
            return Response('{"error": "a threshold needs a limit"}', 400)

        def change(progress: Progress) -> dict[str, Any]:
            return asdict(change_threshold_and_show(application, wanted, progress))

        return _stream(change)

    @app.post("/alerts")
    def alerts() -> Response:
        wanted = AlertsRequest.model_validate_json(request.get_data())
        return _stream(lambda progress: _answer_alerts(application, wanted))

    @app.post("/backup")
    def backup() -> Response:
        wanted = BackupRequest.model_validate_json(request.get_data())

        def back_up(progress: Progress) -> str:
            progress("copying", None)
            application.back_up(wanted.target)
            return str(wanted.target)

        return _stream(back_up)

    @app.post("/verify")
    def verify() -> Response:
        return _stream(lambda progress: asdict(application.verify(progress)))

    @app.errorhandler(ValidationError)
    def refuse(error: ValidationError) -> tuple[dict[str, str], int]:
        return {"error": str(error)}, 400

    return app


def change_threshold(application: Application, wanted: ThresholdRequest) -> ThresholdChange:
    """Set or remove a threshold; the next `refresh` shows it. Raises ThresholdError."""
    warehouse, definitions = application.warehouse, application.definitions
    threshold = read_threshold(
        {**wanted.model_dump(), "comparison": wanted.comparisons[0], "severity": wanted.severities[0]},
    )
    if wanted.action == "set":
        return set_threshold(warehouse, definitions, threshold, wanted.set_by, application.clock)
    return remove_threshold(
        warehouse, definitions, threshold, wanted.comparisons, wanted.severities, wanted.set_by, application.clock
    )


def change_threshold_and_show(
    application: Application, wanted: ThresholdRequest, progress: Progress, with_history: bool = True
) -> ThresholdChange:
    """Set or remove a threshold and publish it. Raises ThresholdError; a snapshot that fails is a warning of the change."""
    changed = change_threshold(application, wanted)
    progress("making a snapshot", None)
    return replace(changed, warnings=(*changed.warnings, *application.show_change(with_history)))


def _answer_alerts(application: Application, wanted: AlertsRequest) -> Any:
    if wanted.action == "ack":
        return acknowledge_alerts(
            application.warehouse, wanted.alerts, wanted.note, wanted.acknowledged_by, application.clock()
        )
    with application.warehouse.cursor() as cursor:
        return list_firing(cursor) if wanted.action == "list" else trace_alert(cursor, wanted.alerts[0])


def _load(application: Application, wanted: LoadRequest, progress: Progress) -> Any:
    batches = application.load_and_show(wanted.files, wanted.loaded_by, progress, wanted.shown, sheet=wanted.sheet)
    return BATCHES.dump_python(tuple(batches), mode="json")


def _refresh(application: Application, progress: Progress) -> dict[str, Any]:
    progress("making a snapshot", None)
    snapshot = application.refresh()
    return {"snapshot_id": snapshot.snapshot_id, "as_of": snapshot.as_of.isoformat(), "series_count": snapshot.series_count}


def _stream(work: Callable[[Progress], Any]) -> Response:
    """Answer with the progress of `work` as it goes, and its result or error at the end."""
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            messages.put({"result": work(lambda stage, share: messages.put({"stage": stage, "share": share}))})
        except ServiceError as error:
            messages.put({"error": _write_error(error)})
        except Exception as error:
            messages.put({"error": {"message": f"the service failed: {error}", "is_load": False}})
            raise
        finally:
            messages.put(None)

    def lines() -> Iterator[str]:
        # The work goes on when the caller goes away: what it began is finished or rolled back, never cut.
        threading.Thread(target=run).start()
        while (message := messages.get()) is not None:
            yield json.dumps(message) + "\n"

    return Response(lines(), mimetype="application/x-ndjson")
