"""POST and GET /api/v1/sql over HTTP."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.ipc
import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from service.application import Application
from service.queries.sandbox.pool import WorkerProcess
from service.queries.sandbox.protocol import QueryRequest
from service.queries.sandbox.time_limit import SLOW_NICENESS
from service.queries.sandbox.worker import NICENESS
from service.settings import Settings
from service.system.fairness import FairSlots
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import load_value, publish_report
from tests.service_process import wait_for

QUERY = "select mission, value from latest where indicator = 'sofa_incidents_new' and mission = 'UNMISS'"


@pytest.fixture(scope="module")
def application(definitions: Definitions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    directory = tmp_path_factory.mktemp("asked") / "data"
    # A minute for a query: the one that runs out of memory takes more than the default of ten seconds on a busy machine.
    with publish_report(directory, definitions, sql_rows=5000, sql_seconds=60, sql_concurrency=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


@pytest.fixture(autouse=True)
def no_recent_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every query, also one that was sent within the last second."""
    monkeypatch.setattr("service.queries.sandbox.recent_results.RECENT_SECONDS", 0.0)


def ask(client: FlaskClient, sql: str, **members: object):
    return client.post("/api/v1/sql", json={"sql": sql, **members})


def take_worker(application: Application) -> WorkerProcess:
    """Return the worker of an application that has one."""
    worker = application.sandbox._workers.get_nowait()
    application.sandbox._workers.put(worker)
    assert worker is not None
    return worker


def test_the_answer_has_columns_rows_and_the_snapshot_of_the_metrics(application: Application, client: FlaskClient) -> None:
    assert application.snapshot is not None
    snapshot = str(application.snapshot.snapshot_id)
    response = ask(client, QUERY)
    assert response.json == {
        "columns": [{"name": "mission", "type": "VARCHAR"}, {"name": "value", "type": "DOUBLE"}],
        "rows": [["UNMISS", 125]],
        "truncated": False,
        "snapshot": snapshot,
    }
    assert response.headers["A4P-Snapshot"] == snapshot


def test_as_of_and_known_at(client: FlaskClient) -> None:
    conduct = "select value from latest where indicator = 'conduct_trainings'"
    assert ask(client, conduct, as_of="2023-10-31").json["rows"] == [[511]]
    assert ask(client, conduct, known_at="2020-01-01").json["rows"] == []
    # The as-of date of one query is not used for the next.
    assert ask(client, "select as_of_date() = as_of from snapshot_info").json["rows"] == [[True]]


def test_rows_beyond_the_maximum_are_cut_and_reported(client: FlaskClient) -> None:
    assert len(ask(client, "from range(2000)").json["rows"]) == 1000
    assert ask(client, "from range(2000)").json["truncated"] is True
    assert ask(client, "from range(2000)", max_rows=2000).json["truncated"] is False
    assert len(ask(client, "from range(9000)", max_rows=9000).json["rows"]) == 5000
    cut = client.get("/api/v1/sql", query_string={"sql": "from range(9000)", "format": "csv"})
    assert cut.headers["A4P-Truncated"] == "true"
    assert cut.data.count(b"\n") == 5001


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("null", None),
        ("0.1::double", 0.1),
        ("2::hugeint", 2),
        ("9007199254740993", "9007199254740993"),
        ("1.50::decimal(9, 2)", 1.5),
        ("'nan'::double", "nan"),
        ("date '2024-04-30'", "2024-04-30"),
        ("timestamptz '2024-04-30 12:00:00+02'", "2024-04-30T10:00:00+00:00"),
        ("timestamp '290000-01-01'", "290000-01-01 00:00:00"),
        ("map {'training': 'Medical'}", {"training": "Medical"}),
        ("map {[1]: 2}", {"key": [[1]], "value": [2]}),
        ("['é', null]", ["é", None]),
        ("'\\x01'::blob", "AQ=="),
    ],
)
def test_values_are_written_in_json_types(client: FlaskClient, expression: str, written: object) -> None:
    assert ask(client, f"select {expression}").json["rows"] == [[written]]


