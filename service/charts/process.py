"""The process that draws charts for the service.

The engine holds Python's global lock while it draws: 0.5 s for the first chart, 20 to 150 ms for others. In the process of
the service it would delay scrapes for that time, and a crash of the engine would end the service.
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
    """A process that draws one chart at a time. It starts with the first chart, and again after it ended."""

    def __init__(self, seconds: float = DRAWING_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def draw(self, spec: str) -> str:
        """Return the SVG of a Vega spec. Raises DrawingError if it takes too long or is invalid, and TimeLimitPassed."""
        if not self._lock.acquire(timeout=left_seconds(self._seconds)):
            check_time()
            raise DrawingError("other charts are being drawn; retry later")
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
                raise DrawingError(f"a chart was not drawn within {self._seconds:g} s; retry later")
        finally:
            self._lock.release()
        answer = json.loads(line)
        if "error" in answer:
            raise DrawingError(f"a chart could not be drawn: {answer['error']}")
        return str(answer["svg"])

    def close(self) -> None:
        """End the process if it runs."""
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
                # Without the settings of the service, which include tokens.
                env={name: value for name, value in os.environ.items() if not name.startswith("A4P_")},
                # Ctrl-C goes to the service, which closes this process. It also ends when its input ends.
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            # Closes the pipes and reaps the process.
            self._process.communicate()
            self._process = None
