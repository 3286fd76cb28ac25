"""The open read copy that pages and the API query: the complete state of one snapshot."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path

import duckdb

from service.errors import WarehouseError
from service.queries.moments import set_moment
from service.settings import MAX_TEMP_BYTES, Settings
from service.system.time_limit import watch_session
from service.warehouse.connection import Resources, connect
from service.warehouse.database import Connection, read_objects

_numbers = count()


@dataclass(frozen=True)
class SnapshotInfo:
    """The snapshot of a read copy: `a4p_snapshot_info{id}` of /metrics and the view `snapshot_info`."""

    snapshot_id: int
    as_of: date
    made_at: datetime
    batch_id: int
    series_count: int


class ReadCopy:
    """One published copy, open for reading while it is referenced. A newer copy is another object.

    Raises WarehouseError when the file cannot be opened or has no snapshot.
    """

    def __init__(self, file: Path, threads: int, memory_limit: str, max_temp_bytes: int = MAX_TEMP_BYTES) -> None:
        try:
            # Within a process DuckDB identifies a database by its path, and would return the replaced file for the same path.
            with _link_file(file) as link:
                self._connection = connect(link, Resources(threads, memory_limit, file.parent / "tmp", max_temp_bytes))
            snapshots = read_objects(self._connection.execute("from snapshot_info"), SnapshotInfo)
        except (duckdb.Error, OSError) as error:
            raise WarehouseError(f"the read copy {file} cannot be opened: {str(error).splitlines()[0]}") from None
        if not snapshots:
            raise WarehouseError(f"the read copy {file} has no snapshot yet")
        (self.info,) = snapshots
        # Higher than that of every copy that was opened before.
        self.number = next(_numbers)

    @contextmanager
    def open_session(self, as_of: date | None = None, known_at: datetime | None = None) -> Iterator[Connection]:
        """Yield a session on the copy. The defaults are the date of its snapshot and the current knowledge.

        Raises TimeLimitPassed when the time limit of this thread passes.
        """
        with self._connection.cursor() as session, watch_session(session):
            set_moment(session, (as_of or self.info.as_of).isoformat(), known_at.isoformat() if known_at else None)
            yield session


_used: ContextVar[ReadCopy | None] = ContextVar("copy", default=None)


@contextmanager
def use_copy(copy: ReadCopy) -> Iterator[None]:
    """Have pages read this copy, which is not shown yet, in this thread."""
    token = _used.set(copy)
    try:
        yield
    finally:
        _used.reset(token)


def find_copy() -> ReadCopy | None:
    """Return the copy of `use_copy`, None outside of it."""
    return _used.get()


def open_published(settings: Settings) -> ReadCopy:
    """Return the read copy of a data directory, with and without a running service. Raises WarehouseError."""
    file = settings.read_copy_file
    if not file.exists():
        raise WarehouseError(
            f"{file} does not exist; start the service once (a4p serve) or make a snapshot (a4p snapshot), "
            "or set --data-dir to another directory"
        )
    return ReadCopy(file, settings.threads, settings.memory_limit, settings.max_temp_size)


@contextmanager
def _link_file(file: Path) -> Iterator[Path]:
    """Yield a temporary hard link beside a file, or a symbolic link elsewhere if that is not possible."""
    hard_link = file.with_name(f"{file.name}.{os.getpid()}.{next(_numbers)}.tmp")
    try:
        # A service that was killed here may have had the same process id: in a container it always has.
        hard_link.unlink(missing_ok=True)
        os.link(file, hard_link)
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
        yield hard_link
    finally:
        hard_link.unlink()
