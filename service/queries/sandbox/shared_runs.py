"""Requests that are the same and arrive while one of them waits or runs: the first takes a slot, the others share its result.

Otherwise 50 viewers of a dashboard behind one address wait for slots one after the other. If the query takes longer than usual,
those beyond the maximum of waiting requests per client are refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.queries.sandbox.protocol import QueryRequest, QueryResult
from service.queries.sandbox.recent_results import make_key
from service.system.time_limit import POLL_SECONDS, check_time

# Each request that shares a run has a thread of the web server. Beyond this number, requests wait for a slot.
MAX_SHARING = 64


@dataclass(eq=False)
class SharedRun:
    """A request that waits for a slot or runs. `result` stays None if it fails."""

    key: Hashable
    result: QueryResult | None = None
    has_ended: threading.Event = field(default_factory=threading.Event)

    def wait(self, deadline: float) -> QueryResult | None:
        """Return the result, or None if the run failed or the deadline (monotonic seconds) passed. Raises ClientGone."""
        while (left := deadline - time.monotonic()) > 0:
            if self.has_ended.wait(min(left, POLL_SECONDS)):
                return self.result
            check_time()
        return None


class SharedRuns:
    """The runs that requests can share: those of the same client, and those of any client that have a slot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[Hashable, SharedRun] = {}
        self._sharing = 0

    @contextmanager
    def join(self, request: QueryRequest, client: str) -> Iterator[tuple[SharedRun, bool]]:
        """Yield the run of a request, and whether the caller has to run it and to set its result."""
        key = make_key(request)
        with self._lock:
            run = self._runs.get(key) or self._runs.get((client, key))
            is_new = run is None or self._sharing >= MAX_SHARING
            if run is None or is_new:
                run = SharedRun(key)
                self._runs.setdefault((client, key), run)
            else:
                self._sharing += 1
        try:
            yield run, is_new
        finally:
            with self._lock:
                if not is_new:
                    self._sharing -= 1
                for name in (key, (client, key)):
                    if is_new and self._runs.get(name) is run:
                        del self._runs[name]
            if is_new:
                run.has_ended.set()

    def share(self, run: SharedRun) -> None:
        """Share a run that has a slot with all clients. Before, it waits for the turn of its own client."""
        with self._lock:
            self._runs.setdefault(run.key, run)
