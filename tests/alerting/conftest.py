"""What the tests of alerting share: an application without default thresholds, and ways to set, load and read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from metrics.thresholds import Threshold, make_threshold
from service.alerting.alerts import read_token
from service.alerting.thresholds import set_threshold
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import Clock, WriteCsv

NOW = datetime(2024, 9, 10, 12, tzinfo=UTC)
CYCLES = {4: ("2023-05-01", "2023-10-31"), 5: ("2023-11-01", "2024-04-30"), 6: ("2024-05-01", "2024-10-31")}
BREACHES = "select mission, dimensions, severity, limit_value, value, excess from threshold_breaches order by all"
Put = Callable[..., Any]
Report = Callable[..., None]


def threshold(metric: str = "a4p_sofa_incidents_new", limit: float | None = 100, **changed: Any) -> Threshold:
    changed = {"mission": "*", "dimensions": {}, "comparison": "above", "severity": "warning", "note": None, **changed}
    return make_threshold(metric=metric, limit=limit, **changed)


def read(application: Application, query: str, as_of: str = "2025-01-01") -> list[tuple[Any, ...]]:
    """Return the rows of a query as of a date."""
    with application.warehouse.cursor() as cursor:
        cursor.execute(f"set variable as_of = date '{as_of}'")
        return cursor.execute(query).fetchall()


@pytest.fixture(scope="session")
def bare(definitions: Definitions) -> Definitions:
    """The shipped definitions without default thresholds."""
    return replace(definitions, thresholds=())


@pytest.fixture(scope="session")
def empty_dir(tmp_path_factory: pytest.TempPathFactory, bare: Definitions) -> Path:
    """A data directory without observations and without thresholds; tests copy it."""
    directory = tmp_path_factory.mktemp("empty")
    Application(Settings(data_dir=directory, threads=1), bare, Clock(NOW - timedelta(days=1))).close()
    return directory


@pytest.fixture
def application(tmp_path: Path, bare: Definitions, empty_dir: Path) -> Iterator[Application]:
    """An application without observations and without thresholds."""
    shutil.copytree(empty_dir, tmp_path / "data")
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), bare, Clock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


@pytest.fixture
def token(client: FlaskClient, application: Application) -> dict[str, str]:
    """The header that Alertmanager sends."""
    return {"Authorization": f"Bearer {read_token(application.settings)}"}


@pytest.fixture
def put(application: Application) -> Put:
    """Sets a threshold."""

    def put_one(metric: str = "a4p_sofa_incidents_new", limit: float | None = 100, **changed: Any) -> Any:
        return set_threshold(
            application.warehouse, application.definitions, threshold(metric, limit, **changed), "A. Analyst", application.clock
        )

    return put_one


@pytest.fixture
def report(application: Application, write_csv: WriteCsv) -> Report:
    """Loads values given as (mission, cycle, value) of new incidents, or as rows, and makes a snapshot."""

    def load(*values: Any) -> None:
        rows = []
        for number, given in enumerate(values):
            row = given
            if isinstance(given, tuple):
                mission, cycle, value = given
                status = value if isinstance(value, str) else "A"
                start, end = CYCLES[cycle]
                row = {
                    "mission": mission, "period_start": start, "period_end": end,
                    "value": "" if isinstance(value, str) else value, "status": status,
                }  # fmt: skip
            rows.append({"note": f"row {number} of {application.clock()}", **row})
        application.loads.load(
            LoadRequest(
                files=(write_csv(f"values-{application.clock():%H%M%S}.csv", *rows),),
                loaded_by="the tests",
                status_codes="sdmx",
            )
        )
        application.refresh(with_history=False)

    return load
