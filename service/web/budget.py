"""A limit on the bytes of unsent answers. Without it, slow clients could use any amount of memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.web.problems import RETRY_SECONDS, Refused

# Two of the largest answers of remote read, or of SQL, at their default limits.
BUDGET_BYTES = 160 << 20


class AnswerBudget:
    """Bytes reserved for unsent answers. Answers shared by all clients, such as the text of a snapshot, do not count."""

    def __init__(self, size_bytes: int = BUDGET_BYTES) -> None:
        self.size_bytes = size_bytes
        self._lock = threading.Lock()
        self._reserved = 0

    def reserve(self, size_bytes: int) -> Callable[[], None]:
        """Reserve bytes and return a function that releases them. It can be called more than once.

        Raises Refused (503) when the budget is exhausted. A single answer may exceed the budget when there is no other.
        """
        with self._lock:
            if self._reserved and self._reserved + size_bytes > self.size_bytes:
                raise Refused(
                    503,
                    "Too many answers wait for slow clients. Try again later.",
                    {"Retry-After": str(RETRY_SECONDS)},
                )
            self._reserved += size_bytes
        is_released = threading.Event()

        def release() -> None:
            with self._lock:
                if not is_released.is_set():
                    is_released.set()
                    self._reserved -= size_bytes

        return release
