"""A filled template is loaded like any other file: as one batch, with warnings that name its sheets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from service.application import Application
from service.errors import LoadError
from service.loading.load import append_staged, load_files, open_staging, stage_files
from service.loading.request import LoadRequest, RoundScope
from service.rounds.checks import find_findings
from service.warehouse.database import Warehouse, read_clock
from service.warehouse.definitions import Definitions
from service.web.problems import refuse_service_error
from tests.conftest import Load, Read, WriteCsv
from tests.rounds.workbooks import Filled, write_template_of

NEW, CPAS = "New SOFA or SOMA incidents", "CPAS in use"
PERIODS = [(f"{year}-05-01", f"{year}-10-31") for year in range(2017, 2024)]


@pytest.fixture(scope="module")
def template(application: Application) -> bytes:
    return write_template_of(application)


def test_a_filled_template_is_one_batch(load: Load, read: Read, template: bytes, tmp_path: Path) -> None:
    filled = Filled(template)
    filled.fill(NEW, 97, "E estimated", "Two reports are missing.")
    filled.fill(CPAS, "yes")
    filled.fill("Days with impaired hospital care", 12, breakdown="Personnel")
    file = filled.save(tmp_path / "t.xlsx")
    (batch,) = load(file)
    assert (batch.file_name, batch.new_observations, batch.notes) == (str(file), 3, ("3 of 25 values filled in",))
    assert read(
        "select indicator, mission, dimensions, period_start::varchar, period_end::varchar, value, status, source, note "
        "from observations order by indicator"
    ) == [
        ("cpas_in_use", "UNMISS", {}, "2024-05-01", "2024-10-31", 1, "A", "UNMISS submission, cycle 6", None),
        ("hospital_outage_days", "UNMISS", {"cause": "Personnel"}, "2024-05-01", "2024-10-31", 12, "A",
         "UNMISS submission, cycle 6", None),
        ("sofa_incidents_new", "UNMISS", {}, "2024-05-01", "2024-10-31", 97, "E", "UNMISS submission, cycle 6",
         "Two reports are missing."),
    ]  # fmt: skip
    (again,) = load(file)
    assert not again.has_changes


def test_a_warning_names_the_sheet(load: Load, read: Read, write_csv: WriteCsv, template: bytes, tmp_path: Path) -> None:
    load(write_csv("before.csv", *({"period_start": start, "period_end": end} for start, end in PERIODS)))
    filled = Filled(template)
    filled.fill(CPAS, "yes")
    filled.fill(NEW, 4000)
    (batch,) = load(filled.save(tmp_path / "t.xlsx"))
    (warning,) = batch.warnings
    assert str(warning).startswith("warning: sheet 'Host country cooperation', row 2, sofa_incidents_new UNMISS")
    assert read("select file_row, indicator from load_warnings") == [(2, "sofa_incidents_new")]


def test_a_finding_names_the_sheet(warehouse: Warehouse, definitions: Definitions, template: bytes, tmp_path: Path) -> None:
    filled = Filled(template)
    filled.fill(CPAS, "yes")
    filled.fill(NEW, 97)
    filled.fill("All SOFA or SOMA incidents on record", 90)
    file = filled.save(tmp_path / "t.xlsx")
    with open_staging(warehouse) as cursor, warehouse.rehearse(cursor):
        request = LoadRequest(files=(file,), loaded_by="the tests")
        stage_files(cursor, request)
        append_staged(cursor, request, False, read_clock)
        found = find_findings(cursor, definitions.relations)
    assert "high: sheet 'Host country cooperation', row 2, sofa_incidents_new UNMISS" in str(found[0])


def test_the_template_of_another_round_is_refused(warehouse: Warehouse, template: bytes, tmp_path: Path) -> None:
    filled = Filled(template)
    filled.fill(NEW, 97)
    file = filled.save(tmp_path / "t.xlsx")
    days = (date(2024, 5, 1), date(2024, 10, 31))
    for scope in (RoundScope(6, "UNIFIL", *days), RoundScope(7, "UNMISS", date(2024, 11, 1), date(2025, 4, 30))):
        with pytest.raises(LoadError) as caught:
            load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests", names=["t.xlsx"], scope=scope))
        assert str(caught.value) == (
            f"t.xlsx is the template of UNMISS for cycle 6. Fill in the template of {scope.mission} for cycle {scope.cycle}, "
            "or submit the file for its own round"
        )
    (batch,) = load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests", scope=RoundScope(6, "UNMISS", *days)))
    assert batch.new_observations == 1


def test_the_api_names_the_sheet_of_an_error(template: bytes, tmp_path: Path, load: Load) -> None:
    filled = Filled(template)
    filled.fill(NEW, "x")
    with pytest.raises(LoadError) as caught:
        load(filled.save(tmp_path / "t.xlsx"))
    refused = refuse_service_error(caught.value)
    assert refused.members["errors"] == [
        {
            "name": "sheet 'Host country cooperation', row 2, column value (cell H2)",
            "detail": "'x' is not a number; type digits, or leave the cell empty; "
            "choose status O, L, V or M if there is no value",
        }
    ]
