"""Observations that are exported as SDMX-CSV and loaded into an empty warehouse are the same as before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.sdmx.data import write_csv
from service.sdmx.query import DataQuery
from service.sdmx.structure import read_structure
from service.warehouse.database import Connection, Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT, Clock, NewWarehouse, forget_cache
from tests.sdmx.conftest import WILD_DIMENSIONS, WILD_VALUES, make_wild
from tests.test_properties import texts

OBSERVATIONS = "select * exclude (batch_id, recorded_at) from observations order by all"
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def shared(
    new_warehouse: NewWarehouse, definitions: Definitions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """A warehouse with unusual disaggregations for all examples."""
    with new_warehouse(tmp_path_factory.mktemp("round_trip")) as warehouse:
        store_catalogue(warehouse, make_wild(definitions.catalogue), STORED_AT + timedelta(seconds=1))
        yield warehouse


def empty(warehouse: Warehouse) -> None:
    with warehouse.write() as cursor:
        forget_cache(cursor)
        for table in ("observations", "series", "batches"):
            cursor.execute(f"delete from store.{table}")


def take_round(warehouse: Warehouse, file: Path, version: Any) -> tuple[Rows, Rows]:
    """Export the observations of a warehouse, empty it and load the file. Return the observations before and after."""

    def read(cursor: Connection) -> Rows:
        return cursor.execute(OBSERVATIONS).fetchall()

    with warehouse.cursor() as cursor:
        before = read(cursor)
        write_csv(cursor, read_structure(cursor), DataQuery(), version, file)
    empty(warehouse)
    load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests"), clock=Clock(STORED_AT))
    with warehouse.cursor() as cursor:
        return before, read(cursor)


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_the_report_survives_a_round(warehouse: Warehouse, copy: Connection, tmp_path: Path, version: str) -> None:
    report = tmp_path / "report.parquet"
    copy.execute(f"copy (from observations) to '{report}'")
    load_files(warehouse, LoadRequest(files=(report,), loaded_by="the tests", status_codes="sdmx"), clock=Clock(STORED_AT))
    before, after = take_round(warehouse, tmp_path / "report.csv", version)
    assert len(before) > 300
    assert after == before


@st.composite
def observations(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(st.dates(date(1900, 1, 1), date(2990, 1, 1)))
    status = draw(st.sampled_from("AEPVOLM"))
    has_value = status in "AEP" or (status == "V" and draw(st.booleans()))
    return {
        "indicator": "wild_values",
        "mission": draw(st.sampled_from(["UNMISS", "ALL"])),
        "dimensions": [(name, draw(st.sampled_from(WILD_VALUES))) for name in WILD_DIMENSIONS],
        "period_start": start,
        "period_end": start + timedelta(days=draw(st.integers(0, 3000))),
        "value": draw(st.floats(allow_nan=False, allow_infinity=False)) if has_value else None,
        "status": status,
        "source": draw(texts.filter(bool)),
        "page": draw(texts) or None,
        "note": draw(texts) or None,
    }


def identify(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["mission"], tuple(row["dimensions"]), row["period_start"], row["period_end"]


@settings(deadline=None, database=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(observations(), min_size=1, max_size=8, unique_by=identify), version=st.sampled_from(["2.0", "2.1"]))
def test_any_observation_survives_a_round(
    shared: Warehouse, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], version: str
) -> None:
    folder = tmp_path_factory.mktemp("example")
    columns = pa.schema(
        [
            *((name, pa.string()) for name in ("indicator", "mission")),
            ("dimensions", pa.map_(pa.string(), pa.string())),
            *((name, pa.date32()) for name in ("period_start", "period_end")),
            ("value", pa.float64()),
            *((name, pa.string()) for name in ("status", "source", "page", "note")),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, columns), folder / "rows.parquet")
    empty(shared)
    load_files(
        shared,
        LoadRequest(files=(folder / "rows.parquet",), loaded_by="the tests", status_codes="sdmx"),
        clock=Clock(STORED_AT),
    )
    before, after = take_round(shared, folder / "rows.csv", version)
    assert len(before) == len(rows)
    assert after == before
