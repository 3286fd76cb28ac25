"""A real Prometheus in a process of its own, that reads the history from a service or from blocks."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from service.settings import find_in_tree
from tests.tools import INSTALLED, find_free_port, find_tool

START_SECONDS = 90


class PrometheusProcess:
    """Prometheus on a free port of the loopback; `service_url` is what it reads the history from, and may scrape too."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        service_url: str | None = None,
        scrapes: bool = False,
        generation: str = INSTALLED,
    ) -> None:
        self.generation = generation
        program = find_tool("prometheus", generation)  # before anything is opened: without it the test is skipped
        directory.mkdir(parents=True, exist_ok=True)
        remote_read: list[dict[str, Any]] = []
        if service_url:
            remote_read = [
                {
                    "url": f"{service_url}/api/v1/read",
                    "read_recent": True,
                    "required_matchers": {"job": "a4p-history"},
                    "filter_external_labels": False,
                }
            ]
        configuration: dict[str, Any] = {"remote_read": remote_read}
        if service_url and scrapes:
            target = service_url.removeprefix("http://")
            configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
            configuration["scrape_configs"] = [{"job_name": "a4p", "static_configs": [{"targets": [target]}]}]
            configuration["rule_files"] = [str(find_in_tree("prometheus") / "rules" / "*.yml")]
        config = directory / "prometheus.yml"
        config.write_text(json.dumps(configuration))
        self.url = f"http://127.0.0.1:{find_free_port()}"
        self._log = (directory / "log").open("w")
        self.process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--storage.tsdb.retention.time=100y",
                *options,
            ],
            stderr=self._log,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, (directory / "log").read_text()
                assert time.monotonic() < deadline, "Prometheus was not ready in time"
                time.sleep(0.05)

    def ask(self, path: str, **parameters: object) -> dict[str, Any]:
        """Return the whole answer of the API; a failed query is an answer too."""
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=120) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        return answer

    def query(self, query: str, time_seconds: float) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        answer = self.ask("query", query=query, time=f"{time_seconds:.3f}")
        assert answer["status"] == "success" and "warnings" not in answer, (query, answer)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def query_range(self, query: str, start_seconds: float, end_seconds: float, step_seconds: float) -> list[dict[str, Any]]:
        """Return the result of a range query."""
        answer = self.ask(
            "query_range", query=query, start=f"{start_seconds:.3f}", end=f"{end_seconds:.3f}", step=f"{step_seconds:.3f}"
        )
        assert answer["status"] == "success" and "warnings" not in answer, (query, answer)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def read_major_version(self) -> int:
        """Return the first number of the version that runs."""
        with urllib.request.urlopen(f"{self.url}/api/v1/status/buildinfo", timeout=5) as response:
            return int(json.load(response)["data"]["version"].split(".")[0])

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)
        self._log.close()

    def __enter__(self) -> PrometheusProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()
