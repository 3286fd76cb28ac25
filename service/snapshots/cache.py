"""The cache of current revisions and reports: brought up to date by the series that changed, before a snapshot reads it."""

from __future__ import annotations

from collections.abc import Set

from service.queries.moments import set_moment
from service.warehouse.database import Connection, Warehouse, run_sql
from service.warehouse.migrations import digest_views

# Observations of one part. All at once would take several times their memory.
PART_ROWS = 1_000_000
_CATALOGUE = {"store.catalogues", "store.indicators", "store.missions", "store.cycles", "store.cycle_rules"}
# The tables of a copy that have what pages show, in the order in which they are filled, and the tables that each is computed
# from. As they are of one date, a table need not be computed again while none of those changed.
SHOWN = {
    "cache.latest": {"cache.revisions", "store.series"},
    "cache.largest_changes": {"cache.latest", "store.series"} | _CATALOGUE,
    "cache.total_changes": {"cache.latest", "store.series"} | _CATALOGUE,
    "cache.kpi_values": {"cache.reports", "store.kpi_values", "store.kpis"},
    "cache.kpi_comparisons": {"cache.kpi_values", "store.kpi_changes"} | _CATALOGUE,
    "cache.breaches": {
        "cache.revisions", "cache.kpi_values", "store.series", "store.kpis", "store.thresholds",
    } | _CATALOGUE,
}  # fmt: skip


def refresh_cache(warehouse: Warehouse) -> None:
    """Bring the cache up to date with what is committed.

    Only series with new observations are computed; all series after a change of the catalogue or of the views.
    """
    with warehouse.cursor() as cursor:
        if is_complete(cursor) and _is_of_these_views(cursor):
            return
    with warehouse.write_cache() as cursor:
        _refresh(cursor)


def is_complete(cursor: Connection) -> bool:
    """Return whether the cache includes every batch."""
    query = "select store.cached_batch() >= (select coalesce(max(batch_id), 0) from store.batches)"
    return cursor.execute(query).fetchone() == (True,)


def use_complete_cache(cursor: Connection) -> None:
    """Have a session with an open transaction, which sees no later batch, read the cache only, if it is complete."""
    if is_complete(cursor):
        cursor.execute("set variable cache_is_complete = true")


def mark_complete(session: Connection, copy: str) -> None:
    """Have an attached copy, which never changes, be read from its cache only, where that is complete.

    A backup of an earlier release has no cache.
    """
    query = "select 1 from duckdb_tables() where database_name = ? and schema_name = 'cache' and table_name = 'states'"
    if session.execute(query, [copy]).fetchone() is None:
        return
    newest = f"select max(batch_id) from {copy}"
    if session.execute(f"select ({newest}.cache.states) >= ({newest}.store.batches)").fetchone() == (True,):
        session.execute(f"create or replace macro {copy}.store.is_complete() as true")


def store_shown(session: Connection, changed: Set[str] | None = None) -> None:
    """Store what pages show in the attached copy `published`, as of its newest snapshot, if the cache is complete.

    These are the current values, their largest changes and totals, KPI values and breaches. The other tables of the copy must
    be complete. `changed` are those that changed since these tables were stored, with the series in the temporary table
    `copied_series`; everything is stored if it is None.
    """
    snapshot = session.execute("select max_by(as_of, snapshot_id) from published.store.snapshots").fetchone()
    if snapshot is None or snapshot[0] is None or not is_complete(session):
        return
    as_of = snapshot[0].isoformat()
    stored = find_outdated(changed)
    if changed is None:
        session.execute("create or replace temp table copied_series as select series_id from store.series")
    if "cache.latest" in stored:
        run_sql(session, "snapshot/store_latest", as_of=as_of)
    session.execute(f"create or replace macro published.store.stored_as_of() as date '{as_of}'")
    warehouse = name_database(session)
    # Views and macros read the tables of the current database.
    session.execute("use published")
    set_moment(session, as_of)
    for table in stored:
        if table != "cache.latest":
            run_sql(session, f"snapshot/{table.replace('cache.', 'store_')}")
    session.execute(f"use {quote_name(warehouse)}")
    session.execute("drop table copied_series")


def find_outdated(changed: Set[str] | None) -> list[str]:
    """Return the tables of SHOWN to store again, in this order, if these tables changed; all if it is None."""
    outdated: list[str] = []
    for table, read in SHOWN.items():
        if changed is None or read & {*changed, *outdated}:
            outdated.append(table)
    return outdated


def name_database(session: Connection) -> str:
    """Return the name of the current database of a session."""
    (name,) = session.execute("select current_database()").fetchone() or ("",)
    return str(name)


def quote_name(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _is_of_these_views(cursor: Connection) -> bool:
    return cursor.execute("select digest = ? from cache.states", [digest_views()]).fetchone() == (True,)


def _refresh(cursor: Connection) -> None:
    if not _is_of_these_views(cursor):
        for table in ("states", "revisions", "reports"):
            cursor.execute(f"delete from cache.{table}")
    changed, first, last, rows = run_sql(cursor, "snapshot/find_changed").fetchone() or (0, 0, 0, 0)
    if changed:
        cursor.execute("delete from cache.revisions where series_id in (from changed_series)")
        step = max(1, (last - first + 1) * PART_ROWS // max(1, rows))
        for start in range(first, last + 1, step):
            run_sql(cursor, "snapshot/cache_part", first=start, last=start + step - 1)
    run_sql(cursor, "snapshot/cache_reports", digest=digest_views())
