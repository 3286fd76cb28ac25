"""Roles and the rights of each; docs/access.md has the same table, and a test compares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What an identity may do."""

    READ = "read"
    QUERY = "query"
    SAVE_QUERIES = "save_queries"
    SET_THRESHOLDS = "set_thresholds"
    ACKNOWLEDGE = "acknowledge"
    SILENCE = "silence"
    SUBMIT = "submit"
    APPROVE = "approve"
    COMMENT = "comment"
    LOAD = "load"
    MANAGE_USERS = "manage_users"
    READ_AUDIT = "read_audit"


class Role(StrEnum):
    """A named set of rights."""

    READER = "reader"
    CONTRIBUTOR = "contributor"
    ANALYST = "analyst"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


READING = frozenset({Right.READ, Right.QUERY})
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.READER: READING,
    Role.CONTRIBUTOR: READING | {Right.SUBMIT, Right.COMMENT},
    Role.ANALYST: READING | {Right.SAVE_QUERIES, Right.SET_THRESHOLDS, Right.ACKNOWLEDGE, Right.SILENCE},
    Role.APPROVER: READING | {Right.APPROVE, Right.COMMENT},
    Role.ADMINISTRATOR: frozenset(Right),
}
# Rights that a grant for one mission limits to it; the others are not about a mission.
BY_MISSION = frozenset({Right.SET_THRESHOLDS, Right.ACKNOWLEDGE, Right.SILENCE, Right.SUBMIT, Right.APPROVE, Right.COMMENT})
# Roles that can be granted for single missions.
SCOPED_ROLES = frozenset({Role.CONTRIBUTOR, Role.ANALYST, Role.APPROVER})


@dataclass(frozen=True)
class Grant:
    """A role for one mission, or for all where `mission` is empty."""

    role: Role
    mission: str = ""

    def __str__(self) -> str:
        return f"{self.role} of {self.mission}" if self.mission else str(self.role)


def has_right(grants: Iterable[Grant], right: Right, mission: str | None = None) -> bool:
    """Return whether one of the grants gives a right.

    For a right in BY_MISSION, `mission` is the mission of the change, an empty string for a change of every mission, or
    None to ask whether there is any mission for which the right is given.
    """
    return any(
        right in RIGHTS[grant.role]
        and (not grant.mission or right not in BY_MISSION or mission is None or grant.mission == mission)
        for grant in grants
    )
