"""The options --role and --mission of the commands that grant roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from service.access.roles import Grant, Role

F = TypeVar("F", bound=Callable[..., Any])
ROLES = tuple(role.value for role in Role)


def role_options(command: F) -> F:
    """Add --role, which is required, and --mission; `read_grants` reads both."""
    return _add_options(command, is_required=True)


def optional_role_options(command: F) -> F:
    """Add --role and --mission; `read_grants` reads both."""
    return _add_options(command, is_required=False)


def _add_options(command: F, is_required: bool) -> F:
    for add in (
        click.option(
            "--mission",
            "missions",
            multiple=True,
            metavar="MISSION",
            help="Limit the role to this mission; can be repeated. Needs exactly one --role.",
        ),
        click.option(
            "--role",
            "roles",
            multiple=True,
            required=is_required,
            metavar="ROLE[:MISSION,...]",
            help=f"{', '.join(ROLES[:-1])} or {ROLES[-1]}, with missions after a colon; can be repeated.",
        ),
    ):
        command = add(command)
    return command


def read_grants(roles: Sequence[str], missions: Sequence[str]) -> list[Grant]:
    """Return the grants of --role and --mission. Raises UsageError."""
    if missions and (len(roles) != 1 or ":" in roles[0]):
        raise click.UsageError("--mission needs exactly one --role; for several roles write --role analyst:UNMISS,UNIFIL")
    grants: list[Grant] = []
    for text in roles:
        name, colon, listed = text.partition(":")
        if name not in ROLES:
            raise click.UsageError(f"unknown role {name!r}; roles are {', '.join(ROLES)}")
        named = [mission.strip() for mission in listed.split(",") if mission.strip()]
        if colon and not named:
            raise click.UsageError(f"no mission after the colon of --role {text}")
        grants += [Grant(Role(name), mission) for mission in named or missions or [""]]
    return grants
