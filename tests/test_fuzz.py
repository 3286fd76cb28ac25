"""Generated input is accepted or refused with a sentence, never with a stack trace, and a refusal changes nothing.

FUZZ_CASES is the number of cases of all tests together: 60 here, 300 in .ci/run, 10,000 in `make fuzz`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from metrics.catalogue import CatalogueError
from metrics.remote_read_pb2 import Query
from service.alerting.alerts import read_token
from service.application import Application
from service.client.address import SECRET_HEADER
from service.errors import LoadError
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.settings import find_in_tree
from service.warehouse.backups.verify import verify_connection
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions, read_definitions
from service.warehouse.manifest import list_tables
from service.web.app import make_app
from service.web.handoff import make_handoff_app
from tests.conftest import NewWarehouse, publish_report
from tests.fuzz import CASES
from tests.fuzz.inputs import csv_files, definition_files, edit_bytes, json_bodies, list_seeds, parquet_files, xlsx_files
from tests.fuzz.remote_read import bodies, queries
from tests.history.remote_read_client import decompress, write_request

pytestmark = pytest.mark.timeout(0 if CASES > 1000 else 300)


def cases(share: float) -> settings:
    """Return the settings of a test with this share of all cases."""
    return settings(
        max_examples=max(5, round(CASES * share)),
        deadline=None,
        database=None,
        print_blob=True,
        # Making a failing case smaller may take minutes; with FUZZ_SHRINK=1 it is done.
        phases=[Phase.generate, *([Phase.shrink] if os.environ.get("FUZZ_SHRINK") else [])],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


Contents = dict[str, tuple[int, int]]


def read_contents(warehouse: Warehouse) -> Contents:
    """Return the number of rows of each table, and a hash of them."""
    with warehouse.cursor() as cursor:
        return {
            table: cursor.execute(f'select count(*), coalesce(sum(hash(t)), 0) from store."{table}" as t').fetchall()[0]
            for table in list_tables(cursor)
        }


@pytest.fixture(scope="module")
def warehouse(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse that every case is loaded into; at the end it must be whole."""
    with new_warehouse(tmp_path_factory.mktemp("fuzz")) as opened:
        yield opened
        with opened.cursor() as cursor:
            assert verify_connection(cursor).faults == ()


def load_case(warehouse: Warehouse, content: bytes, name: str) -> None:
    """Load a file: it is appended whole, or refused with a printable error and without a change."""
    before = read_contents(warehouse)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / name
        file.write_bytes(content)
        try:
            (batch,) = load_files(warehouse, LoadRequest(files=(file,), loaded_by="fuzz"))
        except LoadError as error:
            assert read_contents(warehouse) == before
            assert_printable(str(error))
            for row in error.rows:
                assert_printable(str(row))
            return
    after = read_contents(warehouse)
    added = after["observations"][0] - before["observations"][0]
    assert added == (0 if batch.batch_id is None else batch.new_observations + batch.revisions)


def assert_printable(message: str) -> None:
    """An error can be printed, and holds no trace of the program."""
    assert message
    message.encode()
    assert "Traceback" not in message


@cases(0.40)
@given(content=csv_files)
def test_any_csv_file_is_loaded_or_refused(warehouse: Warehouse, content: bytes) -> None:
    load_case(warehouse, content, "case.csv")


@cases(0.03)
@given(content=xlsx_files)
def test_any_workbook_is_loaded_or_refused(warehouse: Warehouse, content: bytes) -> None:
    load_case(warehouse, content, "case.xlsx")


@cases(0.20)
@given(content=parquet_files)
def test_any_parquet_file_is_loaded_or_refused(warehouse: Warehouse, content: bytes) -> None:
    load_case(warehouse, content, "case.parquet")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("data"), definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


@pytest.fixture(scope="module")
def handoff(application: Application) -> FlaskClient:
    return make_handoff_app(application, "secret").test_client()


