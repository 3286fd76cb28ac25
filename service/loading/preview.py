"""Previews of loads: batches, and breaches that would start or end, computed in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.loading.breaches import compare_breaches, list_breaches
from service.loading.digest import compute_digest
from service.loading.load import append_staged, open_staging, stage_files, watch_progress
from service.loading.report import Batch, BreachChanges, Finding, Preview
from service.loading.request import LoadRequest
from service.loading.warnings import skip_failed_rules
from service.rounds.checks import find_findings
from service.snapshots.snapshot import find_as_of_date
from service.system.progress import Progress, ignore_progress
from service.system.time_limit import watch_session
from service.warehouse.database import Warehouse, read_clock
from service.warehouse.definitions import Definitions

PREVIEWED_BY = "preview"


@dataclass(frozen=True)
class _Rehearsal:
    """The results of a rehearsed load: batches by the ordinals of the files, and the breaches that change."""

    batches: dict[int, Batch]
    breaches: BreachChanges
    digest: str
    findings: tuple[Finding, ...]


def preview_files(
    warehouse: Warehouse,
    definitions: Definitions,
    request: LoadRequest,
    progress: Progress = ignore_progress,
    clock: Callable[[], datetime] = read_clock,
) -> Preview:
    """Return what `load_files` would do with these files. The warehouse is not changed.

    Breaches are those of the next snapshot, computed KPIs included. Raises LoadError as `load_files` does.
    """
    previewed = request.model_copy(update={"loaded_by": PREVIEWED_BY})
    with open_staging(warehouse, request.files) as cursor:
        known = stage_files(cursor, request, False, progress)
        if all(known):
            return Preview(tuple(batch for batch in known if batch), (), (), compute_digest(cursor, known))
        now = clock()
        as_of = find_as_of_date(now)

        def rehearse(skipped_rules: frozenset[str]) -> _Rehearsal:
            with warehouse.rehearse(cursor), watch_session(cursor):
                before = list_breaches(cursor, definitions, as_of, now)
                appended = append_staged(cursor, previewed, False, clock, skipped_rules)
                after = list_breaches(cursor, definitions, as_of, now + timedelta(microseconds=1))
                findings = find_findings(cursor, definitions.relations, skipped_rules)
                return _Rehearsal(appended, compare_breaches(before, after), compute_digest(cursor, known), findings)

        with watch_progress(cursor, "comparing breaches", progress):
            rehearsed = skip_failed_rules(rehearse)
    batches = (
        batch or replace(rehearsed.batches[ordinal], batch_id=None, is_preview=True) for ordinal, batch in enumerate(known)
    )
    return Preview(
        tuple(batches),
        rehearsed.breaches.started,
        rehearsed.breaches.cleared,
        rehearsed.digest,
        rehearsed.findings,
    )
