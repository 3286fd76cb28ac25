"""The time limit of a query in a worker: a timer of the kernel, and one thread that waits for its signal.

A thread for each query, as threading.Timer starts it, takes half as long as a small query.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


class TimeLimit:
    """Interrupts the session of a query at the end of its time, after `start`. Every thread must block SIGALRM."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: duckdb.DuckDBPyConnection | None = None
        self._ends_at = math.inf
        self.has_passed = False

    def start(self) -> None:
        """Start the thread that waits for the timer. The calling thread must be isolated: its restrictions are inherited."""
        threading.Thread(target=self._wait, daemon=True).start()

    @contextmanager
    def watch(self, session: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        """Interrupt the session if the block takes longer. `has_passed` is true then."""
        with self._lock:
            self._session, self._ends_at, self.has_passed = session, time.monotonic() + seconds, False
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            with self._lock:
                self._session, self._ends_at = None, math.inf

    def _wait(self) -> None:
        while True:
            signal.sigwait({signal.SIGALRM})
            with self._lock:
                # The signal of an earlier query may arrive late.
                if self._session is not None and time.monotonic() >= self._ends_at:
                    self.has_passed = True
                    self._session.interrupt()
