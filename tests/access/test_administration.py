"""Changes of users and tokens: only with the right, and each in the audit without a secret."""

from __future__ import annotations

import pytest

from service.access.access import Access
from service.access.administration import Administration
from service.access.identity import Identity, make_socket_identity
from service.access.roles import Grant, Role
from service.access.users import FIRST_ADMINISTRATOR
from service.errors import AccessError, NotAllowed, SignInRefused

PASSWORD = "correct horse battery"
MISSIONS = {"UNMISS", "UNIFIL"}
ANA = Identity("ana", (Grant(Role.ANALYST),), "password", "10.0.0.1")


@pytest.fixture
def administration(access: Access) -> Administration:
    return Administration(access, make_socket_identity("root"), MISSIONS)


def list_audit(access: Access) -> list[tuple[str, str, str, str]]:
    """Return actor, action, target and result of the entries, oldest first."""
    entries = access.audit.list_entries()
    return [(entry["actor"], entry["action"], entry["target"], entry["result"]) for entry in reversed(entries)]


def test_each_change_is_a_row_of_the_audit_without_its_secret(access: Access, administration: Administration) -> None:
    administration.add_user("ana", [Grant(Role.ANALYST, "UNMISS")], PASSWORD)
    administration.set_grants("ana", [Grant(Role.READER)])
    administration.set_password("ana", "another fine password")
    link = administration.reset_by_link("ana")
    number, secret = administration.create_user_token("ana", days=30)
    administration.create_service_token("loader", Role.CONTRIBUTOR, ["UNMISS"])
    administration.revoke_token(number)
    administration.disable_user("ana")
    administration.enable_user("ana")
    assert list_audit(access) == [
        ("root", "add user", "ana", "done"),
        ("root", "set roles", "ana", "done"),
        ("root", "reset password", "ana", "done"),
        ("root", "reset password", "ana", "done"),
        ("root", "create token", "token 1 of ana", "done"),
        ("root", "create token", "token 2 of service loader", "done"),
        ("root", "revoke token", "token 1 of ana", "done"),
        ("root", "disable user", "ana", "done"),
        ("root", "enable user", "ana", "done"),
    ]
    roles = access.audit.list_entries(filters={"action": "set roles"})[0]
    assert (roles["before"], roles["after"], roles["signed_in_by"]) == ('["analyst of UNMISS"]', '["reader"]', "socket")
    written = access.store.file.read_bytes()
    for hidden in (PASSWORD, "another fine password", link, secret):
        assert hidden.encode() not in written


def test_a_user_without_the_right_changes_nothing_and_is_recorded(access: Access, administration: Administration) -> None:
    administration.add_user("ana", ANA.grants)
    changes = Administration(access, ANA, MISSIONS)
    for change in (
        lambda: changes.set_grants("ana", [Grant(Role.ADMINISTRATOR)]),
        lambda: changes.add_user("eve", [Grant(Role.ADMINISTRATOR)]),
        lambda: changes.disable_user("ana"),
        lambda: changes.set_password("ana", "another fine password"),
        lambda: changes.make_link("ana"),
        lambda: changes.create_service_token("ana2", Role.READER, []),
        lambda: changes.create_user_token("eve"),
        lambda: changes.revoke_token(1),
    ):
        with pytest.raises(NotAllowed, match="must not manage users"):
            change()
    assert access.users.get("ana").grants == ANA.grants and access.users.find("eve") is None
    assert {(actor, result) for actor, _, _, result in list_audit(access)[1:]} == {("ana", "refused")}


def test_a_user_manages_own_tokens(access: Access, administration: Administration) -> None:
    administration.add_user("ana", ANA.grants)
    own = Administration(access, ANA, MISSIONS)
    number, secret = own.create_user_token("ana")
    other, _ = administration.create_service_token("loader", Role.READER, [])
    own.revoke_token(number, user="ana")
    assert access.tokens.identify(secret, "10.0.0.1") is None
    with pytest.raises(AccessError, match=f"no token {other}"):
        own.revoke_token(other, user="ana")


def test_a_program_cannot_create_tokens_with_the_roles_of_a_user_of_its_name(access: Access) -> None:
    with pytest.raises(NotAllowed):
        Administration(access, Identity("ana", ANA.grants, "token", is_service=True), MISSIONS).create_user_token("ana")


@pytest.mark.parametrize("service", ["ana", "ANA", "two words", "", "\x1b[2J"])
def test_a_service_has_a_valid_name_that_no_user_has(administration: Administration, service: str) -> None:
    administration.add_user("ana", ANA.grants)
    with pytest.raises(AccessError, match="name"):
        administration.create_service_token(service, Role.READER, [])


@pytest.mark.parametrize("grant", [Grant(Role.ANALYST, "UNMSS"), Grant(Role.READER, "UNMISS")])
def test_invalid_grants_are_refused_everywhere(access: Access, administration: Administration, grant: Grant) -> None:
    administration.add_user("ana", ANA.grants)
    for change in (
        lambda: administration.add_user("eve", [grant]),
        lambda: administration.set_grants("ana", [grant]),
        lambda: administration.create_service_token("loader", grant.role, [grant.mission]),
    ):
        with pytest.raises(AccessError, match="mission"):
            change()
    assert access.users.find("eve") is None and not access.tokens.list_all()


def test_a_reset_by_link_ends_the_password_and_the_sessions(access: Access, administration: Administration) -> None:
    administration.add_user("ana", ANA.grants, PASSWORD)
    session = access.sessions.begin("ana", "password", "10.0.0.1", "browser")
    link = administration.reset_by_link("ana")
    assert access.sessions.identify(session, "10.0.0.1") is None
    with pytest.raises(SignInRefused):
        access.users.check_password("ana", PASSWORD, "10.0.0.1")
    access.users.use_link(link, "ana", "another fine password")
    assert access.users.check_password("ana", "another fine password", "10.0.0.1").name == "ana"


def test_users_change_before_there_is_an_administrator(access: Access, administration: Administration) -> None:
    administration.add_user("ana", ANA.grants)
    administration.disable_user("ana")
    administration.set_grants("ana", [Grant(Role.READER)])
    assert access.users.find_link(str(access.offer_first_administrator())) == (FIRST_ADMINISTRATOR, None)
