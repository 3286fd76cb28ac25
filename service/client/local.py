"""Clients that work in this process: on an open application, and on the warehouse file while no service runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from metrics.thresholds import EVERY_MISSION, Threshold
from service.access.identity import Identity
from service.access.roles import Right
from service.access.saved_queries import SavedQuery
from service.alerting.alerts import acknowledge_alerts, list_firing, trace_alert
from service.alerting.silences import SilenceChange, end_silence, find_recorded_silence, set_silence
from service.alerting.thresholds import (
    ThresholdChange,
    check_threshold,
    read_threshold,
    remove_threshold,
    set_threshold,
)
from service.application import Application
from service.client.protocol import (
    AlertsRequest,
    BackupRequest,
    EventsRequest,
    JobsRequest,
    RoundsRequest,
    SavedQueryRequest,
    SilenceRequest,
    SnapshotSummary,
    ThresholdRequest,
)
from service.client.recording import RecordingClient
from service.client.round_requests import answer_rounds
from service.errors import ClientGone, LoadError, NotSignedIn
from service.events.report import EventReport
from service.jobs.run import Run
from service.jobs.runner import list_runs
from service.loading.interrupt import Interrupt
from service.loading.report import Batch, Preview
from service.loading.request import LoadRequest
from service.settings import Settings
from service.system.progress import Progress, ignore_progress
from service.warehouse.backups.verify import Verification, verify_file
from service.warehouse.connection import open_copy
from service.warehouse.database import Connection
from service.warehouse.definitions import Definitions, read_definitions


class ApplicationClient(RecordingClient):
    """Works with an open application; see RecordingClient."""

    def load(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> tuple[Batch, ...]:
        target = ", ".join(request.names or [file.name for file in request.files])
        with _report_cancellation(), self._record(request.loaded_by, Right.LOAD, None, "load", target) as recording:
            named = request.model_copy(update={"loaded_by": self._name(request.loaded_by)})
            loads = self._application.loads
            batches = tuple(loads.load_and_publish(named, progress, lambda: interrupt.is_requested, self._with_history))
            recording.after = [
                {
                    "batch_id": batch.batch_id,
                    "file": batch.file_name,
                    "new_observations": batch.new_observations,
                    "revisions": batch.revisions,
                }
                for batch in batches
            ]
            return batches

    def preview(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> Preview:
        with _report_cancellation():
            return self._application.loads.preview(request, progress, lambda: interrupt.is_requested)

    def load_events(self, request: EventsRequest, progress: Progress, interrupt: Interrupt) -> EventReport:
        application, export = self._application, request.export
        if request.dry_run:
            with _report_cancellation():
                return application.loads.preview_events(export, progress, request.max_rows, lambda: interrupt.is_requested)
        with _report_cancellation(), self._record(request.loaded_by, Right.LOAD, None, "load events", export.name) as recording:
            report = application.loads.load_events(
                export, self._name(request.loaded_by), progress, request.max_rows, lambda: interrupt.is_requested
            )
            recording.after = {"batch_id": report.batch_id, "feed": report.feed, "new": report.new, "changed": report.changed}
        if report.batch_id is None and (report.counts is None or report.counts.batch_id is None):
            return report
        progress("making a snapshot", None)
        return replace(report, delays=application.show_change(self._with_history))

    def refresh(self, progress: Progress) -> SnapshotSummary:
        progress("making a snapshot", None)
        snapshot = self._application.refresh(self._with_history)
        return SnapshotSummary(snapshot.snapshot_id, snapshot.as_of, snapshot.series_count)

    def list_runs(self, request: JobsRequest) -> tuple[Run, ...]:
        with self._application.warehouse.cursor() as cursor:
            return tuple(list_runs(cursor, request.last, request.only_failed))

    def change_threshold(self, request: ThresholdRequest, progress: Progress) -> ThresholdChange:
        return self.change_thresholds([request], progress)[0]

    def change_thresholds(self, requests: Sequence[ThresholdRequest], progress: Progress) -> list[ThresholdChange]:
        """Change several thresholds and publish them together. Without the right to one of them, none is changed."""

        def is_allowed(request: ThresholdRequest) -> bool:
            mission = "" if request.mission == EVERY_MISSION else request.mission
            return self._identity is None or self._identity.may(Right.SET_THRESHOLDS, mission)

        # A refusal or a mistake is raised before the first change.
        ordered = sorted(requests, key=is_allowed)
        for request in ordered[1:]:
            check_threshold(self._application.definitions, read_request(request))
        changed = [self._record_threshold(request) for request in ordered]
        progress("making a snapshot", None)
        delays = self._application.show_change(self._with_history)
        return [replace(change, warnings=(*change.warnings, *delays)) for change in changed]

    def _record_threshold(self, request: ThresholdRequest) -> ThresholdChange:
        warehouse, definitions, clock = (
            self._application.warehouse, self._application.definitions, self._application.clock,
        )  # fmt: skip
        threshold = read_request(request)
        mission = "" if threshold.mission == EVERY_MISSION else threshold.mission
        set_by = self._name(request.set_by)
        action = f"{request.action} threshold"
        with self._record(request.set_by, Right.SET_THRESHOLDS, mission, action, threshold.metric, request.note) as recording:
            if request.action == "set":
                changed = set_threshold(warehouse, definitions, threshold, set_by, clock, request.expected)
            else:
                changed = remove_threshold(
                    warehouse, definitions, threshold, request.comparisons, request.severities, set_by, clock, request.expected
                )
            recording.target = changed.text
            recording.before = changed.replaced_limit
            recording.after = request.limit if request.action == "set" else None
        return changed

    def use_alerts(self, request: AlertsRequest) -> Any:
        if request.action != "ack":
            with self._application.warehouse.cursor() as cursor:
                return _read_alerts(cursor, request)
        application, user = self._application, request.acknowledged_by
        missions = self._find_missions(request.alerts)
        with self._record(user, Right.ACKNOWLEDGE, None, "acknowledge", ", ".join(request.alerts), request.note) as recording:
            for mission in missions:
                self._identify(user).check(Right.ACKNOWLEDGE, mission)
            acknowledged = acknowledge_alerts(
                application.warehouse, request.alerts, request.note, self._name(user), application.clock()
            )
            recording.target = "; ".join(acknowledged)
            return acknowledged

    def _find_missions(self, beginnings: list[str]) -> set[str]:
        """Return the missions of firing alerts by the beginnings of their fingerprints; empty for an alert without mission."""
        with self._application.warehouse.cursor() as cursor:
            rows = cursor.execute("select fingerprint, coalesce(labels['mission'], '') from firing_alerts").fetchall()
        return {mission for fingerprint, mission in rows if any(map(fingerprint.startswith, beginnings))}

    def set_silence(self, request: SilenceRequest) -> SilenceChange:
        """Set a silence, send it to Alertmanager where one is configured, and return it. Raises as `set_silence` does."""
        application, mission = self._application, "" if request.mission == EVERY_MISSION else request.mission
        fields = request.model_dump(exclude={"set_by"})
        with self._record(request.set_by, Right.SILENCE, mission, "set silence", request.mission, request.note) as recording:
            silence = set_silence(
                application.warehouse, application.definitions, set_by=self._name(request.set_by), now=application.clock(),
                **fields,
            )  # fmt: skip
            recording.target, recording.after = str(silence), {"silence_id": silence.silence_id}
        return SilenceChange(silence, application.deliver_silences())

    def end_silence(self, silence_id: str, ended_by: str = "", reason: str | None = None) -> SilenceChange:
        """End a silence, expire it in Alertmanager where it was sent, and return it. Raises as `end_silence` does."""
        application = self._application
        with self._record(ended_by, Right.SILENCE, None, "end silence", silence_id[:100], reason) as recording:
            with application.warehouse.cursor() as cursor:
                silence = find_recorded_silence(cursor, silence_id)
            recording.target, recording.before = str(silence), {"silence_id": silence_id, "ends_at": silence.ends_at}
            mission = "" if silence.mission == EVERY_MISSION else silence.mission
            self._identify(ended_by).check(Right.SILENCE, mission)
            ended = end_silence(application.warehouse, silence_id, self._name(ended_by), application.clock())
            recording.after = {"silence_id": silence_id, "ends_at": ended.ends_at}
        return SilenceChange(ended, application.deliver_silences())

    def save_query(self, request: SavedQueryRequest, number: int | None = None, expected: str | None = None) -> SavedQuery:
        """Save a query of the identity, as a new one or in place of its query `number`, and return it.

        Raises as `SavedQueries.add` and `SavedQueries.change` do.
        """
        queries, owner = self._application.access.saved_queries, self._need_identity().owner
        with self._record("", Right.SAVE_QUERIES, None, "save query", request.name[:100]) as recording:
            if number is None:
                saved = queries.add(owner, request.name, request.text, request.is_shared)
            else:
                recording.before = _describe_query(queries.get(number, owner))
                saved = queries.change(number, owner, request.name, request.text, request.is_shared, expected)
            recording.target, recording.after = f"{saved.id}: {saved.name}", _describe_query(saved)
            return saved

    def delete_query(self, number: int, expected: str | None = None) -> None:
        """Delete a query of the identity. Raises as `SavedQueries.delete` does."""
        owner = self._need_identity().owner
        with self._record("", Right.SAVE_QUERIES, None, "delete query", str(number)) as recording:
            deleted = self._application.access.saved_queries.delete(number, owner, expected)
            recording.target, recording.before = f"{deleted.id}: {deleted.name}", _describe_query(deleted)

    def _need_identity(self) -> Identity:
        if self._identity is None:
            raise NotSignedIn("saved queries belong to users; use the page /sql or the API")
        return self._identity

    def use_rounds(self, request: RoundsRequest) -> Any:
        return answer_rounds(self._application, self._with_history, request).model_dump(mode="json")

    def back_up(self, request: BackupRequest, progress: Progress) -> None:
        progress("copying", None)
        with self._record(request.backed_up_by, Right.LOAD, None, "backup", str(request.target)):
            self._application.back_up(request.target)

    def verify(self, progress: Progress) -> Verification:
        return self._application.verify(progress)


class LocalClient:
    """Works on the warehouse of a data directory while no service runs; opens it for writing only if needed.

    Methods raise WarehouseLocked, before they change anything, if another process has the warehouse open.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._application: Application | None = None

    def close(self) -> None:
        """Close the warehouse if it is open."""
        if self._application is not None:
            self._application.close()

    def load(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> tuple[Batch, ...]:
        return self._open().load(request, progress, interrupt)

    def preview(self, request: LoadRequest, progress: Progress, interrupt: Interrupt) -> Preview:
        with self._open_for_preview() as client:
            return client.preview(request, progress, interrupt)

    def load_events(self, request: EventsRequest, progress: Progress, interrupt: Interrupt) -> EventReport:
        if not request.dry_run:
            return self._open().load_events(request, progress, interrupt)
        with self._open_for_preview() as client:
            return client.load_events(request, progress, interrupt)

    def refresh(self, progress: Progress) -> SnapshotSummary:
        return self._open().refresh(progress)

    def list_runs(self, request: JobsRequest) -> tuple[Run, ...]:
        with open_copy(self._settings.warehouse_file) as warehouse:
            return tuple(list_runs(warehouse, request.last, request.only_failed))

    def change_threshold(self, request: ThresholdRequest, progress: Progress) -> ThresholdChange:
        return self._open().change_threshold(request, progress)

    def use_alerts(self, request: AlertsRequest) -> Any:
        if request.action == "ack":
            return self._open().use_alerts(request)
        with open_copy(self._settings.warehouse_file) as warehouse:
            return _read_alerts(warehouse, request)

    def use_rounds(self, request: RoundsRequest) -> Any:
        return self._open().use_rounds(request)

    def back_up(self, request: BackupRequest, progress: Progress) -> None:
        self._open().back_up(request, progress)

    def verify(self, progress: Progress = ignore_progress) -> Verification:
        return verify_file(self._settings.warehouse_file, progress)

    @contextmanager
    def _open_for_preview(self) -> Iterator[ApplicationClient]:
        """Yield a client of the warehouse, or of an empty one: a preview does not create a warehouse."""
        if self._settings.warehouse_file.exists() or self._settings.manifest_file.exists():
            yield self._open()
            return
        with tempfile.TemporaryDirectory(prefix="a4p-preview-") as folder:
            empty = LocalClient(self._settings.model_copy(update={"data_dir": Path(folder)}))
            try:
                yield empty._open()
            finally:
                empty.close()

    def _open(self) -> ApplicationClient:
        if self._application is None:
            self._application = Application(self._settings, _read_definitions(self._settings.catalogue))
        return ApplicationClient(self._application, with_history=False)


def _describe_query(query: SavedQuery) -> dict[str, Any]:
    return {"name": query.name, "text": query.text, "is_shared": query.is_shared}


def read_request(request: ThresholdRequest) -> Threshold:
    """Return the threshold of a request, with the first of its comparisons and severities."""
    return read_threshold({**request.model_dump(), "comparison": request.comparisons[0], "severity": request.severities[0]})


@cache
def _read_definitions(catalogue: Path) -> Definitions:
    """Return the definitions, read once: a command that waits for the warehouse opens it many times."""
    return read_definitions(catalogue)


@contextmanager
def _report_cancellation() -> Iterator[None]:
    try:
        yield
    except ClientGone:
        raise LoadError("cancelled; nothing was loaded") from None


def _read_alerts(connection: Connection, request: AlertsRequest) -> Any:
    return list_firing(connection) if request.action == "list" else trace_alert(connection, request.alerts[0])
