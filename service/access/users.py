"""Users: added, listed, disabled, their roles and passwords, and links that work once."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.access.passwords import hash_password, verify_password
from service.access.roles import SCOPED_ROLES, Grant, Role
from service.access.store import AccessStore, Connection, Row
from service.access.throttle import check_delay, record_attempt
from service.errors import AccessError, SignInRefused

LINK_LIFE = timedelta(days=1)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}@[A-Za-z0-9.-]{1,190}")
FIRST_ADMINISTRATOR = "first_administrator"


@dataclass(frozen=True)
class User:
    """A user with grants. `origin` is local, openid or proxy; times are as the store holds them.

    Messages about rounds are sent to `email`.
    """

    name: str
    origin: str
    grants: tuple[Grant, ...]
    created_at: str
    created_by: str
    disabled_at: str | None
    has_password: bool
    email: str | None = None


def hash_secret(secret: str) -> str:
    """Return what the store holds of a random token: enough to find it, not to use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_grants(grants: Sequence[Grant], missions: Collection[str]) -> None:
    """Raise AccessError for a grant of an unknown mission, or of a role that is not about missions."""
    for grant in grants:
        if grant.mission and grant.role not in SCOPED_ROLES:
            raise AccessError(f"the role {grant.role} is not for single missions; give it without --mission")
        if grant.mission and grant.mission not in missions:
            raise AccessError(f"unknown mission {grant.mission!r}; missions are {', '.join(sorted(missions))}")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise AccessError(f"{name!r} is not a user name; use letters, digits and . _ @ + -, at most 100 characters")


def _check_email(email: str | None) -> None:
    if email is not None and not EMAIL.fullmatch(email):
        raise AccessError(f"{email!r} is not an e-mail address such as ana@example.org")


