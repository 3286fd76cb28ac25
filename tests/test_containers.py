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
from tests.service_process import get, run_a4p, wait_for
from tests.tools import find_free_port, find_tool

PUBLISHED = {"a4p": 8000, "grafana": 3000}
BASE, LAKE = "docker-compose.yml", "docker-compose.lake.yml"
# What the service's image has a health check for.
OWN_IMAGES = {"a4p-service", "a4p-service-lake"}
REPLICATED = {"nginx", "a4p", "a4p-b"}
# In the environment, from .env.
KNOWN_PASSWORDS = {"GF_SECURITY_ADMIN_PASSWORD"}


def run_compose(*arguments: str, files: tuple[str, ...] = (BASE,), **environment: str) -> subprocess.CompletedProcess[str]:
    # A developer's own .env is not part of the test.
    bare = {name: value for name, value in os.environ.items() if name != "GRAFANA_ADMIN_PASSWORD"}
    named = [word for file in files for word in ("--file", str(TREE / file))]
    command = [find_tool("docker-compose"), "--env-file", os.devnull, *named, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**bare, **environment})


def read_project(*files: str) -> dict[str, Any]:
    done = run_compose("config", "--format", "json", files=files, GRAFANA_ADMIN_PASSWORD="of the tests")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = read_project(BASE)["services"]
    assert set(found) == {"a4p", "prometheus", "alertmanager-config", "alertmanager", "grafana"}
    return found


@pytest.fixture(scope="module")
def lake() -> dict[str, Any]:
    """The stack with two replicas on a lake."""
    return read_project(BASE, LAKE)


@pytest.fixture(scope="module", params=[BASE, LAKE])
def every(request: pytest.FixtureRequest, services: dict[str, Any]) -> dict[str, Any]:
    """The services of each stack."""
    return services if request.param == BASE else dict(request.getfixturevalue("lake")["services"])


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


def test_every_container_is_hardened(every: dict[str, Any]) -> None:
    for name, service in every.items():
        assert int(service["mem_limit"]) == int(service["memswap_limit"]) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].split(":")[0]) > 0, name
        assert "privileged" not in service and "cap_add" not in service, name


def test_every_image_is_pinned_by_version_and_digest(every: dict[str, Any]) -> None:
    assert Path(every["a4p"]["build"]["context"]) == TREE
    (python,) = re.findall(r"^ARG PYTHON=(.*)$", (TREE / "Dockerfile").read_text(), re.MULTILINE)
    images = [python, *(service["image"] for service in every.values() if service["image"] not in OWN_IMAGES)]
    for image in images:
        assert re.fullmatch(r"[a-z/]+:v?\d+(\.\d+){1,2}[a-z-]*@sha256:[0-9a-f]{64}", image), image


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


def test_mounts_from_the_checkout_exist_and_are_read_only(every: dict[str, Any]) -> None:
    for name, service in every.items():
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
    assert {"a4p", "alertmanager"} <= set(reached) <= set(services)
    settings = Settings(host="0.0.0.0", allowed_hosts=services["a4p"]["environment"]["A4P_ALLOWED_HOSTS"])
    for host in ("a4p:8000", "127.0.0.1:8000"):
        assert is_allowed_host(host, settings), host


def test_nginx_has_the_port_of_the_service_and_reaches_both_replicas(lake: dict[str, Any]) -> None:
    services = lake["services"]
    published = {
        name: [(port["host_ip"], int(port["published"]), port["target"]) for port in service["ports"]]
        for name, service in services.items()
        if service.get("ports")
    }
    assert published == {"nginx": [("127.0.0.1", 8000, 8080)], "grafana": [("127.0.0.1", 3000, 3000)]}
    text = (find_in_tree("nginx") / "compose" / "a4p.conf").read_text()
    assert set(re.findall(r"^    server (\S+) ", text, re.MULTILINE)) == {"a4p:8000", "a4p-b:8000"}
    assert re.findall(r"^    listen (.*);", text, re.MULTILINE) == ["8080"]
    # The replicas trust the address that nginx has.
    addresses = {
        name: service["networks"]["default"]["ipv4_address"] for name, service in services.items() if name in REPLICATED
    }
    assert len(set(addresses.values())) == len(REPLICATED)
    for name in ("a4p", "a4p-b"):
        settings = Settings(
            host="0.0.0.0",
            allowed_hosts=services[name]["environment"]["A4P_ALLOWED_HOSTS"],
            proxy_addresses=services[name]["environment"]["A4P_PROXY_ADDRESSES"],
        )
        assert settings.proxy_addresses == (addresses["nginx"],)
        for host in ("nginx:8080", "a4p:8000", "a4p-b:8000", "127.0.0.1:8000"):
            assert is_allowed_host(host, settings), host


