"""The read copy as the service itself reads it: what pages and the API answer from, whole and of one snapshot."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path

import duckdb

from service.errors import WarehouseError
from service.queries.moments import set_moment
from service.settings import MAX_TEMP_BYTES
from service.system.time_limit import watch_session
from service.warehouse.database import DUCKDB_CONFIG, Connection

_numbers = count()


@dataclass(frozen=True)
class SnapshotInfo:
    """Which snapshot a read copy holds: `a4p_snapshot_info{id}` of /metrics and the view `snapshot_info`."""

    snapshot_id: int
    as_of: date
    made_at: datetime
    batch_id: int
    series_count: int


class ReadCopy:
    """One published copy, open for reading for as long as anybody holds it; a newer one is another object.

    Raises WarehouseError when the file cannot be opened or holds no snapshot.
    """

    def __init__(self, file: Path, threads: int, memory_limit: str, max_temp_bytes: int = MAX_TEMP_BYTES) -> None:
        try:
            # Within a process DuckDB knows a database by its path, and would give the replaced file for the same path.
            with _name_anew(file) as own_name:
                self._connection = duckdb.connect(
                    str(own_name),
                    read_only=True,
                    config={
                        **DUCKDB_CONFIG,
                        "threads": str(threads),
                        "memory_limit": memory_limit,
                        "temp_directory": str(file.parent / "tmp"),
                    },
                )
            self._connection.execute("set global TimeZone = 'UTC'")
            # DuckDB 1.5.5 ignores this limit in `config`.
            self._connection.execute(f"set global max_temp_directory_size = '{max_temp_bytes}B'")
            row = self._connection.execute(
                "select snapshot_id, as_of, made_at, batch_id, series_count from snapshot_info"
            ).fetchone()
        except (duckdb.Error, OSError) as error:
            raise WarehouseError(f"the read copy {file} cannot be opened: {str(error).splitlines()[0]}") from None
        if row is None:
            raise WarehouseError(f"the read copy {file} holds no snapshot yet")
        self.info = SnapshotInfo(*row)

    @contextmanager
    def ask(self, as_of: date | None = None, known_at: datetime | None = None) -> Iterator[Connection]:
        """Give a session on the copy, as of the date of its snapshot and known now unless told otherwise.

        Raises TimeLimitPassed when the time limit of this thread passes.
        """
        with self._connection.cursor() as session, watch_session(session):
            set_moment(session, (as_of or self.info.as_of).isoformat(), known_at.isoformat() if known_at else None)
            yield session


@contextmanager
def _name_anew(file: Path) -> Iterator[Path]:
    """Give a second name of a file, which is removed again: a hard link beside it, or elsewhere where that is not possible."""
    own_name = file.with_name(f"{file.name}.{os.getpid()}.{next(_numbers)}.tmp")
    try:
        # A service that was killed here may have had the same number: in a container it always has.
        own_name.unlink(missing_ok=True)
        os.link(file, own_name)
    except FileNotFoundError:
        raise
    except OSError:
        # The disk is full or read-only.
        with tempfile.TemporaryDirectory(prefix="a4p-") as directory:
            link = Path(directory) / f"{next(_numbers)}-{file.name}"
            link.symlink_to(file.resolve())
            yield link
        return
    try:
        yield own_name
    finally:
        own_name.unlink()