def test_columns_of_one_name_keep_their_values(client: FlaskClient) -> None:
    assert ask(client, "select 1 as a, 2 as a").json["rows"] == [[1, 2]]


@pytest.mark.parametrize(
    "query", ["describe latest", "show tables", "pivot latest on status using count(*)", "explain from latest"]
)
def test_other_read_only_statements_are_accepted(client: FlaskClient, query: str) -> None:
    assert ask(client, query).status_code == 200
    assert ask(client, query, format="csv").status_code == 200


def test_csv_arrow_and_parquet_by_accept(client: FlaskClient, tmp_path: Path) -> None:
    query = {"sql": "select mission, dimensions, period_end, value from latest order by all"}
    expected = ask(client, f"select count(*) from ({query['sql']})").json["rows"][0][0]
    csv = client.post("/api/v1/sql", json=query, headers={"Accept": "text/csv"})
    assert csv.content_type == "text/csv; charset=utf-8"
    assert csv.text.startswith("mission,dimensions,period_end,value\n")
    arrow = client.post("/api/v1/sql", json=query, headers={"Accept": "application/vnd.apache.arrow.stream"})
    table = pyarrow.ipc.open_stream(BytesIO(arrow.data)).read_all()
    assert table.num_rows == expected
    (tmp_path / "answer.parquet").write_bytes(
        client.post("/api/v1/sql", json=query, headers={"Accept": "application/vnd.apache.parquet"}).data
    )
    answer = duckdb.sql(f"from '{tmp_path / 'answer.parquet'}'")
    assert len(answer.fetchall()) == expected
    assert str(answer.types[1]) == "MAP(VARCHAR, VARCHAR)"
    assert client.post("/api/v1/sql", json=query, headers={"Accept": "image/png"}).status_code == 406
    assert client.post("/api/v1/sql", json=query, headers={"Accept": "*/*"}).content_type == "application/json"


