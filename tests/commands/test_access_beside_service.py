"""Users, tokens and the audit are managed beside a running service, which applies each change to the next request."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import WarehouseLocked
from tests.commands.access_commands import Run, make_run
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    with ServiceProcess(copy_report(tmp_path_factory.mktemp("data")), A4P_ANONYMOUS="none") as started:
        started.wait_until_ready()
        yield started


@pytest.fixture
def url(service: ServiceProcess) -> str:
    return next(line.split()[1] for line in service.output if line.startswith("pages"))


@pytest.fixture
def run(service: ServiceProcess) -> Run:
    return make_run(service.data_dir)


def read_missions(url: str, token: str) -> int:
    return get(f"{url}api/v1/missions", Authorization=f"Bearer {token}")[0]


def test_a_token_works_until_it_is_revoked_or_its_user_disabled(run: Run, url: str) -> None:
    assert get(f"{url}api/v1/missions")[0] == 401
    run("users", "add", "ana", "--role", "reader", "--link")
    first, second = (run("tokens", "create", "--user", "ana").stdout.strip() for _ in range(2))
    assert read_missions(url, first) == read_missions(url, second) == 200
    run("tokens", "revoke", "1")
    assert (read_missions(url, first), read_missions(url, second)) == (401, 200)
    run("users", "disable", "ana")
    assert read_missions(url, second) == 401


def test_a_link_of_the_command_is_a_page_of_the_service(run: Run, url: str) -> None:
    link = run("users", "add", "ben", "--role", "reader", "--link").stdout.strip()
    status, _, body = get(f"{url}setup?{link.partition('?')[2]}")
    assert status == 200 and b"Choose a password" in body and b"ben" in body


def test_a_load_of_a_command_is_in_the_audit_with_its_user(run: Run, service: ServiceProcess, tmp_path: Path) -> None:
    file = tmp_path / "submission.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\nsofa_incidents_new,UNMISS,2024-05-01,2024-10-31,97,a test\n"
    )
    assert call_a4p("load", str(file), "--data-dir", str(service.data_dir)).returncode == 0
    (entry,) = json.loads(run("audit", "--action", "load", "--format", "json").stdout)
    assert (entry["actor"], entry["signed_in_by"], entry["target"]) == (getpass.getuser(), "socket", "submission.csv")


def test_the_service_counts_its_writes(service: ServiceProcess, url: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("x\n1\n")
    assert call_a4p("load", str(tmp_path / "bad.csv"), "--data-dir", str(service.data_dir)).returncode == 1
    text = get(f"{url}metrics")[2].decode()
    assert 'a4p_writes_total{kind="load",result="refused"} 1.0' in text
    assert 'a4p_writes_total{kind="set_threshold",result="done"} 0.0' in text
    assert 'a4p_auth_attempts_total{result="refused"} 0.0' in text


def test_the_audit_is_copied_and_not_replaced_while_the_service_runs(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "access.sqlite"
    assert run("backup", "--access", str(copy)).exit_code == 0
    assert run("verify", str(copy)).exit_code == 0
    assert isinstance(run("restore", "--access", str(copy)).exception, WarehouseLocked)
    assert run("audit", "verify").exit_code == 0
