"""The process that reads a workbook can read only the workbook, Python and its packages."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.loading.readers.workbook_process import ENVIRONMENT
from service.settings import TREE

# Runs the worker with a mode of its own that tries what a workbook with hostile content might try.
ATTACK = """
import json, os, socket, subprocess, sys
from pathlib import Path
from service.queries.sandbox import xlsx_worker

secret, port, unix = sys.argv[2], int(sys.argv[3]), sys.argv[4]

def connect_unix():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(unix)

def attack(stream, target):
    attempts = {
        "read a file": lambda: Path(secret).read_text(),
        "read a setting of the machine": lambda: Path("/etc/passwd").read_text(),
        "read the checkout": lambda: Path("README.md").read_text(),
        "read the environment of the service": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
        "list a directory": lambda: os.listdir("/"),
        "write a file": lambda: Path(secret + ".new").write_text("x"),
        "delete a file": lambda: os.unlink(secret),
        "connect by TCP": lambda: socket.create_connection(("127.0.0.1", port), 5),
        "send by UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "connect to a Unix socket": connect_unix,
        "start a program": lambda: subprocess.run(["/bin/true"]),
        "start a process": lambda: os.fork() or os._exit(0),
        "change the user": lambda: os.setresuid(65534, 0, 0),
    }
    results = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            results[name] = "done"
        except OSError as error:
            results[name] = type(error).__name__
    import xml.dom.minidom  # a module that was not loaded before
    return {"results": results, "workbook": stream.read().decode()}

if sys.argv[1] == "restricted":
    xlsx_worker.MODES["attack"] = attack
    sys.argv = ["", "attack"]
    xlsx_worker.main()
else:
    print(json.dumps(attack(sys.stdin.buffer, None)), file=sys.stderr)
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("of the data directory")
    return file


def run_attack(kind: str, secret: Path) -> dict[str, object]:
    unix_path = str(secret.with_name("a.sock"))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(unix_path)
        unix.listen()
        done = subprocess.run(
            [sys.executable, "-I", "-W", "ignore", "-c", ATTACK, kind, str(secret), str(server.getsockname()[1]), unix_path],
            input="the workbook", capture_output=True, text=True, env=ENVIRONMENT, cwd=TREE, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    reply: dict[str, object] = json.loads(done.stderr.splitlines()[-1])
    return reply


def list_results(reply: dict[str, object]) -> dict[str, str]:
    assert "results" in reply, reply
    results = reply["results"]
    assert isinstance(results, dict)
    if os.geteuid() != 0:
        del results["change the user"]
    return results


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the seccomp filter is for these processors")
def test_a_hostile_workbook_reads_no_other_file_and_opens_no_connection(secret: Path) -> None:
    reply = run_attack("restricted", secret)
    assert set(list_results(reply).values()) == {"PermissionError"}, reply
    assert reply["workbook"] == "the workbook"
    assert secret.read_text() == "of the data directory"


def test_the_same_attempts_succeed_without_the_restrictions(secret: Path) -> None:
    assert set(list_results(run_attack("unrestricted", secret)).values()) == {"done"}
    assert not secret.exists()


def test_the_worker_has_one_thread_when_it_restricts_itself() -> None:
    count = "import os; from service.queries.sandbox import xlsx_worker; print(len(os.listdir('/proc/self/task')))"
    done = subprocess.run([sys.executable, "-I", "-c", count], capture_output=True, text=True, env=ENVIRONMENT, cwd=TREE)
    assert done.stdout == "1\n", done.stderr
