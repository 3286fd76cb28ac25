"""Reconciliation: comparisons of printed totals with their parts, recorded for each new batch or comparison."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache

from service.settings import find_in_tree
from service.warehouse.database import Connection, after_newest, read_sql, run_sql
from service.warehouse.migrations import list_sql


@cache
def digest_comparisons() -> str:
    """Return the SHA-256 of every query in sql/checks/reconciliation."""
    files = sorted((find_in_tree("sql") / "checks" / "reconciliation").glob("*.sql"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@cache
def _read_comparisons() -> str:
    return "\n".join(map(read_sql, list_sql("checks/reconciliation")))


def record_reconciliation(cursor: Connection, now: datetime) -> None:
    """Record the comparisons unless no batch since they were recorded can change them: on many rows they take seconds."""
    newest = cursor.execute(
        "select batch_id, digest from store.reconciliation_runs order by recorded_at desc limit 1"
    ).fetchone()
    if newest is None or newest[1] != digest_comparisons() or _has_compared(cursor, newest[0]):
        recorded_at = after_newest(cursor, "reconciliation_runs", "recorded_at", now)
        run_sql(cursor, "snapshot/store_reconciliation", digest=digest_comparisons(), now=recorded_at)


def _has_compared(cursor: Connection, batch_id: int) -> bool:
    """Return whether batches after this one have events, or observations of an indicator that a comparison names."""
    changed = run_sql(cursor, "snapshot/find_reconciled", batch_id=batch_id).fetchall()
    return any(indicator is None or f"'{indicator}'" in _read_comparisons() for (indicator,) in changed)
