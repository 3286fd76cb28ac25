"""Another catalogue instead of the shipped one: KPIs without inputs are left out, with the reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from metrics.catalogue import CatalogueError
from service.settings import find_in_tree
from service.warehouse.definitions import read_definitions
from tests.service_process import ServiceProcess, get

SHIPPED = find_in_tree("metrics")


@pytest.fixture
def small_catalogue(tmp_path: Path) -> Path:
    """A catalogue of one priority, without the report."""
    directory = tmp_path / "catalogue"
    (directory / "indicators").mkdir(parents=True)
    for name in ("priorities", "missions", "closed_missions", "cycles", "limits"):
        shutil.copy(SHIPPED / f"{name}.yaml", directory)
    shutil.copy(SHIPPED / "indicators" / "host_country_cooperation.yaml", directory / "indicators")
    return directory


def test_a_kpi_without_its_inputs_in_the_catalogue_is_left_out_with_the_reason(small_catalogue: Path) -> None:
    definitions = read_definitions(small_catalogue)
    assert [kpi.kpi for kpi in definitions.kpis] == [
        "indicator_age_days",
        "missions_reporting_ratio",
        "sofa_incidents_longstanding",
        "sofa_incidents_new_share",
    ]
    assert any("crime_investigation_ratio.sql: inputs name crime_cases_reported" in reason for reason in definitions.left_out)


def test_a_service_runs_on_another_catalogue(small_catalogue: Path, tmp_path: Path) -> None:
    (small_catalogue / "observations").mkdir()
    shutil.copy(SHIPPED / "observations" / "host_country_cooperation.csv", small_catalogue / "observations")
    with ServiceProcess(tmp_path / "data", A4P_CATALOGUE=str(small_catalogue)) as service:
        url = service.wait_until_ready()
        metrics = get(f"{url}/metrics")[2]
    assert b'\na4p_sofa_incidents_new{mission="UNMISS"} 125\n' in metrics
    assert b"a4p_hospitals{" not in metrics


def test_a_shipped_kpi_must_have_its_inputs(tmp_path: Path) -> None:
    kpis = tmp_path / "kpis"
    shutil.copytree(find_in_tree("sql") / "kpis", kpis)
    file = kpis / "crime_trial_ratio.sql"
    file.write_text(file.read_text().replace("crime_suspects_tried", "crime_suspects_trialled"))
    with pytest.raises(CatalogueError, match=r"crime_trial_ratio\.sql: inputs name crime_suspects_trialled, not in"):
        read_definitions(SHIPPED, kpis)


def test_each_value_of_the_report_has_its_source(tmp_path: Path) -> None:
    files = [file for file in read_definitions(SHIPPED).observation_files if file.name != "fatalities.csv"]
    rows = [line for file in files for line in file.read_text().splitlines()[1:]]
    assert rows
    assert all('"A4P+ report, cycle 5"' in row for row in rows)
