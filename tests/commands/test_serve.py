"""`a4p serve`: start, requests, stop and restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get, run_a4p, wait_for
from tests.shipped import SHIPPED_OBSERVATIONS
from tests.tools import find_tool

HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note\n"
# Of each file that is loaded until the service is killed.
ROWS = 500
ROW = "sofa_incidents_new,UNMISS,,2024-05-01,2024-10-31,97,A,UNMISS submission,2,\n"


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    file = tmp_path / "submission.csv"
    file.write_text(HEADER + ROW)
    return file


@dataclass(frozen=True)
class Shared:
    """A running service of this module, for tests that leave it running and ready."""

    service: ServiceProcess
    url: str
    data_dir: Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    with ServiceProcess(copy_report(data_dir)) as service:
        yield Shared(service, service.wait_until_ready(), data_dir)


def count_observations(data_dir: Path) -> int:
    with duckdb.connect(str(data_dir / "warehouse-read.duckdb"), read_only=True) as copy:
        return copy.execute("select count(*) from observation_revisions").fetchone()[0]


def test_a_start_reports_its_steps_and_no_error_and_a_second_start_loads_no_file_again(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with ServiceProcess(data_dir) as service:
        url = service.wait_until_ready()
        assert f"{SHIPPED_OBSERVATIONS:,} observations loaded, {SHIPPED_OBSERVATIONS:,} in the warehouse" in service.output
        assert any("series exposed, as of" in line for line in service.output)
        assert [line for line in service.output if " ERROR " in line or " WARNING " in line] == []
        assert get(f"{url}/-/ready")[0] == 200
        assert b'\na4p_sofa_incidents_new{mission="UNMISS"} 125\n' in get(f"{url}/metrics")[2]
        code, rest = service.stop()
    assert (code, rest) == (0, "stopped\n")
    assert not (data_dir / "a4p.sock").exists()
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
        assert f"0 observations loaded, {SHIPPED_OBSERVATIONS:,} in the warehouse" in service.output
        # The signal of systemd and of containers stops it as Ctrl-C does.
        service.process.send_signal(signal.SIGTERM)
        rest, _ = service.process.communicate(timeout=60)
        assert (service.process.returncode, rest) == (0, "stopped\n")


def test_a_load_in_the_service_is_in_the_next_scrape(shared: Shared, submission: Path) -> None:
    before = count_observations(shared.data_dir)
    loaded = run_a4p("load", str(submission), "--by", "A. Analyst", "--data-dir", str(shared.data_dir))
    assert loaded.returncode == 0, loaded.stderr
    assert "1 new observations, 0 revisions" in loaded.stdout
    metrics = get(f"{shared.url}/metrics")[2]
    assert b'\na4p_sofa_incidents_new{mission="UNMISS"} 97\n' in metrics
    assert b'\na4p_indicator_change{indicator="sofa_incidents_new",mission="UNMISS"} -28\n' in metrics
    again = call_a4p("load", str(submission), "--data-dir", str(shared.data_dir))
    assert "no changes" in again.stdout
    assert count_observations(shared.data_dir) == before + 1


def test_a_refused_load_lists_its_errors_and_is_counted(shared: Shared, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(HEADER + ROW.replace("97", "-1") + ROW.replace("UNMISS", "UNMSS", 1))
    refused = call_a4p("load", str(bad), "--data-dir", str(shared.data_dir))
    assert refused.returncode == 1
    assert "nothing was loaded: 2 errors" in refused.stderr
    assert "bad.csv, row 2, column value: '-1.0' is below the minimum of" in refused.stderr
    assert "bad.csv, row 3, column mission: 'UNMSS' is not a known mission" in refused.stderr
    wait_for(lambda: b"\na4p_load_refused_total 1.0\n" in get(f"{shared.url}/metrics")[2])


def test_only_the_owner_may_reach_the_handoff(shared: Shared) -> None:
    for name in ("a4p.sock", "a4p.secret"):
        assert stat.S_IMODE((shared.data_dir / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(("secret", "mission"), [(None, "UNIFIL"), ("", "MINUSCA"), ("wrong", "MONUSCO")])
def test_the_handoff_refuses_requests_without_its_secret(
    shared: Shared, tmp_path: Path, secret: str | None, mission: str
) -> None:
    data_dir, submission = shared.data_dir, tmp_path / "submission.csv"
    submission.write_text(HEADER + ROW.replace("UNMISS", mission, 1))
    right = (data_dir / "a4p.secret").read_text()
    if secret is None:
        (data_dir / "a4p.secret").unlink()
    else:
        (data_dir / "a4p.secret").write_text(secret)
    refused = call_a4p("load", str(submission), "--data-dir", str(data_dir))
    (data_dir / "a4p.secret").write_text(right)
    (data_dir / "a4p.secret").chmod(0o600)
    assert refused.returncode == 1
    assert "its secret, in the file a4p.secret of the data directory, was not sent or is another one" in refused.stderr
    assert "1 new observations" in call_a4p("load", str(submission), "--data-dir", str(data_dir)).stdout


def test_a_directory_at_the_path_of_the_socket_is_an_error_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "a4p.sock").mkdir()
    ended = run_a4p("serve", "--port", "0", "--data-dir", str(tmp_path))
    assert ended.returncode == 1
    assert "a4p.sock is in the way of the socket" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_writes_over_tcp_are_rejected(shared: Shared) -> None:
    for work in ("load", "snapshot", "backup"):
        answer = subprocess.run(
            [find_tool("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", f"{shared.url}/{work}"],
            capture_output=True,
            text=True,
        )
        assert answer.stdout == "404"


def test_the_handoff_rejects_invalid_requests(shared: Shared) -> None:
    answer = subprocess.run(
        [find_tool("curl"), "-s", "-w", "%{http_code}", "--unix-socket", str(shared.data_dir / "a4p.sock"),
         "-H", f"X-A4P-Secret: {(shared.data_dir / 'a4p.secret').read_text()}",
         "-d", json.dumps({"files": 3}), "http://localhost/load"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert answer.stdout.endswith("400")


@pytest.mark.timeout(180)
def test_a_reported_load_survives_kills_before_and_after_a_snapshot_in_a_directory_with_a_long_path(
    tmp_path: Path, submission: Path
) -> None:
    # The path of its socket is longer than an address may be.
    data_dir = copy_report(tmp_path / ("d" * 100) / ("e" * 100))
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
        assert call_a4p("load", str(submission), "--data-dir", str(data_dir)).returncode == 0
        service.kill()
    for _ in range(2):
        with ServiceProcess(data_dir) as service:
            url = service.wait_until_ready()
            assert f"0 observations loaded, {SHIPPED_OBSERVATIONS + 1:,} in the warehouse" in service.output
            assert b'\na4p_sofa_incidents_new{mission="UNMISS"} 97\n' in get(f"{url}/metrics")[2]
            assert call_a4p("snapshot", "--data-dir", str(data_dir)).returncode == 0
            service.kill()


def write_days(file: Path, first: int, count: int) -> Path:
    """Write `count` observations of one series, each of one day, as Parquet."""
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (
                select 'explosive_incidents' as indicator, 'UNIFIL' as mission, date '1950-01-01' + i::integer as period_start,
                    date '1950-01-01' + i::integer as period_end, i::double as value, 'made by a test' as source
                from range({first}, {first + count}) as t(i)
            ) to '{file}'
        """)
    return file


