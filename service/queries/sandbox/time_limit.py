"""The time limit of a query in a worker, and its priority: a timer of the kernel, and one thread that waits for its signal.

A thread for each query, as threading.Timer starts it, takes half as long as a small query.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

# A query that runs longer has a lower priority from then on, by this niceness.
SLOW_SECONDS = 0.02
SLOW_NICENESS = 5


class TimeLimit:
    """Interrupts the session of a query at the end of its time, after `start`. Every thread must block SIGALRM.

    `was_slow` is true after a query of more than SLOW_SECONDS. Its thread cannot get back its priority.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: duckdb.DuckDBPyConnection | None = None
        self._thread = 0
        self._slow_at = self._ends_at = math.inf
        self.has_passed = False
        self.was_slow = False

    def start(self) -> None:
        """Start the thread that waits for the timer. The calling thread must be isolated: its restrictions are inherited."""
        threading.Thread(target=self._wait, daemon=True).start()

    @contextmanager
    def watch(self, session: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        """Interrupt the session if the block takes longer. `has_passed` is true then."""
        now = time.monotonic()
        with self._lock:
            self._session, self._thread = session, threading.get_native_id()
            self.has_passed = self.was_slow = False
            self._slow_at, self._ends_at = now + SLOW_SECONDS, now + seconds
        signal.setitimer(signal.ITIMER_REAL, min(SLOW_SECONDS, seconds))
        try:
            yield
        finally:
            with self._lock:
                signal.setitimer(signal.ITIMER_REAL, 0)
                self._session, self._slow_at, self._ends_at = None, math.inf, math.inf

    def _wait(self) -> None:
        while True:
            signal.sigwait({signal.SIGALRM})
            with self._lock:
                now = time.monotonic()
                # The signal of an earlier query may arrive late.
                if self._session is not None and now >= self._ends_at:
                    self.has_passed = True
                    self._session.interrupt()
                elif now >= self._slow_at:
                    self.was_slow, self._slow_at = True, math.inf
                    niceness = os.getpriority(os.PRIO_PROCESS, self._thread) + SLOW_NICENESS
                    os.setpriority(os.PRIO_PROCESS, self._thread, niceness)
                    # Not 0, which would stop the timer.
                    signal.setitimer(signal.ITIMER_REAL, max(self._ends_at - now, 0.001))
