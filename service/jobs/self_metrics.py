"""The service's metrics about itself: snapshots, jobs, loads, warehouse, exposition, remote read, SQL, sign-ins and writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product

import duckdb
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from service.loading.report import Batch
from service.snapshots.snapshot import Snapshot

# The minimum time between two renderings of these metrics, for any number of scrapes.
RENDER_INTERVAL_SECONDS = 1.0
READ_DURATION_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2, 10, 60)

ATTEMPT_RESULTS = ("success", "refused", "delayed")
WRITE_RESULTS = ("done", "refused", "failed", "interrupted")
# Signing in and out is not a write.
UNCOUNTED_ACTIONS = ("sign in", "sign out")
# The kind of each action of the audit. Others, such as requests that were refused before their action was known, are `other`.
WRITE_KINDS = {
    "load": "load",
    "load events": "load",
    "set threshold": "set_threshold",
    "remove threshold": "remove_threshold",
    "acknowledge": "acknowledge",
    "set silence": "set_silence",
    "end silence": "end_silence",
    "save query": "save_query",
    "delete query": "delete_query",
    "upload submission": "submission",
    "submit submission": "submission",
    "validate submission": "submission",
    "approve submission": "submission",
    "publish submission": "submission",
    "return submission": "submission",
    "withdraw submission": "submission",
    "comment on submission": "submission",
    "extend round": "extend_round",
    "backup": "backup",
    "restore": "restore",
    "add user": "manage_users",
    "set roles": "manage_users",
    "set email": "manage_users",
    "disable user": "manage_users",
    "enable user": "manage_users",
    "reset password": "manage_users",
    "make password link": "manage_users",
    "set password": "manage_users",
    "change password": "manage_users",
    "create token": "manage_tokens",
    "revoke token": "manage_tokens",
}
OTHER_KIND = "other"

Encoder = Callable[[CollectorRegistry], bytes]

disable_created_metrics()  # type: ignore[no-untyped-call]


class SelfMetrics:
    """The gauges and counters of one service, in a separate registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        build = Info("a4p_build", "Versions of the service and of DuckDB.", registry=registry)
        build.info({"version": version("a4p-service"), "duckdb_version": duckdb.__version__})

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._snapshot_time = gauge("a4p_snapshot_timestamp_seconds", "When the snapshot being served was made.")
        self._snapshot_age = gauge("a4p_snapshot_age_seconds", "Age of the snapshot being served.")
        self._snapshot_success = gauge("a4p_snapshot_success", "Whether the newest attempt at a snapshot succeeded: 1 or 0.")
        self._snapshot_duration = gauge("a4p_snapshot_duration_seconds", "How long the snapshot being served took to make.")
        self._snapshot_series = gauge("a4p_snapshot_series", "Series in the snapshot being served.")
        self._snapshot_as_of = gauge("a4p_snapshot_as_of_timestamp_seconds", "Date the snapshot being served is as of.")
        self._snapshot_info = gauge("a4p_snapshot_info", "Number of the snapshot being served. Always 1.", "id")
        self._job_runs = counter("a4p_job_runs", "Runs of a job since the start, by outcome.", "job", "status")
        self._job_success = gauge("a4p_job_last_run_success", "Whether the newest run succeeded: 1 or 0.", "job")
        self._job_time = gauge("a4p_job_last_success_timestamp_seconds", "When the newest run that succeeded ended.", "job")
        self._job_duration = gauge("a4p_job_last_run_duration_seconds", "How long the newest run took.", "job")
        self._batches = counter("a4p_load_batches", "Files loaded since the start.")
        self._refused = counter("a4p_load_refused", "Loads rejected since the start.")
        self._new = counter("a4p_load_observations", "Observations loaded since the start.")
        self._revisions = counter("a4p_load_revisions", "Revisions loaded since the start.")
        self._warnings = counter("a4p_load_warnings", "Implausible values loaded since the start.")
        self._warehouse_size = gauge("a4p_warehouse_size_bytes", "Size of the warehouse file.")
        self._warehouse_rows = gauge("a4p_warehouse_observations", "Observations in the warehouse, every revision counted.")
        self._warehouse_batches = gauge("a4p_warehouse_batches", "Files loaded into the warehouse.")
        self._warehouse_revisions = gauge("a4p_warehouse_revisions", "Observations in the warehouse that corrected another.")
        self._warehouse_file = gauge(
            "a4p_warehouse_file_present", "Whether the warehouse file is still the one that the service opened: 1 or 0."
        )
        self._warehouse_file.set(1)
        self._read_copy_snapshot = gauge(
            "a4p_warehouse_read_copy_snapshot", "Number of the snapshot in the read copy that pages and SQL query."
        )
        self._kpi_success = gauge("a4p_kpi_success", "Whether the newest snapshot could compute the KPI: 1 or 0.", "kpi")
        self._read_copy_time = gauge("a4p_warehouse_read_copy_timestamp_seconds", "When the read copy was published.")
        self._scrapes = counter("a4p_exposition_scrapes", "Scrapes served since the start.", "format", "encoding")
        self._text_size = gauge("a4p_exposition_size_bytes", "Size of the snapshot's text.", "format")
        self._reads = counter("a4p_remote_read_queries", "Remote-read queries served since the start.")
        self._read_series = counter("a4p_remote_read_series", "Series returned by remote read since the start.")
        self._read_samples = counter("a4p_remote_read_samples", "Samples returned by remote read since the start.")
        self._refused_reads = counter(
            "a4p_remote_read_refused", "Remote-read requests rejected since the start, by reason.", "reason"
        )
        self._read_duration = Histogram(
            "a4p_remote_read_duration_seconds",
            "Duration of remote-read requests.",
            buckets=READ_DURATION_BUCKETS,
            registry=registry,
        )
        self._history_time = gauge(
            "a4p_remote_read_history_timestamp_seconds", "When the newest snapshot in the history that PromQL reads was made."
        )
        self._attempts = counter("a4p_auth_attempts", "Attempts to sign in since the start, by result.", "result")
        for result in ATTEMPT_RESULTS:
            self._attempts.labels(result)
        self._writes = counter(
            "a4p_writes", "Writes in the audit since the start, by kind and result, also the refused ones.", "kind", "result"
        )
        for kind, result in product((*dict.fromkeys(WRITE_KINDS.values()), OTHER_KIND), WRITE_RESULTS):
            self._writes.labels(kind, result)
        self._submission_states = gauge(
            "a4p_submission_state", "State of a mission in a round. Always 1.", "cycle", "mission", "state"
        )
        self._submission_overdue = gauge(
            "a4p_submission_overdue_days",
            "Days since the earliest deadline of a mission in a round that has passed without a report; 0 if none has.",
            "cycle",
            "mission",
        )
        self._outbox = gauge("a4p_outbox_messages", "Messages about rounds that wait to be mailed, or were given up.", "state")
        for state in ("waiting", "failed"):
            self._outbox.labels(state).set(0)
        self._queries = counter("a4p_sql_queries", "SQL queries over HTTP since the start, by HTTP status.", "code")
        self._snapshot_success.set(0)
        self._made_at: float | None = None
        self._rendering = threading.Lock()
        self._rendered: dict[str, tuple[float, bytes]] = {}

    def record_snapshot(self, snapshot: Snapshot, duration_seconds: float, kpis: Sequence[str]) -> None:
        """Record the served snapshot, and which KPIs it could compute."""
        self._made_at = snapshot.made_at.timestamp()
        self._snapshot_time.set(self._made_at)
        self._snapshot_success.set(1)
        self._snapshot_duration.set(duration_seconds)
        self._snapshot_series.set(snapshot.series_count)
        self._snapshot_as_of.set(datetime.combine(snapshot.as_of, datetime.min.time(), UTC).timestamp())
        self._kpi_success.clear()
        for kpi in kpis:
            self._kpi_success.labels(kpi).set(1)
        for failure in snapshot.failures:
            self._kpi_success.labels(failure.kpi).set(0)
        self._snapshot_info.clear()
        self._snapshot_info.labels(str(snapshot.snapshot_id)).set(1)
        self._text_size.labels("text").set(snapshot.exposition.text.size)
        self._text_size.labels("openmetrics").set(snapshot.exposition.openmetrics.size)

    def record_snapshot_failure(self) -> None:
        """Record that the newest attempt failed. The served snapshot does not change."""
        self._snapshot_success.set(0)

    def record_job(self, job: str, status: str, started: datetime | None = None, ended: datetime | None = None) -> None:
        """Count a run of a job that ended with this status or was missed."""
        self._job_runs.labels(job, status).inc()
        self._job_success.labels(job).set(status == "succeeded")
        if started and ended:
            self._job_duration.labels(job).set((ended - started).total_seconds())
            if status == "succeeded":
                self._job_time.labels(job).set(ended.timestamp())

    def record_load(self, batches: list[Batch]) -> None:
        """Count the batches, observations, revisions and warnings of a load."""
        self._batches.inc(sum(batch.batch_id is not None for batch in batches))
        self._new.inc(sum(batch.new_observations for batch in batches))
        self._revisions.inc(sum(batch.revisions for batch in batches))
        self._warnings.inc(sum(batch.warning_count for batch in batches))

    def record_event_load(self, has_batch: bool) -> None:
        """Count the batch of a load of events, if it added something."""
        self._batches.inc(has_batch)

    def record_warehouse_file(self, is_present: bool) -> None:
        """Record whether the warehouse file is still the one that was opened."""
        self._warehouse_file.set(is_present)

    def record_read_copy(self, snapshot_id: int) -> None:
        """Record the snapshot of the read copy."""
        self._read_copy_snapshot.set(snapshot_id)

    def record_refused_load(self) -> None:
        """Count a rejected load."""
        self._refused.inc()

    def record_warehouse(
        self, size_bytes: int, batches: int, observations: int, revisions: int, read_copy_at: datetime
    ) -> None:
        """Record the size and row counts of the warehouse, and when its read copy was published."""
        self._warehouse_size.set(size_bytes)
        self._warehouse_batches.set(batches)
        self._warehouse_rows.set(observations)
        self._warehouse_revisions.set(revisions)
        self._read_copy_time.set(read_copy_at.timestamp())

    def count_scrape(self, text_format: str, encoding: str) -> None:
        """Count a scrape."""
        self._scrapes.labels(text_format, encoding).inc()

    def record_read(self, queries: int, series: int, samples: int, duration_seconds: float) -> None:
        """Count a remote-read request that succeeded."""
        self._reads.inc(queries)
        self._read_series.inc(series)
        self._read_samples.inc(samples)
        self._read_duration.observe(duration_seconds)

    def record_refused_read(self, reason: str) -> None:
        """Count a rejected remote-read request."""
        self._refused_reads.labels(reason).inc()

    def record_history(self, snapshot_made_at: datetime) -> None:
        """Record the time of the newest snapshot in the history."""
        self._history_time.set(snapshot_made_at.timestamp())

    def record_rounds(self, rounds: Iterable[tuple[str, str, str, int]]) -> None:
        """Record cycle, mission, state and days overdue of the newest rounds."""
        self._submission_states.clear()
        self._submission_overdue.clear()
        for cycle, mission, state, days in rounds:
            self._submission_states.labels(cycle, mission, state).set(1)
            self._submission_overdue.labels(cycle, mission).set(days)

    def record_outbox(self, counts: Mapping[str, int]) -> None:
        """Record the numbers of messages by their state."""
        for state, count in counts.items():
            self._outbox.labels(state).set(count)

    def count_query(self, code: int) -> None:
        """Count an SQL query over HTTP by the status of its response."""
        self._queries.labels(str(code)).inc()

    def count_attempt(self, result: str) -> None:
        """Count an attempt to sign in: success, refused or delayed."""
        self._attempts.labels(result).inc()

    def count_write(self, action: str, result: str) -> None:
        """Count a row of the audit by the kind of its action."""
        if action not in UNCOUNTED_ACTIONS:
            self._writes.labels(WRITE_KINDS.get(action, OTHER_KIND), result).inc()

    def render(self, content_type: str, encoder: Encoder) -> bytes:
        """Return the text of these metrics, rendered within the last second."""
        cached = self._rendered.get(content_type)
        if cached is None or time.monotonic() - cached[0] > RENDER_INTERVAL_SECONDS:
            with self._rendering:
                cached = self._rendered.get(content_type)
                if cached is None or time.monotonic() - cached[0] > RENDER_INTERVAL_SECONDS:
                    if self._made_at is not None:
                        self._snapshot_age.set(max(0.0, time.time() - self._made_at))
                    cached = (time.monotonic(), encoder(self.registry))
                    self._rendered[content_type] = cached
        return cached[1]
