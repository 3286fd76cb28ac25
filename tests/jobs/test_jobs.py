"""Jobs and their recorded runs: on time, late, missed and failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.errors import SnapshotError, WarehouseLost
from service.jobs.runner import Job, JobRunner, find_missed
from service.jobs.schedule import CronSchedule
from service.jobs.self_metrics import SelfMetrics
from service.warehouse.database import Warehouse
from service.warehouse.opening import open_warehouse
from tests.conftest import Clock
from tests.service_process import wait_for

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until a test sets it."""
    return Clock(datetime(2024, 5, 1, 12, 30, tzinfo=UTC), timedelta(microseconds=1))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = open_warehouse(tmp_path / "warehouse.duckdb", 1, "1GB")
    yield opened
    opened.close()


def make_runner(warehouse: Warehouse, clock: Clock) -> JobRunner:
    return JobRunner(warehouse, SelfMetrics(), "UTC", clock)


def runs(warehouse: Warehouse) -> list[tuple[object, ...]]:
    with warehouse.cursor() as cursor:
        return cursor.execute("select job, status, row_count, error from job_runs order by run_id").fetchall()


def fail() -> None:
    raise SnapshotError("the KPI is wrong")


def test_a_run_is_recorded_with_its_rows(warehouse: Warehouse, clock: Clock) -> None:
    assert make_runner(warehouse, clock).run(Job("count", "", lambda: 7)) is None
    assert runs(warehouse) == [("count", "succeeded", 7, None)]


def test_a_failed_run_is_recorded_and_the_following_job_still_runs(warehouse: Warehouse, clock: Clock) -> None:
    done: list[str] = []
    job = Job("snapshot", "", fail, Job("read_copy", "", lambda: done.append("copied")))
    error = make_runner(warehouse, clock).run(job)
    assert isinstance(error, SnapshotError)
    assert done == ["copied"]
    assert runs(warehouse) == [("snapshot", "failed", None, "the KPI is wrong"), ("read_copy", "succeeded", None, None)]


def test_a_run_interrupted_by_a_kill_is_recorded_and_repeated_once(warehouse: Warehouse, clock: Clock) -> None:
    with warehouse.write() as cursor:
        cursor.execute("insert into store.job_runs values (1, 'prune', ?, ?, null, 'running', null, null, ?)", [clock.now] * 3)
    clock.now += timedelta(minutes=1)
    prune = Job("prune", "45 3 * * *", lambda: 0)
    assert make_runner(warehouse, clock).catch_up([prune]) == [prune]
    assert runs(warehouse) == [("prune", "interrupted", None, "the service stopped during the run")]


def test_runs_missed_while_the_service_was_down_are_one_row_and_one_run(warehouse: Warehouse, clock: Clock) -> None:
    hourly = Job("snapshot", "0 * * * *", lambda: 1)
    make_runner(warehouse, clock).run(hourly)
    clock.now += timedelta(days=2)
    assert make_runner(warehouse, clock).catch_up([hourly]) == [hourly]
    assert runs(warehouse)[1] == (
        "snapshot",
        "missed",
        None,
        "48 run(s) due from 2024-05-01 13:00 UTC to 2024-05-03 12:00 UTC missed",
    )
    assert make_runner(warehouse, clock).catch_up([hourly]) == [], "what was recorded is not caught up again"


def test_a_job_whose_last_run_failed_runs_again_at_the_start(warehouse: Warehouse, clock: Clock) -> None:
    job = Job("checkpoint", "30 3 * * *", fail)
    make_runner(warehouse, clock).run(job)
    assert make_runner(warehouse, clock).catch_up([job]) == [job]


def test_the_first_start_repeats_no_job(warehouse: Warehouse, clock: Clock) -> None:
    assert make_runner(warehouse, clock).catch_up([Job("prune", "45 3 * * *", lambda: 0)]) == []


def test_no_run_is_missed_before_it_is_due() -> None:
    schedule = CronSchedule("0 * * * *", ZoneInfo("UTC"))
    assert find_missed(schedule, datetime(2024, 1, 1, 10, tzinfo=UTC), datetime(2024, 1, 1, 10, 59, tzinfo=UTC)) is None


def test_missed_runs_are_counted_over_a_change_of_the_clock() -> None:
    # 2024-03-10 02:00 to 03:00 did not exist in New York; 2024-11-03 01:00 to 02:00 occurred twice.
    schedule = CronSchedule("0 * * * *", NEW_YORK)
    for day, hours in ((datetime(2024, 3, 10, tzinfo=NEW_YORK), 23), (datetime(2024, 11, 3, tzinfo=NEW_YORK), 25)):
        missed = find_missed(schedule, day.astimezone(UTC), (day + timedelta(days=1)).astimezone(UTC))
        assert missed is not None
        assert missed.count == hours


def test_after_the_clock_was_set_back_jobs_are_due_soon(warehouse: Warehouse, clock: Clock) -> None:
    runner = JobRunner(warehouse, SelfMetrics(), "UTC", clock)
    clock.now = datetime(2027, 5, 1, 12, 30, tzinfo=UTC)
    runner.start([Job("hourly", "0 * * * *", lambda: 1)])
    try:
        (scheduled,) = runner._scheduler.get_jobs()
        clock.now = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
        scheduled.modify(next_run_time=datetime(2027, 5, 1, 13, tzinfo=UTC))
        runner.reschedule()
        (scheduled,) = runner._scheduler.get_jobs()
        assert scheduled.next_run_time == datetime(2026, 5, 1, 13, tzinfo=UTC)
    finally:
        runner.stop()


def test_a_run_that_cannot_be_recorded_is_a_failure_without_an_exception(warehouse: Warehouse, clock: Clock) -> None:
    runner = make_runner(warehouse, clock)
    warehouse.file.unlink()
    error = runner.run(Job("count", "", lambda: 7))
    assert isinstance(error, WarehouseLost)
    assert runner.find_failure("count") is error


def test_the_schedule_runs_a_job_when_it_is_due(warehouse: Warehouse) -> None:
    done: list[int] = []
    runner = JobRunner(warehouse, SelfMetrics(), "UTC")
    runner.start([Job("often", "* * * * *", lambda: done.append(1))])
    try:
        (scheduled,) = runner._scheduler.get_jobs()
        scheduled.modify(next_run_time=datetime.now(UTC))
        wait_for(lambda: done)
    finally:
        runner.stop()
    assert ("often", "succeeded", None, None) in runs(warehouse)


def test_after_a_suspend_a_job_runs_once_and_the_other_runs_are_recorded(warehouse: Warehouse, clock: Clock) -> None:
    done: list[int] = []
    job = Job("snapshot", "0 * * * *", lambda: done.append(1))
    runner = make_runner(warehouse, clock)
    runner.start([job])
    try:
        clock.now += timedelta(hours=5)
        runner._run_due(job)
        clock.now += timedelta(hours=1)
        runner._run_due(job)
    finally:
        runner.stop()
    assert len(done) == 2
    assert [row[:2] for row in runs(warehouse)] == [
        ("snapshot", "missed"),
        ("snapshot", "succeeded"),
        ("snapshot", "succeeded"),
    ]
