"""The warehouse of a replica: a local copy of the lake's base tables, into which each write and each pull appends."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from service.errors import LakeError, LakeUnavailable
from service.lake import locks
from service.lake.address import LakeAddress
from service.lake.engine import LakeEngine, quote
from service.lake.locks import Session, check_write_lock, find_head, hold_write_lock
from service.lake.store import MIGRATIONS, LakeStore, check_version, count_each, list_tables
from service.settings import MAX_TEMP_BYTES
from service.warehouse.connection import Resources
from service.warehouse.database import Connection, Warehouse, run_sql
from service.warehouse.migrations import list_migrations

log = logging.getLogger(__name__)

# A lake snapshot with rows of this table has what a snapshot of the service was made from.
SNAPSHOTS = "snapshots"
# How long a writer that has the lock waits for a pull of its replica. A publication takes longer.
COPYING_SECONDS = 1.0
# Rows of these are not in the text of a snapshot.
UNRELATED = {"alerts", "alert_acknowledgements", "job_runs", "silences"}


class LakeWarehouse(Warehouse):
    """A warehouse whose base tables are those of a lake.

    `write()` appends to the lake, then to the local file: a row is either in both, or will be pulled. Queries read the local
    file. Raises LakeUnavailable when PostgreSQL or the bucket cannot be reached, or another replica has written meanwhile;
    nothing is recorded then.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        file: Path,
        address: LakeAddress,
        resources: Resources,
        is_new: bool = False,
        accepted_at: datetime | None = None,
        max_temp_bytes: int = MAX_TEMP_BYTES,
    ) -> None:
        super().__init__(connect, file, is_new, accepted_at, max_temp_bytes)
        self.address = address
        self._resources = resources
        # Each has a connection to PostgreSQL: a writer that waits for its lock must not stop pulling.
        self.writing, self._following = Session(address), Session(address)
        self.store = LakeStore(LakeEngine(address, resources))
        self._turn = threading.Lock()
        self._copying = threading.Lock()
        # Tables with rows that are later than the newest snapshot of the service.
        self._later: set[str] = set()
        self.is_attached = False

    @contextmanager
    def write(self, session: Connection | None = None) -> Iterator[Connection]:
        """Open the write transaction, after the rows of other replicas were pulled. Its new rows are appended to the lake."""
        if not self.is_attached:
            with super().write(session) as cursor:
                yield cursor
            return
        with self._hold_both():
            head = self._pull(find_head(self.writing))
            with super().write(session) as cursor:
                tables = _list_shared(cursor)
                before = count_each(cursor, tables)
                yield cursor
                self._append(cursor, before, head)

    @contextmanager
    def _hold_both(self) -> Iterator[None]:
        """Hold the lock of the writer and the local copy. While this replica publishes, others have the lock."""
        while True:
            with self.hold_lock():
                if self._copying.acquire(timeout=COPYING_SECONDS):
                    try:
                        yield
                    finally:
                        self._copying.release()
                    return
            if not self._copying.acquire(timeout=locks.WAIT_SECONDS):
                raise LakeUnavailable(
                    f"this replica has been publishing a snapshot for {locks.WAIT_SECONDS} s; nothing was recorded, retry later"
                )
            self._copying.release()

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Hold the lock of the writer, of this process and among replicas."""
        with self._turn, hold_write_lock(self.writing):
            yield

    @contextmanager
    def write_cache(self) -> Iterator[Connection]:
        """Open a write transaction on tables that are computed, which every replica has for itself."""
        with super().write() as cursor:
            yield cursor

    def pull(self) -> None:
        """Append the rows that other replicas wrote, up to their newest snapshot; if there is none, all rows.

        So this replica has what the snapshot was made from, and no later rows. Call it again for these.
        """
        with self._copying:
            head, state = find_head(self._following), self.read_state()
            if head != state:
                inserted = self.store.list_inserted(state, head)
                published = [number for number, tables in (inserted or {}).items() if SNAPSHOTS in tables]
                self._pull(max(published, default=head))

    @contextmanager
    def freeze(self) -> Iterator[bool]:
        """Allow no writes meanwhile. Yield whether the rows are exactly those that the newest snapshot was made from."""
        with self._copying:
            yield not self._later - UNRELATED

    def find_newest_snapshot(self) -> int:
        """Return the number of the newest snapshot of the service that any replica made; 0 if there is none."""
        with self.cursor() as cursor:
            (newest,) = cursor.execute(f"select coalesce(max(snapshot_id), 0) from store.{SNAPSHOTS}").fetchone() or (0,)
        return int(newest)

    def pull_all(self) -> None:
        """Append all rows of the lake that are missing. The caller holds the lock."""
        with self._copying:
            self._pull(find_head(self.writing))

    def set_state(self, snapshot: int) -> None:
        """Record that the local copy is complete up to a lake snapshot."""
        with self.write_cache() as cursor:
            _set_state(cursor, snapshot)

    def read_state(self) -> int:
        """Return the lake snapshot that this replica is complete up to; -1 if this is unknown."""
        with self.cursor() as cursor:
            (state,) = cursor.execute("select coalesce(max(snapshot_id), -1) from replica.states").fetchone() or (-1,)
        return int(state)

    def close(self) -> None:
        super().close()
        self.writing.close()
        self._following.close()
        self.store.engine.close()

    def _pull(self, until: int) -> int:
        """Append the rows of the lake up to a lake snapshot. Return that."""
        state = self.read_state()
        if state == until:
            return until
        inserted = self.store.list_inserted(state, until) if state >= 0 else None
        if inserted is None:
            check_version(self.store.find_version() or 0, list_migrations()[-1][0])
        with self.cursor() as cursor:
            shared = _list_shared(cursor)
            tables = shared if inserted is None else [name for name in shared if name in set().union(*inserted.values())]
            present = count_each(cursor, tables)
        expected = self.store.count(tables, until)
        with self.spool() as folder, super().write() as cursor:
            for table in tables:
                if present[table] > expected[table]:
                    raise LakeError(
                        f"{self.file} has {present[table]:,} rows in {table}, the lake ({self.address}) has "
                        f"{expected[table]:,}: it is of another lake; set A4P_DATA_DIR to an empty directory"
                    )
                if present[table] < expected[table]:
                    file = folder / f"{table}.parquet"
                    self._read_missing(
                        table, present[table], expected[table], file, until, state if inserted is not None else None
                    )
                    cursor.execute(f'insert into store."{table}" by name select * from read_parquet({quote(str(file))})')
                    file.unlink()
            _set_state(cursor, until)
        for number in sorted(inserted or ()):
            self._note_later((inserted or {})[number])
        return until

    def _note_later(self, tables: set[str]) -> None:
        self._later = set() if SNAPSHOTS in tables else self._later | tables

    def _read_missing(self, table: str, present: int, expected: int, file: Path, until: int, after: int | None) -> None:
        """Write the rows of a table that this replica lacks to a Parquet file, and check their number."""
        found = 0
        # The added files first; if they do not have all rows, the whole table.
        for source in (after, None) if after is not None else (None,):
            found = self.store.read_after(table, present, file, until, source)
            if present + found == expected:
                return
        raise LakeError(
            f"the lake ({self.address}) has {found:,} rows of {table} after the first {present:,} of {expected:,}: its tables "
            "were changed by another program; restore PostgreSQL and the bucket"
        )

    def _append(self, cursor: Connection, before: Mapping[str, int], head: int) -> None:
        after = count_each(cursor, before)
        added = {table: rows for table, rows in before.items() if after[table] > rows}
        if not added:
            return
        with self.spool() as folder:
            files = {table: folder / f"{table}.parquet" for table in added}
            for table, rows in added.items():
                spool_rows(cursor, table, rows, files[table], after[table] - rows)
            # Before the commit, which a lost lock would not prevent: it would only fail if another replica has committed.
            check_write_lock(self.writing)
            _set_state(cursor, self.store.append(files, head))
        self._note_later(set(added))

    @contextmanager
    def spool(self) -> Iterator[Path]:
        """Yield a directory for Parquet files, which is deleted at the end."""
        folder = self.file.parent / "tmp"
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="lake-", dir=folder) as name:
            yield Path(name)


def spool_rows(cursor: Connection, table: str, first: int, file: Path, expected: int, last: int | None = None) -> None:
    """Write the rows of an append-only table from a row number on, also those not committed yet, to a Parquet file.

    Raises LakeError if there are not as many as expected: rows were deleted.
    """
    # Row numbers of an append-only table count from 0 without gaps; rows that are not committed have higher ones.
    condition = f"rowid >= {first}" if last is None else f"rowid >= {first} and rowid < {last}"
    (rows,) = cursor.execute(
        f'copy (select * from store."{table}" where {condition} order by rowid) to {quote(str(file))} (format parquet)'
    ).fetchone() or (0,)
    if rows != expected:
        raise LakeError(f"{rows:,} rows of {table} were found where {expected:,} are new; nothing was recorded")


def _list_shared(cursor: Connection) -> list[str]:
    return [name for name in list_tables(cursor) if name != MIGRATIONS]


def _set_state(cursor: Connection, snapshot: int) -> None:
    run_sql(cursor, "lake/prepare_state")
    cursor.execute("delete from replica.states")
    cursor.execute("insert into replica.states values (?)", [snapshot])
