"""The base tables in the lake: created, appended to, counted, compared, and read since a lake snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb

from service.errors import LakeError, LakeUnavailable
from service.lake.engine import LakeEngine, quote
from service.warehouse.database import Connection, run_sql

# Its rows name the version of the tables. The last rows that are written to a new lake: without them it is incomplete.
MIGRATIONS = "migrations"
# Changes of a lake snapshot that leave the rows of other tables as they are.
HARMLESS_CHANGES = {"tables_inserted_into", "merge_adjacent"}
# Those through which DuckDB reaches the files of a lake.
FILE_SYSTEMS = "LocalFileSystem,S3FileSystem,HTTPFileSystem"


@dataclass(frozen=True)
class Column:
    """A column of a base table."""

    name: str
    kind: str
    is_nullable: bool


Tables = Mapping[str, Sequence[Column]]


def list_tables(cursor: Connection) -> dict[str, list[Column]]:
    """Return the base tables of an open warehouse with their columns."""
    tables: dict[str, list[Column]] = {}
    for table, name, kind, is_nullable in run_sql(cursor, "lake/list_columns").fetchall():
        tables.setdefault(table, []).append(Column(name, kind, is_nullable))
    return tables


def count_each(cursor: Connection, tables: Iterable[str], catalog: str = "", suffix: str = "") -> dict[str, int]:
    """Return the number of rows of each table of the schema `store`."""
    names = list(tables)
    counts = ", ".join(f'(select count(*) from {catalog}store."{name}"{suffix})' for name in names)
    row = cursor.execute(f"select {counts}").fetchone() if names else ()
    return dict(zip(names, row or (), strict=True))


def digest_rows(
    cursor: Connection, table: str, columns: Sequence[Column], catalog: str = "", first: int | None = None
) -> object:
    """Return the number of rows and a digest of all values of a table, or of its first rows, in any order."""
    listed = ", ".join(f'"{name}"' for name in sorted(column.name for column in columns))
    condition = "" if first is None else f" where rowid < {first}"
    return cursor.execute(
        f'select count(*), bit_xor(hash({listed})), sum(hash({listed}) % 1000000007) from {catalog}store."{table}"{condition}'
    ).fetchone()


class LakeStore:
    """The base tables of a lake, in `lake.store`. Each method raises LakeUnavailable when PostgreSQL or the bucket fails."""

    def __init__(self, engine: LakeEngine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self, writes_files: bool = False) -> Iterator[Connection]:
        """Yield a connection in a transaction, which sees one lake snapshot and is committed at the end.

        With `writes_files`, DuckLake writes files of data. It deletes them when the commit fails, although PostgreSQL may have
        committed without an answer; so it may not touch files any more. The next use opens another connection.
        """
        with self.engine.use() as connection:
            is_commit = False
            try:
                connection.begin()
                yield connection
                is_commit = True
                if writes_files:
                    connection.execute(f"set disabled_filesystems = '{FILE_SYSTEMS}'")
                connection.commit()
                if writes_files:
                    self.engine.close()
            except duckdb.Error as error:
                with suppress(duckdb.Error):
                    connection.rollback()
                raise self.engine.fail(error, is_commit) from None
            except BaseException:
                with suppress(duckdb.Error):
                    connection.rollback()
                raise

    def find_version(self) -> int | None:
        """Return the version of the tables; None without tables or before their first row, 0 while they are being filled."""
        with self.transaction() as lake:
            tables = lake.execute(
                "select table_name from duckdb_tables() where database_name = 'lake' and schema_name = 'store'"
            ).fetchall()
            if not tables:
                return None
            if (MIGRATIONS,) not in tables:
                return 0
            (version,) = lake.execute(f"select coalesce(max(version), 0) from lake.store.{MIGRATIONS}").fetchone() or (0,)
            if not version and not any(count_each(lake, [name for (name,) in tables], "lake.").values()):
                # A first start could not write to the bucket.
                return None
        return int(version)

    def create_tables(self, tables: Tables) -> None:
        """Create the tables of a new lake, those that do not exist yet."""
        with self.transaction() as lake:
            lake.execute("call lake.set_option('data_inlining_row_limit', 0)")
            lake.execute("create schema if not exists lake.store")
            for name, columns in tables.items():
                lake.execute(f'create table if not exists lake.store."{name}" ({_define(columns)})')

    def replace_tables(self, tables: Tables, files: Mapping[str, Path], expected_head: int | None = None) -> None:
        """Replace tables, whose shape or rows a release changed, by others with the rows of Parquet files.

        Raises LakeUnavailable as `append`.
        """
        with self.transaction(writes_files=True) as lake:
            _check_head(lake, expected_head)
            for name, columns in tables.items():
                lake.execute(f'drop table if exists lake.store."{name}"')
                lake.execute(f'create table lake.store."{name}" ({_define(columns)})')
                if name in files:
                    lake.execute(
                        f'insert into lake.store."{name}" by name select * from read_parquet({quote(str(files[name]))})'
                    )

    def append(self, files: Mapping[str, Path], expected_head: int | None = None) -> int:
        """Append the rows of Parquet files to tables, all in one lake snapshot. Return its number.

        Raises LakeUnavailable unless it directly follows the lake snapshot `expected_head`: another replica has committed.
        """
        with self.transaction() as lake:
            head = _check_head(lake, expected_head)
            for name, file in files.items():
                _insert(lake, name, file, self.engine.address.data)
        # A commit that does not directly follow its snapshot fails: there are no retries.
        return head + 1

    def count(self, tables: Iterable[str], snapshot: int | None = None) -> dict[str, int]:
        """Return the number of rows of each table, as of a lake snapshot or now."""
        suffix = "" if snapshot is None else f" at (version => {snapshot})"
        with self.transaction() as lake:
            return count_each(lake, tables, "lake.", suffix)

    def digest(self, table: str, columns: Sequence[Column], first: int | None = None) -> object:
        """Return `digest_rows` of a table."""
        with self.transaction() as lake:
            return digest_rows(lake, table, columns, "lake.", first)

    def list_inserted(self, after: int, until: int) -> dict[int, set[str]] | None:
        """Return the tables with new rows of each lake snapshot after `after`.

        None if this is unknown: a snapshot has expired, or tables were replaced.
        """
        with self.transaction() as lake:
            names = dict(lake.execute("select table_id::varchar, table_name from ducklake_table_info('lake')").fetchall())
            rows = lake.execute(
                "select snapshot_id, changes from lake.snapshots() where snapshot_id > ? and snapshot_id <= ?", [after, until]
            ).fetchall()
        if len(rows) != until - after or any(set(changes) - HARMLESS_CHANGES for _, changes in rows):
            return None
        return {
            number: {names[key] for key in changes.get("tables_inserted_into", ()) if key in names} for number, changes in rows
        }

    def read_after(self, table: str, rows: int, file: Path, snapshot: int, after: int | None) -> int:
        """Write the rows of a table after the first `rows`, as of a lake snapshot, to a Parquet file. Return how many.

        With `after`, only the files that were added since that lake snapshot are read.
        """
        source = f'lake.store."{table}" at (version => {snapshot})'
        if after is not None:
            source = f"ducklake_table_insertions('lake', 'store', {quote(table)}, {after + 1}, {snapshot})"
        query = f"select * from {source} where rowid >= {rows} order by rowid"
        with self.transaction() as lake:
            (written,) = lake.execute(f"copy ({query}) to {quote(str(file))} (format parquet)").fetchone() or (0,)
        return int(written)

    def compact(self) -> int:
        """Merge small files. Return how many there are less."""
        with self.transaction(writes_files=True) as lake:
            merged = lake.execute("call ducklake_merge_adjacent_files('lake')").fetchall()
        return sum(int(processed) - int(created) for _, _, processed, created in merged)

    def expire(self, days: float) -> tuple[int, int]:
        """Delete lake snapshots that are older, and files that nothing refers to. Return how many of each.

        Rows of current tables are never deleted. Files of a commit that is running are younger and remain.
        """
        age = f"older_than => now() - interval '{days * 86400:.0f} seconds'"
        with self.transaction() as lake:
            expired = lake.execute(f"call ducklake_expire_snapshots('lake', {age})").fetchall()
        with self.transaction() as lake:
            deleted = lake.execute(f"call ducklake_cleanup_old_files('lake', {age})").fetchall()
            deleted += lake.execute(f"call ducklake_delete_orphaned_files('lake', {age})").fetchall()
        return len(expired), len(deleted)


def check_version(version: int, known: int) -> None:
    """Raise LakeError when the tables of a lake are incomplete, or of a newer release."""
    if version == 0:
        raise LakeError("the lake is incomplete: 'a4p migrate --to' was interrupted; run it again to complete it")
    if version > known:
        raise LakeError(
            f"the lake was changed by a newer version of this service (its tables are version {version}, this version supports "
            f"{known}); upgrade this replica"
        )


def _check_head(lake: Connection, expected: int | None) -> int:
    """Return the number of the newest lake snapshot. Raises LakeUnavailable if another one is expected."""
    (head,) = lake.execute("from lake.current_snapshot()").fetchone() or (0,)
    if expected is not None and head != expected:
        raise LakeUnavailable("another replica wrote to the lake at the same time; nothing was recorded, retry")
    return int(head)


def _define(columns: Sequence[Column]) -> str:
    return ", ".join(f'"{column.name}" {column.kind}{"" if column.is_nullable else " not null"}' for column in columns)


def _insert(lake: Connection, table: str, file: Path, data: str) -> None:
    """Append the rows of a Parquet file to a table.

    The file is copied and then added, as DuckLake deletes those that it has written itself when a commit is not answered
    (`transaction`). One that is not committed remains until `expire` finds it.
    """
    folder = f"{data}/store/{table}"
    if "://" not in data:
        Path(folder).mkdir(parents=True, exist_ok=True)
    target = quote(f"{folder}/a4p-{uuid4()}.parquet")
    lake.execute(f"copy (from read_parquet({quote(str(file))})) to {target} (format parquet)")
    lake.execute(f"call ducklake_add_data_files('lake', {quote(table)}, {target}, schema => 'store')")
