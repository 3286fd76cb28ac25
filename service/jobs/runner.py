"""Scheduled jobs and the runner that runs them one at a time and records every run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from service.errors import JobInterrupted, ServiceError
from service.jobs.run import Run
from service.jobs.schedule import CronSchedule
from service.jobs.self_metrics import SelfMetrics
from service.warehouse.database import Connection, Warehouse, read_clock, read_objects, run_sql

log = logging.getLogger(__name__)

# Missed runs are counted up to this number: a week of a schedule that runs every minute.
MAX_MISSED = 10_080


@dataclass(frozen=True)
class Job:
    """A job. `work` returns the number of rows it produced.

    `cron` is empty for a job that only follows another. `followed_by` runs after it, whether it succeeded or not. A job with
    `is_concurrent` may run at the same time as another. One with `is_local` runs on every replica of a lake, others on one.
    """

    name: str
    cron: str
    work: Callable[[], int | None]
    followed_by: Job | None = None
    is_concurrent: bool = False
    is_local: bool = False


def list_runs(connection: Connection, last: int, only_failed: bool) -> list[Run]:
    """Return the newest runs, newest first."""
    return read_objects(run_sql(connection, "jobs/list_runs", last=last, only_failed=only_failed), Run)


@dataclass(frozen=True)
class Missed:
    """Runs that were due while the service did not run."""

    count: int
    first: datetime
    last: datetime


def find_missed(trigger: CronSchedule, last_due: datetime, now: datetime) -> Missed | None:
    """Return the runs due after `last_due` and up to `now`, or None."""
    first = last = trigger.find_next(last_due)
    if first.astimezone(UTC) > now:
        return None
    count = 1
    while count < MAX_MISSED and (following := trigger.find_next(last)).astimezone(UTC) <= now:
        last, count = following, count + 1
    return Missed(count, first, last)


class JobRunner:
    """Runs jobs one at a time and records each run in `job_runs`. A job is run by its schedule while `is_due_here(job)`."""

    def __init__(
        self,
        warehouse: Warehouse,
        self_metrics: SelfMetrics,
        timezone: str,
        clock: Callable[[], datetime] = read_clock,
        is_due_here: Callable[[Job], bool] = lambda job: True,
    ) -> None:
        self._warehouse = warehouse
        self._is_due_here = is_due_here
        self._self_metrics = self_metrics
        self._clock = clock
        self._zone = ZoneInfo(timezone)
        self._running = threading.Lock()
        self._running_concurrent = threading.Lock()
        self._next_due: dict[str, datetime] = {}
        self._jobs: list[Job] = []
        self._failed: dict[str, Exception] = {}
        self._scheduler = BackgroundScheduler(
            timezone=self._zone,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self, job: Job, due: datetime | None = None) -> Exception | None:
        """Run a job and the jobs that follow it, and record them. Return the error of the job (also logged) or None."""
        error = self._run_one(job, due)
        if job.followed_by is not None:
            self.run(job.followed_by, due)
        return error

    def _run_one(self, job: Job, due: datetime | None) -> Exception | None:
        with self._running_concurrent if job.is_concurrent else self._running:
            started = self._clock()
            rows: int | None = None
            failure: Exception | None = None
            try:
                run_id = self._record_start(job.name, due or started, started)
                try:
                    rows = job.work()
                except JobInterrupted as error:
                    return error
                except Exception as error:
                    failure = error
                ended = self._clock()
                status = "failed" if failure else "succeeded"
                self._record_end(run_id, status, ended, rows, str(failure) if failure else None)
            except (ServiceError, duckdb.Error) as error:
                # The warehouse is not writable, for example on a full disk, so the run cannot be recorded there.
                failure = failure or error
            if failure is None:
                self._failed.pop(job.name, None)
                self._self_metrics.record_job(job.name, "succeeded", started, self._clock())
            else:
                # A repeated failure is logged once.
                if str(self._failed.get(job.name)) != str(failure):
                    log.error("job %s failed: %s", job.name, failure, exc_info=not isinstance(failure, ServiceError))
                self._failed[job.name] = failure
                self._self_metrics.record_job(job.name, "failed", started, self._clock())
            return failure

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Hold back jobs, except concurrent ones, after the running one."""
        with self._running:
            yield

    def find_failure(self, job: str) -> Exception | None:
        """Return the error of the newest run of a job, or None if it succeeded or never ran."""
        return self._failed.get(job)

    def reschedule(self) -> None:
        """Compute the next run of each job again, after the clock was set."""
        now = self._clock()
        for job in self._jobs:
            following = self._trigger(job).get_next_fire_time(None, now)
            self._next_due[job.name] = following
            self._scheduler.modify_job(job.name, next_run_time=following)

    def catch_up(self, jobs: list[Job]) -> list[Job]:
        """Record runs that were interrupted or missed while the service was down. Return the jobs to run once instead."""
        now = self._clock()
        behind = []
        with self._warehouse.write() as cursor:
            run_sql(cursor, "jobs/record_interrupted", now=now)
            newest = {name: (last_due, status) for name, last_due, status in run_sql(cursor, "jobs/list_newest").fetchall()}
        for job in jobs:
            if job.name not in newest or not job.cron:
                continue
            last_due, status = newest[job.name]
            missed = find_missed(self._trigger(job), last_due, now)
            if missed:
                self._record_missed(job.name, missed)
            if missed or status in ("failed", "interrupted"):
                behind.append(job)
        return behind

    def start(self, jobs: list[Job]) -> None:
        """Start to run jobs by their schedules."""
        self._jobs = [job for job in jobs if job.cron]
        for job in self._jobs:
            trigger = self._trigger(job)
            self._next_due[job.name] = trigger.get_next_fire_time(None, self._clock())
            self._scheduler.add_job(self._run_due, trigger, args=[job], id=job.name)
        self._scheduler.start()

    def stop(self) -> None:
        """Stop the schedules after the running job."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _trigger(self, job: Job) -> CronSchedule:
        return CronSchedule(job.cron, self._zone)

    def _run_due(self, job: Job) -> None:
        # The machine may have been suspended: run once for all runs due since then, and record the others as missed.
        due, now = self._next_due[job.name], self._clock()
        if not self._is_due_here(job):
            self._next_due[job.name] = self._trigger(job).get_next_fire_time(due, max(due, now))
            return
        missed = find_missed(self._trigger(job), due, now)
        if missed:
            self._record_missed(job.name, Missed(missed.count, due, missed.last))
            due = missed.last
        self._next_due[job.name] = self._trigger(job).get_next_fire_time(due, max(due, now))
        self.run(job, due)

    def _record_start(self, job: str, due: datetime, started: datetime) -> int:
        with self._warehouse.write() as cursor:
            row = run_sql(cursor, "jobs/record_start", job=job, due=due, started=started).fetchone()
        return int(row[0]) if row else 0

    def _record_end(self, run_id: int, status: str, ended: datetime, rows: int | None, error: str | None) -> None:
        with self._warehouse.write() as cursor:
            run_sql(cursor, "jobs/record_end", run_id=run_id, status=status, ended=ended, row_count=rows, error=error)

    def _record_missed(self, job: str, missed: Missed) -> None:
        text = f"{missed.count} run(s) due from {missed.first:%Y-%m-%d %H:%M %Z} to {missed.last:%Y-%m-%d %H:%M %Z} missed"
        with self._warehouse.write() as cursor:
            run_sql(cursor, "jobs/record_missed", job=job, due=missed.last, error=text, now=self._clock())
        self._self_metrics.record_job(job, "missed")
        log.warning("job %s: %s", job, text)
