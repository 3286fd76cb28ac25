"""Verification of a warehouse file: reads every block and compares counts, digests and revisions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from service.settings import find_in_tree
from service.system.progress import Progress, ignore_progress
from service.warehouse.connection import open_copy
from service.warehouse.database import Connection, read_sql
from service.warehouse.manifest import list_tables

MAX_SHOWN_FAULTS = 20
# The table or macro that a check reads and that a warehouse of an earlier release does not have. It is then skipped: the next
# start adds it.
ADDED_BY_UPGRADES = {
    "batch_digests": "digest_batches",
    "event_digests": "digest_event_batches",
    "event_revisions": "events",
    "events_of_unknown_batches": "event_batches",
}


@dataclass(frozen=True)
class Verification:
    """The counts of a warehouse, and each fault in one sentence. Without faults it is complete."""

    tables: int
    rows: int
    batches: int
    observations: int
    revisions: int
    faults: tuple[str, ...]

    def __str__(self) -> str:
        read = f"{self.rows:,} rows of {self.tables} tables read"
        counts = f"{self.batches:,} batches, {self.observations:,} observations, {self.revisions:,} of them revisions"
        return f"{read}; {counts}"


def verify_file(file: Path, progress: Progress = ignore_progress) -> Verification:
    """Return the verification of a warehouse file that no other process has open.

    Raises WarehouseError when the file cannot be opened, WarehouseLocked when a service has it open.
    """
    with open_copy(file) as connection:
        return verify_connection(connection, progress)


def verify_connection(connection: Connection, progress: Progress = ignore_progress) -> Verification:
    """Read every column of every table, run the queries of sql/checks/warehouse, and return the result.

    DuckDB compares the checksum of each block that it reads from disk.
    """
    faults: list[str] = []
    rows = 0
    names = list_tables(connection)
    if "migrations" not in names:
        return Verification(len(names), 0, 0, 0, 0, ("the file is a DuckDB database but not an A4P+ warehouse",))
    for position, name in enumerate(names):
        progress(f"reading {name}", position / len(names))
        try:
            counted = connection.execute(f'select count(*), bit_xor(hash(t)) from store."{name}" as t').fetchone()
            rows += counted[0] if counted else 0
        except duckdb.Error as error:
            faults.append(f"table {name} cannot be read: {str(error).splitlines()[0]}")
    if faults:
        return Verification(len(names), rows, 0, 0, 0, tuple(faults))
    macros = connection.execute("select function_name from duckdb_functions() where schema_name = 'store'").fetchall()
    known = {*names, *(name for (name,) in macros)}
    for check in sorted((find_in_tree("sql") / "checks" / "warehouse").glob("*.sql")):
        progress(f"checking {check.stem.replace('_', ' ')}", None)
        if (needed := ADDED_BY_UPGRADES.get(check.stem)) and needed not in known:
            continue
        found = connection.execute(read_sql(f"checks/warehouse/{check.stem}")).fetchmany(MAX_SHOWN_FAULTS)
        faults += [fault for (fault,) in found]
    (batches,) = connection.execute("select count(*) from store.batches").fetchone() or (0,)
    observations, revisions = connection.execute(
        "select count(*), coalesce((select sum(revisions) from store.batches), 0)::bigint from store.observations"
    ).fetchone() or (0, 0)
    return Verification(len(names), rows, batches, observations, revisions, tuple(faults))
