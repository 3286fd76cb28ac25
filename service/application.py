"""The application: what is open, what is served, and the work that everything else asks of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from metrics.exposition import Exposition, assemble_exposition
from metrics.history import WholeHistory
from service.backups.retention import prune_backups
from service.backups.target import check_target
from service.backups.verify import Verification, verify_connection
from service.definitions import Definitions
from service.drawing import DrawingProcess
from service.errors import LoadError
from service.history import HistoryReader
from service.jobs import Job, JobRunner, list_runs
from service.load import SHOWN, Progress, Shown, ignore_progress, load_files
from service.load_report import Batch, Preview
from service.preview import preview_files
from service.publish import publish_read_copy, write_copy
from service.read_copy import ReadCopy
from service.remote_read import RemoteReader
from service.sandbox.pool import SandboxPool
from service.self_metrics import SelfMetrics
from service.settings import Settings
from service.snapshot import Snapshot, make_snapshot
from service.thresholds import check_defaults, store_default_thresholds
from service.warehouse import open_warehouse, read_clock, run_sql, store_catalogue, store_kpis

SHIPPED_BY = "a4p"


class Application:
    """An open warehouse with its definitions, its jobs and the exposition being served.

    `exposition` and `read_copy` are replaced whole by one assignment; an answer reads them once. Raises WarehouseLocked and
    WarehouseError as `open_warehouse` does.
    """

    def __init__(
        self,
        settings: Settings,
        definitions: Definitions,
        clock: Callable[[], datetime] = read_clock,
        accept_loss: bool = False,
    ) -> None:
        self.settings = settings
        self.definitions = definitions
        self.clock = clock
        self.self_metrics = SelfMetrics()
        self.exposition: Exposition = assemble_exposition((), {})
        self.snapshot: Snapshot | None = None
        self.history: WholeHistory | None = None
        self.read_copy: ReadCopy | None = None
        self.drawing = DrawingProcess()
        self.warehouse = open_warehouse(settings.warehouse_file, settings.threads, settings.memory_limit, accept_loss, clock)
        try:
            store_catalogue(self.warehouse, definitions.catalogue, clock())
            store_kpis(self.warehouse, definitions.kpis, clock())
            check_defaults(definitions)
            store_default_thresholds(self.warehouse, definitions, clock())
        except BaseException:
            self.warehouse.close()
            raise
        self.remote_reader = RemoteReader(settings, self.warehouse, self.self_metrics, self.find_history)
        self.sandbox = SandboxPool(settings)
        self.runner = JobRunner(self.warehouse, self.self_metrics, settings.timezone, clock)
        # Apart: ten million observations take most of a minute, and nobody else has to wait for it.
        self._history_job = Job("history", "", self._read_history, is_apart=True)
        self._history_reader = HistoryReader(self.warehouse)
        self._history_thread: threading.Thread | None = None
        self._is_history_tried = threading.Event()
        published = Job("read_copy", "", self._publish)
        self._published_snapshot_job = Job("snapshot", "", self._make_snapshot, published)
        self.snapshot_job = Job(
            "snapshot", settings.snapshot_cron, self._make_snapshot, replace(published, followed_by=self._history_job)
        )
        self.jobs = [
            self.snapshot_job,
            Job("checkpoint", settings.checkpoint_cron, self._checkpoint),
            Job("prune", settings.prune_cron, self._prune),
        ]

    @property
    def is_ready(self) -> bool:
        """Whether a snapshot is being served."""
        return self.snapshot is not None

    def load(
        self, files: Sequence[Path], loaded_by: str, progress: Progress = ignore_progress, shown: Shown = SHOWN
    ) -> list[Batch]:
        """Load files; return a Batch for each. Raises LoadError. The next `refresh` shows what they brought."""
        try:
            batches = load_files(self.warehouse, files, loaded_by, progress, clock=self.clock, shown=shown)
        except LoadError:
            self.self_metrics.tell_refused_load()
            raise
        self.self_metrics.tell_load(batches)
        return batches

    def preview(self, files: Sequence[Path], progress: Progress = ignore_progress, shown: Shown = SHOWN) -> Preview:
        """Return what a load of these files would bring; nothing is recorded. Raises LoadError."""
        return preview_files(self.warehouse, self.definitions, files, progress, self.clock, shown)

    def load_shipped(self) -> list[Batch]:
        """Load the observation files of the catalogue; a figure that was ever recorded is not recorded again."""
        files = self.definitions.observation_files
        return load_files(self.warehouse, files, SHIPPED_BY, is_shipped=True, clock=self.clock) if files else []

    def refresh(self, with_history: bool = True) -> Snapshot:
        """Make a snapshot, serve it, publish the read copy, and read the history that PromQL is answered from.

        Raises the snapshot's error; the last good one stays.
        """
        error = self.runner.run(self.snapshot_job if with_history else self._published_snapshot_job)
        if error is not None:
            raise error
        assert self.snapshot is not None
        return self.snapshot

    def start_history(self) -> None:
        """Begin to read the history; queries that come before it is there wait for it."""
        self._history_thread = threading.Thread(target=self.runner.run, args=[self._history_job], name="history")
        self._history_thread.start()

    def find_history(self, patience_seconds: float) -> WholeHistory | None:
        """Return the newest history, at first waiting for it so long at most; None where it is not there then."""
        self._is_history_tried.wait(patience_seconds)
        return self.history

    def list_runs(self, last: int, only_failed: bool) -> list[dict[str, object]]:
        """Return the newest runs of jobs, as they stand now."""
        with self.warehouse.cursor() as cursor:
            return [asdict(run) for run in list_runs(cursor, last, only_failed)]

    def back_up(self, target: Path) -> None:
        """Write a copy of the warehouse as it is now. Raises WarehouseError, also where `target` is a file in use."""
        check_target(target, self.settings)
        write_copy(self.warehouse, target)

    def verify(self, progress: Progress = ignore_progress) -> Verification:
        """Return what `verify_connection` finds in the open warehouse."""
        with self.warehouse.cursor() as cursor:
            return verify_connection(cursor, progress)

    def close(self) -> None:
        """Stop the jobs after the one that is running, and close the warehouse."""
        self._history_reader.stop()
        if self._history_thread is not None:
            self._history_thread.join()
        self.runner.stop()
        self.drawing.close()
        self.sandbox.close()
        self.warehouse.close()

    def _make_snapshot(self) -> int:
        started = time.monotonic()
        try:
            snapshot = make_snapshot(self.warehouse, self.definitions, self.clock())
        except BaseException:
            self.self_metrics.tell_snapshot_failure()
            raise
        self.exposition, self.snapshot = snapshot.exposition, snapshot
        self.self_metrics.tell_snapshot(snapshot, time.monotonic() - started)
        return snapshot.series_count

    def _read_history(self) -> int:
        try:
            # One assignment: a query that began on the history before ends on it.
            self.history = self._history_reader.read(self.history)
        finally:
            self._is_history_tried.set()
        return self.history.series_count

    def _publish(self) -> int:
        now = self.clock()
        publish_read_copy(self.warehouse, self.settings.read_copy_file, self.settings.backup_dir, now)
        if self.snapshot is not None:
            settings = self.settings
            copy = ReadCopy(settings.read_copy_file, settings.threads, settings.memory_limit)
            self.sandbox.publish(settings.read_copy_file, copy.info.snapshot_id)
            # One assignment: who reads the copy before goes on reading it.
            self.read_copy = copy
        with self.warehouse.cursor() as cursor:
            batches, observations, revisions = run_sql(cursor, "snapshot/count_held").fetchone() or (0, 0, 0)
        size_bytes = self.settings.warehouse_file.stat().st_size
        self.self_metrics.tell_warehouse(size_bytes, batches, observations, revisions, now)
        self._prune()
        return int(observations)

    def _checkpoint(self) -> None:
        self.warehouse.checkpoint()

    def _prune(self) -> int:
        return prune_backups(self.settings.backup_dir, self.settings.retention)
