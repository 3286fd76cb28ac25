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
from service.loading.request import LoadRequest
from service.settings import read_settings
from service.warehouse.definitions import read_definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue
from tests.bench.data import MADE_AT, World, write_catalogue, write_parquet
from tests.bench.measure import (
    MemoryWatch,
    Result,
    Size,
    answer,
    find_percentile,
    format_megabytes,
    format_seconds,
    log,
    run_child,
)

REPEATS = 3
MEMORY_BYTES = 2_000_000_000


def measure_load(size: Size, folder: Path) -> list[Result]:
    """Compare a load with DuckDB's own copy of the file, by turns, and ten times the rows with that."""
    small = World(size.load_series, size.small_load_periods)
    large = World(size.load_series, size.large_load_periods)
    catalogue = write_catalogue(small, folder / "catalogue")
    log(f"writing a file of {small.observations:,} observations")
    file = write_parquet(small, folder / "small.parquet")
    copied, loaded = [], []
    for turn in range(REPEATS):
        copied.append(run_child("load", "copy", file, folder / f"copy{turn}.duckdb")["seconds"])
        loaded.append(run_child("load", "load", file, folder / f"data{turn}", catalogue)["seconds"])
        log(f"turn {turn + 1} of {REPEATS}: copied in {format_seconds(copied[-1])}, loaded in {format_seconds(loaded[-1])}")
    by_copy, by_load = find_percentile(copied, 0.5), find_percentile(loaded, 0.5)
    log(f"writing a file of {large.observations:,} observations")
    large_file = write_parquet(large, folder / "large.parquet")
    log("loading it")
    result = run_child("load", "load", large_file, folder / "large", catalogue)
    rows = f"{small.observations:,} observations"
    return [
        Result(f"load {rows}: create table as", format_seconds(by_copy), format_seconds(by_load), by_load / by_copy, 6),
        Result(
            f"load {large.observations:,}: time of {rows}",
            format_seconds(by_load),
            format_seconds(result["seconds"]),
            result["seconds"] / by_load,
            10,
        ),
        Result(
            f"load {large.observations:,}: peak memory: 2 GB",
            format_megabytes(MEMORY_BYTES),
            format_megabytes(result["peak_bytes"]),
            result["peak_bytes"] / MEMORY_BYTES,
            1,
        ),
    ]


def copy(file: Path, database: Path) -> None:
    """Copy the file into a table of a new database, and write the seconds."""
    settings = read_settings()
    with duckdb.connect(
        str(database), config={"threads": settings.threads, "memory_limit": settings.memory_limit}
    ) as connection:
        started = time.perf_counter()
        connection.execute("create table observations as select * from read_parquet($file)", {"file": str(file)})
        answer(seconds=time.perf_counter() - started)


def load(file: Path, data_dir: Path, catalogue: Path) -> None:
    """Load the file into a new warehouse, and write the seconds and the peak of memory."""
    settings = read_settings(data_dir=data_dir)
    definitions = read_definitions(catalogue)
    warehouse = open_warehouse(settings.warehouse_file, settings.threads, settings.memory_limit)
    try:
        store_catalogue(warehouse, definitions.catalogue, MADE_AT)
        started = time.perf_counter()
        (batch,) = load_files(warehouse, LoadRequest(files=(file,), loaded_by="bench", changes=0))
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
