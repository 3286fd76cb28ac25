"""Pages that were requested recently: they are made from a new read copy before it is shown.

Charts are not: at the limit of time the process that draws them would be ended, and start again for the next reader.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, request

from metrics.languages import Language, get_language, use_language
from service.errors import TimeLimitPassed
from service.snapshots.read_copy import ReadCopy, use_copy
from service.system.time_limit import limit_time

log = logging.getLogger(__name__)

MAX_AGE_SECONDS = 600.0
MAX_RECORDED = 200
# Of one copy, and the seconds that its publication waits for them at most.
MAX_PREPARED = 20
MAX_SECONDS = 1.0


@dataclass
class _Use:
    """How often a page was requested, and when last."""

    count: int
    requested_at: float


class RecentPages:
    """Requests of an application whose answers are cached, and therefore the same for all who may read them."""

    def __init__(
        self, app: Flask, find_language: Callable[[str], Language], read_monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._find_language = find_language
        self._read_monotonic = read_monotonic
        self._lock = threading.Lock()
        # By path, query and code of the language, the last requested one last.
        self._uses: dict[tuple[str, str, str], _Use] = {}

    def record(self) -> None:
        """Record the current request."""
        key = request.path, request.query_string.decode("utf-8", "replace"), get_language().code
        now = self._read_monotonic()
        with self._lock:
            use = self._uses.pop(key, _Use(0, now))
            self._uses[key] = _Use(use.count + 1, now)
            if len(self._uses) > MAX_RECORDED:
                del self._uses[next(iter(self._uses))]

    def prepare(self, copy: ReadCopy) -> None:
        """Make the answers to the most frequent recent requests from a copy that is not shown yet.

        Failures are logged only: the first request of a page then makes it.
        """
        requests = self._choose()
        with use_copy(copy), limit_time(MAX_SECONDS) as limit:
            for place, (path, query, language) in enumerate(requests):
                if not limit.left_seconds:
                    break
                try:
                    with self._app.test_request_context(path, query_string=query), use_language(self._find_language(language)):
                        self._app.view_functions[request.endpoint or ""](**(request.view_args or {}))
                except Exception as error:
                    is_late = isinstance(error, TimeLimitPassed)
                    log.info("the page %s is not prepared: %s", path, f"{MAX_SECONDS:g} s have passed" if is_late else error)
                    # Until it is requested again: a page that takes longer than the limit alone would delay every copy.
                    if place == 0 or not is_late:
                        with self._lock:
                            self._uses.pop((path, query, language), None)

    def _choose(self) -> list[tuple[str, str, str]]:
        first = self._read_monotonic() - MAX_AGE_SECONDS
        with self._lock:
            self._uses = {key: use for key, use in self._uses.items() if use.requested_at >= first}
            return sorted(self._uses, key=lambda key: -self._uses[key].count)[:MAX_PREPARED]
