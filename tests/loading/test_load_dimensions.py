"""Loading series of an indicator with two dimensions."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import Catalogue
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT, Load, Read, Refuse, WriteCsv


@pytest.fixture
def two_dimensions(definitions: Definitions, warehouse: Warehouse) -> Catalogue:
    """A catalogue in which hospital_outage_days has a second dimension."""
    shipped = definitions.catalogue
    changed = Catalogue(
        shipped.priorities,
        shipped.missions,
        shipped.cycles,
        tuple(
            (priority, entry.model_copy(update={"dimensions": {**entry.dimensions, "area": ("North, east", "South")}}))
            if entry.indicator == "hospital_outage_days"
            else (priority, entry)
            for priority, entry in shipped.indicators
        ),
        shipped.series_budget,
    )
    store_catalogue(warehouse, changed, STORED_AT)
    return changed


OUTAGE = {"indicator": "hospital_outage_days", "mission": "UNIFIL"}


@pytest.mark.parametrize(
    "written", ["area=South;cause=Equipment", " cause = Equipment ; area = South ", "{cause=Equipment, area=South}"]
)
@pytest.mark.usefixtures("two_dimensions")
def test_the_order_of_dimensions_makes_no_other_series(load: Load, read: Read, write_csv: WriteCsv, written: str) -> None:
    load(write_csv("values.csv", {**OUTAGE, "dimensions": "cause=Equipment;area=South", "value": "3"}))
    load(write_csv("corrected.csv", {**OUTAGE, "dimensions": written, "value": "4"}))
    assert read("select dimensions, value from observations") == [({"area": "South", "cause": "Equipment"}, 4.0)]


@pytest.mark.usefixtures("two_dimensions")
def test_a_cell_given_twice_is_found_whatever_the_order_of_dimensions(refuse: Refuse, write_csv: WriteCsv) -> None:
    file = write_csv(
        "values.csv",
        {**OUTAGE, "dimensions": "cause=Equipment;area=South", "value": "3"},
        {**OUTAGE, "dimensions": "area=South;cause=Equipment", "value": "4"},
    )
    assert [(row.row, row.problem) for row in refuse(file).rows] == [(3, "has another value than the same cell in row 2")]


@pytest.mark.usefixtures("two_dimensions")
def test_a_dimension_value_with_a_comma_is_read_from_the_text_of_a_map(
    warehouse: Warehouse, load: Load, write_csv: WriteCsv, tmp_path: Path
) -> None:
    load(write_csv("values.csv", {**OUTAGE, "dimensions": "area=North, east;cause=Equipment", "value": "3"}))
    file = tmp_path / "observations.csv"
    with warehouse.cursor() as cursor:
        cursor.execute(f"copy (select * from observations) to '{file}'")
    assert str(load(file)[0]) == f"{file}: no changes in 1 rows"
