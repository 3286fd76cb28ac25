"""Tests of messages and comments about rounds again, with their tables in PostgreSQL."""

# ruff: noqa: F401 - tests and fixtures of other modules are run here by importing them.

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.access.access import Access
from service.access.store import AccessStore
from service.lake.access_rows import clear_rows
from service.settings import Settings
from tests.access.conftest import SetClock
from tests.rounds.test_comments import (
    number,
    test_a_comment_beyond_the_limits_is_refused,
    test_a_flag_for_follow_up_is_set_and_cleared_with_or_without_words,
    test_comments_of_a_cell_are_a_thread_in_their_order,
    test_only_cells_of_the_submission_can_be_commented,
)
from tests.rounds.test_outbox import (
    USERS,
    outbox,
    test_a_message_is_stored_with_its_change_or_not_at_all,
    test_a_mission_is_reminded_once_for_each_deadline_and_then_weekly,
    test_a_mission_whose_contributors_get_an_address_later_is_reminded_then,
    test_a_sent_message_is_not_sent_again,
    test_disabled_users_and_the_author_of_a_change_are_not_informed,
    test_those_who_are_nearest_to_a_mission_are_informed,
)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def access(emptied: Settings, clock: SetClock) -> Iterator[Access]:
    opened = Access(emptied, clock)
    for name, grants in USERS.items():
        opened.users.add(name, grants, "test", email=None if name == "max" else f"{name}@example.org")
    yield opened
    with opened.store.write() as connection:
        clear_rows(connection)
    opened.store.close()


@pytest.fixture
def store(access: Access) -> AccessStore:
    return access.store
