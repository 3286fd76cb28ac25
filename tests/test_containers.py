"""docker-compose.yml, the Dockerfile and their mounts, checked with the parsers of Docker and its linter."""

from __future__ import annotations

import json
import os
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from service.settings import TREE, Settings, find_in_tree
from service.web.host_check import is_allowed_host
from tests.service_process import run_a4p
from tests.tools import find_tool

PUBLISHED = {"a4p": 8000, "grafana": 3000}


def run_compose(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # A developer's own .env is not part of the test.
    bare = {name: value for name, value in os.environ.items() if name != "GRAFANA_ADMIN_PASSWORD"}
    command = [find_tool("docker-compose"), "--env-file", os.devnull, "--file", str(TREE / "docker-compose.yml"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**bare, **environment})


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = run_compose("config", "--format", "json", GRAFANA_ADMIN_PASSWORD="of the tests")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    assert set(found) == {"a4p", "prometheus", "alertmanager-config", "alertmanager", "grafana"}
    return found


def list_mounts(services: dict[str, Any], source: str) -> dict[str, bool]:
    """Return which services mount a volume, and whether they may write to it."""
    return {
        name: not mount.get("read_only", False)
        for name, service in services.items()
        for mount in service["volumes"]
        if mount["source"] == source
    }


def test_there_is_no_default_password() -> None:
    done = run_compose("config", "--quiet")
    assert done.returncode != 0
    assert "GRAFANA_ADMIN_PASSWORD is missing a value" in done.stderr
    example = (TREE / ".env.example").read_text()
    asked = re.findall(r"\$\{(\w+):\?", (TREE / "docker-compose.yml").read_text())
    assert re.findall(r"^(\w+)=$", example, re.MULTILINE)[0:1] == asked
    optional = re.findall(r"\$\{(\w+):-", (TREE / "docker-compose.yml").read_text())
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == {*asked, *optional}


def test_every_container_is_hardened(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].split(":")[0]) > 0, name
        assert "privileged" not in service and "cap_add" not in service, name


def test_every_image_is_pinned_by_version_and_digest(services: dict[str, Any]) -> None:
    assert Path(services["a4p"]["build"]["context"]) == TREE
    (python,) = re.findall(r"^ARG PYTHON=(.*)$", (TREE / "Dockerfile").read_text(), re.MULTILINE)
    images = [python, *(service["image"] for service in services.values() if service["image"] != "a4p-service")]
    for image in images:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+[a-z-]*@sha256:[0-9a-f]{64}", image), image


def test_only_the_service_and_grafana_are_published_and_on_the_loopback(services: dict[str, Any]) -> None:
    published = {
        name: [(port["host_ip"], int(port["published"]), port["target"]) for port in service["ports"]]
        for name, service in services.items()
        if service.get("ports")
    }
    assert published == {name: [("127.0.0.1", port, port)] for name, port in PUBLISHED.items()}


def test_only_the_service_mounts_the_data_directory(services: dict[str, Any]) -> None:
    assert list_mounts(services, "data") == {"a4p": True}
    assert list_mounts(services, "token") == {"a4p": True, "alertmanager-config": True, "alertmanager": False}
    token = services["a4p"]["environment"]["A4P_ALERTS_TOKEN_FILE"]
    assert f"--token-file={token}" in services["alertmanager-config"]["command"]
    # The token is readable by its group, which is the service's.
    assert services["alertmanager"]["group_add"] == [services["a4p"]["user"].split(":")[1]]


def test_each_starts_after_its_dependencies_are_healthy(services: dict[str, Any]) -> None:
    needs = {name: set(service.get("depends_on", ())) for name, service in services.items()}
    assert needs == {
        "a4p": set(),
        "alertmanager-config": {"a4p"},
        "alertmanager": {"a4p", "alertmanager-config"},
        "prometheus": {"a4p", "alertmanager"},
        "grafana": {"prometheus", "alertmanager"},
    }
    for name, service in services.items():
        for needed, need in service.get("depends_on", {}).items():
            ends = needed == "alertmanager-config"
            assert need["condition"] == ("service_completed_successfully" if ends else "service_healthy"), name
        # The service's own is in its image.
        assert ("healthcheck" in service) == (service["image"] != "a4p-service")
    assert "\nHEALTHCHECK " in (TREE / "Dockerfile").read_text()


def test_mounts_from_the_checkout_exist_and_are_read_only(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for mount in service["volumes"]:
            if mount["type"] == "bind":
                assert mount["read_only"] is True, name
                assert Path(mount["source"]).exists(), mount["source"]


def test_prometheus_and_alertmanager_accept_their_files_which_reach_containers_only(
    services: dict[str, Any], tmp_path: Path
) -> None:
    folder = find_in_tree("prometheus") / "compose"
    configuration = tmp_path / "alertmanager.yml"
    written = services["alertmanager-config"]["command"][:-1]
    assert run_a4p(*written, f"--output={configuration}").returncode == 0
    for command in (
        [find_tool("promtool"), "check", "config", str(folder / "prometheus.yml")],
        [find_tool("amtool"), "check-config", str(configuration)],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    texts = "".join(file.read_text() for file in (folder / "prometheus.yml", configuration))
    reached = re.findall(r'(?:http://|targets: \[")([a-z0-9.-]+):', texts)
    assert set(reached) == {"a4p", "alertmanager"}
    settings = Settings(host="0.0.0.0", allowed_hosts=services["a4p"]["environment"]["A4P_ALLOWED_HOSTS"])
    for host in ("a4p:8000", "127.0.0.1:8000"):
        assert is_allowed_host(host, settings), host


def test_grafana_finds_its_sources_and_dashboards(services: dict[str, Any]) -> None:
    provisioning = find_in_tree("grafana") / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "a4p.yml").read_text())["datasources"]
    assert {source["uid"]: source["type"] for source in sources} == {
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
    }
    environment = services["grafana"]["environment"]
    for source in sources:
        url = urlsplit(environment[source["url"].removeprefix("$")])
        assert url.hostname == source["uid"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "a4p.yml").read_text())["providers"]
    assert provider["folder"] == "A4P+"
    settings = ConfigParser(interpolation=None)
    settings.read(find_in_tree("grafana") / "grafana.ini")
    home = settings["dashboards"]["default_home_dashboard_path"].removeprefix("$__env{A4P_DASHBOARDS}/")
    assert (find_in_tree("grafana") / "dashboards" / home).is_file()
    path = environment[provider["options"]["path"].removeprefix("$")]
    assert path in {mount["target"] for mount in services["grafana"]["volumes"]}


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([find_tool("hadolint"), "Dockerfile"], capture_output=True, text=True, cwd=TREE)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_build_context_contains_only_the_copied_files() -> None:
    copied = set()
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", (TREE / "Dockerfile").read_text(), re.MULTILINE):
        copied |= set(sources.split())
    ignored = (TREE / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    assert all((TREE / name).exists() for name in copied)
