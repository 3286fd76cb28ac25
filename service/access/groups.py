"""Groups of an OpenID provider or a proxy, mapped to roles by the setting A4P_GROUP_ROLES."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from service.access.roles import SCOPED_ROLES, Grant, Role
from service.errors import SettingsError


def read_group_roles(entries: Iterable[str], missions: Collection[str] | None = None) -> dict[str, tuple[Grant, ...]]:
    """Return the grants of each group, from entries such as `desk=reader` and `unmiss-analysts=analyst:UNMISS`.

    Raises SettingsError with the entry that is wrong. Without `missions`, the names of missions are not checked.
    """
    found: dict[str, list[Grant]] = {}
    for entry in entries:
        group, equals, granted = entry.rpartition("=")
        role, _, mission = granted.partition(":")
        if not (group and equals and role in Role.__members__.values()):
            known = ", ".join(Role)
            raise SettingsError(
                f"setting A4P_GROUP_ROLES: {entry!r} is not GROUP=ROLE or GROUP=ROLE:MISSION; roles are {known}"
            )
        if mission and Role(role) not in SCOPED_ROLES:
            raise SettingsError(f"setting A4P_GROUP_ROLES: {entry!r}: the role {role} is not for single missions")
        if mission and missions is not None and mission not in missions:
            raise SettingsError(f"setting A4P_GROUP_ROLES: {entry!r}: unknown mission {mission}")
        found.setdefault(group, []).append(Grant(Role(role), mission))
    return {group: tuple(grants) for group, grants in found.items()}


def map_groups(groups: Iterable[str], roles: Mapping[str, tuple[Grant, ...]]) -> tuple[Grant, ...]:
    """Return the grants of the groups of a user, each once; those of the group `*` are for everybody."""
    return tuple(dict.fromkeys(grant for group in ["*", *groups] for grant in roles.get(group, ())))