class Users:
    """The users of an access store. Methods raise AccessUnavailable, and AccessError for an unknown or invalid name."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def add(
        self,
        name: str,
        grants: Sequence[Grant],
        created_by: str,
        password: str | None = None,
        origin: str = "local",
        email: str | None = None,
    ) -> None:
        """Add a user. Raises AccessError when the name is taken, or the password or the address is not acceptable."""
        _check_name(name)
        _check_email(email)
        hashed = None if password is None else hash_password(password, name)
        with self._store.write() as connection:
            if _find(connection, name):
                raise AccessError(f"there is a user {name} already; change its roles with 'a4p users roles {name}'")
            connection.execute(
                "insert into users values (?, ?, ?, ?, ?, null, null, null, ?)",
                [name, hashed, origin, self._store.now(), created_by, email],
            )
            _set_grants(connection, name, grants)

    def list_all(self) -> list[User]:
        """Return all users by name."""
        with self._store.read() as connection:
            return [_read(connection, row) for row in connection.execute("select * from users order by name")]

    def get(self, name: str) -> User:
        """Return a user. Raises AccessError for an unknown name."""
        with self._store.read() as connection:
            return _read(connection, _need(connection, name))

    def find(self, name: str) -> User | None:
        """Return a user, or None for an unknown name."""
        with self._store.read() as connection:
            row = _find(connection, name)
            return _read(connection, row) if row else None

    def sign_in_from_outside(
        self,
        name: str,
        origin: str,
        grants: Sequence[Grant] | None,
        issuer: str | None = None,
        subject: str | None = None,
        email: str | None = None,
    ) -> User:
        """Return the user whom an OpenID provider or a proxy has authenticated, added at the first sign-in.

        `grants` replace the roles of the user; None leaves them. A valid `email` replaces the address. A user of a provider
        is found by issuer and subject. Raises AccessError for a disabled user, an invalid name, and a name that belongs to a
        user of another origin.
        """
        _check_name(name)
        if email is not None and not EMAIL.fullmatch(email):
            email = None
        with self._store.read() as connection:
            row = _find_outside(connection, name, issuer, subject)
            if (
                row is not None
                and (grants is None or set(grants) == set(read_grants(connection, row["name"])))
                and (email is None or email == row["email"])
            ):
                return _check_outside(connection, row, origin)
        with self._store.write() as connection:
            row = _find_outside(connection, name, issuer, subject)
            if row is None:
                connection.execute(
                    "insert into users values (?, null, ?, ?, ?, null, ?, ?, null)",
                    [name, origin, self._store.now(), origin, issuer, subject],
                )
                row = _need(connection, name)
            user = _check_outside(connection, row, origin)
            if grants is not None:
                connection.execute('delete from grants where "user" = ?', [user.name])
                _set_grants(connection, user.name, grants)
            if email is not None:
                connection.execute("update users set email = ? where name = ?", [email, user.name])
            return _read(connection, _need(connection, user.name))

    def set_email(self, name: str, email: str | None) -> None:
        """Set the address of a user, or remove it. Raises AccessError for an invalid address."""
        _check_email(email)
        with self._store.write() as connection:
            name = _need(connection, name)["name"]
            connection.execute("update users set email = ? where name = ?", [email, name])

    def set_grants(self, name: str, grants: Sequence[Grant]) -> None:
        """Replace the roles of a user."""
        with self._store.write() as connection:
            name = _need(connection, name)["name"]
            had_administrator = _has_administrator(connection)
            connection.execute('delete from grants where "user" = ?', [name])
            _set_grants(connection, name, grants)
            _check_administrator_remains(connection, had_administrator)

    def disable(self, name: str, is_disabled: bool = True) -> None:
        """Disable a user and end all sessions of it, or enable it again."""
        with self._store.write() as connection:
            name = _need(connection, name)["name"]
            had_administrator = _has_administrator(connection)
            disabled_at = self._store.now() if is_disabled else None
            connection.execute("update users set disabled_at = ? where name = ?", [disabled_at, name])
            if is_disabled:
                connection.execute('delete from sessions where "user" = ?', [name])
                _check_administrator_remains(connection, had_administrator)

    def set_password(self, name: str, password: str) -> None:
        """Set a password and end all sessions of the user."""
        hashed = hash_password(password, name)
        with self._store.write() as connection:
            name = _need(connection, name)["name"]
            connection.execute("update users set password_hash = ? where name = ?", [hashed, name])
            connection.execute('delete from sessions where "user" = ?', [name])

    def check_password(self, name: str, password: str, address: str) -> User:
        """Return the user with this name and password.

        Raises SignInRefused with the same text, after the same time, for an unknown or disabled user and a wrong password, and
        SignInDelayed after too many failures.
        """
        account = name[:100].encode("utf-8", "replace").decode()
        with self._store.write() as connection:
            check_delay(self._store, connection, account, address)
            # Counted as a failure before the hash is computed, so that attempts side by side are counted too.
            record_attempt(self._store, connection, account, address, succeeded=False)
            row = _find(connection, account)
            stored = row["password_hash"] if row and row["disabled_at"] is None else None
        if not verify_password(stored, password):
            raise SignInRefused("wrong name or password")
        with self._store.write() as connection:
            row = _need(connection, account)
            if row["disabled_at"] is not None:
                raise SignInRefused("wrong name or password")
            record_attempt(self._store, connection, account, address, succeeded=True)
            return _read(connection, row)

    def has_administrator(self) -> bool:
        """Return whether an enabled user is an administrator."""
        with self._store.read() as connection:
            return _has_administrator(connection)

    def make_link(self, purpose: str, name: str | None = None) -> str:
        """Return the secret of a link that works once within a day, and end earlier links of the purpose and user.

        Links for the first administrator of a lake all work until there is one.
        """
        secret = secrets.token_urlsafe(32)
        with self._store.write() as connection:
            if name is not None:
                name = _need(connection, name)["name"]
            # Replicas of a lake each print a link for the first administrator; all work until there is one.
            if name is not None or not self._store.writer:
                connection.execute("delete from links where purpose = ? and coalesce(\"user\", '') = ?", [purpose, name or ""])
            connection.execute(
                "insert into links values (?, ?, ?, ?, ?, null)",
                [hash_secret(secret), name, purpose, self._store.now(), self._store.now(LINK_LIFE)],
            )
        return secret

    def find_link(self, secret: str) -> tuple[str, str | None] | None:
        """Return purpose and user of a link that still works, or None."""
        with self._store.read() as connection:
            row = _find_link(self._store, connection, secret)
            return (row["purpose"], row["user"]) if row else None

    def use_link(self, secret: str, name: str, password: str) -> User:
        """Set the password of the user of a link, or add the first administrator; the link then no longer works.

        Raises SignInRefused for a link that was used or is too old, AccessError as `add` and `set_password` do.
        """
        _check_name(name)
        hashed = hash_password(password, name)
        with self._store.write() as connection:
            row = _find_link(self._store, connection, secret)
            if row is None or (row["purpose"] == FIRST_ADMINISTRATOR and _has_administrator(connection)):
                raise SignInRefused("this link was used already, or is too old; ask for another one")
            if row["purpose"] == FIRST_ADMINISTRATOR:
                if _find(connection, name):
                    raise AccessError(f"there is a user {name} already; choose another name")
                connection.execute(
                    "insert into users values (?, ?, 'local', ?, 'first administrator', null, null, null, null)",
                    [name, hashed, self._store.now()],
                )
                _set_grants(connection, name, [Grant(Role.ADMINISTRATOR)])
            else:
                name = row["user"]
                if _need(connection, name)["disabled_at"] is not None:
                    raise SignInRefused("this user is disabled; ask an administrator")
                connection.execute("update users set password_hash = ? where name = ?", [hashed, name])
                connection.execute('delete from sessions where "user" = ?', [name])
            connection.execute("update links set used_at = ? where hash = ?", [self._store.now(), row["hash"]])
            return _read(connection, _need(connection, name))


def _find(connection: Connection, name: str) -> Row | None:
    if not NAME.fullmatch(name):
        return None
    row: Row | None = connection.execute("select * from users where name = ?", [name]).fetchone()
    return row


def _find_outside(connection: Connection, name: str, issuer: str | None, subject: str | None) -> Row | None:
    if subject is None:
        return _find(connection, name)
    row: Row | None = connection.execute("select * from users where issuer = ? and subject = ?", [issuer, subject]).fetchone()
    if row is None and (same := _find(connection, name)) is not None:
        raise AccessError(f"the name {same['name']} belongs to another user here; ask an administrator")
    return row


def _check_outside(connection: Connection, row: Row, origin: str) -> User:
    # An administrator may add the user of a proxy beforehand, without a password.
    is_own = row["origin"] == origin or (origin == "proxy" and row["password_hash"] is None)
    if not is_own:
        raise AccessError(f"the name {row['name']} belongs to another user here; ask an administrator")
    if row["disabled_at"] is not None:
        raise AccessError(f"the user {row['name']} is disabled; ask an administrator")
    return _read(connection, row)


def _need(connection: Connection, name: str) -> Row:
    row = _find(connection, name)
    if row is None:
        raise AccessError(f"there is no user {name!r}; 'a4p users list' lists all")
    return row


def _find_link(store: AccessStore, connection: Connection, secret: str) -> Row | None:
    row: Row | None = connection.execute(
        "select * from links where hash = ? and used_at is null and expires_at > ?", [hash_secret(secret), store.now()]
    ).fetchone()
    return row


def _read(connection: Connection, row: Row) -> User:
    return User(
        row["name"], row["origin"], read_grants(connection, row["name"]), row["created_at"], row["created_by"],
        row["disabled_at"], row["password_hash"] is not None, row["email"],
    )  # fmt: skip


def read_grants(connection: Connection, name: str) -> tuple[Grant, ...]:
    """Return the grants of a user."""
    rows = connection.execute('select role, mission from grants where "user" = ? order by role, mission', [name])
    return tuple(Grant(Role(row["role"]), row["mission"]) for row in rows)


def _set_grants(connection: Connection, name: str, grants: Sequence[Grant]) -> None:
    connection.executemany(
        "insert into grants values (?, ?, ?) on conflict do nothing",
        [[name, str(grant.role), grant.mission] for grant in grants],
    )


def _has_administrator(connection: Connection) -> bool:
    (found,) = connection.execute(
        "select exists (select 1 from grants join users on name = grants.user "
        "where role = 'administrator' and disabled_at is null)"
    ).fetchone()
    return bool(found)


def _check_administrator_remains(connection: Connection, had_administrator: bool) -> None:
    if had_administrator and not _has_administrator(connection):
        raise AccessError("this is the only administrator; make another one first")
