"""`a4p thresholds` and `a4p alerts`, with and without a running service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest
from click.testing import CliRunner

from service.commands.thresholds import thresholds
from tests.published_report import copy_empty, copy_report
from tests.service_process import ServiceProcess, call_a4p, get, run_a4p


def ask(data_dir: Path, *arguments: str, code: int = 0, run: Callable[..., CompletedProcess[str]] = call_a4p) -> str:
    done = run(*arguments, "--data-dir", str(data_dir))
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def read_history(data_dir: Path) -> list[tuple[float, float | None]]:
    with duckdb.connect(str(data_dir / "warehouse-read.duckdb"), read_only=True) as copy:
        return copy.execute(
            "select limit_value, replaced_limit from threshold_history where severity = 'info' order by recorded_at"
        ).fetchall()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The data directory and the URL of a running service of this module."""
    data_dir = tmp_path_factory.mktemp("thresholds") / "data"
    with ServiceProcess(copy_report(data_dir)) as running:
        yield data_dir, running.wait_until_ready()


def test_a_threshold_set_in_the_service_is_in_the_next_scrape(service: tuple[Path, str]) -> None:
    data_dir, url = service
    sample = b'\na4p_threshold{metric="a4p_sofa_incidents_new",mission="UNMISS",comparison="above",severity="critical"} 100\n'
    assert sample not in get(f"{url}/metrics")[2]
    reported = ask(
        data_dir,
        "thresholds",
        "set",
        "sofa_incidents_new",
        "--above",
        "100",
        "--severity",
        "critical",
        "--note",
        "Why",
        run=run_a4p,
    )  # fmt: skip
    assert reported == "set: a4p_sofa_incidents_new above 100 (critical)\n"
    assert sample in get(f"{url}/metrics")[2]
    assert "above 100  critical  1" in ask(data_dir, "thresholds", "list", "sofa_incidents_new")
    assert "removed" in ask(data_dir, "thresholds", "remove", "sofa_incidents_new", "--severity", "critical")
    assert sample not in get(f"{url}/metrics")[2]
    history = ask(data_dir, "thresholds", "history", "sofa_incidents_new")
    assert "Why" in history and "removed" in history
    wrong = ask(data_dir, "thresholds", "set", "sofa_incidents", "--above", "1", code=1)
    assert "Did you mean a4p_sofa_incidents_new" in wrong
    output = ask(data_dir, "thresholds", "test", "sofa_incidents_new", "--above", "100")
    assert "would have fired 1 of 8 times" in output
    assert "UNMISS           2023-11-01 to 2024-04-30  125    100    25           now" in output
    assert "against today's thresholds, cleared: 0" in output
    assert "no alert fires" in ask(data_dir, "alerts", run=run_a4p)
    assert "0 alerts that fire begin with 3f2a" in ask(data_dir, "alerts", "ack", "3f2a", code=1)


def test_thresholds_work_without_a_service(tmp_path: Path) -> None:
    data_dir = copy_empty(tmp_path / "data")
    ask(data_dir, "thresholds", "set", "patrols_with_women_ratio", "--above", "0.5", "--severity", "info", "--by", "A. Analyst")
    reported = ask(data_dir, "thresholds", "set", "patrols_with_women_ratio", "--above", "3", "--severity", "info")
    assert "it replaces 0.5" in reported and "warning: this threshold can never fire" in reported
    assert read_history(data_dir) == [(0.5, None), (3, 0.5)]
    assert "A. Analyst" in ask(data_dir, "thresholds", "history")
    assert "no value so far is governed by it" in ask(data_dir, "thresholds", "test", "sea_allegations", "--above", "1")
    assert "no alert fires" in ask(data_dir, "alerts")


@pytest.mark.parametrize(
    "arguments",
    [
        ["set", "sofa_incidents_new"],
        ["set", "sofa_incidents_new", "--above", "1", "--below", "2"],
        ["set", "sofa_incidents_new", "--above", "nan"],
        ["set", "sofa_incidents_new", "--above", "1", "--label", "cause"],
        ["set", "sofa_incidents_new", "--above", "1", "--severity", "dire"],
        ["test", "sofa_incidents_new"],
    ],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    done = CliRunner().invoke(thresholds, [*arguments, "--data-dir", str(tmp_path / "data")])
    assert done.exit_code == 2, done.output


@pytest.mark.timeout(180)
@pytest.mark.parametrize("count", [4, pytest.param(10, marks=pytest.mark.long)])
@pytest.mark.parametrize("is_running", [True, False])
def test_thresholds_set_by_concurrent_processes_are_all_recorded_in_order(tmp_path: Path, is_running: bool, count: int) -> None:
    data_dir = tmp_path / "data"

    def set_all() -> None:
        arguments = ["thresholds", "set", "sofa_incidents_new", "--severity", "info", "--above"]
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda limit: ask(data_dir, *arguments, str(limit), run=run_a4p), range(count)))

    if is_running:
        with ServiceProcess(copy_report(data_dir)) as service:
            service.wait_until_ready()
            set_all()
            history = read_history(data_dir)
    else:
        set_all()
        history = read_history(data_dir)
    assert sorted(limit for limit, _ in history) == list(range(count))
    assert [replaced for _, replaced in history] == [None, *(limit for limit, _ in history[:-1])]


def test_the_handoff_rejects_an_invalid_threshold(service: tuple[Path, str]) -> None:
    data_dir, url = service
    requested = {"action": "set", "metric": "sofa_incidents_new", "mission": "*", "dimensions": {}, "comparisons": ["above"],
              "severities": ["info"], "limit": None, "note": None, "set_by": "a stranger"}  # fmt: skip
    for body in (requested, {**requested, "limit": "much"}, {**requested, "limit": 1, "severities": ["dire"]}, {}):
        answer = subprocess.run(
            ["curl", "-s", "-w", "%{http_code}", "--unix-socket", str(data_dir / "a4p.sock"),
             "-H", f"X-A4P-Secret: {(data_dir / 'a4p.secret').read_text()}",
             "-d", json.dumps(body), "http://localhost/thresholds"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert answer.stdout.endswith("400"), answer.stdout
    answer = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", f"{url}/thresholds"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert answer.stdout == "303", "a form without a session leads to the sign-in page and sets nothing"
