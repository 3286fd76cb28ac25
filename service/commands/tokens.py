"""`a4p tokens`: create, list and revoke the tokens of users and programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from service.access.store import write_time
from service.access.tokens import Token
from service.commands.access_file import open_access, open_administration
from service.commands.grants import optional_role_options, read_grants
from service.commands.options import data_dir_option
from service.commands.tables import print_table, write_moment
from service.settings import read_settings


@click.group(
    epilog="""\b
Examples:
  a4p tokens create --user ana --expires 90
  a4p tokens create --service prometheus --role reader
  a4p tokens list
"""
)
def tokens() -> None:
    """Manage the tokens that programs send as `Authorization: Bearer TOKEN`. Every change is in the audit."""


@tokens.command(
    epilog="""\b
Examples:
  a4p tokens create --user ana --expires 90
  a4p tokens create --service prometheus --role reader > prometheus-token
  a4p tokens create --service loader --role contributor --mission UNMISS --expires 365
"""
)
@click.option("--user", help="Create a token with the roles of this user.")
@click.option("--service", help="Create a token for a program of this name, with the role of --role.")
@optional_role_options
@click.option("--expires", "days", type=click.IntRange(1, 36_500), help="Days until the token expires.  [default: never]")
@data_dir_option
def create(
    user: str | None, service: str | None, roles: tuple[str, ...], missions: tuple[str, ...], days: int | None,
    data_dir: Path | None,
) -> None:  # fmt: skip
    """Create a token for a user or a program and print it on standard output. It cannot be shown again.

    A token of a user always has the current roles of the user.
    """
    if (user is None) == (service is None):
        raise click.UsageError("give --user or --service, one of them")
    if user is not None and (roles or missions):
        raise click.UsageError("a token of a user has the roles of the user; leave out --role and --mission")
    grants = read_grants(roles, missions)
    if service is not None and len({grant.role for grant in grants}) != 1:
        raise click.UsageError("a token of a service needs exactly one --role")
    administration = open_administration(read_settings(data_dir=data_dir), may_create=True)
    if user is not None:
        number, secret = administration.create_user_token(user, days)
        owner = user
    else:
        named = [grant.mission for grant in grants if grant.mission]
        number, secret = administration.create_service_token(str(service), grants[0].role, named, days)
        owner = f"service {service}: {', '.join(map(str, grants))}"
    ends = "does not expire" if days is None else f"expires in {days:,} days"
    click.echo(f"token {number} of {owner}; it {ends} and is not shown again", err=True)
    click.echo(secret)


@tokens.command(
    name="list",
    epilog="""\b
Examples:
  a4p tokens list
  a4p tokens list --user ana --format json
""",
)
@click.option("--user", help="Only tokens of this user.")
@click.option("--format", "kind", type=click.Choice(["table", "json"]), default="table", show_default=True)
@data_dir_option
def list_(user: str | None, kind: str, data_dir: Path | None) -> None:
    """List the tokens with their state and last use, newest first. The tokens themselves are not stored."""
    found = open_access(read_settings(data_dir=data_dir)).tokens.list_all(user)
    if kind == "json":
        click.echo(json.dumps([asdict(token) for token in found], indent=2))
        return
    now = write_time(datetime.now(UTC))
    print_table(
        ["token", "of", "roles", "state", "created (UTC)", "created by", "expires (UTC)", "last use (UTC)", "from"],
        (
            [
                str(token.id),
                token.owner,
                ", ".join(map(str, token.grants)) or "none",
                _describe_state(token, now),
                write_moment(token.created_at),
                token.created_by,
                write_moment(token.expires_at) or "never",
                write_moment(token.last_used_at) or "never",
                token.last_used_from or "",
            ]
            for token in found
        ),
    )


def _describe_state(token: Token, now: str) -> str:
    if token.revoked_at:
        return "revoked"
    return "expired" if token.expires_at and token.expires_at <= now else "valid"


@tokens.command(
    epilog="""\b
Examples:
  a4p tokens revoke 3
"""
)
@click.argument("token", type=int)
@data_dir_option
def revoke(token: int, data_dir: Path | None) -> None:
    """Revoke TOKEN, given by its number in `a4p tokens list`. Requests with it are refused at once."""
    revoked = open_administration(read_settings(data_dir=data_dir)).revoke_token(token)
    click.echo(f"revoked token {revoked.id} of {revoked.owner}")