def test_replicas_differ_only_in_their_data_directory_and_address(lake: dict[str, Any]) -> None:
    first, second = (dict(lake["services"][name]) for name in ("a4p", "a4p-b"))
    assert second.pop("depends_on")["a4p"]["condition"] == "service_healthy", "the first makes the token of Alertmanager"
    del first["depends_on"], first["build"]
    for name in ("volumes", "networks"):
        assert first.pop(name) != second.pop(name)
    assert first == second
    assert list_mounts(lake["services"], "data") == {"a4p": True}
    assert list_mounts(lake["services"], "data-b") == {"a4p-b": True}


def test_each_container_of_a_lake_starts_after_its_dependencies_are_healthy(lake: dict[str, Any]) -> None:
    services = lake["services"]
    needs = {name: set(service.get("depends_on", ())) for name, service in services.items()}
    assert needs["a4p"] == {"postgres", "s3"} and needs["a4p-b"] == {"postgres", "s3", "a4p"}
    assert needs["nginx"] == {"a4p", "a4p-b"} and "nginx" in needs["prometheus"]
    for name, service in services.items():
        assert ("healthcheck" in service) == (service["image"] not in OWN_IMAGES), name


def test_passwords_of_a_lake_are_in_files_only(lake: dict[str, Any]) -> None:
    services = lake["services"]
    readers = {
        secret: {
            name for name, service in services.items() if secret in [each["source"] for each in service.get("secrets", ())]
        }
        for secret in lake["secrets"]
    }
    assert readers == {
        "postgres-password": {"postgres"},
        "postgres-service": {"a4p", "a4p-b"},
        "s3-secret": {"a4p", "a4p-b", "s3"},
    }
    commands = (TREE / "docs" / "scale.md").read_text()
    for secret in lake["secrets"].values():
        name = Path(secret["file"]).relative_to(TREE)
        assert f"> {name}" in commands, name
    ignored = subprocess.run(["git", "check-ignore", "secrets/s3-secret"], cwd=TREE, capture_output=True)
    assert ignored.returncode == 0, "git must not see the secrets"
    for name, service in services.items():
        for variable in service.get("environment", {}):
            assert variable in KNOWN_PASSWORDS or not re.search("PASSWORD|SECRET", variable) or variable.endswith("_FILE"), name


def test_the_command_of_the_s3_server_starts_it(lake: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret-of-the-bucket\n")
    port = find_free_port()
    (command,) = lake["services"]["s3"]["command"]
    for inside, outside in (
        ("$$", "$"),
        ("/run/secrets/s3-secret", str(tmp_path / "secret")),
        ("/var/tmp", str(tmp_path / "data")),
        ("--cache-dir /tmp ", f"--cache-dir {tmp_path / 'cache'} "),
        (":9000", f"127.0.0.1:{port}"),
        ("exec rclone", f"exec {find_tool('rclone')}"),
    ):
        assert inside in command, inside
        command = command.replace(inside, outside)
    with subprocess.Popen(["sh", "-c", command], stderr=subprocess.DEVNULL) as server:
        try:
            # A request without a signature is refused.
            wait_for(lambda: server.poll() is not None or find_status(f"http://127.0.0.1:{port}/a4p/") == 400)
            assert server.poll() is None
        finally:
            server.kill()


def find_status(url: str) -> int | None:
    try:
        return get(url)[0]
    except OSError:
        return None


def test_prometheus_scrapes_the_families_of_two_replicas_once(lake: dict[str, Any]) -> None:
    file = find_in_tree("prometheus") / "compose" / "prometheus-lake.yml"
    assert f"--config.file=/etc/prometheus/a4p/compose/{file.name}" in lake["services"]["prometheus"]["command"]
    done = subprocess.run([find_tool("promtool"), "check", "config", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = {job["job_name"]: job for job in yaml.safe_load(file.read_text())["scrape_configs"]}
    assert jobs["a4p"]["static_configs"][0]["targets"] == ["nginx:8080"]
    (relabeling,) = jobs["a4p-replicas"]["metric_relabel_configs"]
    assert relabeling["action"] == "keep"
    rules = "".join(rule.read_text() for rule in (find_in_tree("prometheus") / "rules").glob("*.yml"))
    # An alert over all replicas has no labels of one.
    rules = re.sub(r"\b(?:min|max)\([a-z0-9_]+\)", "", rules)
    for name in set(re.findall(r"\b(?:a4p|process)_[a-z0-9_]+", rules)):
        assert not re.fullmatch(relabeling["regex"], name), f"{name} of the second replica would fire its alert twice"


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
