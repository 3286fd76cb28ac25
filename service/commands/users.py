"""`a4p users`: add, list, disable and enable users, and change their passwords and roles."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from service.commands.access_file import open_access, open_administration
from service.commands.grants import read_grants, role_options
from service.commands.options import data_dir_option
from service.commands.tables import print_table, write_moment
from service.settings import Settings, read_settings

F = TypeVar("F", bound=Callable[..., Any])


@click.group(
    epilog="""\b
Examples:
  a4p users add ana --role analyst --mission UNMISS
  a4p users list
  a4p users disable ana
"""
)
def users() -> None:
    """Manage the users who sign in. Works with and without a running service. Every change is in the audit."""


def _password_options(command: F) -> F:
    for add in (
        click.option(
            "--link", "by_link", is_flag=True, help="Print a link that works once, within a day, to choose a password."
        ),
        click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of a prompt."),
    ):
        command = add(command)
    return command


def _read_password(password_stdin: bool, by_link: bool) -> str | None:
    """Return the password of the prompt or of standard input, None for a link. Raises UsageError."""
    if password_stdin and by_link:
        raise click.UsageError("give --password-stdin or --link, not both")
    if by_link:
        return None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise click.UsageError("standard input has no password; write it on the first line")
        return password
    if not has_terminal():
        raise click.UsageError("no terminal for a password prompt; give --password-stdin or --link")
    password = click.prompt("Password", hide_input=True, confirmation_prompt="Repeat the password", err=True)
    return str(password)


def has_terminal() -> bool:
    """Return whether a user can answer a prompt."""
    return sys.stdin.isatty()


def _write_link(settings: Settings, secret: str) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{settings.public_url or f'http://{host}:{settings.port}'}/setup?link={secret}"


@users.command(
    epilog="""\b
Examples:
  a4p users add boss --role administrator
  a4p users add ana --role analyst --mission UNMISS --mission UNIFIL
  a4p users add ana --role analyst:UNMISS,UNIFIL --role contributor:MINUSCA
  a4p users add ana --role contributor:UNMISS --email ana@example.org --link
  a4p users add ana --role reader --link
  a4p users add ana --role reader --password-stdin < password.txt
"""
)
@click.argument("name")
@role_options
@click.option("--email", help="Address for messages about rounds.")
@_password_options
@data_dir_option
def add(
    name: str,
    roles: tuple[str, ...],
    missions: tuple[str, ...],
    email: str | None,
    password_stdin: bool,
    by_link: bool,
    data_dir: Path | None,
) -> None:
    """Add the user NAME with one or more roles. A password has at least 12 characters.

    docs/access.md lists the rights of each role. A role without missions is for all missions.
    """
    settings = read_settings(data_dir=data_dir)
    grants = read_grants(roles, missions)
    administration = open_administration(settings, may_create=True)
    administration.add_user(name, grants, _read_password(password_stdin, by_link), email)
    click.echo(f"added {name}: {', '.join(map(str, grants))}", err=by_link)
    if by_link:
        click.echo(_write_link(settings, administration.make_link(name)))


@users.command(
    name="list",
    epilog="""\b
Examples:
  a4p users list
  a4p users list --format json
""",
)
@click.option("--format", "kind", type=click.Choice(["table", "json"]), default="table", show_default=True)
@data_dir_option
def list_(kind: str, data_dir: Path | None) -> None:
    """List the users with their roles."""
    found = open_access(read_settings(data_dir=data_dir)).users.list_all()
    if kind == "json":
        rows = [{**asdict(user), "grants": [asdict(grant) for grant in user.grants]} for user in found]
        click.echo(json.dumps(rows, indent=2))
        return
    print_table(
        ["user", "roles", "e-mail", "state", "signs in by", "added (UTC)", "added by"],
        (
            [
                user.name,
                ", ".join(map(str, user.grants)) or "none",
                user.email or "",
                "disabled" if user.disabled_at else "enabled",
                user.origin if user.origin != "local" else "password" if user.has_password else "no password yet",
                write_moment(user.created_at),
                user.created_by,
            ]
            for user in found
        ),
    )


@users.command(
    epilog="""\b
Examples:
  a4p users disable ana
"""
)
@click.argument("name")
@data_dir_option
def disable(name: str, data_dir: Path | None) -> None:
    """Disable the user NAME: sessions end at once, and password and tokens are refused. The user can be enabled again."""
    open_administration(read_settings(data_dir=data_dir)).disable_user(name)
    click.echo(f"disabled {name}")


@users.command(
    epilog="""\b
Examples:
  a4p users enable ana
"""
)
@click.argument("name")
@data_dir_option
def enable(name: str, data_dir: Path | None) -> None:
    """Enable the disabled user NAME with the same password, roles and tokens as before."""
    open_administration(read_settings(data_dir=data_dir)).enable_user(name)
    click.echo(f"enabled {name}")


@users.command(
    epilog="""\b
Examples:
  a4p users reset ana
  a4p users reset ana --link
  a4p users reset ana --password-stdin < password.txt
"""
)
@click.argument("name")
@_password_options
@data_dir_option
def reset(name: str, password_stdin: bool, by_link: bool, data_dir: Path | None) -> None:
    """Set a new password for the user NAME, or print a link to choose one. The old password and all sessions end.

    Tokens of the user are not changed; `a4p tokens revoke` ends them.
    """
    settings = read_settings(data_dir=data_dir)
    administration = open_administration(settings)
    password = _read_password(password_stdin, by_link)
    if password is None:
        click.echo(_write_link(settings, administration.reset_by_link(name)))
    else:
        administration.set_password(name, password)
        click.echo(f"changed the password of {name}")


@users.command(
    epilog="""\b
Examples:
  a4p users roles ana --role analyst
  a4p users roles ana --role analyst:UNMISS --role approver:UNIFIL
"""
)
@click.argument("name")
@role_options
@data_dir_option
def roles(name: str, roles: tuple[str, ...], missions: tuple[str, ...], data_dir: Path | None) -> None:
    """Replace the roles of the user NAME. Open sessions and tokens have the new roles at once."""
    grants = read_grants(roles, missions)
    open_administration(read_settings(data_dir=data_dir)).set_grants(name, grants)
    click.echo(f"{name}: {', '.join(map(str, grants))}")


@users.command(
    epilog="""\b
Examples:
  a4p users email ana ana@example.org
  a4p users email ana --none
"""
)
@click.argument("name")
@click.argument("address", required=False)
@click.option("--none", "is_removed", is_flag=True, help="Remove the address.")
@data_dir_option
def email(name: str, address: str | None, is_removed: bool, data_dir: Path | None) -> None:
    """Set the e-mail ADDRESS of the user NAME, to which messages about rounds are sent."""
    if (address is None) != is_removed:
        raise click.UsageError("give an address, or --none to remove it")
    open_administration(read_settings(data_dir=data_dir)).set_email(name, address)
    click.echo(f"{name}: {address or 'no e-mail address'}")
