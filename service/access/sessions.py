"""Sessions of browsers, stored on the server, with an idle and an absolute limit."""

from __future__ import annotations

import secrets
from datetime import timedelta

from service.access.identity import Identity
from service.access.store import AccessStore, Connection
from service.access.users import hash_secret, read_grants

SEEN_EVERY = timedelta(minutes=1)
MAX_USER_AGENT = 300


class Sessions:
    """The sessions of an access store. Methods raise AccessUnavailable."""

    def __init__(self, store: AccessStore, idle: timedelta, absolute: timedelta) -> None:
        self._store = store
        self._idle = idle
        self._absolute = absolute

    def begin(self, user: str, signed_in_by: str, address: str, user_agent: str) -> str:
        """Return the secret of a new session, and delete the sessions that have ended."""
        secret = secrets.token_urlsafe(32)
        now = self._store.now()
        with self._store.write() as connection:
            self.delete_ended(connection)
            connection.execute(
                "insert into sessions values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    hash_secret(secret),
                    user,
                    signed_in_by,
                    address,
                    user_agent[:MAX_USER_AGENT],
                    now,
                    now,
                    self._store.now(self._absolute),
                ],
            )
        return secret

    def delete_ended(self, connection: Connection) -> int:
        """Delete the sessions that have ended; return how many."""
        return connection.execute(
            "delete from sessions where expires_at < ? or seen_at < ?", [self._store.now(), self._store.now(-self._idle)]
        ).rowcount

    def identify(self, secret: str, address: str) -> Identity | None:
        """Return the identity of a session; None if it is unknown or has ended, or its user is disabled."""
        hashed = hash_secret(secret)
        with self._store.read() as connection:
            row = connection.execute(
                "select sessions.*, disabled_at from sessions join users on users.name = sessions.user "
                "where hash = ? and expires_at > ? and seen_at > ? and disabled_at is null",
                [hashed, self._store.now(), self._store.now(-self._idle)],
            ).fetchone()
            if row is None:
                return None
            grants = read_grants(connection, row["user"])
        if row["seen_at"] < self._store.now(-SEEN_EVERY):
            with self._store.write() as connection:
                connection.execute("update sessions set seen_at = ? where hash = ?", [self._store.now(), hashed])
        return Identity(row["user"], grants, row["signed_in_by"], address, session=hashed)

    def list_of(self, user: str) -> list[dict[str, str]]:
        """Return the open sessions of a user, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                "select hash, signed_in_by, address, user_agent, created_at, seen_at from sessions "
                "where sessions.user = ? and expires_at > ? and seen_at > ? order by created_at desc",
                [user, self._store.now(), self._store.now(-self._idle)],
            )
            return [dict(row) for row in rows]

    def end(self, hashed: str) -> None:
        """End one session, given by its hash."""
        with self._store.write() as connection:
            connection.execute("delete from sessions where hash = ?", [hashed])

    def end_all(self, user: str) -> None:
        """End every session of a user."""
        with self._store.write() as connection:
            connection.execute('delete from sessions where "user" = ?', [user])
