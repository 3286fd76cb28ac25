"""Isolation of a worker by the operating system: sockets, processes, capabilities, tested with code in such a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from service.queries.sandbox.pool import WorkerProcess
from service.settings import TREE, Settings

START = """
import errno, os, socket, sys, threading
from pathlib import Path
from service.queries.sandbox.seccomp import deny_sockets_and_processes
from service.queries.sandbox.isolation import isolate
readable, spill = Path(sys.argv[1]), Path(sys.argv[2])
started = threading.Event()
waiting = threading.Thread(target=started.wait, daemon=True)
waiting.start()
isolate(readable, spill)
assert deny_sockets_and_processes()
def attempt(action):
    try:
        action()
    except OSError as error:
        print(errno.errorcode[error.errno])
    else:
        print("allowed")
"""


def run_isolated(tmp_path: Path, code: str) -> list[str]:
    """Return the lines that code prints in a process with a worker's limits."""
    folders = [tmp_path / "readable", tmp_path / "spill"]
    for folder in folders:
        folder.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", START + code, *map(str, folders)], capture_output=True, text=True, cwd=TREE, check=True
    )
    return ended.stdout.split()


@pytest.mark.parametrize(
    "action",
    [
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair()",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_a_worker_has_no_sockets_and_starts_no_process(tmp_path: Path, action: str) -> None:
    assert run_isolated(tmp_path, f"attempt(lambda: {action})") in (["EPERM"], ["EACCES"])


def test_a_worker_still_starts_threads(tmp_path: Path) -> None:
    assert run_isolated(tmp_path, "t = threading.Thread(target=lambda: print('ran')); t.start(); t.join()") == ["ran"]


def test_every_thread_of_a_worker_has_no_capabilities_and_a_filter(tmp_path: Path) -> None:
    (tmp_path / "data" / "tmp" / "copies").mkdir(parents=True)
    copy = tmp_path / "data" / "tmp" / "copies" / "1.duckdb"
    with duckdb.connect(str(copy)) as connection:
        connection.execute("create table snapshot_info as select 1 as snapshot_id, date '2024-04-30' as as_of")
    worker = WorkerProcess(Settings(data_dir=tmp_path / "data", threads=3), copy.parent, copy.name)
    try:
        assert worker.wait_until_ready()
        statuses = list(Path(f"/proc/{worker._process.pid}/task").glob("*/status"))
        assert len(statuses) >= 3
        for status in statuses:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            found = {name: fields[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "Seccomp", "NoNewPrivs")}
            assert found == {
                **dict.fromkeys(("CapEff", "CapPrm", "CapInh", "CapAmb"), "0" * 16),
                "Seccomp": "2",
                "NoNewPrivs": "1",
            }
    finally:
        worker.kill()
