"""The application: the open warehouse, the served state, and the operations that jobs, pages and commands use."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.exposition import Exposition
from metrics.history import WholeHistory
from service.access.access import Access
from service.alerting.silences import deliver_silences
from service.alerting.thresholds import append_default_thresholds, check_defaults
from service.charts.process import DrawingProcess
from service.errors import AccessUnavailable, ServiceError, WarehouseOpening
from service.history.remote_read import RemoteReader
from service.history.series import HistoryReader
from service.jobs.maintenance import Maintenance
from service.jobs.runner import Job, JobRunner
from service.jobs.self_metrics import SelfMetrics
from service.jobs.watch import ClockWatch, RetryWatch, Watch
from service.loading.loads import Loads
from service.notifications import read_notifications
from service.queries.sandbox.pool import SandboxPool
from service.rounds.comments import Comments
from service.rounds.current import CurrentRounds
from service.rounds.mailer import Mailer
from service.rounds.outbox import Outbox
from service.rounds.recent_reviews import RecentReviews
from service.rounds.submissions import Submissions
from service.settings import Settings
from service.snapshots.cache import refresh_cache
from service.snapshots.publish import write_copy
from service.snapshots.read_copy import ReadCopy, find_copy
from service.snapshots.served import ServedState
from service.snapshots.snapshot import Snapshot, make_snapshot, render_recorded
from service.system.fairness import FairSlots
from service.system.file_access import restrict_data_directory
from service.system.privileges import drop_privileges
from service.system.progress import Progress, ignore_progress
from service.warehouse.backups.target import check_target
from service.warehouse.backups.verify import Verification, verify_connection
from service.warehouse.database import Connection, Warehouse, read_clock, run_sql
from service.warehouse.definitions import Definitions
from service.warehouse.opening import open_warehouse, prepare_directory
from service.warehouse.stored_definitions import append_catalogue, append_feeds, append_kpis

if TYPE_CHECKING:
    from service.lake.replica import Replica

log = logging.getLogger(__name__)

MAIL_WAIT_SECONDS = 5.0
# A browser requests a page and its 10 charts at the same time.
MAX_WAITING_PAGES = 48


class Application:
    """An open warehouse with its definitions, its jobs and the served exposition.

    Raises WarehouseLocked and WarehouseError as `open_warehouse` does.
    """

    def __init__(
        self,
        settings: Settings,
        definitions: Definitions,
        clock: Callable[[], datetime] = read_clock,
        accept_loss: bool = False,
        opens_warehouse: bool = True,
    ) -> None:
        self.settings = settings
        self.definitions = definitions
        self.clock = clock
        self.self_metrics = SelfMetrics()
        self.access = Access(settings, clock, self.self_metrics)
        self.submissions = Submissions(self.access.store)
        self.comments = Comments(self.access.store)
        self.drawing = DrawingProcess()
        self.sandbox = SandboxPool(settings)
        self.served = ServedState(settings, definitions, self.self_metrics, self.sandbox)
        # Called with each read copy before it is shown.
        self.preparations: list[Callable[[ReadCopy], None]] = []
        # Pages, charts, documents and API responses. Each fills up to 140 MB of hash tables, and two at a time are no faster.
        self.pages = FairSlots(slots=2, waiting=MAX_WAITING_PAGES, quick_slots=1, slow_seconds=0.5)
        # Changes requested over HTTP: each makes a snapshot, one after another.
        self.writes = FairSlots(slots=4, waiting=32)
        self.remote_reader = RemoteReader(settings, self.open_live_session, self.self_metrics, self.served.find_history)
        self._history_thread: threading.Thread | None = None
        self._delivering = threading.Lock()
        mail = read_notifications(settings).mail
        self.outbox = Outbox(self.access.store, mail is not None)
        self.loads = Loads(settings, definitions, self.self_metrics, clock, lambda: self.warehouse, self.show_change)
        self.recent_reviews = RecentReviews()
        self.rounds = CurrentRounds(
            definitions.catalogue.cycles, self.access, self.submissions, self.outbox, self.self_metrics, self.open_live_session
        )
        self._maintenance = Maintenance(settings, self.access, self.outbox, self.self_metrics, lambda: self.warehouse)
        # Concurrent: 10 million observations take almost a minute, and other jobs should not wait for it.
        self._history_job = Job("history", "", self._read_history, is_concurrent=True)
        published = Job("read_copy", "", self._publish)
        self._published_snapshot_job = Job("snapshot", "", self._make_snapshot, published)
        self.snapshot_job = Job(
            "snapshot", settings.snapshot_cron, self._make_snapshot, replace(published, followed_by=self._history_job)
        )
        self.jobs = [
            self.snapshot_job,
            Job("checkpoint", settings.checkpoint_cron, self._maintenance.checkpoint, is_local=True),
            Job("prune", settings.prune_cron, self._maintenance.prune, is_local=True),
            Job("reminders", settings.reminder_cron, self.rounds.add_reminders),
        ]
        self._mailer = Mailer(self.outbox, mail, settings.public_url) if mail else None
        # A thread of its own: the checks of the warehouse do not wait for a mail server.
        self._mail_watch = Watch([self._send_messages])
        self._mail_failure = ""
        self._warehouse: Warehouse | None = None
        self.replica: Replica | None = None
        if settings.has_lake:
            # Imported only with a lake, as all of it.
            from service.lake.metrics import ReplicaMetrics

            self.jobs.append(Job("lake", settings.prune_cron, self._maintain_lake))
            self._replica_metrics = ReplicaMetrics(
                self.self_metrics.registry, lambda: self.replica is not None and self.replica.runs_jobs
            )
        if opens_warehouse:
            self.open(accept_loss)

    def open(self, accept_loss: bool = False) -> None:
        """Open the warehouse for writing. Raises as `open_warehouse` does. It can be called again after an error."""
        settings, definitions, clock = self.settings, self.definitions, self.clock
        check_defaults(definitions)
        # A command run by root must not create files that the service cannot write.
        drop_privileges(settings)
        prepare_directory(settings.data_dir)
        restrict_data_directory(settings)
        warehouse = self._open_lake() if settings.has_lake else self._open_embedded(accept_loss)
        try:
            # One transaction: each has its manifest, and on a lake its snapshot, also if nothing has changed.
            with warehouse.write() as cursor:
                append_catalogue(cursor, definitions.catalogue, clock())
                append_kpis(cursor, definitions.kpis, clock())
                append_feeds(cursor, definitions.feeds, clock())
                append_default_thresholds(cursor, definitions, clock())
        except BaseException:
            warehouse.close()
            raise
        self.runner = JobRunner(warehouse, self.self_metrics, settings.timezone, clock, self._is_due_here)
        self._history_reader = HistoryReader(warehouse)
        self.watch = Watch(
            [
                ClockWatch(clock, lambda _: self.runner.reschedule()).check,
                self._maintenance.check_warehouse,
                self._deliver_again,
                RetryWatch(self.find_failure, self.refresh_again, self._maintenance.has_space_for_copy).check,
            ]
        )
        self._warehouse = warehouse

    def _open_embedded(self, accept_loss: bool) -> Warehouse:
        settings = self.settings
        return open_warehouse(
            settings.warehouse_file, settings.threads, settings.memory_limit, accept_loss, self.clock, settings.max_temp_size
        )

    def _open_lake(self) -> Warehouse:
        # Imported only with a lake: its packages are optional.
        from service.lake.opening import open_lake
        from service.lake.replica import Replica

        warehouse = open_lake(self.settings, self.clock())
        self.replica = Replica(warehouse, self, self._replica_metrics.record_pull)
        return warehouse

    def _is_due_here(self, job: Job) -> bool:
        return job.is_local or self.replica is None or self.replica.runs_jobs

    @property
    def warehouse(self) -> Warehouse:
        """The open warehouse. Raises WarehouseOpening before it is open."""
        if self._warehouse is None:
            raise WarehouseOpening("the service is opening its warehouse and serves the previous state until then; retry later")
        return self._warehouse

    @contextmanager
    def open_live_session(self) -> Iterator[Connection]:
        """Yield a session on the warehouse; before it is open, on the served read copy."""
        if self._warehouse is None and self.read_copy is not None:
            with self.read_copy.open_session() as session:
                yield session
        else:
            with self.warehouse.cursor() as session:
                yield session

    @property
    def exposition(self) -> Exposition:
        """The text of the served snapshot."""
        return self.served.exposition

    @property
    def snapshot(self) -> Snapshot | None:
        """The served snapshot."""
        return self.served.snapshot

    @property
    def read_copy(self) -> ReadCopy | None:
        """The read copy that pages and SQL read. While pages are prepared, another one in that thread."""
        return find_copy() or self.served.read_copy

    @property
    def history(self) -> WholeHistory | None:
        """The history that PromQL reads."""
        return self.served.history

    @property
    def is_ready(self) -> bool:
        """Whether a snapshot is being served."""
        return self.snapshot is not None

    def refresh(self, with_history: bool = True) -> Snapshot:
        """Make a snapshot, serve it, publish the read copy, and read the history for PromQL.

        Raises the error of the snapshot. The last good snapshot is then still served.
        """
        error = self.runner.run(self.snapshot_job if with_history else self._published_snapshot_job)
        if error is not None:
            raise error
        assert self.snapshot is not None
        return self.snapshot

    def list_behind(self) -> list[Job]:
        """Record runs that were interrupted or missed. Return the jobs to run once instead, except the snapshot.

        On a lake that is left to the replica that runs scheduled jobs.
        """
        if self.replica is not None and not self.replica.try_lock():
            return []
        return [job for job in self.runner.catch_up(self.jobs) if job is not self.snapshot_job]

    def take_over(self) -> None:
        """Continue the scheduled jobs of another replica of the lake."""
        try:
            for job in self.list_behind():
                self.runner.run(job)
        except ServiceError as error:
            log.error("jobs of another replica could not be continued: %s", error)
            return
        self.runner.run(self.snapshot_job)

    def publish_recorded(self) -> None:
        """Serve the newest recorded snapshot, which another replica of the lake made: its text and read copy."""
        refresh_cache(self.warehouse)
        started, now = time.monotonic(), self.clock()
        self.served.write_read_copy(self.warehouse, now)
        copy = self.served.open_read_copy()
        with copy.open_session() as session:
            snapshot = render_recorded(session, self.definitions, copy.info)
        self._show_snapshot(snapshot, started)
        self._show_read_copy(copy, snapshot)
        self._record_warehouse(now)

    def publish_history(self) -> None:
        """Answer PromQL up to the newest recorded snapshot."""
        self._read_history()

    def find_served(self) -> int:
        """Return the number of the served snapshot, 0 if there is none."""
        return self.snapshot.snapshot_id if self.snapshot is not None else 0

    def pause_jobs(self) -> AbstractContextManager[None]:
        """Hold back jobs, except concurrent ones, after the running one."""
        return self.runner.pause()

    def show_change(self, with_history: bool = True) -> tuple[str, ...]:
        """Make and publish a snapshot after a commit. Return the reasons why it is not visible everywhere yet."""
        self.runner.run(self.snapshot_job if with_history else self._published_snapshot_job)
        if failure := self.runner.find_failure("snapshot"):
            return (f"the change is recorded, but /metrics, pages and SQL do not show it yet: {failure}",)
        if failure := self.runner.find_failure("read_copy"):
            return (f"the change is recorded and on /metrics, but pages and SQL do not show it yet: {failure}",)
        return ()

    def start_history(self) -> None:
        """Start to read the history. Earlier queries wait for it."""
        self._history_thread = threading.Thread(target=self.runner.run, args=[self._history_job], name="history")
        self._history_thread.start()

    def deliver_silences(self) -> tuple[str, ...]:
        """Send to Alertmanager, where one is configured, what it does not have of the silences. Return what failed.

        What failed is sent again every few seconds while the service runs.
        """
        if not self.settings.alertmanager_url:
            return ()
        with self._delivering:
            failures = deliver_silences(self.warehouse, self.settings.alertmanager_url, self.clock())
        return tuple(f"the silence is recorded, but not sent yet: {failure}; it is sent again" for failure in failures)

    def back_up(self, target: Path) -> None:
        """Write a copy of the warehouse. Raises WarehouseError, also if `target` is a file in use."""
        check_target(target, self.settings)
        write_copy(self.warehouse, target)

    def verify(self, progress: Progress = ignore_progress) -> Verification:
        """Return the verification of the open warehouse."""
        with self.warehouse.cursor() as cursor:
            return verify_connection(cursor, progress)

    def start(self) -> None:
        """Start the scheduled jobs and the periodic checks of the clock, the warehouse file and failed snapshots."""
        self.runner.start(self.jobs)
        self.watch.start()
        if self.replica is not None:
            self.replica.start()
        if self._mailer is not None:
            self._mail_watch.start()

    def find_failure(self) -> Exception | None:
        """Return the error of the newest snapshot or its read copy, or None if both are current."""
        return self.runner.find_failure("snapshot") or self.runner.find_failure("read_copy")

    def refresh_again(self) -> None:
        """Make and publish a snapshot after one failed. A failure is recorded, not raised."""
        self.runner.run(self.snapshot_job)

    def close(self) -> None:
        """Stop the jobs after the running one, and close the warehouse."""
        if self._warehouse is not None:
            if self.replica is not None:
                self.replica.stop()
            self.watch.stop()
            # A mail server that does not answer must not delay the stop.
            self._mail_watch.stop(MAIL_WAIT_SECONDS)
            self._history_reader.stop()
            if self._history_thread is not None:
                self._history_thread.join()
            self.runner.stop()
        self.drawing.close()
        self.sandbox.close()
        self.access.store.close()
        if self._warehouse is not None:
            self._warehouse.close()

    def _make_snapshot(self) -> int:
        started = time.monotonic()
        try:
            earlier = self.snapshot.rendered if self.snapshot else None
            snapshot = make_snapshot(self.warehouse, self.definitions, self.clock(), earlier)
        except BaseException:
            self.self_metrics.record_snapshot_failure()
            raise
        self._show_snapshot(snapshot, started)
        return snapshot.series_count

    def _show_snapshot(self, snapshot: Snapshot, started: float) -> None:
        self.served.show_snapshot(snapshot, started)
        try:
            self.rounds.record_metrics()
        except AccessUnavailable as error:
            log.error("the metrics of rounds are not up to date: %s", error)

    def _read_history(self) -> int:
        earlier = self.history
        try:
            history = self._history_reader.read(earlier)
            self.served.show_history(history, earlier)
        finally:
            self.served.end_wait_for_history()
        return history.series_count

    def _publish(self) -> int:
        now = self.clock()
        self.served.write_read_copy(self.warehouse, now)
        if self.snapshot is not None:
            self._show_read_copy(self.served.open_read_copy(), self.snapshot)
        return self._record_warehouse(now)

    def _show_read_copy(self, copy: ReadCopy, snapshot: Snapshot) -> None:
        for prepare in self.preparations:
            prepare(copy)
        self.served.show_read_copy(copy, snapshot)

    def _record_warehouse(self, now: datetime) -> int:
        with self.warehouse.cursor() as cursor:
            batches, observations, revisions = run_sql(cursor, "snapshot/count_observations").fetchone() or (0, 0, 0)
        size_bytes = self.settings.warehouse_file.stat().st_size
        self.self_metrics.record_warehouse(size_bytes, batches, observations, revisions, now)
        self._maintenance.prune_backups()
        return int(observations)

    def _maintain_lake(self) -> int:
        from service.lake.maintenance import maintain_lake

        return maintain_lake(self.warehouse)

    def _deliver_again(self) -> None:
        # Two replicas would send a silence twice.
        if self.replica is not None and not self.replica.runs_jobs:
            return
        for failure in self.deliver_silences():
            log.warning("%s", failure)

    def _send_messages(self) -> None:
        try:
            # Two replicas would send reminders and messages twice.
            if self._mailer is not None and (self.replica is None or self.replica.runs_jobs):
                self._mailer.send_due()
            self.self_metrics.record_outbox(self.outbox.count())
            self._mail_failure = ""
        except AccessUnavailable as error:
            # A repeated failure is logged once.
            if str(error) != self._mail_failure:
                log.error("messages about rounds are not sent: %s", error)
            self._mail_failure = str(error)
