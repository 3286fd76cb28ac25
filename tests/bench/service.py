"""The web server and application of the service in a separate process, which refreshes on commands from standard input.

Started as `python -m tests.bench.service DATA_DIR CATALOGUE`, it writes its port once it is ready. The line `refresh`
makes it take one snapshot after the other until the line `rest`; the seconds of each are written then.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from service.application import Application
from service.client.address import listen, write_secret
from service.settings import read_settings
from service.warehouse.definitions import read_definitions
from service.web.app import count_threads, make_app
from service.web.handoff import make_handoff_app
from service.web.server import WebServer, bind
from tests.bench.measure import answer

# A whole indicator of the largest world, sixty days by day, is beyond the default.
MAX_SAMPLES = 20_000_000


class Refresher:
    """Refreshes in a thread of its own, as the scheduler does, until it is stopped."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._is_wanted = threading.Event()
        self._thread = threading.Thread()
        self._seconds: list[float] = []

    def begin(self) -> None:
        self._is_wanted.set()
        self._seconds = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> list[float]:
        """Return how long each refresh took, after the one that is running."""
        self._is_wanted.clear()
        self._thread.join()
        return self._seconds

    def _run(self) -> None:
        while self._is_wanted.is_set():
            started = time.monotonic()
            self._application.refresh()
            self._seconds.append(time.monotonic() - started)


def obey(refresher: Refresher) -> None:
    """Run the commands from standard input."""
    for line in sys.stdin:
        if line.strip() == "refresh":
            refresher.begin()
        elif line.strip() == "rest":
            answer(seconds=refresher.end())


def main(data_dir: Path, catalogue: Path) -> None:
    """Serve until terminated."""
    settings = read_settings(
        data_dir=data_dir, catalogue=catalogue, port=0, remote_read_samples=MAX_SAMPLES,
        keep_backups=1, keep_backups_hours=0, keep_backups_days=0, keep_backups_weeks=0, keep_backups_months=0,
    )  # fmt: skip
    tcp = bind(settings.host, settings.port)
    application = Application(settings, read_definitions(settings.catalogue))
    server = WebServer(make_app(application), count_threads(application), tcp, application.settings.load_max_bytes)
    handoff_app = make_handoff_app(application, write_secret(settings.data_dir))
    server.start_handoff(handoff_app, listen(settings.data_dir))
    snapshot = application.refresh(with_history=False)
    application.start_history()
    application.sandbox.start()
    answer(port=tcp.getsockname()[1], series=snapshot.series_count)
    threading.Thread(target=obey, args=[Refresher(application)], daemon=True).start()
    server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
