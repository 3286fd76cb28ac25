"""Tokens and sessions: shown once, stored as hashes, ended by time, by hand and with their user."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.access.access import Access
from service.access.roles import Grant, Right, Role
from service.errors import AccessError
from tests.access.conftest import SetClock


@pytest.fixture
def ana(access: Access) -> Access:
    access.users.add("boss", [Grant(Role.ADMINISTRATOR)], "test")
    access.users.add("ana", [Grant(Role.ANALYST)], "boss")
    return access


def test_a_token_of_a_user_has_the_roles_of_the_user(ana: Access) -> None:
    _, secret = ana.tokens.create_for_user("ana", "boss")
    identity = ana.tokens.identify(secret, "10.0.0.1")
    assert identity is not None and identity.name == "ana" and identity.may(Right.SET_THRESHOLDS)
    ana.users.set_grants("ana", [Grant(Role.READER)])
    identity = ana.tokens.identify(secret, "10.0.0.1")
    assert identity is not None and not identity.may(Right.SET_THRESHOLDS)
    assert secret.encode() not in ana.store.file.read_bytes()


def test_a_token_of_a_service_has_one_role_and_its_missions(ana: Access) -> None:
    _, secret = ana.tokens.create_for_service("loader", Role.CONTRIBUTOR, ["UNMISS"], "boss")
    identity = ana.tokens.identify(secret, "10.0.0.1")
    assert identity is not None and identity.is_service
    assert identity.may(Right.SUBMIT, "UNMISS") and not identity.may(Right.SUBMIT, "UNIFIL")


def test_an_expired_a_revoked_and_an_unknown_token_and_that_of_a_disabled_user_are_nobody(ana: Access, clock: SetClock) -> None:
    _, expiring = ana.tokens.create_for_user("ana", "boss", days=1)
    number, revoked = ana.tokens.create_for_user("ana", "boss")
    _, other = ana.tokens.create_for_user("ana", "boss")
    ana.tokens.revoke(number)
    clock.now += timedelta(days=1, seconds=1)
    for secret in (expiring, revoked, "a4p_unknown", ""):
        assert ana.tokens.identify(secret, "10.0.0.1") is None
    assert ana.tokens.identify(other, "10.0.0.1")
    ana.users.disable("ana")
    assert ana.tokens.identify(other, "10.0.0.1") is None


def test_the_last_use_of_a_token_is_listed(ana: Access, clock: SetClock) -> None:
    _, secret = ana.tokens.create_for_user("ana", "boss")
    assert ana.tokens.list_all()[0].last_used_at is None
    ana.tokens.identify(secret, "10.0.0.7")
    assert (ana.tokens.list_all("ana")[0].last_used_at, ana.tokens.list_all()[0].last_used_from) == (
        "2026-11-26T08:00:00.000000Z",
        "10.0.0.7",
    )


def test_a_user_revokes_own_tokens_only(ana: Access) -> None:
    number, _ = ana.tokens.create_for_service("loader", Role.READER, [], "boss")
    with pytest.raises(AccessError, match=f"no token {number}"):
        ana.tokens.revoke(number, user="ana")


def test_a_session_ends_when_idle_and_after_its_hours(ana: Access, clock: SetClock) -> None:
    secret = ana.sessions.begin("ana", "password", "10.0.0.1", "browser")
    for _ in range(7):
        clock.now += timedelta(minutes=100)
        identity = ana.sessions.identify(secret, "10.0.0.1")
        assert identity is not None and identity.name == "ana"
    clock.now += timedelta(minutes=21)
    assert ana.sessions.identify(secret, "10.0.0.1") is None
    idle = ana.sessions.begin("ana", "password", "10.0.0.1", "browser")
    clock.now += timedelta(minutes=121)
    assert ana.sessions.identify(idle, "10.0.0.1") is None


def test_sessions_end_one_by_one_all_together_and_with_their_user(ana: Access) -> None:
    first, second, third = (ana.sessions.begin("ana", "password", "10.0.0.1", "browser") for _ in range(3))
    identity = ana.sessions.identify(first, "10.0.0.1")
    assert identity is not None
    ana.sessions.end(identity.session)
    assert ana.sessions.identify(first, "10.0.0.1") is None and ana.sessions.identify(second, "10.0.0.1")
    ana.sessions.end_all("ana")
    assert ana.sessions.identify(second, "10.0.0.1") is None
    third = ana.sessions.begin("ana", "password", "10.0.0.1", "browser")
    ana.users.disable("ana")
    ana.users.disable("ana", is_disabled=False)
    assert ana.sessions.identify(third, "10.0.0.1") is None
