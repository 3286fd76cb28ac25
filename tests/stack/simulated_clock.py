"""A simulated wall clock for real processes, and a relay that converts the times of Alertmanager to that clock."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

# Alertmanager's end of an alert that still fires.
NO_TIME = "0001-01-01T00:00:00Z"


class SimulatedClock:
    """The wall clock of every process that has `environment`, moved for all of them by `move_to`; time passes as usual.

    libfaketime adds an offset that it reads from a file. Monotonic clocks, by which programs wait, and file times stay real.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offsets: list[tuple[float, float]] = []
        package = find_spec("libfaketime")
        assert package is not None and package.submodule_search_locations, "install requirements-dev.txt"
        library = Path(package.submodule_search_locations[0]) / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
        assert library.exists(), library
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            # Seconds; without a cache each reading of the clock reads the file.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def move_to(self, instant: datetime) -> None:
        """Let the clock show an instant from now on."""
        now = time.time()
        # Whole seconds with a sign: the form that libfaketime reads as an offset.
        offset = round(instant.timestamp() - now)
        written = self._file.with_suffix(".new")
        written.write_text(f"{offset:+d}\n")
        written.replace(self._file)
        self._offsets.append((now, offset))

    def translate(self, written: str) -> str:
        """Return what the clock showed at a real instant of the form RFC 3339."""
        if written == NO_TIME:
            return written
        real = datetime.fromisoformat(written).timestamp()
        offset = next((offset for since, offset in reversed(self._offsets) if since <= real), self._offsets[0][1])
        return datetime.fromtimestamp(real + offset, UTC).isoformat()


class AlertRelay:
    """Passes Alertmanager's notifications on to the service with their times by the simulated clock.

    Prometheus and Alertmanager are written in Go, which reads the clock without the library that libfaketime replaces.
    """

    def __init__(self, clock: SimulatedClock, target: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    alert["startsAt"] = clock.translate(alert["startsAt"])
                    alert["endsAt"] = clock.translate(alert["endsAt"])
                headers = {"Content-Type": "application/json", "Authorization": self.headers.get("Authorization", "")}
                request = urllib.request.Request(target, json.dumps(body).encode(), headers)
                try:
                    with urllib.request.urlopen(request, timeout=10) as response:
                        status = response.status
                except urllib.error.HTTPError as error:
                    status = error.code
                except OSError:  # The service is down; Alertmanager tries again.
                    status = 502
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="relay")

    def __enter__(self) -> AlertRelay:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
