"""The rule of the reporting cycles, its exceptions, and the view that lists every cycle up to a date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from metrics.catalogue import CatalogueError, read_catalogue
from metrics.cycles import Cycles
from service.errors import LoadError
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT, Load, WriteCsv

ListCycles = Callable[[str], list[tuple[Any, ...]]]
RULE = {"cycle": 5, "period_start": "2023-11-01", "months": 6}
LONG = {"cycle": 7, "period_start": "2024-11-01", "period_end": "2025-05-31", "due_days": 90}
SHORT = {"cycle": 8, "period_start": "2025-06-01", "period_end": "2025-10-31"}


@pytest.mark.parametrize(
    ("cycle", "start", "end"),
    [(1, "2021-11-01", "2022-04-30"), (6, "2024-05-01", "2024-10-31"), (11, "2026-11-01", "2027-04-30")],
)
def test_the_rule_numbers_half_years(cycle: int, start: str, end: str) -> None:
    assert tuple(map(str, Cycles.model_validate({"rule": RULE}).find_period(cycle))) == (start, end)


def test_an_exception_that_leaves_a_gap_or_overlaps_is_an_error() -> None:
    Cycles.model_validate({"rule": RULE, "exceptions": [LONG, SHORT]})
    with pytest.raises(
        ValidationError, match="cycle 7 ends on 2025-05-31 but cycle 8 begins on 2025-05-01: change the exception"
    ):
        Cycles.model_validate({"rule": RULE, "exceptions": [LONG]})
    with pytest.raises(ValidationError, match="exceptions list cycle 7 more than once"):
        Cycles.model_validate({"rule": RULE, "exceptions": [LONG, LONG, SHORT]})


def test_the_list_of_release_0_1_is_an_error_that_shows_the_new_form(tmp_path: Path) -> None:
    (tmp_path / "cycles.yaml").write_text("- {cycle: 5, period_start: 2023-11-01, period_end: 2024-04-30}\n")
    with pytest.raises(CatalogueError, match=r"cycles.yaml: a list of cycles is the form of release 0.1"):
        read_catalogue(tmp_path)
    with pytest.raises(CatalogueError, match=r"rule:\n    cycle: 5\n    period_start: 2023-11-01\n    months: 6"):
        read_catalogue(tmp_path)


@pytest.fixture
def list_cycles(warehouse: Warehouse) -> ListCycles:
    def listed(as_of: str) -> list[tuple[Any, ...]]:
        with warehouse.cursor() as cursor:
            cursor.execute(f"set variable as_of = date '{as_of}'")
            return cursor.execute("select cycle, period_start, period_end, due_on from cycles").fetchall()

    return listed


def test_every_cycle_from_the_first_observed_to_the_date_exists(
    list_cycles: ListCycles, load: Load, write_csv: WriteCsv
) -> None:
    load(write_csv("cycle-4.csv", {"period_start": "2023-05-01", "period_end": "2023-10-31"}))
    assert list_cycles("2025-04-30") == [
        (4, date(2023, 5, 1), date(2023, 10, 31), date(2023, 12, 30)),
        (5, date(2023, 11, 1), date(2024, 4, 30), date(2024, 6, 29)),
        (6, date(2024, 5, 1), date(2024, 10, 31), date(2024, 12, 30)),
        (7, date(2024, 11, 1), date(2025, 4, 30), date(2025, 6, 29)),
    ]
    assert [row[0] for row in list_cycles("2025-05-01")] == [4, 5, 6, 7, 8]


def test_an_exception_replaces_the_dates_and_the_deadline_of_its_cycle(
    list_cycles: ListCycles,
    warehouse: Warehouse,
    definitions: Definitions,
) -> None:
    cycles = Cycles.model_validate({"rule": RULE, "exceptions": [LONG, SHORT]})
    store_catalogue(warehouse, replace(definitions.catalogue, cycles=cycles), STORED_AT)
    assert list_cycles("2025-05-31")[-1] == (7, date(2024, 11, 1), date(2025, 5, 31), date(2025, 8, 29))
    assert list_cycles("2025-06-01")[-1] == (8, date(2025, 6, 1), date(2025, 10, 31), date(2025, 12, 30))


def test_a_period_that_is_no_cycle_of_the_rule_is_refused_with_the_cycles_of_the_rule(
    warehouse: Warehouse, definitions: Definitions, load: Load, write_csv: WriteCsv
) -> None:
    cycles = Cycles.model_validate({"rule": {**RULE, "months": 3}})
    store_catalogue(warehouse, replace(definitions.catalogue, cycles=cycles), STORED_AT)
    load(write_csv("quarter.csv", {"period_start": "2024-02-01", "period_end": "2024-04-30"}))
    listed = "1 February to 30 April, or 1 May to 31 July, or 1 August to 31 October, or 1 November to 31 January"
    with pytest.raises(LoadError, match=f"use a reporting cycle: {listed}"):
        load(write_csv("half-year.csv", {"period_start": "2023-11-01", "period_end": "2024-04-30"}))
