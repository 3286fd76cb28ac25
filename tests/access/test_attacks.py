"""Attacks on signing in: many attempts, attempts side by side, and the search for names of users."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from service.access import users as users_module
from service.access.access import Access
from service.access.audit import MAX_ANONYMOUS
from service.access.passwords import hash_password
from service.access.roles import Grant, Role
from service.access.throttle import FREE_BY_ACCOUNT, FREE_BY_ADDRESS, MAX_DELAY_SECONDS
from service.errors import SignInDelayed, SignInRefused
from tests.access.conftest import SetClock

PASSWORD = "correct horse battery"
KNOWN_ADDRESS = "10.0.0.1"
ATTEMPTS = 10_000


class Verifications:
    """Replaces the slow verification of passwords, and records whether each had a stored hash."""

    def __init__(self) -> None:
        self.had_hash: list[bool] = []

    def __call__(self, stored: str | None, password: str) -> bool:
        self.had_hash.append(stored is not None)
        return stored is not None and password == PASSWORD


@pytest.fixture(scope="module")
def stored_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> Verifications:
    replaced = Verifications()
    monkeypatch.setattr(users_module, "verify_password", replaced)
    return replaced


@pytest.fixture
def attacked(access: Access, verifications: Verifications, stored_hash: str, monkeypatch: pytest.MonkeyPatch) -> Access:
    """An access with the user ana, who has signed in from a known address."""
    monkeypatch.setattr(users_module, "hash_password", lambda password, name: stored_hash)
    access.users.add("ana", [Grant(Role.ANALYST)], "test", PASSWORD)
    access.users.check_password("ana", PASSWORD, KNOWN_ADDRESS)
    verifications.had_hash.clear()
    return access


def attempt(access: Access, name: str, address: str, password: str = "wrong password") -> str:
    """Return what became of an attempt to sign in: success, refused or delayed."""
    try:
        access.users.check_password(name, password, address)
    except SignInRefused:
        return "refused"
    except SignInDelayed as error:
        assert 0 < error.seconds <= MAX_DELAY_SECONDS
        return "delayed"
    return "success"


def count_attempts(access: Access) -> int:
    with access.store.read() as connection:
        (count,) = connection.execute("select count(*) from attempts").fetchone()
    return int(count)


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_ten_thousand_attempts_on_an_account_verify_few_passwords(
    attacked: Access, verifications: Verifications, clock: SetClock, name: str
) -> None:
    for number in range(ATTEMPTS):
        attempt(attacked, name, f"203.0.{number // 250 % 250}.{number % 250}")
        clock.now += timedelta(seconds=1)
        if number % 1000 == 0:
            assert attempt(attacked, "ana", KNOWN_ADDRESS, PASSWORD) == "success"
    # After the free attempts and the growing delays, one in a minute; eleven are those of ana.
    assert len(verifications.had_hash) <= ATTEMPTS / MAX_DELAY_SECONDS + FREE_BY_ACCOUNT + 30
    assert count_attempts(attacked) <= len(verifications.had_hash) + 1
    assert attempt(attacked, "ana", KNOWN_ADDRESS, PASSWORD) == "success"


def test_a_user_at_a_new_address_signs_in_soon_after_an_attack(attacked: Access, clock: SetClock) -> None:
    for number in range(100):
        attempt(attacked, "ana", f"203.0.113.{number}")
        clock.now += timedelta(seconds=10)
    clock.now += timedelta(seconds=MAX_DELAY_SECONDS)
    assert attempt(attacked, "ana", "198.51.100.1", PASSWORD) == "success"


def test_one_address_tries_few_names(attacked: Access, verifications: Verifications, clock: SetClock) -> None:
    for number in range(1000):
        attempt(attacked, f"user{number}", "203.0.113.9")
    assert len(verifications.had_hash) == FREE_BY_ADDRESS


def test_the_addresses_of_an_ipv6_network_are_one(attacked: Access, verifications: Verifications) -> None:
    for number in range(1000):
        attempt(attacked, f"user{number}", f"2001:db8:0:1::{number:x}")
    assert len(verifications.had_hash) == FREE_BY_ADDRESS
    assert attempt(attacked, "user", "2001:db8:0:2::1") == "refused"


def test_ipv4_addresses_are_the_same_in_both_notations(attacked: Access, verifications: Verifications) -> None:
    for number in range(50):
        attempt(attacked, f"user{number}", ("" if number % 2 else "::ffff:") + "203.0.113.9")
    assert len(verifications.had_hash) == FREE_BY_ADDRESS


def test_attempts_side_by_side_are_counted_before_they_are_verified(attacked: Access, verifications: Verifications) -> None:
    threads = [threading.Thread(target=attempt, args=[attacked, "ana", f"203.0.113.{number}"]) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verifications.had_hash) == FREE_BY_ACCOUNT


def test_the_search_for_names_gets_one_answer_after_the_same_work(attacked: Access, verifications: Verifications) -> None:
    attacked.users.add("leaver", [], "test", PASSWORD)
    attacked.users.disable("leaver")
    attacked.users.add("invited", [], "test")
    texts = set()
    cases = {
        "nobody": PASSWORD,
        "leaver": PASSWORD,
        "invited": PASSWORD,
        "ana": "wrong password",
        "": "",
        "a\0b": "",
        "é" * 500: "x",
    }
    for name, password in cases.items():
        with pytest.raises(SignInRefused) as refused:
            attacked.users.check_password(name, password, KNOWN_ADDRESS)
        texts.add(str(refused.value))
    assert texts == {"wrong name or password"}
    assert verifications.had_hash == [name == "ana" for name in cases]


def test_attempts_are_in_the_audit_without_the_password(attacked: Access) -> None:
    for number in range(MAX_ANONYMOUS):
        with pytest.raises((SignInRefused, SignInDelayed)):
            attacked.sign_in("ana", "a wrong password", f"203.0.113.{number}", "browser")
    entries = attacked.audit.list_entries(200, filters={"action": "sign in"})
    assert len(entries) == MAX_ANONYMOUS
    assert {(entry["actor"], entry["target"], entry["result"]) for entry in entries} == {("anonymous", "ana", "refused")}
    assert {entry["address"] for entry in entries} == {f"203.0.113.{number}" for number in range(MAX_ANONYMOUS)}
    assert b"a wrong password" not in attacked.store.file.read_bytes()
    assert attacked.audit.verify()[0] == MAX_ANONYMOUS


@pytest.mark.parametrize("text", ["\udcff.csv", "\ud800", "a\0b", "\x1b[2J", "x" * 1_000_000])
def test_any_text_can_be_recorded(attacked: Access, text: str) -> None:
    identity = attacked.make_anonymous("203.0.113.9")
    attacked.audit.note(identity, "load", text, "refused", text)
    with attacked.audit.record(identity, "load", text, text) as recording:
        recording.before, recording.after = text, {text: text}
    assert attacked.audit.verify()[0] == 2
    assert attacked.audit.close_interrupted() == 0
