"""A real Prometheus reads the report's figures through remote read, and imports the export."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.settings import TREE
from service.warehouse.connection import open_copy
from tests.prometheus_process import PrometheusProcess
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p
from tests.tools import INSTALLED, NEWER, each_generation, find_tool

pytestmark = pytest.mark.stack

MISCONDUCT = 'a4p_serious_misconduct_allegations{job="a4p-history"}'
YEARS = dict(zip(range(2017, 2024), (268, 286, 373, 284, 340, 283, 364), strict=True))
DAY = 86_400


def seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServiceProcess, str]]:
    # Prometheus waits for a minute. On a busy machine a request of many samples takes longer than the default of 30 s.
    limits = {"A4P_REMOTE_READ_SERIES": "1300", "A4P_REMOTE_READ_SECONDS": "55"}
    with ServiceProcess(copy_report(tmp_path_factory.mktemp("service")), **limits) as process:
        yield process, process.wait_until_ready()


@pytest.fixture(scope="module", params=[INSTALLED, NEWER])
def prometheus(
    service: tuple[ServiceProcess, str], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[PrometheusProcess]:
    directory = tmp_path_factory.mktemp("prometheus")
    with PrometheusProcess(directory, service_url=service[1], generation=request.param) as running:
        yield running


def write_labels(labels: dict[str, str]) -> str:
    pairs = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "job")
    return f"{{{pairs}}}"


def read_page() -> list[tuple[str, str, list[str]]]:
    """Return the instant, the query and the result of each example of docs/promql.md."""
    text = (TREE / "docs" / "promql.md").read_text(encoding="utf-8")
    found = re.findall(r"```promql (\S+)\n(.*?)\n```\n```\n(.*?)\n```", text, re.DOTALL)
    return [(instant, query, answer.splitlines()) for instant, query, answer in found]


def test_the_page_has_at_least_ten_examples() -> None:
    assert len(read_page()) >= 10


@pytest.mark.parametrize(("instant", "query", "answer"), read_page(), ids=range(1, len(read_page()) + 1))
def test_an_example_of_the_page_returns_the_result_of_the_page(
    prometheus: PrometheusProcess, instant: str, query: str, answer: list[str]
) -> None:
    reported = [
        f"{write_labels(series['metric'])} {series['value'][1]}" for series in prometheus.query(query, seconds(instant))
    ]
    assert sorted(reported) == sorted(answer)


def test_the_example_of_the_readme_returns_a_result(prometheus: PrometheusProcess) -> None:
    text = (TREE / "README.md").read_text(encoding="utf-8")
    asked = re.search(r"-d time=(\S+) --data-urlencode 'query=(.+?)'", text)
    assert asked
    (series,) = prometheus.query(asked[2], seconds(asked[1]))
    assert series["value"][1] == "268"


@pytest.mark.parametrize(("year", "value"), YEARS.items())
def test_the_value_of_a_year_is_valid_from_the_first_second_of_the_next(
    prometheus: PrometheusProcess, year: int, value: int
) -> None:
    begins = seconds(f"{year + 1}-01-01")
    for instant, held in ((begins - 0.001, YEARS.get(year - 1)), (begins, value), (begins + DAY * 300, value)):
        reported = [float(series["value"][1]) for series in prometheus.query(MISCONDUCT, instant)]
        assert reported == ([] if held is None else [held])


@pytest.mark.parametrize(
    ("function", "value"), [("sum", 2198), ("count", 7), ("max", 373), ("min", 268), ("last", 364), ("avg", 314)]
)
def test_functions_over_seven_years(prometheus: PrometheusProcess, function: str, value: float) -> None:
    (series,) = prometheus.query(f"{function}_over_time({MISCONDUCT}[7y])", seconds("2024-01-01T12:00:00"))
    assert float(series["value"][1]) == value


def test_a_panel_over_all_indicators_of_a_mission_for_eight_years(
    prometheus: PrometheusProcess, service: tuple[ServiceProcess, str]
) -> None:
    start, end = seconds("2016-06-01"), seconds("2024-06-01")
    answer = prometheus.query_range('{job="a4p-history", mission="UNMISS"}', start, end, DAY)
    reported = {
        write_labels(series["metric"]): {int(instant): float(value) for instant, value in series["values"]} for series in answer
    }
    expected: dict[str, dict[int, float]] = {}
    with open_copy(service[0].data_dir / "warehouse-read.duckdb") as copy:
        rows = copy.execute(
            "select metric, labels, starts, ends, value, growth from history where labels['mission'] = 'UNMISS'"
        ).fetchall()
    for metric, labels, starts, ends, value, growth in rows:
        begins, ends = starts.timestamp(), min(end + 1, ends.replace(tzinfo=UTC).timestamp() if ends.year < 9999 else end + 1)
        points = expected.setdefault(write_labels({"__name__": metric, **labels}), {})
        instant = start + max(0, -(-(begins - start) // DAY)) * DAY
        while instant < ends:
            points[int(instant)] = value + growth * ((instant - begins) // DAY)
            instant += DAY
    expected = {labels: points for labels, points in expected.items() if points}
    assert reported == expected
    assert len(reported) > 60


def test_the_current_limit_is_available_over_any_range(prometheus: PrometheusProcess) -> None:
    """See docs/promql.md: a default limit is valid from the first start of the service."""
    limit = 'a4p_threshold{job="a4p-history", metric="a4p_sofa_incidents_new", mission="UNMISS"}'
    start, end = seconds("2018-01-01"), seconds("2024-06-01")
    assert prometheus.query_range(limit, start, end, DAY * 30) == []
    (series,) = prometheus.query_range(f"{limit} @ 4102444800", start, end, DAY * 30)
    assert {value for _, value in series["values"]} == {"50"}
    assert len(series["values"]) == (end - start) // (DAY * 30) + 1


def test_every_series_of_a_mission_is_listed(prometheus: PrometheusProcess) -> None:
    listed = prometheus.ask("series", **{"match[]": '{job="a4p-history", mission="UNMISS"}', "start": 0})
    assert listed["status"] == "success"
    assert len(listed["data"]) > 60
    assert all(series["job"] == "a4p-history" and "instance" not in series for series in listed["data"])


def test_a_query_of_another_job_is_not_sent_to_the_service(prometheus: PrometheusProcess) -> None:
    assert prometheus.query('a4p_serious_misconduct_allegations{job=~"a4p-history"}', seconds("2018-06-01")) == []
    assert prometheus.query("a4p_serious_misconduct_allegations", seconds("2018-06-01")) == []


def test_prometheus_shows_the_reason_of_a_refusal(prometheus: PrometheusProcess) -> None:
    start, end = seconds("2000-01-01"), seconds("2026-06-01")
    answer = prometheus.ask(
        "query_range", query='count_over_time({job="a4p-history"}[1h:1m])', start=start, end=end, step=DAY * 30
    )
    (warning,) = answer["warnings"]
    assert "422" in warning and "A4P_REMOTE_READ_SAMPLES" in warning


@each_generation
def test_the_shipped_configuration_passes_promtool(generation: str) -> None:
    checked = subprocess.run(
        [find_tool("promtool", generation), "check", "config", str(TREE / "prometheus" / "prometheus.yml")],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@each_generation
def test_the_export_is_imported_completely(service: tuple[ServiceProcess, str], tmp_path: Path, generation: str) -> None:
    data_dir = service[0].data_dir
    file = tmp_path / "history.om"
    exported = call_a4p("export", "openmetrics", "--data-dir", str(data_dir), "--output", str(file))
    assert exported.returncode == 0, exported.stderr
    assert file.read_text(encoding="utf-8").endswith("\n# EOF\n")
    tsdb = tmp_path / "prometheus" / "tsdb"
    tsdb.mkdir(parents=True)
    subprocess.run(
        [find_tool("promtool", generation), "tsdb", "create-blocks-from", "openmetrics", str(file), str(tsdb)],
        check=True,
        capture_output=True,
    )
    with open_copy(data_dir / "warehouse-read.duckdb") as copy:
        rows = copy.execute("select metric, labels, starts, value from history").fetchall()
    expected: dict[str, list[tuple[float, float]]] = {}
    for metric, labels, starts, value in rows:
        # What is recorded within a millisecond is seen after it.
        starts = math.ceil(starts.timestamp() * 1000) / 1000
        expected.setdefault(write_labels({"__name__": metric, **labels}), []).append((starts, value))
    with PrometheusProcess(tmp_path / "prometheus", generation=generation) as imported:
        answer = imported.query('{job="a4p-history"}[90y]', datetime.now(UTC).timestamp())
    reported = {
        write_labels(series["metric"]): [(float(instant), float(value)) for instant, value in series["values"]]
        for series in answer
    }
    assert reported == {labels: sorted(points) for labels, points in expected.items()}
    assert sum(map(len, reported.values())) > 1500


def test_an_export_of_one_metric_and_some_years(service: tuple[ServiceProcess, str], tmp_path: Path) -> None:
    exported = call_a4p(
        "export", "openmetrics", "--data-dir", str(service[0].data_dir), "--metric", "a4p_serious_misconduct_allegations",
        "--from", "2019-01-01", "--to", "2020-12-31",
    )  # fmt: skip
    lines = exported.stdout.splitlines()
    assert [line for line in lines if not line.startswith("# HELP")] == [
        "# TYPE a4p_serious_misconduct_allegations gauge",
        'a4p_serious_misconduct_allegations{job="a4p-history",mission="ALL"} 286 1546300800',
        'a4p_serious_misconduct_allegations{job="a4p-history",mission="ALL"} 373 1577836800',
        "# EOF",
    ]
    unknown = call_a4p("export", "openmetrics", "--data-dir", str(service[0].data_dir), "--metric", "a4p_nothing")
    assert unknown.returncode == 1
    assert "unknown metric a4p_nothing" in unknown.stderr
