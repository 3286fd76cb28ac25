"""Copies made from an earlier copy: the file is copied, and only rows that the warehouse has since are written to it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import duckdb

from service.snapshots.cache import SHOWN, is_complete, name_database, quote_name, store_shown
from service.system.atomic_file import replace_file
from service.warehouse.connection import UNLOGGED_OPTIONS
from service.warehouse.database import Connection, run_sql

log = logging.getLogger(__name__)

# Large tables whose rows have increasing numbers, and are added with all rows of one number at a time.
NUMBERED = {
    "store.observations": "batch_id",
    "store.events": "batch_id",
    "store.event_faults": "batch_id",
    "store.load_warnings": "batch_id",
    "store.series": "series_id",
}
# Those that are not append-only are brought up to date by the series that changed.
CACHED = frozenset({"cache.revisions", "cache.reports", "cache.states"})


class NotComparable(Exception):
    """The earlier copy cannot be brought up to date. The message has the reason."""


def copy_difference(session: Connection, earlier: Path, target: Path) -> bool:
    """Copy an earlier copy to `target` and bring it up to date. Return whether that was possible.

    Raises OSError when `target` cannot be written.
    """
    name = name_database(session)
    try:
        # A name of its own, which DuckDB may still know when a complete copy is made instead.
        with replace_file(target) as copy:
            shutil.copyfile(earlier, copy)
            _bring_up_to_date(session, name, copy)
    except FileNotFoundError:
        return False
    except (NotComparable, duckdb.Error) as reason:
        log.info("the copy is made completely: %s", str(reason).splitlines()[0])
        return False
    return True


def _bring_up_to_date(session: Connection, name: str, copy: Path) -> None:
    quoted_copy = str(copy).replace("'", "''")
    session.execute("detach database if exists published")
    session.execute(f"attach '{quoted_copy}' as published ({UNLOGGED_OPTIONS})")
    try:
        session.begin()
        _write_difference(session, name)
        session.commit()
        session.execute("checkpoint published")
    finally:
        with suppress(duckdb.Error):
            session.rollback()
        session.execute(f"use {quote_name(name)}")
        session.execute("detach database if exists published")


def _write_difference(session: Connection, name: str) -> None:
    """Bring the attached copy `published` up to date with the database of this name. Raises NotComparable."""
    warehouse = quote_name(name)
    if not is_complete(session):
        raise NotComparable("the cache does not include every batch")
    if session.execute("select is_comparable from (" + _read_comparison(warehouse) + ")").fetchone() != (True,):
        raise NotComparable("the earlier copy is of another day, catalogue, release or warehouse")
    tables = _count_rows(session, name)
    before = _count_rows(session, "published")
    if tables.keys() != before.keys():
        raise NotComparable("the earlier copy has other tables")
    run_sql(session, "snapshot/copy_cache")
    # Other tables are append-only, so the same number of rows are the same rows.
    changed = {table for table, count in tables.items() if table not in CACHED | SHOWN.keys() and count != before[table]}
    for table in changed:
        condition = "true"
        if table in NUMBERED:
            number = NUMBERED[table]
            condition = f"{number} > (select coalesce(max({number}), 0) from published.{table})"
        else:
            session.execute(f"delete from published.{table}")
        session.execute(f"insert into published.{table} by name select * from {warehouse}.{table} where {condition}")
    # The cache follows the batches.
    store_shown(session, changed | CACHED if "store.batches" in changed else changed)
    for table, count in _count_rows(session, "published").items():
        if table not in SHOWN and count != tables[table]:
            raise NotComparable(f"{table} would have {count} rows instead of {tables[table]}")


def _read_comparison(warehouse: str) -> str:
    """Return the SQL of whether the earlier copy is of today, the same catalogue, release and warehouse."""
    return f"""
        select
            published.store.stored_as_of() = (select max_by(as_of, snapshot_id) from {warehouse}.store.snapshots)
            and (select max_by((snapshot_id, made_at), snapshot_id) from published.store.snapshots)
                in (select (snapshot_id, made_at) from {warehouse}.store.snapshots)
            and (select max_by((catalogue_version, recorded_at), catalogue_version) from published.store.catalogues)
                = (select max_by((catalogue_version, recorded_at), catalogue_version) from {warehouse}.store.catalogues)
            and (select max(version) from published.store.migrations) = (select max(version) from {warehouse}.store.migrations)
            and (select max_by((batch_id, recorded_at), batch_id) from published.store.batches)
                in (select (batch_id, recorded_at) from {warehouse}.store.batches)
            and (select max(digest) from published.cache.states) = (select max(digest) from {warehouse}.cache.states)
            and (select max(batch_id) from published.cache.states) = (select max(batch_id) from published.store.batches)
            as is_comparable
    """


def _count_rows(session: Connection, database: str) -> Mapping[str, int]:
    """Return the number of rows of every table of a database, by name with schema."""
    names = session.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = ? and not temporary order by all",
        [database],
    ).fetchall()
    counts = " union all ".join(f"select '{table}', count(*) from {quote_name(database)}.{table}" for (table,) in names)
    return dict(session.execute(counts).fetchall())
