"""Periodic checks: a changed clock, and retries of failed work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from service.errors import SnapshotError, WarehouseUnwritable
from service.jobs.watch import MAX_RETRY_SECONDS, ClockWatch, RetryWatch, Watch
from tests.service_process import wait_for


class Clocks:
    """A wall clock and a monotonic clock that are moved by hand."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 5, 1, tzinfo=UTC)
        self.monotonic = 100.0

    def pass_seconds(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


def test_a_changed_clock_is_detected_once_in_each_direction() -> None:
    clocks = Clocks()
    changes: list[timedelta] = []
    watch = ClockWatch(lambda: clocks.wall, changes.append, lambda: clocks.monotonic)
    clocks.pass_seconds(3600)
    watch.check()
    assert changes == []
    for days in (-365, 400):
        clocks.wall += timedelta(days=days)
        clocks.pass_seconds(15)
        watch.check()
        clocks.pass_seconds(15)
        watch.check()
    assert [round(change / timedelta(days=1)) for change in changes] == [-365, 400]


def test_a_small_correction_of_the_clock_changes_nothing() -> None:
    clocks = Clocks()
    changes: list[timedelta] = []
    watch = ClockWatch(lambda: clocks.wall, changes.append, lambda: clocks.monotonic)
    clocks.wall -= timedelta(seconds=5)
    watch.check()
    assert changes == []


def test_work_that_failed_on_a_full_disk_is_retried_when_there_is_space() -> None:
    clocks = Clocks()
    failure: list[Exception | None] = [WarehouseUnwritable("full")]
    has_space = [False]
    runs: list[float] = []
    watch = RetryWatch(
        lambda: failure[0], lambda: runs.append(clocks.monotonic), lambda: has_space[0], lambda: clocks.monotonic
    )
    for _ in range(100):
        clocks.pass_seconds(15)
        watch.check()
    assert runs == []
    has_space[0] = True
    clocks.pass_seconds(15)
    watch.check()
    assert runs == [clocks.monotonic]
    failure[0] = None
    watch.check()
    assert len(runs) == 1


def test_work_with_an_unknown_failure_is_retried_with_increasing_intervals() -> None:
    clocks = Clocks()
    runs: list[float] = []
    watch = RetryWatch(
        lambda: SnapshotError("the query failed"), lambda: runs.append(clocks.monotonic), lambda: True, lambda: clocks.monotonic
    )
    for _ in range(4 * 60 * 24):
        clocks.pass_seconds(15)
        watch.check()
    pauses = [later - earlier for earlier, later in pairwise(runs)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 60
    assert max(pauses) <= MAX_RETRY_SECONDS + 15
    assert len(runs) < 40


def test_an_error_in_one_check_does_not_end_the_watch() -> None:
    done: list[int] = []

    def fail() -> None:
        raise RuntimeError("a check failed")

    watch = Watch([fail, lambda: done.append(1)], seconds=0.01)
    watch.start()
    try:
        wait_for(lambda: len(done) > 2)
    finally:
        watch.stop()
