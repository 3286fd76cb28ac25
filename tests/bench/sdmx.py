"""SDMX-CSV: observations written to a file, and read from it into the staging table of a load.

Against DuckDB's own `copy ... to` of the same rows and `create table as` of the same file, and against pysdmx.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from service.loading.load import open_staging
from service.loading.readers import stage_file
from service.loading.readers.row_budget import RowBudget
from service.sdmx.artefacts import list_artefacts
from service.sdmx.data import select_observations, write_csv
from service.sdmx.query import DataQuery
from service.sdmx.structure import read_structure
from service.sdmx.structure_xml import render_structure_xml
from service.warehouse.database import Warehouse
from service.warehouse.definitions import read_definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue
from tests.bench.data import MADE_AT, World, make_warehouse, write_catalogue
from tests.bench.measure import Result, Size, find_percentile, format_seconds, log, run_child

REPEATS = 3
THREADS = 2


def measure_sdmx(size: Size, folder: Path) -> list[Result]:
    """Compare writing and reading SDMX-CSV with DuckDB's own CSV, by turns, and with pysdmx."""
    world = World(size.load_series, size.small_load_periods)
    catalogue = write_catalogue(world, folder / "catalogue")
    make_warehouse(world, catalogue, folder / "full", THREADS)
    file, plain = folder / "observations.csv", folder / "plain.csv"
    warehouse = open_warehouse(folder / "full" / "warehouse.duckdb", THREADS, "4GB")
    try:
        with warehouse.cursor() as session:
            structure = read_structure(session)
            sql, parameters = select_observations(structure, DataQuery())
            structure_xml = render_structure_xml(list_artefacts(structure), datetime.now(UTC))
            copied, written = _take_turns(
                "write",
                lambda: session.execute(f"copy (from observations) to '{plain}' (format csv, header true)"),
                lambda: write_csv(session, structure, DataQuery(), "2.1", file),
            )
            # What pysdmx writes has to be queried first.
            started = time.perf_counter()
            session.execute(sql, parameters).to_arrow_table()
            selected = time.perf_counter() - started
    finally:
        warehouse.close()
    created, staged = _measure_reading(file, catalogue, folder / "empty")
    log("writing and reading with pysdmx")
    (folder / "structure.xml").write_bytes(structure_xml)
    by_pysdmx = run_child("pysdmx_peer", file, folder / "structure.xml")
    by_query = selected + by_pysdmx["write"]
    rows = f"{world.observations:,} observations"
    return [
        Result(f"SDMX-CSV, write {rows}: copy to CSV", format_seconds(copied), format_seconds(written), written / copied, 3),
        Result(
            f"SDMX-CSV, write {rows}: query and pysdmx",
            format_seconds(by_query), format_seconds(written), by_query / written, 5, is_at_least=True,
        ),
        Result(f"SDMX-CSV, read {rows}: create table as", format_seconds(created), format_seconds(staged), staged / created, 3),
        # Out of reach: DuckDB alone takes a third of the time of pysdmx, which parses and does not check.
        Result(
            f"SDMX-CSV, read {rows}: pysdmx",
            format_seconds(by_pysdmx["read"]), format_seconds(staged), by_pysdmx["read"] / staged, 5, is_at_least=True,
        ),
    ]  # fmt: skip


def _take_turns(name: str, peer: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Return the median seconds of both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(REPEATS):
        for taken, run in zip(seconds, (peer, ours), strict=True):
            started = time.perf_counter()
            run()
            taken.append(time.perf_counter() - started)
        log(f"{name}, turn {turn + 1} of {REPEATS}: {format_seconds(seconds[0][-1])}, {format_seconds(seconds[1][-1])}")
    return find_percentile(seconds[0], 0.5), find_percentile(seconds[1], 0.5)


def _measure_reading(file: Path, catalogue: Path, data_dir: Path) -> tuple[float, float]:
    warehouse = open_warehouse(data_dir / "warehouse.duckdb", THREADS, "4GB")
    try:
        store_catalogue(warehouse, read_definitions(catalogue).catalogue, MADE_AT)
        return _take_turns("read", lambda: _create_table(warehouse, file), lambda: _stage(warehouse, file))
    finally:
        warehouse.close()


def _create_table(warehouse: Warehouse, file: Path) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(f"create temp table plain as from read_csv('{file}', all_varchar = true, header = true)")


def _stage(warehouse: Warehouse, file: Path) -> None:
    with open_staging(warehouse) as cursor:
        stage_file(cursor, file, file.name, 0, None, RowBudget(20_000_000))
        (errors,) = cursor.execute("select count(*) from load_errors").fetchone() or (0,)
    if errors:
        raise RuntimeError(f"{errors} errors")
