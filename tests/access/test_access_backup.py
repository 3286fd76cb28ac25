"""Copies of users and the audit: private, verified before they are restored, and without open sessions."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from service.access.access import Access
from service.access.backup import back_up_access, restore_access, verify_access
from service.access.identity import make_socket_identity
from service.access.roles import Grant, Role
from service.errors import AccessError, AccessUnavailable, ServiceError
from service.settings import Settings
from tests.access.conftest import SetClock

ROOT = make_socket_identity("root")
PASSWORD = "correct horse battery"


@pytest.fixture
def backup(access: Access, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy made when ana was a user with a session."""
    access.users.add("ana", [Grant(Role.ANALYST)], "test", PASSWORD)
    access.begin_session(access.users.get("ana"), "password", "10.0.0.1", "browser")
    target = tmp_path_factory.mktemp("backups") / "access.sqlite"
    back_up_access(access, target, ROOT)
    return target


def restore(access: Access, backup: Path, clock: SetClock) -> Path | None:
    return restore_access(backup, Settings(data_dir=access.store.file.parent), clock, ROOT).earlier


def test_a_copy_is_private_and_complete_and_in_the_audit(access: Access, backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert verify_access(backup)[0] == 1
    newest = access.audit.list_entries(1)[0]
    assert (newest["action"], newest["target"]) == ("backup", str(backup))
    assert [file.name for file in backup.parent.iterdir()] == ["access.sqlite"]


def test_an_existing_file_is_not_replaced(access: Access, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(AccessError, match="exists; choose another file"):
        back_up_access(access, backup, ROOT)
    assert backup.read_bytes() == before


def test_a_restored_copy_has_its_users_and_no_sessions(access: Access, backup: Path, clock: SetClock) -> None:
    access.users.add("eve", [Grant(Role.READER)], "test")
    earlier = restore(access, backup, clock)
    restored = Access(Settings(data_dir=access.store.file.parent), clock)
    assert [user.name for user in restored.users.list_all()] == ["ana"]
    assert restored.sessions.list_of("ana") == []
    assert restored.users.check_password("ana", PASSWORD, "10.0.0.1")
    assert [entry["action"] for entry in restored.audit.list_entries()] == ["restore", "sign in"]
    assert stat.S_IMODE(restored.store.file.stat().st_mode) == 0o600
    assert earlier is not None and verify_access(earlier)[0] == 2
    # The copy itself is unchanged.
    assert verify_access(backup)[0] == 1


def test_a_lost_database_is_restored(access: Access, backup: Path, clock: SetClock) -> None:
    access.store.file.unlink()
    assert restore(access, backup, clock) is None
    assert access.users.get("ana")


def test_a_journal_of_the_replaced_file_is_not_applied_to_the_copy(access: Access, backup: Path, clock: SetClock) -> None:
    journal = access.store.file.with_name("access.sqlite-journal")
    journal.write_bytes(b"left by a kill")
    earlier = restore(access, backup, clock)
    assert not journal.exists()
    assert earlier is not None and earlier.with_name(f"{earlier.name}-journal").read_bytes() == b"left by a kill"


def damage_audit(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("drop trigger audit_rows_do_not_change")
        connection.execute("update audit set actor = 'eve'")


def damage_page(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    file.write_bytes(content)


def make_text(file: Path) -> None:
    file.write_text("not a database")


def make_other_database(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("create table t (x)")


@pytest.mark.parametrize("damage", [damage_audit, damage_page, make_text, make_other_database, Path.unlink])
def test_a_copy_with_a_fault_is_not_restored(access: Access, backup: Path, clock: SetClock, damage: object) -> None:
    damage(backup)  # type: ignore[operator]
    before = access.store.file.read_bytes()
    with pytest.raises(AccessError, match=r"cannot be restored|not a copy"):
        restore(access, backup, clock)
    assert access.store.file.read_bytes() == before
    assert [file.name for file in access.store.file.parent.iterdir()] == ["access.sqlite"]


def test_the_file_itself_is_not_restored(access: Access, backup: Path, clock: SetClock) -> None:
    with pytest.raises(AccessError, match="itself"):
        restore(access, access.store.file, clock)


def test_a_verification_changes_nothing(access: Access, backup: Path, tmp_path: Path) -> None:
    before = backup.read_bytes()
    verify_access(backup)
    assert backup.read_bytes() == before
    with pytest.raises(AccessUnavailable):
        verify_access(tmp_path / "missing.sqlite")
    assert not (tmp_path / "missing.sqlite").exists()
    damage_audit(backup)
    with pytest.raises(ServiceError, match="the audit was changed"):
        verify_access(backup)