@contextlib.contextmanager
def no_stack_trace() -> Iterator[None]:
    """Fail where anything logs an exception meanwhile."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append  # type: ignore[method-assign, assignment]
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    assert not [record.getMessage() for record in records if record.exc_info]


SQL_BODY = {"sql": "select 1 as x", "as_of": "2024-05-01", "known_at": "2026-01-01T00:00:00Z", "max_rows": 5, "format": "json"}


@cases(0.06)
@given(body=json_bodies(SQL_BODY))
def test_any_body_of_a_sql_request_is_answered_or_refused(application: Application, client: FlaskClient, body: bytes) -> None:
    before = read_contents(application.warehouse)
    with no_stack_trace():
        answer = client.post("/api/v1/sql", data=body, content_type="application/json")
    assert answer.status_code in {200, 400, 413, 415, 422, 429, 503}, answer.text
    assert read_contents(application.warehouse) == before


NOTIFICATION = {
    "version": "4",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "A4pThreshold", "mission": "UNMISS"},
            "annotations": {"summary": "x"},
            "startsAt": "2024-05-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "00ff",
        }
    ],
}
ALERT: dict[str, Any] = NOTIFICATION["alerts"][0]  # type: ignore[assignment,index]


@cases(0.05)
@given(body=json_bodies(NOTIFICATION) | json_bodies(ALERT).map(lambda alert: b'{"version": "4", "alerts": [' + alert + b"]}"))
def test_any_notification_is_recorded_or_refused(application: Application, client: FlaskClient, body: bytes) -> None:
    before = read_contents(application.warehouse)
    token = read_token(application.settings)
    with no_stack_trace():
        answer = client.post("/api/v1/alerts", data=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in {200, 400, 413, 422}, answer.text
    if answer.status_code != 200:
        assert read_contents(application.warehouse) == before


COMMANDS: dict[str, dict[str, Any]] = {
    "load": {"files": ["/nowhere.csv"], "loaded_by": "fuzz", "changes": 3, "with_unchanged": False, "sheet": None},
    "preview": {"files": ["/nowhere.csv"], "changes": 3, "with_unchanged": True, "sheet": "Data"},
    "jobs": {"last": 3, "only_failed": True},
    "thresholds": {
        "action": "remove", "metric": "a4p_sofa_incidents_new", "mission": "UNMISS", "dimensions": {}, "comparisons": [">"],
        "severities": ["warning"], "limit": 100, "note": "x", "set_by": "fuzz",
    },
    "alerts": {"action": "list", "alerts": ["00ff"], "note": None, "acknowledged_by": "fuzz"},
}  # fmt: skip


@cases(0.06)
@given(data=st.data())
def test_any_command_through_the_socket_is_executed_or_rejected(
    application: Application, handoff: FlaskClient, data: st.DataObject
) -> None:
    command = data.draw(st.sampled_from(sorted(COMMANDS)))
    body = data.draw(json_bodies(COMMANDS[command]))
    before = read_contents(application.warehouse)
    answer = handoff.post(f"/{command}", data=body, headers={SECRET_HEADER: "secret", "Content-Type": "application/json"})
    assert answer.status_code in {200, 400}, answer.text
    assert "the service failed" not in answer.text, answer.text
    if answer.status_code != 200 or "error" in json.loads(answer.text.splitlines()[-1]):
        assert read_contents(application.warehouse) == before


@pytest.fixture(scope="module")
def limited_client(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[FlaskClient]:
    """An application that returns few samples to one query, so that wild ones end soon."""
    limits = {"remote_read_samples": 5_000, "remote_read_seconds": 5}
    with publish_report(tmp_path_factory.mktemp("limited"), definitions, **limits) as opened:
        yield make_app(opened).test_client()


@cases(0.20)
@given(body=bodies)
def test_any_body_of_a_remote_read_is_answered_or_refused(limited_client: FlaskClient, body: bytes) -> None:
    with no_stack_trace():
        answer = limited_client.post("/api/v1/read", data=body)
    assert answer.status_code in {200, 400, 413, 422, 429, 504}, answer.text


@cases(0.20)
@given(several=st.lists(queries, max_size=3))
def test_any_query_of_a_remote_read_is_answered_or_refused(limited_client: FlaskClient, several: list[Query]) -> None:
    with no_stack_trace():
        answer = limited_client.post("/api/v1/read", data=write_request(*several))
    assert answer.status_code in {200, 400, 422, 504}, answer.text
    if answer.status_code == 200:
        response = decompress(answer.data)
        assert len(response.results) == len(several)
        assert not any(math.isinf(s.value) for r in response.results for t in r.timeseries for s in t.samples)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped catalogue, of which a case changes one file."""
    directory = tmp_path_factory.mktemp("catalogue") / "metrics"
    shutil.copytree(find_in_tree("metrics"), directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return directory


@cases(0.05)
@given(data=st.data())
def test_any_definition_is_read_or_refused(catalogue: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(definition_files(catalogue)))
    held = file.read_bytes()
    file.write_bytes(data.draw(edit_bytes(st.just(held), longest=3)))
    try:
        read_definitions(catalogue)
    except CatalogueError as error:
        assert_printable(str(error))
    finally:
        file.write_bytes(held)


@cases(0.05)
@given(content=edit_bytes(st.sampled_from(list_seeds("sql/kpis/*.sql")), longest=3))
def test_any_kpi_file_is_read_or_refused(catalogue: Path, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "fuzzed.sql").write_bytes(content)
        try:
            read_definitions(catalogue, Path(directory))
        except CatalogueError as error:
            assert_printable(str(error))
