"""Identities: who makes a request, how they proved it, and with which grants."""

from __future__ import annotations

from dataclasses import dataclass

from service.access.roles import Grant, Right, Role, has_right
from service.errors import NotAllowed, NotSignedIn


@dataclass(frozen=True)
class Identity:
    """The author of a request.

    `signed_in_by` is password, openid, proxy, token, socket (the operating-system user of a command) or anonymous. A service
    with a token has `is_service`. `session` is the hash of the session of a browser.
    """

    name: str
    grants: tuple[Grant, ...]
    signed_in_by: str
    address: str = ""
    is_service: bool = False
    session: str = ""

    @property
    def is_anonymous(self) -> bool:
        return self.signed_in_by == "anonymous"

    @property
    def owner(self) -> str:
        """The name under which queries are saved: a service is never the user of the same name."""
        return f"service {self.name}" if self.is_service else self.name

    @property
    def roles(self) -> str:
        """The grants as text, such as `analyst of UNMISS`."""
        return ", ".join(map(str, self.grants)) or "none"

    def may(self, right: Right, mission: str | None = None) -> bool:
        """Return whether the identity has a right, as `has_right` does."""
        return has_right(self.grants, right, mission)

    def check(self, right: Right, mission: str | None = None) -> None:
        """Raise NotSignedIn or NotAllowed if the identity does not have a right."""
        if self.may(right, mission):
            return
        if self.is_anonymous:
            raise NotSignedIn("sign in, or send a token as a bearer token")
        where = f" for {mission}" if mission else " for every mission" if mission == "" and self.may(right) else ""
        raise NotAllowed(
            f"{self.name} ({self.roles}) must not {right.replace('_', ' ')}{where}; ask an administrator for a role"
        )


def make_anonymous(address: str, may_read: bool) -> Identity:
    """Return the identity of a request without one: a reader where anonymous reading is on, else without any right."""
    return Identity("anonymous", (Grant(Role.READER),) if may_read else (), "anonymous", address)


def make_socket_identity(user: str) -> Identity:
    """Return the identity of a command on this machine, which can read the data directory: an administrator."""
    return Identity(user, (Grant(Role.ADMINISTRATOR),), "socket", "local")
