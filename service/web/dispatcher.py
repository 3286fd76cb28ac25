"""The threads that answer requests: the one that became idle last takes the next request.

Each thread that has answered a request holds memory in the caches of the allocators and on its stack, up to 0.7 MB after a page
of several queries. waitress wakes the thread that waits longest, so that soon all 200 hold such memory, although a few of them
at a time have work.
"""

from __future__ import annotations

import threading

from waitress.task import ThreadedTaskDispatcher


class LastIdleFirst(ThreadedTaskDispatcher):  # type: ignore[misc]
    """A dispatcher of waitress that wakes the thread that became idle last."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.queue_cv = LastWaiterFirst(self.lock)
        self.set_thread_count(threads)


class LastWaiterFirst:
    """What a dispatcher uses of threading.Condition; `notify` wakes the thread that began to wait last.

    All methods are called while the lock is held.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._waiting: list[threading.Condition] = []

    def wait(self) -> None:
        """Release the lock, wait until this thread is woken, and take the lock again."""
        own = threading.Condition(self._lock)
        self._waiting.append(own)
        own.wait()

    def notify(self) -> None:
        """Wake one thread, if any waits."""
        if self._waiting:
            self._waiting.pop().notify()

    def notify_all(self) -> None:
        """Wake all waiting threads."""
        while self._waiting:
            self.notify()
