"""The read copy of the report with its structure, and what the SDMX tests write from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.catalogue import Catalogue
from service.queries.moments import set_moment
from service.sdmx.data import write_csv
from service.sdmx.filters import read_component_filter, read_keys
from service.sdmx.json_data import write_json
from service.sdmx.query import DataQuery
from service.sdmx.structure import Structure, read_structure
from service.warehouse.connection import open_copy
from service.warehouse.database import Connection, Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT
from tests.sdmx import messages

PREPARED = datetime(2026, 1, 1, tzinfo=UTC)
Write = Callable[..., messages.Rows]


@pytest.fixture(scope="session")
def copy(report_dir: Path) -> Iterator[Connection]:
    """The read copy of the report."""
    with open_copy(report_dir / "warehouse-read.duckdb") as opened:
        yield opened


@pytest.fixture(scope="session")
def structure(copy: Connection) -> Structure:
    """The structure of the shipped catalogue."""
    return read_structure(copy)


def write_rows(session: Connection, file: Path, kind: str, query: DataQuery, version: Any = "2.0") -> messages.Rows:
    """Write the observations of a query in a format and return them as an independent reader finds them."""
    structure = read_structure(session)
    if kind == "csv":
        count = write_csv(session, structure, query, version, file)
        rows = messages.read_csv(file) if count else []
    else:
        count = write_json(session, structure, query, PREPARED, file, is_flat=kind == "flat json")
        rows = messages.read_json(file)
    assert len(rows) == count
    return rows


@pytest.fixture
def select(copy: Connection, structure: Structure, tmp_path: Path) -> Write:
    """Writes the observations of the report that a key and component filters select."""

    def write(key: str = "", *filters: str, kind: str = "csv", year_start: str | None = None, **further: Any) -> messages.Rows:
        conditions = [read_keys(key, structure)]
        for written in filters:
            component, _, values = written.partition("=")
            conditions.append(read_component_filter(copy, component, values, structure, year_start))
        query = DataQuery(tuple(condition for condition in conditions if condition), **further)
        return write_rows(copy, tmp_path / "selected", kind, query)

    return write


@pytest.fixture
def write_known(warehouse: Warehouse, tmp_path: Path) -> Write:
    """Writes the observations of the empty warehouse of a test, as known at a time."""

    def write(kind: str = "csv", known_at: datetime | None = None, **query: Any) -> messages.Rows:
        with warehouse.cursor() as session:
            set_moment(session, None, known_at.isoformat() if known_at else None)
            return write_rows(session, tmp_path / "known", kind, DataQuery(**query))

    return write


WILD_VALUES = [
    "A B",
    "a_b",
    "a.b~c-d",
    "A$20B",
    "Женщины, 5 %",
    'said "no"',
    "日本",
    "\N{SNOWMAN} & <tags>",
    "x' or 1=1 --",
    "ALL",
]


WILD_DIMENSIONS = ("action", "dim_action", "obs_value", "place", "value", "period_end", "observation")


def make_wild(catalogue: Catalogue) -> Catalogue:
    """Return a catalogue with an indicator that has unusual names and values of disaggregations."""
    priority, example = catalogue.indicators[0]
    indicator = example.model_copy(
        update={
            "indicator": "wild_values",
            "title": 'Wild "values", <with> & more',
            "frequency": "irregular",
            "minimum": None,
            "maximum": None,
            "whole": False,
            "dimensions": {name: tuple(WILD_VALUES) for name in WILD_DIMENSIONS},
        }
    )
    return replace(catalogue, indicators=(*catalogue.indicators, (priority, indicator)))


@pytest.fixture
def wild(warehouse: Warehouse, definitions: Definitions) -> Warehouse:
    """An empty warehouse with the catalogue of `make_wild`."""
    store_catalogue(warehouse, make_wild(definitions.catalogue), STORED_AT + timedelta(seconds=1))
    return warehouse
