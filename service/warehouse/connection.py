"""Connections to DuckDB files: one way to open them for writing, one for reading, and the errors of both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from service.errors import WarehouseError, WarehouseLocked
from service.system.disk import translate_write_error

STORAGE_VERSION = "v1.5.0"
# Of an attached file that is made again if filling it fails, so that it needs no log.
UNLOGGED_OPTIONS = f"storage_version '{STORAGE_VERSION}', recovery_mode 'no_wal_writes'"
SERVICE_CONFIG = {
    "storage_compatibility_version": STORAGE_VERSION,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
# With replacements, a variable of the program is a table of its SQL.
READING_CONFIG = {"python_enable_replacements": "false"}


@dataclass(frozen=True)
class Resources:
    """What DuckDB may use: threads, memory such as "4GB", and temporary files in a directory."""

    threads: int
    memory_limit: str
    temp_directory: Path
    max_temp_bytes: int


def connect(file: Path, resources: Resources | None = None, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file. Raises duckdb.Error.

    The service limits the resources and loads no extensions; commands that read use the defaults of DuckDB.
    """
    config: dict[str, Any] = READING_CONFIG
    if resources is not None:
        config = {
            **SERVICE_CONFIG,
            "threads": str(resources.threads),
            "memory_limit": resources.memory_limit,
            "temp_directory": str(resources.temp_directory),
        }
    connection = duckdb.connect(str(file), read_only=read_only, config=config)
    connection.execute("set global TimeZone = 'UTC'")
    if resources is not None:
        # DuckDB 1.5.5 ignores this limit in `config`.
        connection.execute(f"set global max_temp_directory_size = '{resources.max_temp_bytes}B'")
    return connection


def connect_for_writing(file: Path, resources: Resources) -> duckdb.DuckDBPyConnection:
    """Open a warehouse for writing. Raises as `translate_open_error` returns."""
    try:
        return connect(file, resources, read_only=False)
    except duckdb.Error as error:
        raise translate_open_error(error, file) from None


def open_copy(file: Path) -> duckdb.DuckDBPyConnection:
    """Open a read copy, a backup or an unused warehouse for reading.

    Raises WarehouseError when it does not exist or is not a warehouse.
    """
    if not file.exists():
        raise WarehouseError(f"{file} does not exist; start the service once, or set A4P_DATA_DIR to another directory")
    try:
        return connect(file)
    except duckdb.Error as error:
        raise translate_open_error(error, file) from None


def check_not_held(file: Path) -> None:
    """Raise WarehouseLocked when another process has the warehouse open. A missing or damaged file is not locked."""
    if not file.exists():
        return
    try:
        connect(file).close()
    except duckdb.Error as error:
        translated = translate_open_error(error, file)
        if isinstance(translated, WarehouseLocked):
            raise translated from None


def translate_open_error(error: duckdb.Error, file: Path) -> WarehouseError | WarehouseLocked:
    """Return the service error for a failure to open a DuckDB file."""
    text = str(error)
    if unwritable := translate_write_error(error, file.parent):
        return unwritable
    if "Could not set lock" in text or "Conflicting lock" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        return WarehouseLocked(f"{file} is in use by {who}; stop it, or set A4P_DATA_DIR to another directory")
    if "newer version" in text or "storage version" in text.lower():
        return WarehouseError(f"{file} was written by a newer version of DuckDB; upgrade this service to open it")
    first_line = text.splitlines()[0]
    return WarehouseError(f"{file} cannot be opened ({first_line}); restore a backup with 'a4p restore'")
