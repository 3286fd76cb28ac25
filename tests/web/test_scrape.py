"""Scrapes: formats, encodings, and metrics about the service."""

from __future__ import annotations

import gzip
import http.client
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from service.access.roles import Role
from service.application import Application
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import Definitions, read_definitions
from service.web.app import make_app
from service.web.server import WebServer, bind
from tests.published_report import publish_report
from tests.service_process import wait_for
from tests.shipped import OBSERVATION_FILES, SHIPPED_OBSERVATIONS
from tests.tools import find_tool

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def test_plain_text_is_the_default(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Content-Encoding" not in answer.headers
    assert b"# EOF" not in answer.data


def test_openmetrics_on_request(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert answer.data.endswith(b"# EOF\n")
    assert answer.data.count(b"# EOF") == 1


def test_gzip_has_the_same_text(client: FlaskClient) -> None:
    plain = client.get("/metrics").data
    answer = client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    samples = [line for line in plain.splitlines() if b"mission=" in line]
    assert [line for line in gzip.decompress(answer.data).splitlines() if b"mission=" in line] == samples
    assert len(samples) > 700


def test_both_formats_have_the_same_samples_for_prometheus_client(client: FlaskClient) -> None:
    def read(families: object) -> dict[str, float]:
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in families  # type: ignore[attr-defined]
            for sample in family.samples
            if sample.name.startswith("a4p_") and "mission" in sample.labels
        }

    text = read(parse_text(client.get("/metrics").text))
    openmetrics = read(parse_openmetrics(client.get("/metrics", headers={"Accept": OPENMETRICS}).text))
    assert text == openmetrics
    assert len(text) > 700


def test_every_indicator_and_kpi_has_help(client: FlaskClient) -> None:
    for family in parse_text(client.get("/metrics").text):
        assert family.documentation, family.name


@pytest.fixture(scope="module", autouse=True)
def refreshed(application: Application) -> None:
    """Make a snapshot: it records the metrics of jobs, rounds and the warehouse file, and the shared report may have none."""
    application.refresh(with_history=False)
    application.self_metrics._rendered.clear()


@contextmanager
def serve(application: Application) -> Iterator[tuple[WebServer, http.client.HTTPConnection]]:
    """Serve an application; yield its server and a connection to it."""
    with closing(bind("127.0.0.1", 0)) as tcp:
        server = WebServer(make_app(application), 1, tcp)
        threading.Thread(target=server.run, daemon=True).start()
        try:
            with closing(http.client.HTTPConnection(*tcp.getsockname(), timeout=60)) as connection:
                yield server, connection
        finally:
            server.close()


def scrape(connection: http.client.HTTPConnection, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection.request("GET", "/metrics", headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, dict(answer.getheaders()), gzip.decompress(body) if "Accept_Encoding" in headers else body


def count_scrapes(text: bytes) -> float:
    return sum(float(value) for value in re.findall(rb"^a4p_exposition_scrapes_total\{.*\} (.+)$", text, re.MULTILINE))


@pytest.mark.parametrize("headers", [{}, {"Accept": OPENMETRICS, "Accept_Encoding": "gzip"}], ids=["text", "OpenMetrics, gzip"])
def test_a_repeated_scrape_has_the_same_headers_and_the_current_text(application: Application, headers: dict[str, str]) -> None:
    application.self_metrics._rendered.clear()
    with serve(application) as (server, connection):
        status, first_headers, first = scrape(connection, **headers)
        assert status == 200
        wait_for(lambda: len(server._tcp.remembered))
        application.refresh(with_history=False)
        application.self_metrics._rendered.clear()
        status, second_headers, second = scrape(connection, **headers)
    assert status == 200
    changing = {"Content-Length": "", "Date": ""}
    assert {**second_headers, **changing} == {**first_headers, **changing}
    newest = f'a4p_snapshot_info{{id="{application.snapshot.snapshot_id}"}} 1.0\n'.encode()
    assert newest in second and newest not in first
    # Each is counted, after its text was made.
    assert count_scrapes(second) == count_scrapes(first) + 1


def test_a_repeated_scrape_needs_a_token_that_is_still_valid(tmp_path: Path, definitions: Definitions) -> None:
    with publish_report(tmp_path / "data", definitions, anonymous="none", prometheus_access="token") as application:
        number, secret = application.access.tokens.create_for_service("prometheus", Role.READER, [], "test")
        headers = {"Authorization": f"Bearer {secret}"}
        with serve(application) as (server, connection):
            assert [scrape(connection, **headers)[0] for _ in range(2)] == [200, 200]
            assert not server._tcp.remembered
            application.access.tokens.revoke(number)
            assert scrape(connection, **headers)[0] == 401


def test_promtool_warns_only_about_public_names(client: FlaskClient) -> None:
    checked = subprocess.run(
        [find_tool("promtool"), "check", "metrics"], input=client.get("/metrics").data, capture_output=True
    )
    assert sorted(checked.stderr.decode().splitlines()) == [
        'a4p_hospital_outage_days use base unit "seconds" instead of "days"',
        'a4p_indicator_age_days use base unit "seconds" instead of "days"',
        'a4p_sofa_incidents_total non-counter metrics should not have "_total" suffix',
        'a4p_submission_overdue_days use base unit "seconds" instead of "days"',
    ]


def test_metrics_about_the_service_are_exposed(client: FlaskClient, application: Application) -> None:
    text = client.get("/metrics").text
    reported = {sample.name: sample.value for family in parse_text(text) for sample in family.samples}
    assert reported["a4p_snapshot_success"] == 1
    assert reported["a4p_snapshot_series"] == application.snapshot.series_count
    assert reported["a4p_snapshot_timestamp_seconds"] == pytest.approx(application.snapshot.made_at.timestamp())
    assert reported["a4p_warehouse_observations"] == SHIPPED_OBSERVATIONS
    assert (reported["a4p_warehouse_batches"], reported["a4p_warehouse_revisions"]) == (len(OBSERVATION_FILES), 0)
    assert f'a4p_snapshot_info{{id="{application.snapshot.snapshot_id}"}} 1.0' in text
    # Other tests of the session may have made further snapshots.
    assert re.search(r'^a4p_job_runs_total\{job="snapshot",status="succeeded"\} [1-9]', text, re.MULTILINE)
    assert "process_resident_memory_bytes" in text


def test_not_ready_before_the_first_snapshot(tmp_path: Path) -> None:
    opened = Application(Settings(data_dir=tmp_path, threads=1), read_definitions(find_in_tree("metrics")))
    try:
        client = make_app(opened).test_client()
        assert client.get("/-/healthy").status_code == 200
        assert client.get("/-/ready").status_code == 503
        # An answer without the snapshot would end every alert.
        assert client.get("/metrics").status_code == 503
        opened.refresh()
        assert client.get("/-/ready").status_code == 200
    finally:
        opened.close()
