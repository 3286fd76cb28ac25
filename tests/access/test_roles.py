"""Rights of roles, and grants for single missions."""

from __future__ import annotations

import pytest

from service.access.identity import Identity, make_anonymous, make_socket_identity
from service.access.roles import BY_MISSION, RIGHTS, SCOPED_ROLES, Grant, Right, Role, has_right
from service.errors import NotAllowed, NotSignedIn
from service.settings import find_in_tree


def test_an_administrator_has_every_right() -> None:
    assert RIGHTS[Role.ADMINISTRATOR] == set(Right)
    assert all(make_socket_identity("root").may(right) for right in Right)


def test_the_documentation_has_the_rights_of_each_role() -> None:
    text = (find_in_tree("docs") / "access.md").read_text(encoding="utf-8")
    lines = text.split("## Roles")[1].split("\n## ")[0].splitlines()
    header, _, *rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    documented = {(role, row[0]): cell for row in rows for role, cell in zip(header[2:], row[2:], strict=True)}
    expected = {(role.value, right.value): describe_right(role, right) for role in Role for right in Right}
    assert documented == expected


def describe_right(role: Role, right: Right) -> str:
    if right not in RIGHTS[role]:
        return "no"
    return "by mission" if right in BY_MISSION and role in SCOPED_ROLES else "yes"


def test_every_role_can_read_and_query() -> None:
    assert all({Right.READ, Right.QUERY} <= RIGHTS[role] for role in Role)


@pytest.mark.parametrize(("mission", "expected"), [("UNMISS", True), ("UNIFIL", False), ("", False), (None, True)])
def test_a_grant_for_a_mission_is_for_that_mission_alone(mission: str | None, expected: bool) -> None:
    assert has_right([Grant(Role.ANALYST, "UNMISS")], Right.SET_THRESHOLDS, mission) is expected
    assert has_right([Grant(Role.ANALYST, "UNMISS"), Grant(Role.READER)], Right.SET_THRESHOLDS, mission) is expected


def test_a_grant_for_a_mission_does_not_limit_reading() -> None:
    assert has_right([Grant(Role.CONTRIBUTOR, "UNMISS")], Right.READ, "UNIFIL")


def test_a_refusal_says_who_has_which_role_and_what_to_do() -> None:
    with pytest.raises(
        NotAllowed, match=r"ana \(analyst of UNMISS\) must not set thresholds for every mission; ask an administrator"
    ):
        Identity("ana", (Grant(Role.ANALYST, "UNMISS"),), "password").check(Right.SET_THRESHOLDS, "")
    with pytest.raises(NotSignedIn):
        make_anonymous("", may_read=True).check(Right.SET_THRESHOLDS)
    with pytest.raises(NotSignedIn):
        make_anonymous("", may_read=False).check(Right.READ)
