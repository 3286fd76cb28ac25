"""Starts the process that reads workbooks, with a limit on its time, and returns its reply."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import IO, Any

from service.errors import LoadError
from service.settings import TREE
from service.system.time_limit import POLL_SECONDS, check_time

MAX_SECONDS = 120
# openpyxl imports numpy, whose OpenBLAS would start a thread for each core before the worker is restricted.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


def run_workbook_process(
    source: IO[bytes], file_name: str, target: IO[bytes] | None, mode: str, *arguments: str
) -> dict[str, Any]:
    """Run a mode of the process on a workbook, and write its result to `target`. Return the reply.

    `source` and `target` are files with a descriptor. Raises LoadError for a rejected workbook, and as `check_time` does.
    """
    command = [sys.executable, "-I", "-W", "ignore", "-m", "service.queries.sandbox.xlsx_worker", mode, *arguments]
    output = subprocess.DEVNULL if target is None else target
    with subprocess.Popen(command, stdin=source, stdout=output, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=TREE) as worker:
        try:
            written = _wait(worker, file_name)
        finally:
            worker.kill()
    try:
        reply: dict[str, Any] = json.loads(written.splitlines()[-1])
    except (ValueError, IndexError):
        raise LoadError(f"{file_name} exceeds the time or memory limit of workbooks. Save the sheet as CSV") from None
    if "error" in reply:
        raise LoadError(f"{file_name} {reply['error']}")
    return reply


def _wait(worker: subprocess.Popen[bytes], file_name: str) -> bytes:
    """Return what the worker wrote to standard error. Raises LoadError when it takes too long, and as `check_time`."""
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        check_time()
        try:
            return worker.communicate(timeout=POLL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            continue
    raise LoadError(f"{file_name} takes longer than {MAX_SECONDS} seconds to read. Save the sheet as CSV")
