"""Migrations of the warehouse and its views."""

from __future__ import annotations

import hashlib
import re
from functools import cache

import duckdb

from service.errors import WarehouseError
from service.settings import find_in_tree
from service.warehouse.database import Connection, Warehouse, read_clock, read_sql, run_sql

# The digest of all views is at the end of the comment of one of them: a release that creates the views again removes it.
READ_VIEWS_DIGEST = (
    "select comment, (select max(version) from store.migrations) from duckdb_views() "
    "where schema_name = 'store' and view_name = 'newest_kpis' and database_name = current_database()"
)


def list_migrations() -> list[tuple[int, str]]:
    """Return number and name of each migration of this release, in order."""
    files = sorted((find_in_tree("sql") / "migrations").glob("*.sql"))
    return [(int(file.stem.split("_")[0]), file.stem) for file in files]


def migrate(warehouse: Warehouse, last: int | None = None) -> None:
    """Apply the pending migrations, and create the views again when they differ from those of this release.

    With `last`, apply those up to this number, and create no views unless it is the newest.

    Raises WarehouseError when the warehouse has a migration that this version does not know, or belongs to another program.
    """
    with warehouse.cursor() as cursor:
        if is_migrated(cursor):
            return
    with warehouse.write() as cursor:
        tables = set(
            cursor.execute(
                "select schema_name, table_name from duckdb_tables() "
                "union all select schema_name, view_name from duckdb_views() where not internal"
            ).fetchall()
        )
        if tables and ("store", "migrations") not in tables:
            raise WarehouseError(
                f"{warehouse.file} is a DuckDB database but not an A4P+ warehouse; set A4P_DATA_DIR to another directory"
            )
        run_sql(cursor, "definitions/prepare_migrations")
        applied = {version for (version,) in cursor.execute("select version from store.migrations").fetchall()}
        version = max(applied, default=0)
        known = list_migrations()
        if version > known[-1][0]:
            raise WarehouseError(
                f"{warehouse.file} was created by a newer version of this service (its tables are version {version}, "
                f"this version supports {known[-1][0]}); upgrade the service, or set A4P_DATA_DIR to another directory"
            )
        for number, name in known:
            if number not in applied and (last is None or number <= last):
                run_sql(cursor, f"migrations/{name}")
                cursor.execute("insert into store.migrations values (?, ?, ?)", [number, name, read_clock()])
    if last is not None and last < known[-1][0]:
        return
    with warehouse.write() as cursor:
        for name in list_sql("views"):
            run_sql(cursor, name)
        make_reconciliation(cursor)
        for (statement,) in run_sql(cursor, "schema/list_column_comments").fetchall():
            cursor.execute(statement)
        ((comment, _),) = cursor.execute(READ_VIEWS_DIGEST).fetchall()
        cursor.execute(f"comment on view store.newest_kpis is '{comment} {digest_views()}'")


def list_sql(folder: str) -> list[str]:
    """Return the names of the SQL files in a folder of `sql`, as `run_sql` takes them, in their order."""
    return [f"{folder}/{file.stem}" for file in sorted((find_in_tree("sql") / folder).glob("*.sql"))]


@cache
def digest_views() -> str:
    """Return a digest of the names of the migrations, of all SQL that creates views, and of the version of DuckDB."""
    names = [*list_sql("views"), *list_sql("checks/reconciliation"), *list_sql("definitions"), "schema/list_column_comments"]
    parts = [duckdb.__version__, *(name for _, name in list_migrations()), *map(read_sql, names)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_migrated(cursor: Connection) -> bool:
    """Return whether the warehouse has the tables and views of this release. Creating the views takes a quarter of a second."""
    try:
        stored = cursor.execute(READ_VIEWS_DIGEST).fetchone()
    except duckdb.CatalogException:  # no table of migrations
        return False
    # A copy that was restored has another definition of this macro (service/snapshots/cache.py).
    is_copy = cursor.execute(
        "select 1 from duckdb_functions() where schema_name = 'store' and function_name = 'is_complete' "
        "and database_name = current_database() and macro_definition not like '%getvariable%'"
    ).fetchone()
    return (
        is_copy is None
        and stored is not None
        and (stored[0] or "").endswith(digest_views())
        and stored[1] == list_migrations()[-1][0]
    )


def make_reconciliation(cursor: Connection) -> None:
    """Create the view `reconciliation`: the rows of every query in sql/checks/reconciliation."""
    queries = [f"({read_sql(name)})" for name in list_sql("checks/reconciliation")]
    compared = "\nunion all by name\n".join(f"select * from {query}" for query in queries)
    # All names of indicators, and other words: rows of further indicators do not change a comparison.
    words = ", ".join(sorted(set(re.findall(r"'\w+'", compared))))
    cursor.execute(
        f"""
        create or replace view reconciliation as
        select
            check_name, expected, computed, computed - expected as difference,
            abs(computed - expected) <= tolerance as agrees, note
        from (
            -- Only the series of the compared indicators: without them, some comparisons would read every observation.
            with compared_series as not materialized (
                select *
                from store.series
                where indicator in ({words})
            ),
            observations as materialized (
                select s.indicator, s.mission, s.dimensions, o.* exclude (series_id)
                from store.current_revisions as o
                join compared_series as s using (series_id)
            )
            {compared}
        )
        order by check_name
        """
    )
    run_sql(cursor, "definitions/comment_reconciliation")
