"""Findings of `a4p doctor`. Rows recorded by a wrong clock do not hide later ones."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from metrics.thresholds import Threshold
from service.alerting.thresholds import set_threshold
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.warehouse.doctor import Finding, examine
from tests.conftest import Clock, load_value
from tests.service_process import run_a4p

WRONG = datetime(2027, 6, 1, 12, tzinfo=UTC)
CORRECTED = datetime(2026, 11, 25, 12, tzinfo=UTC)


def find_fixes(settings: Settings, now: datetime) -> list[Finding]:
    return [finding for finding in examine(settings, now, is_running=True) if finding.fix and finding.subject != "permissions"]


@pytest.fixture
def set_back(tmp_path: Path, definitions: Definitions) -> Application:
    """A service whose clock showed 2027 while values 97 and a threshold were recorded, and was then corrected."""
    clock = Clock(WRONG, timedelta(seconds=1))
    application = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions, clock)
    application.loads.load_shipped()
    load_value(application, tmp_path, 97)
    application.refresh()
    clock.now = CORRECTED
    return application


def test_a_load_after_the_clock_was_corrected_is_known_now(set_back: Application, tmp_path: Path) -> None:
    with closing(set_back) as application:
        load_value(application, tmp_path, 131)
        application.refresh()
        with application.warehouse.cursor() as cursor:
            known = (
                "select value from observations_known_at(timestamptz '2026-11-25 13:00:00+00') "
                "where period_end = date '2024-10-31'"
            )
            assert cursor.execute(known).fetchall() == [(131,)]
            current = "select value from latest where indicator = 'sofa_incidents_new' and mission = 'UNMISS'"
            assert cursor.execute(current).fetchall() == [(131,)]


def test_kpis_and_thresholds_after_the_clock_was_corrected_are_the_current_ones(set_back: Application, tmp_path: Path) -> None:
    with closing(set_back) as application:
        threshold = Threshold("a4p_sofa_incidents_new", "UNMISS", {}, "above", "warning", 120, None)
        set_threshold(application.warehouse, application.definitions, threshold, "a test", application.clock)
        file = tmp_path / "misconduct.csv"
        file.write_text(
            "indicator,mission,period_start,period_end,value,source\n"
            "serious_misconduct_allegations,ALL,2024-01-01,2024-12-31,300,a test\n"
        )
        application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
        application.refresh()
        with application.warehouse.cursor() as cursor:
            newest = "select max(as_of) from kpi_values where kpi = 'serious_misconduct_change_ratio' and value is not null"
            assert cursor.execute(newest).fetchone() == (date(2024, 12, 31),)
            limit = "select limit_value from thresholds where mission = 'UNMISS' and metric = 'a4p_sofa_incidents_new'"
            assert (120,) in cursor.execute(limit).fetchall()


def test_doctor_reports_rows_recorded_in_the_future(set_back: Application) -> None:
    with closing(set_back) as application:
        application.refresh()
        subjects = {finding.text.split(" rows of ")[1].split(" ")[0] for finding in find_fixes(application.settings, CORRECTED)}
        assert {"batches", "kpi_values", "thresholds"} <= subjects


def test_doctor_reports_no_problem_of_a_new_service(application: Application) -> None:
    assert find_fixes(application.settings, datetime.now(UTC)) == []


def test_doctor_ends_with_1_when_something_needs_a_fix(tmp_path: Path) -> None:
    empty = run_a4p("doctor", "--data-dir", str(tmp_path))
    assert empty.returncode == 1
    assert "start the service once" in empty.stdout
    assert "Traceback" not in empty.stderr
