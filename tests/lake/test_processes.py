"""Two processes of the service on one lake: kills, and servers that stop."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import load_value
from tests.lake.conftest import MakeSettings, OpenReplica
from tests.lake.servers import Bucket, Postgres
from tests.lake.test_replicas import digest, get_lake
from tests.lake.test_upload import list_environment
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, get, run_a4p, wait_for

TAKE_OVER_SECONDS = 15
VALUE = "indicator,mission,period_start,period_end,value,source\nsofa_incidents_new,UNMISS,2024-05-01,2024-10-31,{},a test\n"


class Replica:
    """A process of the service whose output is read."""

    def __init__(self, data_dir: Path, environment: dict[str, str], port: int = 0) -> None:
        self.data_dir = data_dir
        self.environment = {**environment, "A4P_DATA_DIR": str(data_dir)}
        self.port = port
        self.service = ServiceProcess(data_dir, f"--port={port}", **self.environment)
        self.lines: list[str] = []

    def wait(self) -> None:
        self.url = self.service.wait_until_ready()
        stream = self.service.process.stdout
        assert stream is not None
        threading.Thread(target=lambda: self.lines.extend(iter(stream.readline, "")), daemon=True).start()

    @property
    def runs_jobs(self) -> bool:
        """Whether it has reported that it runs scheduled jobs."""
        return "runs scheduled jobs" in "".join([*self.service.output, *self.lines])

    def read(self, metric: str) -> str:
        lines = get(f"{self.url}/metrics")[2].decode().splitlines()
        return next(line.rsplit(" ", 1)[1] for line in lines if line.startswith(metric))

    def read_shared(self) -> bytes:
        """Return the families of the snapshot; after them are those about the process."""
        return get(f"{self.url}/metrics")[2].partition(b"# HELP process_")[0]

    def load(self, folder: Path, value: int) -> subprocess.CompletedProcess[str]:
        file = folder / f"{value}.csv"
        file.write_text(VALUE.format(value))
        return self.run("load", str(file))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the service."""
        return run_a4p(*arguments, cwd=None, **self.environment)


@pytest.mark.long
def test_replicas_survive_kills_and_servers_that_stop(make_settings: MakeSettings, postgres: Postgres, tmp_path: Path) -> None:
    environment = list_environment(make_settings())
    moved = {**environment, "A4P_DATA_DIR": str(copy_report(tmp_path / "a"))}
    assert run_a4p("migrate", cwd=None, **moved).returncode == 0
    first, second = Replica(tmp_path / "a", environment), Replica(tmp_path / "b", environment)
    with first.service, second.service:
        first.wait()
        second.wait()
        loaded = second.load(tmp_path, 77)
        assert loaded.returncode == 0, loaded.stderr
        wait_for(lambda: first.read('a4p_sofa_incidents_new{mission="UNMISS"}') == "77", 60, 0.2)
        wait_for(lambda: first.read_shared() == second.read_shared(), 60, 0.5)
        assert first.read("a4p_snapshot_info") == second.read("a4p_snapshot_info")

        # The replica that runs jobs is killed: the other one takes over, and still accepts writes.
        leader, other = (first, second) if first.runs_jobs else (second, first)
        assert leader.runs_jobs and not other.runs_jobs
        started = time.monotonic()
        leader.service.kill()
        wait_for(lambda: other.runs_jobs, TAKE_OVER_SECONDS, 0.1)
        assert time.monotonic() - started < TAKE_OVER_SECONDS
        assert other.load(tmp_path, 78).returncode == 0

        # Without PostgreSQL the last state is served, and changes are refused.
        postgres.stop()
        try:
            refused = other.load(tmp_path, 79)
            assert refused.returncode == 1
            assert "cannot be" in refused.stderr and "Traceback" not in refused.stderr
            assert other.read('a4p_sofa_incidents_new{mission="UNMISS"}') == "78"
            assert get(f"{other.url}/api/v1/sql?sql=select+42")[0] == 200
        finally:
            postgres.start()
        # For 2 s after a failed connection, requests of users fail at once (service/lake/pool.py).
        wait_for(lambda: other.load(tmp_path, 79).returncode == 0, 60, 0.5)

        # The killed one was away, and its copy is complete again.
        again = Replica(leader.data_dir, environment)
        with again.service:
            again.wait()
            assert again.read('a4p_sofa_incidents_new{mission="UNMISS"}') == "79"
            wait_for(lambda: other.read_shared() == again.read_shared(), 60, 0.5)


@pytest.mark.long
def test_a_replica_starts_without_postgres_and_serves_its_last_state(
    make_settings: MakeSettings, postgres: Postgres, open_replica: OpenReplica, tmp_path: Path
) -> None:
    environment = list_environment(make_settings())
    application = open_replica("a")
    application.refresh()
    application.close()
    postgres.stop()
    replica = Replica(tmp_path / "a", environment)
    try:
        with replica.service:
            assert replica.service.process.stdout is not None
            line = replica.service.process.stdout.readline()
            while line and "serving the state of the last run" not in line:
                line = replica.service.process.stdout.readline()
            assert "PostgreSQL 127.0.0.1" in line
            postgres.start()
            replica.wait()
            assert get(f"{replica.url}/-/ready")[0] == 200
    finally:
        if not postgres.is_running:
            postgres.start()


KILLED = """
import os, signal
from service.application import Application
from service.lake import store
from service.loading.request import LoadRequest
from service.settings import find_in_tree, read_settings
from service.warehouse.definitions import read_definitions
from pathlib import Path
import sys

application = Application(read_settings(), read_definitions(find_in_tree("metrics")))
insert = store._insert

def insert_and_die(lake, table, *arguments):
    insert(lake, table, *arguments)
    if table == "observations":
        os.kill(os.getpid(), signal.SIGKILL)

store._insert = insert_and_die
application.loads.load(LoadRequest(files=(Path(sys.argv[1]),), loaded_by="a test"))
"""


def test_a_writer_killed_between_data_and_catalog_leaves_no_row_and_no_file(
    make_settings: MakeSettings, open_replica: OpenReplica, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = open_replica("b")
    before, files = digest(second), bucket.list_files()
    environment = list_environment(make_settings("a"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "value.csv"
    file.write_text(VALUE.format(5))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(file)], capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    orphans = bucket.list_files() - files
    assert any("/observations/" in name for name in orphans)
    get_lake(second).pull()
    assert digest(second)["observations"] == before["observations"]
    load_value(second, tmp_path, 6)
    assert run_a4p("lake", "expire", "--days", "0", cwd=None, **environment).returncode == 0
    assert not bucket.list_files() & {name for name in orphans if "/observations/" in name}
    assert digest(open_replica("c")) == digest(second)
