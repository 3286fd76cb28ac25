"""The world the bench measures in: a catalogue of any size, and observations for it made by DuckDB from hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from service.settings import find_in_tree
from service.warehouse.database import Connection, open_warehouse
from service.warehouse.definitions import Definitions, read_definitions
from service.warehouse.stored_definitions import store_catalogue, store_kpis

SQL = Path(__file__).parent / "sql"
PRIORITY = "integration"
INDICATORS = 10
MISSIONS = 10
TRAININGS = 10
BATCHES = 10
MADE_AT = datetime(2024, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """So many series with so many half-yearly observations each; `series` is a multiple of a thousand."""

    series: int
    periods: int

    @property
    def observations(self) -> int:
        return self.series * self.periods

    @property
    def contingents(self) -> list[str]:
        return [f"Contingent {number:04}" for number in range(self.series // (INDICATORS * MISSIONS * TRAININGS))]

    @property
    def trainings(self) -> list[str]:
        return [f"Training {number}" for number in range(TRAININGS)]

    @property
    def indicators(self) -> list[str]:
        """Counts and ratios by turns."""
        return [f"bench_{number}_coverage_ratio" if number % 2 else f"bench_{number}_trained" for number in range(INDICATORS)]


def _list_missions() -> list[str]:
    entries = yaml.safe_load((find_in_tree("metrics") / "missions.yaml").read_text(encoding="utf-8"))
    return [entry["mission"] for entry in entries if entry["status"] == "active"][:MISSIONS]


def write_catalogue(world: World, directory: Path) -> Path:
    """Write the catalogue of `world`, in the form of metrics/, and return its directory."""
    (directory / "indicators").mkdir(parents=True)
    for name in ("priorities.yaml", "missions.yaml", "cycles.yaml"):
        (directory / name).write_bytes((find_in_tree("metrics") / name).read_bytes())
    # More missions are known than report, so the catalogue allows more series than the world has.
    (directory / "limits.yaml").write_text(f"series_budget: {2 * world.series}\n", encoding="utf-8")
    entries: list[dict[str, Any]] = [
        {
            "indicator": indicator,
            "title": f"Figure {number} of the bench",
            "description": "Made from hashes.",
            "unit": "ratio" if number % 2 else "count",
            "better": "higher",
            "frequency": "half_yearly",
            "source": "The bench",
            "expected_missions": _list_missions(),
            "dimensions": {"contingent": world.contingents, "training": world.trainings},
            "minimum": 0,
            "maximum": 1 if number % 2 else None,
            "whole": number % 2 == 0,
        }
        for number, indicator in enumerate(world.indicators)
    ]
    file = directory / "indicators" / f"{PRIORITY}.yaml"
    file.write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")
    return directory


def _read_sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def make_tables(connection: Connection, world: World) -> None:
    """Make the temporary tables `bench_series` and `bench_observations` of `world`."""
    connection.execute(
        f"create or replace temp table bench_series as {_read_sql('series')}",
        {
            "series": world.series,
            "per_mission": world.series // (INDICATORS * MISSIONS),
            "indicators": world.indicators,
            "missions": _list_missions(),
            "contingents": world.contingents,
            "trainings": world.trainings,
        },
    )
    connection.execute(
        f"create or replace temp table bench_observations as {_read_sql('observations')}",
        {"series": world.series, "periods": world.periods, "per_indicator": world.series // INDICATORS},
    )


def write_parquet(world: World, file: Path) -> Path:
    """Write the observations of `world` as a file to load, with typed columns and dimensions as a MAP."""
    with duckdb.connect(str(file.with_suffix(".making"))) as connection:
        connection.execute("set temp_directory = ?", [str(file.parent / "tmp")])
        make_tables(connection, world)
        connection.execute(f"copy ({_read_sql('file')}) to '{file}' (format parquet)")
    file.with_suffix(".making").unlink()
    return file


def make_warehouse(world: World, catalogue: Path, data_dir: Path, threads: int = 2) -> Definitions:
    """Make a warehouse that holds `world`, in ten batches, put straight into its tables; return its definitions."""
    definitions = read_definitions(catalogue)
    warehouse = open_warehouse(data_dir / "warehouse.duckdb", threads, "4GB")
    try:
        store_catalogue(warehouse, definitions.catalogue, MADE_AT)
        store_kpis(warehouse, definitions.kpis, MADE_AT)
        cursor = warehouse.cursor()
        # Before the transaction: rowids of rows that are not committed are no numbers from 0.
        make_tables(cursor, world)
        with warehouse.write(cursor):
            cursor.execute("insert into store.series from bench_series")
            parameters = {"batches": BATCHES, "made_at": MADE_AT, "observations": world.observations}
            cursor.execute(_read_sql("store_observations"), parameters)
            cursor.execute(_read_sql("store_batches"), parameters)
        cursor.close()
        warehouse.checkpoint()
    finally:
        warehouse.close()
    return definitions


def store_thresholds(data_dir: Path) -> None:
    """Set a threshold of each comparison and severity on every series of a warehouse."""
    warehouse = open_warehouse(data_dir / "warehouse.duckdb", 2, "4GB")
    try:
        with warehouse.write() as cursor:
            cursor.execute(_read_sql("store_thresholds"), {"made_at": MADE_AT})
        warehouse.checkpoint()
    finally:
        warehouse.close()