@pytest.mark.timeout(120)
# Rounds of torture kill a service at random moments.
@pytest.mark.parametrize("delay", [0.6, pytest.param(0.1, marks=pytest.mark.long), pytest.param(1.4, marks=pytest.mark.long)])
def test_a_kill_at_any_moment_leaves_a_consistent_warehouse(tmp_path: Path, delay: float) -> None:
    # Loads in a row, each with its snapshot and publishing, until the service is killed under one of them.
    data_dir = tmp_path / "data"
    files = [write_days(tmp_path / f"{number}.parquet", number * ROWS, ROWS) for number in range(5)]
    answered: list[Path] = []

    def load_until_killed() -> None:
        for file in files:
            done = run_a4p("load", str(file), "--data-dir", str(data_dir), A4P_CONFIG=str(tmp_path / "none.toml"))
            if done.returncode != 0:
                return
            answered.append(file)
            if service.process.poll() is not None:  # it found no service and loaded by itself, which is no part of this
                return

    with ServiceProcess(copy_report(data_dir)) as service:
        service.wait_until_ready()
        loading = threading.Thread(target=load_until_killed)
        loading.start()
        time.sleep(0.4 + delay)
        answered_before = list(answered)
        service.kill()
        loading.join()
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
        with duckdb.connect(str(data_dir / "warehouse-read.duckdb"), read_only=True) as copy:
            batches = copy.execute(
                "select file_name, row_count, (select count(*) from observation_revisions as o where o.batch_id = b.batch_id) "
                "from batches as b where loaded_by <> 'a4p'"
            ).fetchall()
            left_running = copy.execute("select job from job_runs where status = 'running' and job <> 'read_copy'").fetchall()
        assert {str(file) for file in answered_before} <= {name for name, _, _ in batches}
        assert all(row_count == held == ROWS for _, row_count, held in batches)
        assert left_running == []
        # The service writes files of its own meanwhile.
        wait_for(lambda: not list(data_dir.glob("*.tmp")))


