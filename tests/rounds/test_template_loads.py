"""A filled template is loaded like any other file: as one batch, with warnings that name its sheets."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.application import Application
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
