"""The bytes of answers that wait to be sent: each was made for one client, so slow readers could hold any number of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.web.problems import RETRY_SECONDS, Refused

# Two of the largest answers of remote read, or of SQL, at their default limits.
BUDGET_BYTES = 160 << 20


class AnswerBudget:
    """So many bytes of answers in flight; what is shared by all clients, such as the text of a snapshot, does not count."""

    def __init__(self, size_bytes: int = BUDGET_BYTES) -> None:
        self.size_bytes = size_bytes
        self._lock = threading.Lock()
        self._reserved = 0

    def reserve(self, size_bytes: int) -> Callable[[], None]:
        """Return the function that gives the bytes back, which may be called more than once.

        Raises Refused (503) when they are not free; a single answer larger than the whole budget is sent when it is alone.
        """
        with self._lock:
            if self._reserved and self._reserved + size_bytes > self.size_bytes:
                raise Refused(
                    503, "other clients have not read their answers yet; try again", {"Retry-After": str(RETRY_SECONDS)}
                )
            self._reserved += size_bytes
        is_released = threading.Event()

        def release() -> None:
            with self._lock:
                if not is_released.is_set():
                    is_released.set()
                    self._reserved -= size_bytes

        return release
