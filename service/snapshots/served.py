"""What the service answers from: the served snapshot, its text, its read copy and the history for PromQL."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

import duckdb

from metrics.exposition import Exposition, assemble_exposition
from metrics.history import WholeHistory
from service.errors import ServiceError
from service.history.stored_history import read_stored_history, store_history
from service.jobs.self_metrics import SelfMetrics
from service.queries.sandbox.pool import SandboxPool
from service.settings import Settings
from service.snapshots.publish import publish_read_copy
from service.snapshots.read_copy import ReadCopy
from service.snapshots.snapshot import Snapshot
from service.snapshots.stored_exposition import find_published_snapshot, store_exposition
from service.system.file_access import find_group
from service.system.state_file import StateUnusable, store_or_warn
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import is_current

log = logging.getLogger(__name__)


class ServedState:
    """The state that scrapes, pages, SQL and PromQL read.

    Each attribute is replaced by one assignment: a response reads it once, and continues with what it read.
    """

    def __init__(self, settings: Settings, definitions: Definitions, self_metrics: SelfMetrics, sandbox: SandboxPool) -> None:
        self.exposition: Exposition = assemble_exposition((), {})
        self.snapshot: Snapshot | None = None
        self.history: WholeHistory | None = None
        self.read_copy: ReadCopy | None = None
        self._settings = settings
        self._definitions = definitions
        self._self_metrics = self_metrics
        self._sandbox = sandbox
        self._was_history_read = threading.Event()

    def restore(self) -> bool:
        """Serve the existing read copy and its metrics until the first snapshot. Return whether there is one.

        A read copy of another release or catalogue is not served: its views may not match the pages.
        """
        settings, definitions = self._settings, self._definitions
        if not settings.read_copy_file.exists():
            return False
        try:
            copy = self.open_read_copy()
            with copy.open_session() as session:
                if not is_current(session, definitions.catalogue):
                    return False
                snapshot = find_published_snapshot(settings.stored_exposition_file, copy.info, session, definitions)
            self._sandbox.publish(settings.read_copy_file, copy.info.snapshot_id)
        except (ServiceError, duckdb.Error, OSError) as error:
            log.info("the read copy is not served before the first snapshot: %s", error)
            return False
        self.exposition = snapshot.exposition
        self.read_copy = copy
        self.snapshot = snapshot
        self._self_metrics.record_snapshot(snapshot, 0.0, [kpi.kpi for kpi in definitions.kpis])
        self._self_metrics.record_read_copy(copy.info.snapshot_id)
        return True

    def restore_history(self) -> bool:
        """Answer PromQL from the history of the last run until the first one is read. Return whether it is stored."""
        if self.read_copy is None:
            return False
        try:
            with self.read_copy.open_session() as session:
                files = self._settings.stored_history_file, self._settings.stored_changes_file
                self._replace_history(read_stored_history(*files, session))
        except (StateUnusable, duckdb.Error) as reason:
            log.info("the stored history is not used: %s", reason)
            return False
        return True

    def show_snapshot(self, snapshot: Snapshot, started: float) -> None:
        """Serve a snapshot on `/metrics`. `started`: the monotonic time at which it was begun, in seconds."""
        self.exposition, self.snapshot = snapshot.exposition, snapshot
        for failure in snapshot.failures:
            log.error("a KPI is missing from snapshot %d: %s", snapshot.snapshot_id, failure)
        self._self_metrics.record_snapshot(snapshot, time.monotonic() - started, [kpi.kpi for kpi in self._definitions.kpis])

    def write_read_copy(self, warehouse: Warehouse, now: datetime) -> None:
        """Write the read copy and a dated backup. Pages and SQL read it once it is shown. Raises WarehouseError."""
        settings = self._settings
        publish_read_copy(warehouse, settings.read_copy_file, settings.backup_dir, now, find_group(settings.group))

    def open_read_copy(self) -> ReadCopy:
        """Open the newest read copy. Raises WarehouseError."""
        settings = self._settings
        return ReadCopy(settings.read_copy_file, settings.threads, settings.memory_limit, settings.max_temp_size)

    def show_read_copy(self, copy: ReadCopy, snapshot: Snapshot) -> None:
        """Serve a read copy to pages and SQL, and store the text of its snapshot for the next start."""
        settings = self._settings
        self._sandbox.publish(settings.read_copy_file, copy.info.snapshot_id)
        self.read_copy = copy
        store_or_warn(
            lambda: store_exposition(settings.stored_exposition_file, snapshot, self._definitions),
            settings.stored_exposition_file,
        )
        self._self_metrics.record_read_copy(copy.info.snapshot_id)

    def show_history(self, history: WholeHistory, earlier: WholeHistory | None) -> None:
        """Answer PromQL from a history, and store what changed since `earlier`, which it was read with, for the next start."""
        self._replace_history(history)
        if earlier is None or history.recorded is not earlier.recorded:
            files = self._settings.stored_history_file, self._settings.stored_changes_file
            store_or_warn(lambda: store_history(*files, history, earlier), files[0])

    def end_wait_for_history(self) -> None:
        """Let queries go on that wait for the first history, also if it could not be read."""
        self._was_history_read.set()

    def find_history(self, timeout_seconds: float) -> WholeHistory | None:
        """Return the newest history, after waiting for the first one at most this long. None if there is none."""
        self._was_history_read.wait(timeout_seconds)
        return self.history

    def _replace_history(self, history: WholeHistory) -> None:
        self.history = history
        self._was_history_read.set()
        if history.snapshot is not None:
            self._self_metrics.record_history(history.snapshot[1])
