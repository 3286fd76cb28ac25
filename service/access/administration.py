"""Changes of users, roles and tokens by commands and pages: the right is checked, and each change is in the audit."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from service.access.access import Access
from service.access.audit import Recording
from service.access.identity import Identity
from service.access.roles import Grant, Right, Role
from service.access.tokens import Token
from service.access.users import check_grants

PASSWORD_LINK = "password"


class Administration:
    """Changes that one identity makes to users and tokens.

    `missions` are the known ones. Methods raise NotSignedIn or NotAllowed without the right, AccessError for an invalid
    request, and AccessUnavailable.
    """

    def __init__(self, access: Access, identity: Identity, missions: Collection[str], request_id: str = "") -> None:
        self._access = access
        self._identity = identity
        self._missions = missions
        self._request_id = request_id

    @contextmanager
    def _record(self, action: str, target: str, is_own: bool = False) -> Iterator[Recording]:
        with self._access.audit.record(self._identity, action, target, request_id=self._request_id) as recording:
            if not is_own:
                self._identity.check(Right.MANAGE_USERS)
            yield recording

    def add_user(self, name: str, grants: Sequence[Grant], password: str | None = None, email: str | None = None) -> None:
        """Add a local user; without a password it needs a link to choose one. Messages about rounds are sent to `email`."""
        with self._record("add user", name) as recording:
            check_grants(grants, self._missions)
            self._access.users.add(name, grants, self._identity.name, password, email=email)
            recording.after = _write_grants(grants)

    def set_email(self, name: str, email: str | None) -> None:
        """Set the address of a user, or remove it."""
        with self._record("set email", name) as recording:
            recording.before = self._access.users.get(name).email
            self._access.users.set_email(name, email)
            recording.after = email

    def set_grants(self, name: str, grants: Sequence[Grant]) -> None:
        """Replace the roles of a user."""
        with self._record("set roles", name) as recording:
            check_grants(grants, self._missions)
            recording.before = _write_grants(self._access.users.get(name).grants)
            self._access.users.set_grants(name, grants)
            recording.after = _write_grants(grants)

    def disable_user(self, name: str) -> None:
        """Disable a user: sessions end, and password and tokens are refused."""
        with self._record("disable user", name):
            self._access.users.disable(name)

    def enable_user(self, name: str) -> None:
        """Enable a disabled user again."""
        with self._record("enable user", name):
            self._access.users.disable(name, is_disabled=False)

    def set_password(self, name: str, password: str) -> None:
        """Set the password of a user and end all sessions of the user."""
        with self._record("reset password", name):
            self._access.users.set_password(name, password)

    def change_own_password(self, present: str, new: str) -> None:
        """Replace the password of the identity, which gives the present one, and end all its sessions.

        Raises SignInRefused and SignInDelayed as `check_password` does, and AccessError for a password that is not acceptable.
        """
        name = self._identity.name
        with self._record("change password", name, is_own=True):
            self._access.users.check_password(name, present, self._identity.address)
            self._access.users.set_password(name, new)

    def make_link(self, name: str) -> str:
        """Return the secret of a link that works once within a day, for a user to choose a password."""
        with self._record("make password link", name):
            return self._access.users.make_link(PASSWORD_LINK, name)

    def reset_by_link(self, name: str) -> str:
        """End the password and all sessions of a user; return the secret of a link to choose a new password."""
        with self._record("reset password", name):
            # Nobody knows this password.
            self._access.users.set_password(name, secrets.token_urlsafe(32))
            return self._access.users.make_link(PASSWORD_LINK, name)

    def create_user_token(self, user: str, days: int | None = None) -> tuple[int, str]:
        """Return number and secret of a new token with the roles of a user. Users need no right for their own tokens."""
        with self._record("create token", f"token of {user}", self._is_own(user)) as recording:
            number, secret = self._access.tokens.create_for_user(user, self._identity.name, days)
            recording.target = f"token {number} of {user}"
            recording.after = {"days": days}
            return number, secret

    def create_service_token(
        self, service: str, role: Role, missions: Sequence[str], days: int | None = None
    ) -> tuple[int, str]:
        """Return number and secret of a new token of a program, with one role for all or some missions."""
        with self._record("create token", f"token of service {service}") as recording:
            grants = [Grant(role, mission) for mission in missions] or [Grant(role)]
            check_grants(grants, self._missions)
            number, secret = self._access.tokens.create_for_service(service, role, missions, self._identity.name, days)
            recording.target = f"token {number} of service {service}"
            recording.after = {"roles": _write_grants(grants), "days": days}
            return number, secret

    def revoke_token(self, number: int, user: str | None = None) -> Token:
        """Revoke a token, of this user if one is given, and return it. Users need no right for their own tokens."""
        with self._record("revoke token", f"token {number}", self._is_own(user)) as recording:
            token = self._access.tokens.revoke(number, user)
            recording.target = f"token {number} of {token.owner}"
            return token

    def _is_own(self, user: str | None) -> bool:
        return user is not None and user == self._identity.name and not self._identity.is_service


def _write_grants(grants: Sequence[Grant]) -> list[str]:
    return [str(grant) for grant in grants]
