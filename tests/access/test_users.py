"""Users: names, passwords, roles, links, and delays after failed attempts."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest

from service.access.access import Access
from service.access.roles import Grant, Role
from service.access.users import FIRST_ADMINISTRATOR, check_grants
from service.errors import AccessError, AccessUnavailable, SignInDelayed, SignInRefused
from tests.access.conftest import SetClock

PASSWORD = "correct horse battery"
ADMINISTRATOR = [Grant(Role.ADMINISTRATOR)]


@pytest.fixture
def users(access: Access) -> Access:
    access.users.add("boss", ADMINISTRATOR, "test", PASSWORD)
    access.users.add("ana", [Grant(Role.ANALYST, "UNMISS"), Grant(Role.READER)], "boss", PASSWORD)
    return access


def test_only_the_user_of_the_service_can_read_the_file(users: Access) -> None:
    assert stat.S_IMODE(users.store.file.stat().st_mode) == 0o600
    assert PASSWORD.encode() not in users.store.file.read_bytes()


def test_a_user_is_found_whatever_the_case_of_the_name(users: Access) -> None:
    found = users.users.check_password("ANA", PASSWORD, "10.0.0.1")
    assert (found.name, [str(grant) for grant in found.grants]) == ("ana", ["analyst of UNMISS", "reader"])


@pytest.mark.parametrize("name", ["", "two words", "-x", "a/b", "x" * 101, "<script>"])
def test_an_invalid_name_is_refused(access: Access, name: str) -> None:
    with pytest.raises(AccessError, match="is not a user name"):
        access.users.add(name, [], "test")


def test_a_name_is_taken_once(users: Access) -> None:
    with pytest.raises(AccessError, match="there is a user Ana already"):
        users.users.add("Ana", [], "test")


@pytest.mark.parametrize("password", ["short", "x" * 1001, "administrator1"])
def test_a_weak_password_is_refused(access: Access, password: str) -> None:
    with pytest.raises(AccessError, match="password"):
        access.users.add("administrator", [], "test", password)


def test_a_wrong_password_an_unknown_and_a_disabled_user_get_the_same_answer(users: Access) -> None:
    users.users.disable("ana")
    texts = set()
    for name, password in (("boss", "wrong password"), ("nobody", PASSWORD), ("ana", PASSWORD)):
        with pytest.raises(SignInRefused) as refused:
            users.users.check_password(name, password, "10.0.0.1")
        texts.add(str(refused.value))
    assert texts == {"wrong name or password"}


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_failures_delay_the_next_attempt_of_an_account(users: Access, clock: SetClock, name: str) -> None:
    for number in range(6):
        with pytest.raises(SignInRefused):
            users.users.check_password(name, "wrong password", f"10.0.0.{number}")
        clock.now += timedelta(seconds=number // 5 * 2 + 1)
    with pytest.raises(SignInRefused):
        users.users.check_password(name, "wrong password", "10.0.0.9")
    with pytest.raises(SignInDelayed, match="try again in 4 s"):
        users.users.check_password(name, PASSWORD, "10.0.0.9")
    clock.now += timedelta(minutes=16)
    with pytest.raises(SignInRefused):
        users.users.check_password(name, "wrong password", "10.0.0.9")


def test_attempts_of_others_do_not_delay_a_user_at_a_known_address(users: Access, clock: SetClock) -> None:
    users.users.check_password("ana", PASSWORD, "10.0.0.1")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            users.users.check_password("ana", "wrong password", "203.0.113.9")
    with pytest.raises(SignInDelayed):
        users.users.check_password("ana", PASSWORD, "203.0.113.9")
    assert users.users.check_password("ana", PASSWORD, "10.0.0.1").name == "ana"


def test_an_address_that_tries_many_accounts_is_delayed(users: Access) -> None:
    for number in range(20):
        with pytest.raises(SignInRefused):
            users.users.check_password(f"user{number}", "wrong password", "203.0.113.9")
    with pytest.raises(SignInDelayed):
        users.users.check_password("ana", PASSWORD, "203.0.113.9")


def test_there_is_always_an_administrator(users: Access) -> None:
    for change in (lambda: users.users.disable("boss"), lambda: users.users.set_grants("boss", [])):
        with pytest.raises(AccessError, match="the only administrator"):
            change()
    assert users.users.get("boss").disabled_at is None


def test_the_first_administrator_comes_by_a_link_that_works_once(access: Access, clock: SetClock) -> None:
    earlier, secret = access.offer_first_administrator(), access.offer_first_administrator()
    assert earlier and secret
    assert access.users.find_link(earlier) is None
    assert access.users.find_link(secret) == (FIRST_ADMINISTRATOR, None)
    assert access.users.use_link(secret, "boss", PASSWORD).grants == tuple(ADMINISTRATOR)
    assert access.offer_first_administrator() is None
    with pytest.raises(SignInRefused):
        access.users.use_link(secret, "second", PASSWORD)


def test_a_link_of_a_disabled_user_does_not_work(users: Access) -> None:
    secret = users.users.make_link("password", "ana")
    users.users.disable("ana")
    with pytest.raises(SignInRefused, match="disabled"):
        users.users.use_link(secret, "ana", PASSWORD)


def test_a_link_ends_after_a_day(users: Access, clock: SetClock) -> None:
    secret = users.users.make_link("password", "ana")
    clock.now += timedelta(days=1, seconds=1)
    with pytest.raises(SignInRefused, match="too old"):
        users.users.use_link(secret, "ana", PASSWORD)


def test_a_link_is_for_its_user_whatever_name_is_sent(users: Access) -> None:
    secret = users.users.make_link("password", "ana")
    assert users.users.use_link(secret, "boss", "another fine password").name == "ana"
    assert users.users.check_password("boss", PASSWORD, "10.0.0.1").name == "boss"


def test_grants_name_known_missions_and_roles_that_have_missions() -> None:
    check_grants([Grant(Role.ANALYST, "UNMISS"), Grant(Role.ADMINISTRATOR)], {"UNMISS"})
    with pytest.raises(AccessError, match="unknown mission 'UNMSS'"):
        check_grants([Grant(Role.ANALYST, "UNMSS")], {"UNMISS"})
    with pytest.raises(AccessError, match="not for single missions"):
        check_grants([Grant(Role.ADMINISTRATOR, "UNMISS")], {"UNMISS"})


def test_a_file_deleted_while_the_service_runs_is_not_made_anew(users: Access) -> None:
    users.store.file.unlink()
    with pytest.raises(AccessUnavailable):
        users.users.has_administrator()
    with pytest.raises(AccessUnavailable):
        users.users.check_password("ana", PASSWORD, "10.0.0.1")


def test_a_file_that_is_no_database_lets_nobody_in(users: Access) -> None:
    users.store.file.write_bytes(b"x" * 5000)
    with pytest.raises(AccessUnavailable):
        users.users.check_password("ana", PASSWORD, "10.0.0.1")


def test_the_address_of_a_user_is_set_changed_and_removed(users: Access) -> None:
    users.users.add("eve", [], "boss", email="eve@example.org")
    assert users.users.get("eve").email == "eve@example.org"
    users.users.set_email("EVE", "eve@desk.example.org")
    assert users.users.get("eve").email == "eve@desk.example.org"
    users.users.set_email("eve", None)
    assert users.users.get("eve").email is None


@pytest.mark.parametrize(
    "email", ["eve", "eve@", "a b@example.org", "eve@example.org, ana@example.org", "<eve@example.org>", "e@x\n"]
)
def test_an_invalid_address_is_refused(users: Access, email: str) -> None:
    with pytest.raises(AccessError, match="is not an e-mail address"):
        users.users.set_email("ana", email)


def test_an_address_from_outside_replaces_the_one_before_unless_it_is_invalid(access: Access) -> None:
    def sign_in(email: str | None) -> str | None:
        return access.users.sign_in_from_outside("guest", "openid", None, "https://id", "7", email).email

    assert sign_in(None) is None
    assert sign_in("guest@example.org") == "guest@example.org"
    assert sign_in("no address") == "guest@example.org"
    assert sign_in("guest@desk.example.org") == "guest@desk.example.org"
    assert sign_in(None) == "guest@desk.example.org"


def test_the_key_of_cookies_is_kept_and_read_once(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    key = access.find_cookie_key()
    assert len(key) == 64
    assert access._read_cookie_key() == key
    # Pages without an identity need it, and are answered while the database of users is not.
    monkeypatch.setattr(access, "store", None)
    assert access.find_cookie_key() == key
