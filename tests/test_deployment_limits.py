"""docker-compose.yml and deploy/a4p.service limit and restrict the service alike."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.queries.sandbox.xlsx_worker import MEMORY_BYTES
from service.settings import TREE, Settings
from tests.tools import find_tool

UNIT_FILE = TREE / "deploy" / "a4p.service"
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
# Measured: the service under `make soak` took 636 MB, a SQL worker at rest 75 MB, the process for charts 110 MB.
SERVICE_BYTES, WORKER_BYTES, CHART_BYTES = 640 << 20, 100 << 20, 110 << 20


def read_size(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)\s*([KMG]B?)", text.upper()).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((TREE / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture
def unit() -> dict[str, list[str]]:
    """The settings of the unit, each with its values in order."""
    found = defaultdict(list)
    for line in UNIT_FILE.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def read_environment(unit: dict[str, list[str]]) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in " ".join(unit["Environment"]).split())


def test_every_container_has_a_limit_of_memory_and_no_swap(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert read_size(service["mem_limit"]) >= 256 << 20, name
        assert service["memswap_limit"] == service["mem_limit"], name
        assert service["pids_limit"] > 0, name
        for mount in service.get("tmpfs", []):
            assert re.fullmatch(r"/tmp:size=\d+m", mount), name


def test_the_limits_of_compose_and_of_the_unit_agree(services: dict[str, Any], unit: dict[str, list[str]]) -> None:
    compose = services["a4p"]
    (memory,), (swap,), (tasks,) = unit["MemoryMax"], unit["MemorySwapMax"], unit["TasksMax"]
    assert read_size(memory) == read_size(compose["mem_limit"])
    assert swap == "0"
    assert int(tasks) == compose["pids_limit"]
    assert read_environment(unit)["A4P_MEMORY_LIMIT"] == compose["environment"]["A4P_MEMORY_LIMIT"]
    assert unit["TimeoutStopSec"] == [f"{compose['stop_grace_period']}in"]


def test_the_parts_of_the_service_fit_into_the_limit(services: dict[str, Any]) -> None:
    compose = services["a4p"]
    settings = Settings(memory_limit=compose["environment"]["A4P_MEMORY_LIMIT"])
    workers = settings.sql_concurrency * ((settings.sql_memory_mb << 20) + WORKER_BYTES)
    (temporary,) = [read_size(mount.partition("size=")[2]) for mount in compose["tmpfs"]]
    databases = 2 * read_size(settings.memory_limit)  # the warehouse and the read copy
    processes = SERVICE_BYTES + CHART_BYTES + MEMORY_BYTES  # the last is a workbook that is being read
    assert databases + workers + temporary + processes <= read_size(compose["mem_limit"])


def test_the_unit_has_the_restrictions_of_the_container(unit: dict[str, list[str]]) -> None:
    expected = {
        "User": "a4p", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ReadWritePaths": "/var/lib/a4p",
        "PrivateTmp": "yes", "CapabilityBoundingSet": "", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    }  # fmt: skip
    assert {name: unit[name] for name in expected} == {name: [value] for name, value in expected.items()}
    assert read_environment(unit)["A4P_DATA_DIR"] == unit["ReadWritePaths"][0] == f"/var/lib/{unit['StateDirectory'][0]}"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("a4p")
    # systemd requires the program to be there.
    text = UNIT_FILE.read_text().replace("/opt/a4p/.venv/bin/a4p", str(command))
    assert str(command) in text
    (tmp_path / "a4p.service").write_text(text)
    done = subprocess.run(
        [find_tool("systemd-analyze"), "verify", str(tmp_path / "a4p.service")], capture_output=True, text=True
    )
    # Unknown names are warnings, with exit code 0.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
