"""API tokens of users and services: shown once, stored as hashes, revocable, with their last use."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.access.store import AccessStore, Connection, Row
from service.access.users import NAME, hash_secret, read_grants
from service.errors import AccessError

# Found by scanners of leaked secrets.
PREFIX = "a4p_"
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Token:
    """A token without its secret. Times are as the store holds them."""

    id: int
    user: str | None
    service: str | None
    grants: tuple[Grant, ...]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    last_used_from: str | None

    @property
    def owner(self) -> str:
        return self.user or f"service {self.service}"


class Tokens:
    """The tokens of an access store. Methods raise AccessUnavailable and AccessError."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def create_for_user(self, user: str, created_by: str, days: int | None = None) -> tuple[int, str]:
        """Return number and secret of a new token with the roles of a user."""
        with self._store.write() as connection:
            row = connection.execute("select name, disabled_at from users where name = ?", [user]).fetchone()
            if row is None or row["disabled_at"] is not None:
                raise AccessError(f"there is no enabled user {user!r}; 'a4p users list' lists all")
            return self._create(connection, row["name"], None, None, (), created_by, days)

    def create_for_service(
        self, service: str, role: Role, missions: Sequence[str], created_by: str, days: int | None = None
    ) -> tuple[int, str]:
        """Return number and secret of a new token of a program with one role. Raises AccessError for a name of a user."""
        if not NAME.fullmatch(service):
            raise AccessError(f"invalid name of a service {service!r}; use letters, digits and . _ @ + -, at most 100")
        with self._store.write() as connection:
            # Both names are actors in the audit.
            if connection.execute("select 1 from users where name = ?", [service]).fetchone():
                raise AccessError(f"{service} is the name of a user; choose another name for the service")
            return self._create(connection, None, service, role, missions, created_by, days)

    def _create(
        self, connection: Connection, user: str | None, service: str | None, role: Role | None,
        missions: Sequence[str], created_by: str, days: int | None,
    ) -> tuple[int, str]:  # fmt: skip
        secret = PREFIX + secrets.token_urlsafe(32)
        expires_at = None if days is None else self._store.now(timedelta(days=days))
        row = connection.execute(
            'insert into tokens (hash, "user", service, role, missions, created_at, created_by, expires_at) '
            "values (?, ?, ?, ?, ?, ?, ?, ?) returning id",
            [hash_secret(secret), user, service, role, json.dumps(list(missions)), self._store.now(), created_by, expires_at],
        ).fetchone()
        return row["id"], secret

    def list_all(self, user: str | None = None) -> list[Token]:
        """Return the tokens, of one user or all, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                "select * from tokens where cast(? as text) is null or tokens.user = ? order by id desc", [user, user]
            )
            return [_read(connection, row) for row in rows.fetchall()]

    def revoke(self, number: int, user: str | None = None) -> Token:
        """End a token, of this user if one is given, and return it."""
        with self._store.write() as connection:
            row = connection.execute(
                "select * from tokens where id = ? and (cast(? as text) is null or tokens.user = ?)", [number, user, user]
            ).fetchone()
            if row is None:
                raise AccessError(f"there is no token {number}; 'a4p tokens list' lists all")
            connection.execute(
                "update tokens set revoked_at = coalesce(revoked_at, ?) where id = ?", [self._store.now(), number]
            )
            return _read(connection, row)

    def identify(self, secret: str, address: str) -> Identity | None:
        """Return the identity of a token; None if it is unknown, expired, revoked or its user is disabled.

        The hash of the secret is looked up, so the time says nothing about stored hashes.
        """
        if not secret.startswith(PREFIX):
            return None
        with self._store.read() as connection:
            row = connection.execute(
                "select tokens.* from tokens left join users on users.name = tokens.user "
                "where hash = ? and revoked_at is null and (expires_at is null or expires_at > ?) and disabled_at is null",
                [hash_secret(secret), self._store.now()],
            ).fetchone()
            if row is None:
                return None
            token = _read(connection, row)
        if token.last_used_at is None or token.last_used_at < self._store.now(-SEEN_EVERY):
            with self._store.write() as connection:
                connection.execute(
                    "update tokens set last_used_at = ?, last_used_from = ? where id = ?",
                    [self._store.now(), address, token.id],
                )
        return Identity(token.user or str(token.service), token.grants, "token", address, is_service=token.user is None)


def _read(connection: Connection, row: Row) -> Token:
    if row["user"] is not None:
        grants = read_grants(connection, row["user"])
    else:
        grants = tuple(Grant(Role(row["role"]), mission) for mission in json.loads(row["missions"]) or [""])
    return Token(
        row["id"], row["user"], row["service"], grants, row["created_at"], row["created_by"], row["expires_at"],
        row["revoked_at"], row["last_used_at"], row["last_used_from"],
    )  # fmt: skip
