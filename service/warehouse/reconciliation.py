"""Reconciliation: comparisons of printed totals with their parts, recorded for each new batch or comparison."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache

from service.settings import find_in_tree
from service.warehouse.database import Connection, after_newest, run_sql


@cache
def digest_comparisons() -> str:
    """Return the SHA-256 of every query in sql/checks/reconciliation."""
    files = sorted((find_in_tree("sql") / "checks" / "reconciliation").glob("*.sql"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def record_reconciliation(cursor: Connection, now: datetime) -> None:
    """Record the comparisons unless they were recorded for the newest batch: on many rows they take seconds."""
    newest = cursor.execute(
        "select r.batch_id = (select coalesce(max(batch_id), 0) from store.batches) and r.digest = ? "
        "from store.reconciliation_runs as r order by r.recorded_at desc limit 1",
        [digest_comparisons()],
    ).fetchone()
    if newest != (True,):
        recorded_at = after_newest(cursor, "reconciliation_runs", "recorded_at", now)
        run_sql(cursor, "snapshot/store_reconciliation", digest=digest_comparisons(), now=recorded_at)
