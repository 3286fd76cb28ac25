"""Breaches of thresholds before and after a rehearsed load: those that would start, and those that would clear."""

from __future__ import annotations

from datetime import date, datetime

from service.loading.report import Breach, BreachChanges
from service.queries.moments import set_moment
from service.snapshots.snapshot import compute_kpis
from service.warehouse.database import Connection, read_rows, run_sql
from service.warehouse.definitions import Definitions

Breaches = dict[object, Breach]


def list_breaches(cursor: Connection, definitions: Definitions, as_of: date, now: datetime) -> Breaches:
    """Return the breaches by their identifying columns, with the KPIs that the next snapshot would compute.

    Runs in the transaction of the caller. To compare, call it again with a later `now`, so that its KPI values replace the
    earlier ones.
    """
    # After a snapshot of the same state they are recorded. To compute them takes a quarter of the time of a preview.
    (is_recorded,) = run_sql(cursor, "load/is_snapshot_current", as_of=as_of).fetchone() or (False,)
    if is_recorded:
        set_moment(cursor, as_of.isoformat())
    else:
        compute_kpis(cursor, definitions.kpis, as_of)
        run_sql(cursor, "snapshot/store_kpis", computed_at=now)
    breaches = [Breach(**row) for row in read_rows(run_sql(cursor, "load/list_breaches"))]
    return {
        (breach.metric, breach.mission, tuple(breach.dimensions.items()), breach.comparison, breach.severity): breach
        for breach in breaches
    }


def compare_breaches(before: Breaches, after: Breaches) -> BreachChanges:
    """Return what changed between two results of `list_breaches`."""
    return BreachChanges(
        tuple(breach for key, breach in after.items() if key not in before),
        tuple(breach for key, breach in before.items() if key not in after),
    )
