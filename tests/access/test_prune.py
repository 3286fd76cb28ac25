"""Old rows of the audit, and ended sessions, links and idempotency keys, are deleted by a job."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from service.access.access import Access
from service.access.identity import make_socket_identity
from service.access.roles import Grant, Role
from service.application import Application
from service.errors import AccessUnavailable
from service.settings import Settings
from service.warehouse.definitions import Definitions
from tests.access.conftest import SetClock


def count_rows(access: Access) -> dict[str, int]:
    with access.store.read() as connection:
        tables = ("audit", "sessions", "links", "idempotency_keys", "users", "tokens")
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in tables}


def fill(access: Access, name: str) -> None:
    access.users.add(name, [Grant(Role.READER)], "test")
    access.tokens.create_for_user(name, "test", days=1)
    access.users.make_link("password", name)
    access.sessions.begin(name, "password", "10.0.0.1", "browser")
    access.audit.note(make_socket_identity("root"), "add user", name)
    with access.store.write() as connection:
        connection.execute(
            "insert into idempotency_keys (actor, key, request_hash, at) values (?, 'k', 'h', ?)", [name, access.store.now()]
        )


def test_what_has_ended_is_deleted_and_the_rest_is_not(access: Access, clock: SetClock) -> None:
    fill(access, "old")
    clock.now += timedelta(days=1096)
    fill(access, "new")
    assert access.prune() == 3
    # Beginning a session deletes the ended ones; users and tokens remain.
    assert count_rows(access) == {"audit": 1, "sessions": 1, "links": 1, "idempotency_keys": 1, "users": 2, "tokens": 2}
    assert access.audit.verify()[0] == 1
    clock.now += timedelta(days=2)
    assert access.prune() == 3
    assert count_rows(access) == {"audit": 1, "sessions": 0, "links": 0, "idempotency_keys": 0, "users": 2, "tokens": 2}


def test_nothing_is_created_to_be_pruned(access: Access) -> None:
    assert access.prune() == 0
    assert not access.store.file.exists()


def test_backups_are_pruned_also_when_the_audit_cannot_be(
    tmp_path: Path, definitions: Definitions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        keep_backups=1,
        keep_backups_hours=0,
        keep_backups_days=0,
        keep_backups_weeks=0,
        keep_backups_months=0,
    )
    application = Application(settings, definitions, opens_warehouse=False)
    settings.backup_dir.mkdir()
    for day in (1, 2, 3):
        (settings.backup_dir / f"warehouse-2024050{day}T000000.000000Z.duckdb").touch()

    def fail() -> int:
        raise AccessUnavailable("the disk is full")

    monkeypatch.setattr(application.access, "prune", fail)
    (job,) = (job for job in application.jobs if job.name == "prune")
    assert job.work() == 2
    assert "were not deleted: the disk is full" in caplog.text
    application.close()
