"""A real service in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import chdir
from pathlib import Path
from types import TracebackType
from typing import Any

from click.testing import CliRunner

from service import cli
from tests.published_report import PAGE_SECONDS

START_SECONDS = 120
# Ten commands can wait for each other.
COMMAND_SECONDS = 170
REQUEST_SECONDS = 60


class ServiceProcess:
    """`a4p serve` on a free port; `output` holds what it printed until it was ready."""

    def __init__(self, data_dir: Path, *options: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--data-dir", str(data_dir), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"A4P_PAGE_SECONDS": str(PAGE_SECONDS), **os.environ, **environment},
        )
        self.output: list[str] = []

    def wait_until_ready(self) -> str:
        """Return the URL once the service says it is ready."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            if line.startswith("ready in"):
                break
        else:
            raise AssertionError("the service ended:\n" + "\n".join(self.output))
        url = re.search(r"metrics +(http://\S+)/metrics", "\n".join(self.output))
        assert url, self.output
        return url[1]

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what it printed from then on."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode, rest

    def __enter__(self) -> ServiceProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def run_a4p(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an `a4p` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=COMMAND_SECONDS,
    )


def call_a4p(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an `a4p` command in this process, which has imported what a new process needs a second for. The result is the same.

    Each command has a test that starts its process. A command runs in a process of its own (`run_a4p`) also where signals,
    limits of memory, several commands at once, or a warehouse that this process has open are tested.
    """
    code: Any = 0
    with chdir(cwd or Path.cwd()), CliRunner().isolation(env=environment) as (output, errors, _):
        try:
            cli.run(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(arguments, code, output.getvalue().decode(), errors.getvalue().decode())


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a GET."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def wait_for(condition: object, seconds: float = 60, pause_seconds: float = 0.05) -> None:
    """Wait until `condition()` holds; one that makes a process or the service work deserves a longer pause."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause_seconds)
