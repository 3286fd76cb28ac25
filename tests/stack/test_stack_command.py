"""`a4p stack`, as a user starts it: every program finds the others, and Ctrl-C ends them all."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.service_process import call_a4p, get, wait_for
from tests.tools import NEWER, each_generation, find_tool, locate_newer_servers

pytestmark = pytest.mark.stack
# A value of 2017, which Prometheus can only have from the service.
HISTORY = "query?time=2018-06-01T00:00:00Z&query=a4p_serious_misconduct_allegations%7Bjob%3D%22a4p-history%22%7D"


def listens(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


@pytest.mark.timeout(120)
@each_generation
def test_the_stack_runs_from_the_shipped_files_and_ends_with_ctrl_c(tmp_path: Path, generation: str) -> None:
    for name in ("prometheus", "prometheus-alertmanager"):
        find_tool(name, generation)
    first = [str(locate_newer_servers())] if generation == NEWER else []
    data_dir = tmp_path / "data"
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "stack", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PATH": os.pathsep.join([*first, os.environ["PATH"]])},
    )
    try:
        assert process.stdout is not None
        given = []
        for line in process.stdout:
            given.append(line)
            if line.startswith("running"):
                break
        urls = dict(re.findall(r"^(\w+) +(http://\S+)$", "".join(given), re.MULTILINE))
        assert {"service", "prometheus", "alertmanager"} <= urls.keys(), given

        def ask(path: str) -> Any:
            return json.loads(get(f"{urls['prometheus']}/api/v1/{path}")[2])["data"]

        wait_for(lambda: ask("targets")["activeTargets"])
        (target,) = ask("targets")["activeTargets"]
        assert target["scrapeUrl"] == f"{urls['service']}/metrics"
        assert target["labels"]["instance"] == urlsplit(urls["service"]).netloc
        assert [row["value"][1] for row in ask(HISTORY)["result"]] == ["268"]
        assert len(ask("rules")["groups"]) == 11
        wait_for(lambda: ask("alertmanagers")["activeAlertmanagers"])
        assert ask("alertmanagers")["activeAlertmanagers"][0]["url"].startswith(urls["alertmanager"])
        configuration = json.loads(get(f"{urls['alertmanager']}/api/v2/status")[2])["config"]["original"]
        # A newer Alertmanager shows no URL of a webhook; its file has it.
        written = (data_dir / "stack" / "alertmanager.yml").read_text()
        assert f"{urls['service']}/api/v1/alerts" in (written if "url: <secret>" in configuration else configuration)
        # Alertmanager reads the service's token, in the data directory.
        assert f"credentials_file: {data_dir}/alerts-token" in configuration
        assert call_a4p("alerts", "--data-dir", str(data_dir)).returncode == 0
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "stopping\nstopped\n")
    assert not any(listens(url) for url in urls.values())
