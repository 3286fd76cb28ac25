"""The stack without containers: its programs, their configuration, and errors."""

from __future__ import annotations

import socket
import stat
import sys
from pathlib import Path

import pytest

from service.commands.stack_programs import Program, plan_grafana, plan_stack, run_stack
from service.errors import StackError
from service.settings import Settings, find_in_tree
from tests.tools import find_free_port, find_tool


def test_every_missing_program_is_reported_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"apt install prometheus prometheus-alertmanager$"):
        plan_stack(Settings(data_dir=tmp_path / "data"))


def test_a_port_in_use_is_not_chosen(tmp_path: Path) -> None:
    for name in ("prometheus", "prometheus-alertmanager"):
        find_tool(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        programs = plan_stack(Settings(data_dir=tmp_path / "data", port=taken))
    urls = {program.name: program.url for program in programs}
    assert urls["service"] != f"http://127.0.0.1:{taken}"
    assert len(set(urls.values())) == len(programs)
    assert programs[0].environment == {"A4P_ALERTMANAGER_URL": urls["alertmanager"]}
    text = (tmp_path / "data" / "stack" / "prometheus.yml").read_text()
    assert urls["service"].removeprefix("http://") in text
    assert str(find_in_tree("prometheus") / "rules" / "*.yml") in text


def test_grafana_gets_all_addresses_and_has_no_default_password(tmp_path: Path) -> None:
    first = plan_grafana(Path("/opt/grafana/bin/grafana"), tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:2")
    assert first.command[:2] == ("/opt/grafana/bin/grafana", "server")
    environment = first.environment
    assert (environment["A4P_PROMETHEUS_URL"], environment["A4P_ALERTMANAGER_URL"]) == (
        "http://127.0.0.1:1",
        "http://127.0.0.1:2",
    )
    assert environment["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    for file in (environment["GF_PATHS_PROVISIONING"], first.command[-1].removeprefix("--config=")):
        assert Path(file).exists()
    password = environment["GF_SECURITY_ADMIN_PASSWORD"]
    assert len(password) >= 20
    assert stat.S_IMODE((tmp_path / "grafana-password").stat().st_mode) == 0o600
    second = plan_grafana(Path("/usr/sbin/grafana-server"), tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:2")
    assert second.environment["GF_SECURITY_ADMIN_PASSWORD"] == password, "Grafana keeps that of its first start"
    assert "server" not in second.command


def test_a_program_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    program = Program(
        "service",
        (sys.executable, "-c", "print('the warehouse is held'); exit(3)"),
        f"http://127.0.0.1:{find_free_port()}",
        "/",
    )
    with (
        pytest.raises(StackError, match=r"service ended with code 3; the end of .*service\.log:\n  the warehouse is held"),
        run_stack(tmp_path) as stack,
    ):
        stack.start(program)
