"""Loading: from a Parquet file to committed observations, with every check, in a process of its own.

Against `create table as select` of the same file into a DuckDB file with the same threads and memory: the least that
DuckDB can do to keep it. Memory is the peak of the whole process.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

from service.loading.load import load_files
from service.settings import read_settings
from service.warehouse.database import open_warehouse
from service.warehouse.definitions import read_definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.bench.data import MADE_AT, World, write_catalogue, write_parquet
from tests.bench.measure import (
    Figure,
    MemoryWatch,
    Size,
    answer,
    find_percentile,
    run_child,
    say,
    tell_megabytes,
    tell_seconds,
)

REPEATS = 3
MEMORY_BYTES = 4_000_000_000
# DuckDB's own limit leaves room for what it does not count, and for Python.
MEMORY_LIMIT = "3GB"


def measure_load(size: Size, folder: Path) -> list[Figure]:
    """Compare a load with DuckDB's own copy of the file, by turns, and ten times the rows with that."""
    small = World(size.load_series, size.small_load_periods)
    large = World(size.load_series, size.large_load_periods)
    catalogue = write_catalogue(small, folder / "catalogue")
    say(f"writing a file of {small.observations:,} observations")
    file = write_parquet(small, folder / "small.parquet")
    copied, loaded = [], []
    for turn in range(REPEATS):
        copied.append(run_child("load", "copy", file, folder / f"copy{turn}.duckdb")["seconds"])
        loaded.append(run_child("load", "load", file, folder / f"data{turn}", catalogue)["seconds"])
        say(f"turn {turn + 1} of {REPEATS}: copied in {tell_seconds(copied[-1])}, loaded in {tell_seconds(loaded[-1])}")
    by_copy, by_load = find_percentile(copied, 0.5), find_percentile(loaded, 0.5)
    say(f"writing a file of {large.observations:,} observations")
    large_file = write_parquet(large, folder / "large.parquet")
    say("loading it")
    result = run_child("load", "load", large_file, folder / "large", catalogue)
    rows = f"{small.observations:,} observations"
    return [
        Figure(f"load {rows}: create table as", tell_seconds(by_copy), tell_seconds(by_load), by_load / by_copy, 6),
        Figure(
            f"load {large.observations:,}: time of {rows}",
            tell_seconds(by_load),
            tell_seconds(result["seconds"]),
            result["seconds"] / by_load,
            12,
        ),
        Figure(
            f"load {large.observations:,}: peak memory, A4P_MEMORY_LIMIT={MEMORY_LIMIT}: 4 GB",
            tell_megabytes(MEMORY_BYTES),
            tell_megabytes(result["peak_bytes"]),
            result["peak_bytes"] / MEMORY_BYTES,
            1,
        ),
    ]


def copy(file: Path, database: Path) -> None:
    """Copy the file into a table of a new database, and write the seconds."""
    settings = read_settings(memory_limit=MEMORY_LIMIT)
    with duckdb.connect(
        str(database), config={"threads": settings.threads, "memory_limit": settings.memory_limit}
    ) as connection:
        started = time.perf_counter()
        connection.execute("create table observations as select * from read_parquet($file)", {"file": str(file)})
        answer(seconds=time.perf_counter() - started)


def load(file: Path, data_dir: Path, catalogue: Path) -> None:
    """Load the file into a new warehouse, and write the seconds and the peak of memory."""
    settings = read_settings(data_dir=data_dir, memory_limit=MEMORY_LIMIT)
    definitions = read_definitions(catalogue)
    warehouse = open_warehouse(settings.warehouse_file, settings.threads, settings.memory_limit)
    try:
        store_catalogue(warehouse, definitions.catalogue, MADE_AT)
        started = time.perf_counter()
        (batch,) = load_files(warehouse, [file], "bench")
        seconds = time.perf_counter() - started
    finally:
        warehouse.close()
    if batch.new_observations != batch.row_count:
        raise RuntimeError(f"not every row was new: {batch}")
    answer(seconds=seconds, peak_bytes=MemoryWatch.read_whole_peak())


if __name__ == "__main__":
    task, *paths = sys.argv[1:]
    if task == "copy":
        copy(*map(Path, paths))
    else:
        load(*map(Path, paths))
