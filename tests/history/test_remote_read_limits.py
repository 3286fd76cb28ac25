"""Remote read: malformed requests, costly patterns, limits, and requests that wait."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from metrics.remote_read_pb2 import ReadHints, ReadRequest
from service.application import Application
from service.errors import JobInterrupted
from service.history.series import HistoryReader
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import read_definitions
from service.web.app import make_app
from tests.history.conftest import OpenLimited
from tests.history.remote_read_client import (
    DAY,
    EQ,
    JOB,
    MISCONDUCT,
    RE,
    at,
    compress,
    count_refused,
    make_query,
    milliseconds,
    read,
    write_request,
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty"),
        (b"\x00", "the body is empty"),
        (b"not snappy at all", "snappy"),
        (b"\xff" * 20, "snappy"),
        (write_request(at(0, JOB))[:-3], "snappy"),
        (compress(b"no protobuf"), "protobuf"),
        (compress(ReadRequest(queries=[at(0, JOB)]).SerializeToString()[:-1]), "protobuf"),
        (compress(b"\x00" * 9_000_000), "decompressed"),
        # A header that promises 4 GiB with nothing behind it.
        (b"\xff\xff\xff\xff\x0f" + b"\x00" * 10, "decompressed"),
        (b"\x00" * (1 << 20) + b"\x00", "A4P_REMOTE_READ_BODY_BYTES"),
        (write_request(at(0, ("mission", 9, "x"))), "matcher type"),
        (write_request(at(0, ("mission", RE, "("))), "regular expression"),
        (write_request(at(0, ("mission", RE, "a{1,2000}"))), "regular expression"),
    ],
)
def test_a_body_that_is_no_request_is_refused_at_once(
    client: FlaskClient, application: Application, body: bytes, reason: str
) -> None:
    before = count_refused(application, "malformed")
    started = time.process_time()
    answer = client.post("/api/v1/read", data=body)
    assert time.process_time() - started < 1
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert reason in answer.text
    assert count_refused(application, "malformed") == before + 1


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "(x+x+)+y", "(" * 200 + "a" + ")*" * 200, ".*" * 500 + "z"]
)
def test_a_pattern_that_makes_backtracking_engines_hang_is_answered_at_once(client: FlaskClient, pattern: str) -> None:
    started = time.process_time()
    answer = client.post("/api/v1/read", data=write_request(at(milliseconds("2024-06-01"), JOB, ("mission", RE, pattern))))
    assert answer.status_code in (200, 400)
    assert time.process_time() - started < 2


def test_an_alternation_of_many_values_works(client: FlaskClient) -> None:
    pattern = "|".join([f"MISSION{number}" for number in range(5000)] + ["UNMISS"])
    (answered,) = read(
        client, at(milliseconds("2024-06-01"), JOB, ("__name__", EQ, "a4p_sofa_incidents_new"), ("mission", RE, pattern))
    )
    assert len(answered) == 1


@pytest.mark.parametrize(
    ("limits", "reason", "status"),
    [
        ({"remote_read_series": 10}, "series", 422),
        ({"remote_read_samples": 1000}, "samples", 422),
        ({"remote_read_seconds": 1e-6}, "time", 504),
    ],
)
def test_a_limit_is_told_in_words_and_counted(limited: OpenLimited, limits: dict[str, float], reason: str, status: int) -> None:
    application, client = limited(**limits)
    start, end = milliseconds("2020-01-01"), milliseconds("2024-06-01")
    hints = ReadHints(start_ms=start, end_ms=end, step_ms=DAY)
    answer = client.post("/api/v1/read", data=write_request(make_query(JOB, start=start, end=end, hints=hints)))
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert f"A4P_REMOTE_READ_{'SECONDS' if reason == 'time' else reason.upper()}" in answer.text
    assert count_refused(application, reason) == 1


def test_requests_beyond_those_that_may_wait_are_turned_away(limited: OpenLimited) -> None:
    application, client = limited(remote_read_concurrency=1, remote_read_seconds=0.5)
    reader = application.remote_reader
    waiting, go_on = threading.Event(), threading.Event()
    find_history = reader._find_history

    def find_slowly(timeout_seconds: float) -> Any:
        waiting.set()
        go_on.wait(10)
        return find_history(timeout_seconds)

    reader._find_history = find_slowly
    body = write_request(at(milliseconds("2018-06-01"), MISCONDUCT, JOB))
    statuses: list[int] = []
    clients = [make_app(application).test_client() for _ in range(6)]
    threads = [
        threading.Thread(target=lambda c=c: statuses.append(c.post("/api/v1/read", data=body).status_code)) for c in clients
    ]
    threads[0].start()
    waiting.wait(10)
    for thread in threads[1:]:
        thread.start()
    for thread in threads[1:]:
        thread.join(10)
    # Four may wait, of one client three.
    assert sorted(statuses) == [429, 429, 503, 503, 503]
    go_on.set()
    threads[0].join(10)
    assert client.post("/api/v1/read", data=body).status_code == 200


def test_a_query_that_comes_before_the_history_is_read_waits_for_it_within_its_time(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, threads=1, remote_read_seconds=0.2)
    application = Application(settings, read_definitions(find_in_tree("metrics")))
    try:
        application.loads.load_shipped()
        application.refresh(with_history=False)
        client = make_app(application).test_client()
        assert client.get("/-/ready").status_code == 200
        body = write_request(at(milliseconds("2018-06-01"), MISCONDUCT, JOB))
        early = client.post("/api/v1/read", data=body)
        assert (early.status_code, early.text.split(";")[0]) == (503, "the history is being read from the warehouse")
        assert count_refused(application, "not_ready") == 1
        application.remote_reader._settings = settings.model_copy(update={"remote_read_seconds": 30})
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.append(client.post("/api/v1/read", data=body).status_code))
        asking.start()
        application.start_history()
        asking.join(30)
        assert statuses == [200]
    finally:
        application.close()


def test_a_reading_of_the_history_ends_with_the_service(application: Application) -> None:
    reader = HistoryReader(application.warehouse)
    assert reader.read().series_count > 1000
    reader.stop()
    with pytest.raises(JobInterrupted, match="stopped"):
        reader.read()
