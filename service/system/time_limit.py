"""The time limit of a request: its work ends when the limit has passed or the client has disconnected.

SQL is interrupted, child processes end and loops stop. The limit belongs to the thread that handles the request. Long work
uses `watch_session` around SQL, `left_seconds` for a child process, and `check_time` in a loop over many rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import duckdb

from service.errors import ClientGone, TimeLimitPassed

# How often a running request checks whether its client is still connected.
POLL_SECONDS = 0.25
# A statement that begins right after the limit has passed is interrupted too.
REPEAT_SECONDS = 0.1


def is_never_abandoned() -> bool:
    """Return False: work without a client."""
    return False


class TimeLimit:
    """A deadline, and the SQL sessions to interrupt at the deadline or when `is_abandoned`."""

    def __init__(self, seconds: float, is_abandoned: Callable[[], bool] = is_never_abandoned) -> None:
        self.seconds = seconds
        self.is_abandoned = is_abandoned
        self._until = time.monotonic() + seconds
        self._sessions: set[duckdb.DuckDBPyConnection] = set()
        self._lock = threading.Lock()
        self._is_ended = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def left_seconds(self) -> float:
        """The remaining seconds; 0 after the deadline."""
        return max(0.0, self._until - time.monotonic())

    def check(self) -> None:
        """Raise TimeLimitPassed or ClientGone when the work has to end."""
        if self.left_seconds == 0:
            raise TimeLimitPassed(self.seconds)
        if self.is_abandoned():
            raise ClientGone("the client closed its connection")

    def end(self) -> None:
        """Stop watching: the work is done."""
        self._is_ended.set()

    @contextmanager
    def watch(self, session: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt the session when the work has to end. Raises as `check` instead of the interrupt."""
        with self._lock:
            self._sessions.add(session)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._interrupt, name="time limit", daemon=True)
                self._watcher.start()
        try:
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            with self._lock:
                self._sessions.discard(session)

    def _interrupt(self) -> None:
        while not self._is_ended.wait(min(self.left_seconds, POLL_SECONDS)):
            if self.left_seconds == 0 or self.is_abandoned():
                break
        while not self._is_ended.is_set():
            with self._lock:
                for session in self._sessions:
                    session.interrupt()
            self._is_ended.wait(REPEAT_SECONDS)


_current: ContextVar[TimeLimit | None] = ContextVar("time_limit", default=None)


@contextmanager
def limit_time(seconds: float, is_abandoned: Callable[[], bool] = is_never_abandoned) -> Iterator[TimeLimit]:
    """Limit the work inside to this number of seconds, and to the connection of the client."""
    limit = TimeLimit(seconds, is_abandoned)
    token = _current.set(limit)
    try:
        yield limit
    finally:
        _current.reset(token)
        limit.end()


def check_time() -> None:
    """Raise TimeLimitPassed or ClientGone when the work of this thread has to end. Does nothing without a limit."""
    limit = _current.get()
    if limit is not None:
        limit.check()


def left_seconds(maximum: float) -> float:
    """Return the remaining seconds of this thread's limit, at most `maximum`. Raises as `check_time`."""
    check_time()
    limit = _current.get()
    return maximum if limit is None else min(maximum, limit.left_seconds)


@contextmanager
def watch_session(session: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt the session when the work of this thread has to end."""
    limit = _current.get()
    if limit is None:
        yield
        return
    check_time()
    with limit.watch(session):
        yield
