"""The time limit of a request: when it has passed, its SQL is interrupted, its child processes end and its loops stop.

The limit belongs to the thread that answers the request. Work that takes a time of its own asks for it here: `watch_session`
around SQL, `left_seconds` for a child process, `check_time` in a loop over many rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import duckdb

from service.errors import TimeLimitPassed

# A statement that begins right after the limit has passed is interrupted too.
REPEAT_SECONDS = 0.1


class TimeLimit:
    """A moment by which work has to end, and the SQL sessions to interrupt then."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds
        self._sessions: set[duckdb.DuckDBPyConnection] = set()
        self._lock = threading.Lock()
        self._is_ended = threading.Event()
        self._timer: threading.Timer | None = None

    @property
    def left_seconds(self) -> float:
        """How much time is left, 0 when it has passed."""
        return max(0.0, self._until - time.monotonic())

    def end(self) -> None:
        """Stop watching: the work is done."""
        self._is_ended.set()
        if self._timer is not None:
            self._timer.cancel()

    @contextmanager
    def watch(self, session: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt what runs in the session when the time has passed. Raises TimeLimitPassed in place of the interrupt."""
        with self._lock:
            self._sessions.add(session)
            if self._timer is None:
                self._timer = threading.Timer(self.left_seconds, self._interrupt)
                self._timer.daemon = True
                self._timer.start()
        try:
            yield
        except duckdb.InterruptException:
            if self.left_seconds > 0:
                raise
            raise TimeLimitPassed(self.seconds) from None
        finally:
            with self._lock:
                self._sessions.discard(session)

    def _interrupt(self) -> None:
        while not self._is_ended.is_set():
            with self._lock:
                for session in self._sessions:
                    session.interrupt()
            self._is_ended.wait(REPEAT_SECONDS)


_current: ContextVar[TimeLimit | None] = ContextVar("time_limit", default=None)


@contextmanager
def limit_time(seconds: float) -> Iterator[TimeLimit]:
    """Give this thread so many seconds for what runs inside."""
    limit = TimeLimit(seconds)
    token = _current.set(limit)
    try:
        yield limit
    finally:
        _current.reset(token)
        limit.end()


def check_time() -> None:
    """Raise TimeLimitPassed when the limit of this thread has passed; without a limit nothing happens."""
    limit = _current.get()
    if limit is not None and limit.left_seconds == 0:
        raise TimeLimitPassed(limit.seconds)


def left_seconds(most: float) -> float:
    """Return the seconds that are left of this thread's limit, at most `most`. Raises TimeLimitPassed when none are."""
    check_time()
    limit = _current.get()
    return most if limit is None else min(most, limit.left_seconds)


@contextmanager
def watch_session(session: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt the session when the limit of this thread has passed."""
    limit = _current.get()
    if limit is None:
        yield
        return
    check_time()
    with limit.watch(session):
        yield
