"""Periodic checks in a thread: a changed clock, a lost warehouse file, and retries of failed work.

The thread uses the monotonic clock, so it continues when the wall clock is set back and schedules wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from service.errors import WarehouseUnwritable

log = logging.getLogger(__name__)

WATCH_SECONDS = 15.0
MAX_RETRY_SECONDS = 3600.0
CLOCK_TOLERANCE = timedelta(seconds=30)


class Watch:
    """Calls each check every few seconds. An error in a check is logged and does not stop the thread."""

    def __init__(self, checks: Sequence[Callable[[], None]], seconds: float = WATCH_SECONDS) -> None:
        self._checks = checks
        self._seconds = seconds
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, wait_seconds: float | None = None) -> None:
        """Stop the thread after the running check, for which it waits at most this long."""
        self._is_stopped.set()
        if self._thread.is_alive():
            self._thread.join(wait_seconds)

    def _run(self) -> None:
        while not self._is_stopped.wait(self._seconds):
            for check in self._checks:
                try:
                    check()
                except Exception:
                    log.exception("a periodic check failed")


class ClockWatch:
    """Detects that the wall clock was set, by comparison with the monotonic clock."""

    def __init__(
        self,
        read_wall: Callable[[], datetime],
        on_change: Callable[[timedelta], None],
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_wall = read_wall
        self._read_monotonic = read_monotonic
        self._on_change = on_change
        self._offset = self._measure()

    def check(self) -> None:
        """Call `on_change` with the difference when the wall clock was set since the last check."""
        offset = self._measure()
        change, self._offset = offset - self._offset, offset
        if abs(change) > CLOCK_TOLERANCE:
            log.warning("the clock was set by %+.0f s; schedules are computed again", change.total_seconds())
            self._on_change(change)

    def _measure(self) -> timedelta:
        wall = self._read_wall()
        return wall - datetime.fromtimestamp(0, wall.tzinfo) - timedelta(seconds=self._read_monotonic())


class RetryWatch:
    """Retries failed work: at once when `is_possible` becomes true, with increasing intervals if the cause is unknown."""

    def __init__(
        self,
        find_failure: Callable[[], Exception | None],
        run: Callable[[], object],
        is_possible: Callable[[], bool],
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_failure = find_failure
        self._run = run
        self._is_possible = is_possible
        self._read_monotonic = read_monotonic
        self._wait_seconds = 0.0
        self._not_before = 0.0

    def check(self) -> None:
        """Run the work again when it failed, is possible, and its interval has passed."""
        failure = self._find_failure()
        if failure is None:
            self._wait_seconds = 0.0
            return
        if isinstance(failure, WarehouseUnwritable):
            self._wait_seconds = 0.0
        elif self._read_monotonic() < self._not_before:
            return
        if not self._is_possible():
            return
        self._run()
        self._wait_seconds = min(max(2 * self._wait_seconds, WATCH_SECONDS), MAX_RETRY_SECONDS)
        self._not_before = self._read_monotonic() + self._wait_seconds