def test_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run_a4p("serve", "--port", port, "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"a4p: cannot listen on 127.0.0.1:{port} (Address already in use). Stop the other process, or set A4P_PORT to "
        "another port\n"
    )
    assert not (tmp_path / "data").exists()


def test_two_services_on_one_data_directory(shared: Shared) -> None:
    refused = run_a4p("serve", "--port", "0", "--data-dir", str(shared.data_dir))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert f"is in use by process {shared.service.process.pid}" in refused.stderr
    assert get(f"{shared.url}/-/ready")[0] == 200
    assert call_a4p("snapshot", "--data-dir", str(shared.data_dir)).returncode == 0, "the socket must still be the first's"


def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run_a4p("serve", "--port", "0", "--data-dir", str(tmp_path / "file" / "data"))
    assert refused.returncode == 1
    assert (
        "cannot be written (Not a directory); correct its permissions, or set A4P_DATA_DIR to another directory"
        in refused.stderr
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused = run_a4p("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    tmp_path.chmod(0o700)
    assert "Permission denied" in refused.stderr


def test_a_warehouse_made_by_a_newer_version(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    copy_report(data_dir)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        connection.execute("insert into store.migrations values (999, '0999_later', now())")
    refused = run_a4p("serve", "--port", "0", "--data-dir", str(data_dir))
    assert refused.returncode == 1
    assert "was created by a newer version of this service" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("setting", "reported"),
    [
        ({"A4P_PORT": "http"}, "setting A4P_PORT"),
        ({"A4P_SNAPSHOT_CRON": "every day"}, "setting A4P_SNAPSHOT_CRON"),
        ({"A4P_MEMORY_LIMIT": "much"}, "setting A4P_MEMORY_LIMIT"),
        ({"A4P_TIMEZONE": "Mars/Olympus"}, "setting A4P_TIMEZONE"),
    ],
)
def test_an_invalid_setting_is_reported_by_name(tmp_path: Path, setting: dict[str, str], reported: str) -> None:
    refused = call_a4p("serve", "--data-dir", str(tmp_path / "data"), **setting)  # type: ignore[arg-type]
    assert refused.returncode == 1
    assert reported in refused.stderr
    assert "Traceback" not in refused.stderr
