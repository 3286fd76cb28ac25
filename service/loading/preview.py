"""Previews of loads: batches, and breaches that would start or end, computed in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from service.loading.digest import compute_digest
from service.loading.load import append_staged, open_staging, stage_files, watch_progress
from service.loading.report import Batch, Breach, Finding, Preview
from service.loading.request import LoadRequest
from service.loading.warnings import skip_failed_rules
from service.rounds.checks import find_findings
from service.snapshots.snapshot import compute_kpis, find_as_of_date
from service.system.progress import Progress, ignore_progress
from service.system.time_limit import watch_session
from service.warehouse.database import Connection, Warehouse, read_clock, read_rows, run_sql
from service.warehouse.definitions import Definitions

PREVIEWED_BY = "preview"


@dataclass(frozen=True)
class _Rehearsal:
    """The results of a rehearsed load: batches by the ordinals of the files, and the breaches before and after it."""

    batches: dict[int, Batch]
    before: dict[object, Breach]
    after: dict[object, Breach]
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
    with open_staging(warehouse) as cursor:
        known = stage_files(cursor, request, False, progress)
        if all(known):
            return Preview(tuple(batch for batch in known if batch), (), (), compute_digest(cursor, known))
        now = clock()
        as_of = find_as_of_date(now)

        def rehearse(skipped_rules: frozenset[str]) -> _Rehearsal:
            with warehouse.rehearse(cursor), watch_session(cursor):
                before = _list_breaches(cursor, definitions, as_of, now)
                appended = append_staged(cursor, previewed, False, clock, skipped_rules)
                # Later than the first computation, so that these values replace the earlier ones.
                after = _list_breaches(cursor, definitions, as_of, now + timedelta(microseconds=1))
                findings = find_findings(cursor, definitions.relations, skipped_rules)
                return _Rehearsal(appended, before, after, compute_digest(cursor, known), findings)

        with watch_progress(cursor, "comparing breaches", progress):
            rehearsed = skip_failed_rules(rehearse)
    appended, before, after = rehearsed.batches, rehearsed.before, rehearsed.after
    batches = (batch or replace(appended[ordinal], batch_id=None, is_preview=True) for ordinal, batch in enumerate(known))
    return Preview(
        tuple(batches),
        tuple(breach for key, breach in after.items() if key not in before),
        tuple(breach for key, breach in before.items() if key not in after),
        rehearsed.digest,
        rehearsed.findings,
    )


def _list_breaches(cursor: Connection, definitions: Definitions, as_of: date, now: datetime) -> dict[object, Breach]:
    """Compute the KPIs as the next snapshot would. Return the breaches by their identifying columns."""
    compute_kpis(cursor, definitions.kpis, as_of)
    run_sql(cursor, "snapshot/store_kpis", computed_at=now)
    breaches = [Breach(**row) for row in read_rows(run_sql(cursor, "load/list_breaches"))]
    return {
        (breach.metric, breach.mission, tuple(breach.dimensions.items()), breach.comparison, breach.severity): breach
        for breach in breaches
    }
