"""Moving an embedded warehouse with every revision to a new lake: in parts, continued after an interruption, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.errors import LakeError, WarehouseError
from service.lake.address import LakeAddress
from service.lake.engine import LakeEngine
from service.lake.locks import Session, hold_write_lock
from service.lake.store import MIGRATIONS, LakeStore, Tables, count_each, digest_rows, list_tables
from service.lake.warehouse import spool_rows
from service.system.progress import Progress, ignore_progress
from service.warehouse.connection import Resources, check_not_held, open_copy
from service.warehouse.database import Connection
from service.warehouse.migrations import is_migrated
from service.warehouse.opening import prepare_directory

# Rows of one lake snapshot. After an interruption at most this many are sent again.
PART_ROWS = 1_000_000


@dataclass(frozen=True)
class Moved:
    """The tables and rows of a moved warehouse; `sent` rows of them were not in the lake before."""

    tables: int
    rows: int
    sent: int


@contextmanager
def open_store(address: LakeAddress, resources: Resources) -> Iterator[LakeStore]:
    """Yield the tables of a lake, with the lock of the writer. Raises LakeUnavailable."""
    prepare_directory(resources.temp_directory)
    with closing(Session(address)) as session, closing(LakeEngine(address, resources)) as engine, hold_write_lock(session):
        yield LakeStore(engine)


def move_warehouse(
    file: Path,
    address: LakeAddress,
    resources: Resources,
    progress: Progress = ignore_progress,
    complete: Callable[[], object] = lambda: None,
) -> Moved:
    """Copy all rows of a warehouse that no process has open to a new lake, and compare both.

    A lake that an earlier call filled in part is continued. `complete` is called before the last step. Other replicas can open
    it when all rows are there and compared.
    Raises LakeError when the lake has other content, LakeUnavailable when a server fails, WarehouseLocked and WarehouseError as
    `open_copy` does.
    """
    check_not_held(file)
    with open_copy(file) as local:
        if not is_migrated(local):
            raise WarehouseError(f"{file} is of another release; start this one once with it ('a4p serve'), then move it")
        tables = list_tables(local)
        with open_store(address, resources) as store:
            if store.find_version():
                raise LakeError(f"the lake ({address}) has a warehouse already; name an empty database")
            store.create_tables(tables)
            present = store.count(tables)
            total = count_each(local, tables)
            if any(present[name] > total[name] for name in tables):
                raise LakeError(f"the lake ({address}) was filled from another warehouse; name an empty database")
            shared = [name for name in tables if name != MIGRATIONS]
            for position, name in enumerate(shared):
                progress(f"moving {name}", position / len(shared))
                _send(local, store, name, present[name], total[name])
            _compare(local, store, {name: tables[name] for name in shared}, progress)
            complete()
            # Last: without these rows the lake is incomplete.
            _send(local, store, MIGRATIONS, 0, total[MIGRATIONS])
    return Moved(len(tables), sum(total.values()), sum(total.values()) - sum(present.values()))


def _send(local: Connection, store: LakeStore, table: str, first: int, total: int) -> None:
    with tempfile.TemporaryDirectory(prefix="lake-", dir=store.engine.resources.temp_directory) as folder:
        file = Path(folder) / f"{table}.parquet"
        for start in range(first, total, PART_ROWS):
            end = min(total, start + PART_ROWS)
            spool_rows(local, table, start, file, end - start, end)
            store.append({table: file})


def _compare(local: Connection, store: LakeStore, tables: Tables, progress: Progress) -> None:
    for name, columns in tables.items():
        progress(f"comparing {name}", None)
        if digest_rows(local, name, columns) != store.digest(name, columns):
            raise LakeError(
                f"the rows of {name} in the lake ({store.engine.address}) differ from those of the warehouse; name an empty "
                "database and move it again"
            )
