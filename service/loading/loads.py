"""Loads and previews with the open warehouse: limited, cancelled, counted and published."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from service.errors import LoadError
from service.events.export import Export
from service.events.load import load_events, preview_events
from service.events.report import EventReport
from service.jobs.self_metrics import SelfMetrics
from service.loading.load import load_files
from service.loading.preview import preview_files
from service.loading.report import Batch, Preview
from service.loading.request import LoadRequest
from service.settings import Settings
from service.system.progress import Progress, ignore_progress
from service.system.time_limit import is_never_abandoned, limit_time
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions

SHIPPED_BY = "a4p"

IsCancelled = Callable[[], bool]


class Loads:
    """Loads files and exports into the warehouse that `get_warehouse` returns.

    `publish` publishes a change and returns the reasons why it is not visible everywhere yet.
    """

    def __init__(
        self,
        settings: Settings,
        definitions: Definitions,
        self_metrics: SelfMetrics,
        clock: Callable[[], datetime],
        get_warehouse: Callable[[], Warehouse],
        publish: Callable[[bool], tuple[str, ...]],
    ) -> None:
        self._settings = settings
        self._definitions = definitions
        self._self_metrics = self_metrics
        self._clock = clock
        self._get_warehouse = get_warehouse
        self._publish = publish

    def load(
        self, request: LoadRequest, progress: Progress = ignore_progress, is_cancelled: IsCancelled = is_never_abandoned
    ) -> list[Batch]:
        """Load files. Return a Batch for each. The next snapshot publishes the change.

        Raises LoadError, PreviewOutdated if the digest of the request differs, and ClientGone when `is_cancelled` returned
        true before the commit. Nothing is loaded then.
        """
        with limit_time(math.inf, is_cancelled), self._count_refusals():
            batches = load_files(self._get_warehouse(), self._limit_rows(request), progress, clock=self._clock)
        self._self_metrics.record_load(batches)
        return batches

    def load_and_publish(
        self,
        request: LoadRequest,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = is_never_abandoned,
        with_history: bool = True,
    ) -> list[Batch]:
        """Load files and publish the change. Raises as `load` does. A failed snapshot is a delay of each batch.

        A committed load is published even if it is cancelled afterwards.
        """
        batches = self.load(request, progress, is_cancelled)
        if all(batch.batch_id is None for batch in batches):
            return batches
        progress("making a snapshot", None)
        delays = self._publish(with_history)
        return [replace(batch, delays=delays) if batch.batch_id is not None else batch for batch in batches]

    def preview(
        self, request: LoadRequest, progress: Progress = ignore_progress, is_cancelled: IsCancelled = is_never_abandoned
    ) -> Preview:
        """Return the result that a load of these files would have. Nothing is recorded.

        Raises LoadError, and ClientGone when `is_cancelled` returned true.
        """
        with limit_time(math.inf, is_cancelled):
            return preview_files(self._get_warehouse(), self._definitions, self._limit_rows(request), progress, self._clock)

    def load_shipped(self) -> list[Batch]:
        """Load the observation files of the catalogue. An observation that was ever recorded is not recorded again."""
        files = self._definitions.observation_files
        if not files:
            return []
        request = LoadRequest(files=files, loaded_by=SHIPPED_BY, changes=0)
        return load_files(self._get_warehouse(), request, is_shipped=True, clock=self._clock)

    def load_events(
        self,
        export: Export,
        loaded_by: str,
        progress: Progress = ignore_progress,
        max_rows: int | None = None,
        is_cancelled: IsCancelled = is_never_abandoned,
    ) -> EventReport:
        """Load an export of a feed. The next snapshot publishes the change. Raises as `load` does."""
        limit = max_rows or self._settings.load_max_rows
        feeds = self._definitions.feeds
        with limit_time(math.inf, is_cancelled), self._count_refusals():
            report = load_events(self._get_warehouse(), feeds, export, loaded_by, progress, self._clock, limit)
        self._self_metrics.record_event_load(report.batch_id is not None)
        return report

    def preview_events(
        self,
        export: Export,
        progress: Progress = ignore_progress,
        max_rows: int | None = None,
        is_cancelled: IsCancelled = is_never_abandoned,
    ) -> EventReport:
        """Return what `load_events` would do. Nothing is recorded. Raises as `preview` does."""
        limit = max_rows or self._settings.load_max_rows
        with limit_time(math.inf, is_cancelled):
            return preview_events(self._get_warehouse(), self._definitions, export, progress, self._clock, limit)

    def _limit_rows(self, request: LoadRequest) -> LoadRequest:
        return request if request.max_rows else request.model_copy(update={"max_rows": self._settings.load_max_rows})

    @contextmanager
    def _count_refusals(self) -> Iterator[None]:
        try:
            yield
        except LoadError:
            self._self_metrics.record_refused_load()
            raise
