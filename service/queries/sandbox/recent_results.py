"""Results of the last second, for clients that send the same query at the same time, as panels of one dashboard do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from service.queries.sandbox.protocol import QueryRequest, QueryResult

RECENT_SECONDS = 1.0
MAX_BYTES = 8 << 20
# Clients of a larger result wait longer for its transfer than for its query.
MAX_RESULT_BYTES = 256 << 10


@dataclass(frozen=True)
class _Entry:
    result: QueryResult
    ends_at: float
    size: int


class RecentResults:
    """Results by request, which names its read copy, for RECENT_SECONDS. Beyond MAX_BYTES the oldest are removed.

    All clients that may send queries have the same rights, so they share results.
    """

    def __init__(self, read_monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read_monotonic = read_monotonic
        self._lock = threading.Lock()
        # The oldest first.
        self._entries: dict[Hashable, _Entry] = {}
        self._size = 0

    def find(self, request: QueryRequest) -> QueryResult | None:
        """Return the result of the same request within the last second, or None."""
        with self._lock:
            entry = self._entries.get(make_key(request))
        return entry.result if entry and entry.ends_at > self._read_monotonic() else None

    def store(self, request: QueryRequest, result: QueryResult) -> None:
        """Store the result of a request that succeeded, unless it is large."""
        size = len(result.body) + len(request["sql"])
        if result.response["outcome"] != "succeeded" or size > MAX_RESULT_BYTES:
            return
        entry = _Entry(result, self._read_monotonic() + RECENT_SECONDS, size)
        key = make_key(request)
        with self._lock:
            if (earlier := self._entries.pop(key, None)) is not None:
                self._size -= earlier.size
            self._remove_old(MAX_BYTES - size)
            self._entries[key] = entry
            self._size += size

    def _remove_old(self, max_bytes: int) -> None:
        now = self._read_monotonic()
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.ends_at > now and self._size <= max_bytes:
                break
            del self._entries[key]
            self._size -= entry.size


def make_key(request: QueryRequest) -> Hashable:
    """Return what identifies a request: requests with the same key have the same result."""
    return tuple(sorted(request.items()))
