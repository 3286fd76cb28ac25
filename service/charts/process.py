"""The process that draws charts for the service.

The engine holds Python's lock while it draws, 0.5 s for the first chart and 20 to 150 ms for each other: for so long no scrape
would be answered. And what goes wrong in an engine of another language ends there, not in the process that holds the warehouse.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

from service.errors import DrawingError
from service.settings import TREE
from service.system.time_limit import check_time, left_seconds

DRAWING_SECONDS = 30.0


class DrawingProcess:
    """A process that draws one chart at a time; it begins with the first, and anew where it ended."""

    def __init__(self, seconds: float = DRAWING_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def draw(self, spec: str) -> str:
        """Return the SVG of a spec. Raises DrawingError where it takes too long or is no spec, TimeLimitPassed."""
        if not self._lock.acquire(timeout=left_seconds(self._seconds)):
            check_time()
            raise DrawingError("other charts are being drawn; try again")
        try:
            process = self._open()
            assert process.stdin is not None
            assert process.stdout is not None
            watch = threading.Timer(left_seconds(self._seconds), process.kill)
            watch.start()
            try:
                process.stdin.write(spec + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = ""
            finally:
                watch.cancel()
            if not line.endswith("\n"):
                self._end()
                check_time()
                raise DrawingError(f"a chart was not drawn within {self._seconds:g} s; try again")
        finally:
            self._lock.release()
        answer = json.loads(line)
        if "error" in answer:
            raise DrawingError(f"a chart could not be drawn: {answer['error']}")
        return str(answer["svg"])

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _open(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "metrics.vega"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                cwd=TREE,
                # Nothing of the service's settings, tokens among them, is its business.
                env={name: value for name, value in os.environ.items() if not name.startswith("A4P_")},
                # Ctrl-C is for the service, which then closes this; it also ends when its input does.
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            # Closes the pipes, and leaves no zombie.
            self._process.communicate()
            self._process = None
