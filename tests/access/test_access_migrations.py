"""Databases of users from before submissions existed: they get the new tables at the first start, and lose nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from service.access.access import Access
from service.access.roles import Grant, Role
from service.access.store import list_migrations
from service.rounds.submissions import Submissions
from service.settings import Settings

FIRST_WITH_SUBMISSIONS = 3


def make_earlier(file: Path) -> None:
    """Write a database as it was before submissions, with a user and an entry of the audit."""
    with closing(sqlite3.connect(file)) as connection:
        for number, migration in list_migrations():
            if number < FIRST_WITH_SUBMISSIONS:
                connection.executescript(migration.read_text(encoding="utf-8"))
                connection.execute(f"pragma user_version = {number}")
        at = "2026-11-01T08:00:00.000000Z"
        connection.execute("insert into users (name, origin, created_at, created_by) values ('ana', 'local', ?, 'test')", [at])
        connection.execute("insert into grants (user, role, mission) values ('ana', 'analyst', 'UNMISS')")
        connection.commit()


def test_users_stay_and_submissions_are_possible_after_an_upgrade(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    make_earlier(settings.access_file)
    access = Access(settings, lambda: datetime.now(UTC))
    (user,) = access.users.list_all()
    assert (user.name, user.grants, user.email) == ("ana", (Grant(Role.ANALYST, "UNMISS"),), None)
    submissions = Submissions(access.store)
    assert submissions.find() == []
    assert submissions.add(6, "UNMISS", "a.csv", b"x", [], "ana").submission_id == 1
    assert access.audit.verify()[0] == 0


def test_a_database_that_was_upgraded_is_not_upgraded_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    make_earlier(settings.access_file)
    for _ in range(2):
        access = Access(settings, lambda: datetime.now(UTC))
        Submissions(access.store).add(6, "UNMISS", "a.csv", b"x", [], "ana")
    assert len(Submissions(access.store).find()) == 1