def test_xlsx_has_typed_cells_and_no_formulas(client: FlaskClient) -> None:
    query = (
        "select '=1+1' as text, 1.5 as number, date '2024-04-30' as day, timestamptz '2024-04-30 12:00:00+02' as at, "
        "null as none, true as yes, map {'a': 1} as labels, 9007199254740993 as large, date '0044-03-15' as ancient"
    )
    answer = client.get("/api/v1/sql", query_string={"sql": query, "format": "xlsx"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    head, row = openpyxl.load_workbook(BytesIO(answer.data))["result"].iter_rows(values_only=True)
    assert head == ("text", "number", "day", "at", "none", "yes", "labels", "large", "ancient")
    assert row == (
        "=1+1", 1.5, datetime(2024, 4, 30), datetime(2024, 4, 30, 10), None, True, '{"a": 1}', "9007199254740993", "0044-03-15",
    )  # fmt: skip
    etag = answer.headers["ETag"]
    again = client.get("/api/v1/sql", query_string={"sql": query, "format": "xlsx"}, headers={"If-None-Match": etag})
    assert again.status_code == 304
    cut = client.post("/api/v1/sql", json={"sql": "from range(5)", "max_rows": 3, "format": "xlsx"})
    assert cut.headers["A4P-Truncated"] == "true"
    assert openpyxl.load_workbook(BytesIO(cut.data))["result"].max_row == 4


def test_an_unchanged_link_is_304(client: FlaskClient) -> None:
    first = client.get("/api/v1/sql", query_string={"sql": QUERY, "format": "csv"})
    assert first.text == "mission,value\nUNMISS,125.0\n"
    again = client.get(
        "/api/v1/sql", query_string={"sql": QUERY, "format": "csv"}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_an_error_is_a_problem_with_its_position(client: FlaskClient) -> None:
    refused = ask(client, "select 1,\n  nope from latest")
    assert refused.status_code == 400
    assert refused.content_type == "application/problem+json"
    assert (refused.json["line"], refused.json["column"]) == (2, 3)
    assert refused.json["detail"].endswith("line 2 |   nope from latest\n       |   ^")


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ({}, "sql"),
        ({"sql": ""}, "sql"),
        ({"sql": "x" * 100_001}, "sql"),
        ({"sql": 1}, "sql"),
        ({"sql": "select 1", "as_of": "tomorrow"}, "as_of"),
        ({"sql": "select 1", "known_at": "x"}, "known_at"),
        ({"sql": "select 1", "max_rows": 0}, "max_rows"),
        ({"sql": "select 1", "format": "xml"}, "format"),
        ({"sql": "select 1", "asof": "2024-01-01"}, "as_of"),
        ([], "body"),
    ],
)
def test_invalid_queries_are_reported(client: FlaskClient, body: object, reported: str) -> None:
    refused = client.post("/api/v1/sql", json=body)
    assert refused.status_code == 400
    assert reported in refused.json["detail"]


def test_malformed_requests_are_rejected(client: FlaskClient) -> None:
    assert client.post("/api/v1/sql", data=b"\xff{", content_type="application/json").status_code == 400
    assert client.post("/api/v1/sql", data=b"x" * (2 << 20), content_type="application/json").status_code == 413
    assert client.post("/api/v1/sql", data=b"{}", content_type="text/plain").status_code == 415
    assert client.get("/api/v1/sql").status_code == 400
    assert client.get("/api/v1/sql?sql=select+1&sql=select+2").status_code == 400
    assert client.put("/api/v1/sql").status_code == 405


def test_the_next_query_reads_the_new_snapshot(application: Application, client: FlaskClient, tmp_path: Path) -> None:
    before = ask(client, QUERY).json
    load_value(application, tmp_path, 97)
    application.refresh()
    after = ask(client, QUERY).json
    assert after["rows"] == [["UNMISS", 97]]
    assert int(after["snapshot"]) == int(before["snapshot"]) + 1
    assert after["snapshot"] in client.get("/metrics").text.partition("a4p_snapshot_info{")[2].partition("}")[0]


def test_a_worker_has_no_secrets(application: Application) -> None:
    worker = WorkerProcess(application.settings, application.sandbox._copies, application.sandbox._copy)
    try:
        worker.wait_until_ready()
        folder = Path(f"/proc/{worker._process.pid}")
        assert (folder / "environ").read_bytes() == b""
        opened = [str(file.readlink()) for file in (folder / "fd").iterdir()]
        assert sorted(Path(name).name.partition(":")[0] for name in opened) == [
            application.sandbox._copy,
            "null",
            "pipe",
            "pipe",
        ]
        limits = (folder / "limits").read_text()
        assert "Max core file size        0  " in limits
        assert "Max open files            64 " in limits
        assert "NoNewPrivs:\t1" in (folder / "status").read_text()
    finally:
        worker.kill()
    assert not list((application.settings.data_dir / "tmp").glob(f"{worker._spill.name}*"))


def test_a_query_without_a_free_slot_is_rejected_with_retry_after(
    application: Application, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = FairSlots(slots=1, waiting=0)
    monkeypatch.setattr(application.sandbox, "slots", slots)
    with slots.take("another client", 1):
        refused = ask(client, "select 'no slot'")
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
    assert ask(client, "select 'no slot'").status_code == 200


def test_the_same_query_within_a_second_has_the_same_result(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine may take longer.
    monkeypatch.setattr("service.queries.sandbox.recent_results.RECENT_SECONDS", 60.0)
    first = ask(client, "select uuid() as id").json
    assert ask(client, "select uuid() as id").json == first
    assert ask(client, "select uuid() as id ").json != first


def test_sixty_clients_behind_one_address_share_the_run_of_a_slow_query(application: Application) -> None:
    app = make_app(application)
    # Longer than it takes to send all of them.
    slow = "select uuid() as id from (select sum(a.range * b.range) from range(20_000) a, range(50_000) b)"
    ids: list[object] = []
    threads = [threading.Thread(target=lambda: ids.append(ask(app.test_client(), slow).json.get("rows"))) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 60
    # At most a few arrive after the first run.
    assert len({str(rows) for rows in ids}) < 5
    assert None not in ids


def list_slow(worker: WorkerProcess) -> set[str]:
    """Return the numbers of the threads of a worker that have the priority of slow queries."""
    niceness = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS + SLOW_NICENESS
    found = set()
    for thread in Path(f"/proc/{worker._process.pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended
            if int((thread / "stat").read_text().rpartition(")")[2].split()[16]) == niceness:
                found.add(thread.name)
    return found


def test_a_slow_query_has_a_lower_priority_and_the_next_one_does_not(application: Application, client: FlaskClient) -> None:
    ask(client, "select 1")
    worker = take_worker(application)
    # DuckDB 2.0 has a thread of its own, which always has this priority.
    before = list_slow(worker)
    slow = threading.Thread(target=ask, args=[client, "select sum(a.range * b.range) from range(5_000) a, range(100_000) b"])
    slow.start()
    wait_for(lambda: list_slow(worker) - before)
    lowered = list_slow(worker) - before
    assert slow.is_alive()
    slow.join()
    # Its thread ends, and another one takes the next requests.
    wait_for(lambda: lowered - list_slow(worker))
    assert ask(client, "select 42").json["rows"] == [[42]]
    assert take_worker(application) is worker


def list_open_copies(worker: WorkerProcess) -> list[str]:
    """Return the names of the copies that a worker has open. A deleted one would take space on disk."""
    files = [str(file.readlink()) for file in Path(f"/proc/{worker._process.pid}/fd").iterdir()]
    return [file.rpartition("/")[2] for file in files if ".duckdb" in file]


def test_workers_open_a_new_copy_before_queries_read_it(
    definitions: Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with publish_report(tmp_path / "data", definitions, sql_seconds=60, sql_concurrency=2) as opened:
        client, sandbox = make_app(opened).test_client(), opened.sandbox
        # On a busy machine a worker is not ready a tenth of a second after its query.
        for name in ("OPEN_SECONDS", "IDLE_SECONDS"):
            monkeypatch.setattr(f"service.queries.sandbox.pool.{name}", 60.0)
        sandbox._start_all()
        workers = [take_worker(opened) for _ in range(2)]
        before, snapshots = ask(client, QUERY).json["snapshot"], []
        open_copy = WorkerProcess.open_copy

        def open_and_ask(worker: WorkerProcess, copy: str, is_current: bool) -> None:
            open_copy(worker, copy, is_current)
            if not is_current:
                # The copy is open already, and queries still read the one before.
                assert copy in list_open_copies(worker)
                snapshots.append(ask(client, QUERY).json["snapshot"])

        monkeypatch.setattr(WorkerProcess, "open_copy", open_and_ask)
        opened.refresh()
        assert snapshots == [before, before]
        for worker in workers:
            assert list_open_copies(worker) == [sandbox._copy]
        assert {take_worker(opened) for _ in range(2)} == set(workers)
        assert int(ask(client, QUERY).json["snapshot"]) == int(before) + 1


def test_a_busy_worker_does_not_delay_a_new_copy_and_opens_it_with_its_next_query(
    definitions: Definitions, tmp_path: Path
) -> None:
    with publish_report(tmp_path / "data", definitions, sql_seconds=60, sql_concurrency=1) as opened:
        client, sandbox = make_app(opened).test_client(), opened.sandbox
        sandbox._start_all()
        # As while it runs a query.
        worker = sandbox._workers.get()
        opened.refresh()
        sandbox._workers.put(worker)
        assert opened.snapshot is not None
        assert ask(client, QUERY).json["snapshot"] == str(opened.snapshot.snapshot_id)
        assert take_worker(opened) is worker


def test_deleted_temporary_files_are_written_again(application: Application, client: FlaskClient) -> None:
    shutil.rmtree(application.settings.data_dir / "tmp")
    assert ask(client, "select 42").json["rows"] == [[42]]


def test_a_worker_that_ran_out_of_memory_is_replaced(application: Application, client: FlaskClient) -> None:
    ask(client, "select 1")
    worker = take_worker(application)
    assert ask(client, "select printf('%700000000d', 1)").status_code == 413
    assert ask(client, "select 42").json["rows"] == [[42]]
    assert take_worker(application) is not worker


def test_a_worker_is_used_again_unless_a_query_changed_its_settings(
    application: Application, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine may take long to compare them.
    monkeypatch.setattr("service.queries.sandbox.pool.READY_SECONDS", 60.0)
    ask(client, "select 1")
    worker = take_worker(application)
    assert ask(client, "selec").status_code == 400
    # DuckDB 2.0 refuses it, as settings are locked.
    is_changed = duckdb.__version__.startswith("1.")
    assert ask(client, "from enable_logging(level = 'debug')").status_code == (200 if is_changed else 400)
    assert take_worker(application) is worker
    assert ask(client, "select 42").json["rows"] == [[42]]
    assert (take_worker(application) is not worker) == is_changed


def test_a_query_that_takes_too_long_is_interrupted_and_its_worker_is_used_again(
    application: Application, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client, "select 1")
    worker = take_worker(application)
    # A busy machine may take long to interrupt it.
    monkeypatch.setattr("service.queries.sandbox.pool.GRACE_SECONDS", 60.0)
    monkeypatch.setattr("service.queries.sandbox.pool.READY_SECONDS", 60.0)
    endless: QueryRequest = {
        "sql": "select sum(a.range * b.range) from range(10_000_000) a, range(10_000_000) b",
        "as_of": None, "known_at": None, "max_rows": 1, "seconds": 0.2, "format": "json",
    }  # fmt: skip
    assert application.sandbox.run(endless, "client").response["outcome"] == "out_of_time"
    assert ask(client, "select 42").json["rows"] == [[42]]
    assert take_worker(application) is worker


def test_a_query_that_ignores_the_interrupt_is_killed_and_the_next_succeeds(
    application: Application, client: FlaskClient
) -> None:
    ask(client, "select 1")
    worker = take_worker(application)
    asked = threading.Thread(
        target=ask, args=[client, "select sum(a.range * b.range) from range(10_000_000) a, range(10_000_000) b"]
    )
    asked.start()
    time.sleep(0.3)
    worker._process.kill()
    asked.join()
    assert ask(client, "select 42").json["rows"] == [[42]]


@pytest.mark.parametrize(
    ("host", "token", "status"),
    [
        ("127.0.0.1", "", 503),
        ("localhost", "", 503),
        ("::1", "", 503),
        ("127.9.9.9", "", 503),
        ("0.0.0.0", "", 401),
        ("::", "", 401),
        ("10.0.0.1", "", 401),
        ("a4p.example.org", "", 401),
        ("127.0.0.1", "s3cret", 401),
        ("0.0.0.0", "s3cret", 401),
    ],
)
def test_without_a_token_sql_is_for_loopback_addresses(
    definitions: Definitions, tmp_path: Path, host: str, token: str, status: int
) -> None:
    settings = Settings(data_dir=tmp_path, host=host, threads=1, sql_token=SecretStr(token))
    application = Application(settings, definitions, opens_warehouse=False)
    client = make_app(application).test_client()
    # 503: allowed, but there is no snapshot yet.
    assert ask(client, "select 1").status_code == status
    if token:
        early = client.post("/api/v1/sql", json={"sql": "select 1"}, headers={"Authorization": f"Bearer {token}"})
        assert early.status_code == 503
    application.close()


def test_queries_are_counted_by_status(application: Application, client: FlaskClient) -> None:
    def count(code: str) -> float:
        return application.self_metrics.registry.get_sample_value("a4p_sql_queries_total", {"code": code}) or 0

    answered, refused = count("200"), count("400")
    ask(client, QUERY)
    ask(client, "selec 1")
    assert (count("200"), count("400")) == (answered + 1, refused + 1)
