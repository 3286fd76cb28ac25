"""`a4p backup --access`, `restore --access`, `verify` and `doctor` on the users and the audit."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from service.commands import restore as restore_command
from service.errors import WarehouseError, WarehouseLocked
from tests.commands.access_commands import PASSWORD, Run, make_run, open_access


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def run(data_dir: Path) -> Run:
    run = make_run(data_dir)
    run("users", "add", "boss", "--role", "administrator", "--password-stdin", typed=PASSWORD)
    return run


def damage_audit(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("drop trigger audit_rows_do_not_change")
        connection.execute("update audit set actor = 'eve'")


def test_users_are_backed_up_verified_and_restored(run: Run, data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "access.sqlite"
    assert run("backup", "--access", str(target)).stdout == f"{target}: {target.stat().st_size:,} bytes\n"
    run("users", "add", "eve", "--role", "reader", "--link")
    assert run("verify", str(target)).stdout.startswith(f"{target}: 1 entries in the audit, newest hash ")
    restored = run("restore", "--access", str(target))
    assert restored.exit_code == 0, restored.output
    assert "restored from" in restored.stdout and "the earlier file is" in restored.stdout
    assert [user.name for user in open_access(data_dir).users.list_all()] == ["boss"]
    assert run("audit", "verify").stdout.startswith("2 entries")


def test_a_directory_gets_a_dated_copy(run: Run, tmp_path: Path) -> None:
    assert run("backup", "--access", str(tmp_path)).exit_code == 0
    (copy,) = tmp_path.glob("access-*.sqlite")
    assert run("verify", str(copy)).exit_code == 0


@pytest.mark.parametrize("name", ["access.sqlite", "access.sqlite-journal", "warehouse.duckdb"])
@pytest.mark.parametrize("options", [["--access"], []])
def test_a_backup_is_not_written_onto_a_file_in_use(run: Run, data_dir: Path, name: str, options: list[str]) -> None:
    failed = run("backup", *options, str(data_dir / name))
    assert isinstance(failed.exception, WarehouseError) and "of the service; choose another file" in str(failed.exception)


def test_nothing_is_restored_while_the_service_runs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("backup", "--access", str(tmp_path / "access.sqlite"))
    monkeypatch.setattr(restore_command, "is_running", lambda data_dir: True)
    assert isinstance(run("restore", "--access", str(tmp_path / "access.sqlite")).exception, WarehouseLocked)


def test_verify_ends_with_1_for_a_changed_audit(run: Run, tmp_path: Path) -> None:
    run("backup", "--access", str(tmp_path / "access.sqlite"))
    damage_audit(tmp_path / "access.sqlite")
    verified = run("verify", str(tmp_path / "access.sqlite"))
    assert verified.exit_code == 1 and "the audit was changed: row 1 of" in verified.stderr


def test_a_file_without_a_header_is_a_fault(run: Run, data_dir: Path) -> None:
    (data_dir / "access.sqlite").write_bytes(b"\0" * 5000)
    assert "file is not a database" in run("verify", str(data_dir / "access.sqlite")).stderr
    assert "file is not a database" in run("verify").stderr
    assert "fix  access: " in run("doctor").stdout


def test_doctor_reports_a_changed_audit_and_an_open_mode(run: Run, data_dir: Path) -> None:
    assert "ok   access: 1 entries in the audit, none changed" in run("doctor").stdout
    (data_dir / "access.sqlite").chmod(0o640)
    damage_audit(data_dir / "access.sqlite")
    found = run("doctor").stdout
    assert "fix  access: the audit was changed" in found
    assert f"chmod 600 {data_dir / 'access.sqlite'}" in found
