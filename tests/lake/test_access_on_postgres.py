"""Tests of users, tokens, sessions, the audit and saved queries again, with their tables in PostgreSQL."""

# ruff: noqa: F401 - tests and fixtures of other modules are run here by importing them.

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.access.access import Access
from service.access.store import AccessStore, list_migrations
from service.errors import ServiceError
from service.lake.access_rows import TABLES, clear_rows
from service.lake.access_store import list_shared_migrations
from service.lake.pool import SCHEMA
from service.settings import Settings
from tests.access.conftest import SetClock
from tests.access.test_administration import (
    administration,
    test_a_reset_by_link_ends_the_password_and_the_sessions,
    test_a_user_manages_own_tokens,
    test_a_user_without_the_right_changes_nothing_and_is_recorded,
)
from tests.access.test_attacks import attacked, stored_hash, test_any_text_can_be_recorded, verifications
from tests.access.test_audit import (
    record,
    test_a_write_cut_off_by_a_kill_is_recorded_at_the_next_start,
    test_a_write_has_who_when_from_where_and_why,
    test_a_write_that_fails_is_recorded_with_its_reason,
    test_entries_are_filtered_and_paged,
    test_old_rows_are_deleted_and_the_rest_is_a_chain,
    test_rows_do_not_change,
)
from tests.access.test_prune import test_what_has_ended_is_deleted_and_the_rest_is_not
from tests.access.test_saved_queries import (
    test_a_change_of_an_earlier_revision_is_refused,
    test_a_name_is_used_once_by_an_owner,
    test_a_query_is_seen_by_its_owner_and_when_shared_by_all,
    test_only_the_owner_changes_a_query,
)
from tests.access.test_tokens_and_sessions import (
    ana,
    test_a_session_ends_when_idle_and_after_its_hours,
    test_a_token_of_a_service_has_one_role_and_its_missions,
    test_a_user_revokes_own_tokens_only,
    test_an_expired_a_revoked_and_an_unknown_token_and_that_of_a_disabled_user_are_nobody,
    test_sessions_end_one_by_one_all_together_and_with_their_user,
    test_the_last_use_of_a_token_is_listed,
)
from tests.access.test_users import (
    test_a_link_is_for_its_user_whatever_name_is_sent,
    test_a_link_of_a_disabled_user_does_not_work,
    test_a_name_is_taken_once,
    test_a_user_is_found_whatever_the_case_of_the_name,
    test_a_wrong_password_an_unknown_and_a_disabled_user_get_the_same_answer,
    test_an_address_from_outside_replaces_the_one_before_unless_it_is_invalid,
    test_an_address_that_tries_many_accounts_is_delayed,
    test_attempts_of_others_do_not_delay_a_user_at_a_known_address,
    test_failures_delay_the_next_attempt_of_an_account,
    test_the_address_of_a_user_is_set_changed_and_removed,
    test_there_is_always_an_administrator,
    users,
)

KINDS = {"TEXT": "text", "INTEGER": "bigint", "BLOB": "bytea"}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def access(emptied: Settings, clock: SetClock) -> Iterator[Access]:
    opened = Access(emptied, clock)
    yield opened
    with opened.store.write() as connection:
        clear_rows(connection)
    opened.store.close()


def test_both_stores_have_the_same_tables_and_columns(access: Access, tmp_path: Path, clock: SetClock) -> None:
    with access.store.read() as connection:
        rows = connection.execute(
            "select table_name, column_name, is_nullable, data_type from information_schema.columns where table_schema = ? "
            "and table_name <> 'version' order by table_name, ordinal_position",
            [SCHEMA],
        ).fetchall()
    shared: dict[str, list[tuple[str, bool, str]]] = {}
    for table, column, is_nullable, kind in rows:
        shared.setdefault(table, []).append((column, is_nullable == "YES", kind))
    with AccessStore(tmp_path / "other" / "access.sqlite", clock).read() as connection:
        embedded = {
            name: [
                (column, not (is_required or is_key), KINDS[kind])
                for _, column, kind, is_required, _, is_key in connection.execute(f"pragma table_info({name})")
            ]
            for (name,) in connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
        }
    assert shared == embedded
    assert set(TABLES) == set(embedded)
    assert list_shared_migrations()[-1][0] == list_migrations()[-1][0]


@pytest.mark.parametrize(
    "change",
    ["update audit set actor = 'eve' where id = 2", "delete from audit where id = 1", "delete from audit where id = 3"],
)
def test_a_changed_chain_in_postgres_is_found(access: Access, change: str) -> None:
    for _ in range(3):
        record(access)
    assert access.audit.verify()[0] == 3
    with access.store.write() as connection:
        connection.execute("alter table audit disable trigger all")
        connection.execute(change)
        connection.execute("alter table audit enable trigger all")
    with pytest.raises(ServiceError, match="the audit was changed"):
        access.audit.verify()


def test_text_with_a_null_character_can_be_stored_and_verified(access: Access) -> None:
    access.audit.note(access.make_anonymous("10.0.0.1"), "sign in", "a\0b")
    query = access.saved_queries.add("ana", "mine", "select 'a\0b'")
    assert "\0" not in access.saved_queries.get(query.id, "ana").text
    assert access.audit.verify()[0] == 1


def test_a_comparison_with_the_user_of_the_database_is_an_error(access: Access) -> None:
    with pytest.raises(ValueError, match="is the user of the database"), access.store.read() as connection:
        connection.execute("select count(*) from sessions where user = ?", ["ana"])
