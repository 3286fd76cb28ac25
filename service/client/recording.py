"""The base of clients that change something: the right of the author, and a row in the audit for each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.access.audit import Recording
from service.access.identity import Identity, make_socket_identity
from service.access.roles import Right
from service.application import Application


class RecordingClient:
    """Works with an open application. `with_history` also renews the history for remote read after a change.

    `identity` is the author of the requests: each method checks the right of the identity, raises NotSignedIn or NotAllowed
    without it, and records a change in the audit. Without an identity the author is the operating-system user that the request
    names: only commands of this machine that can read the data directory may leave it out.
    """

    def __init__(
        self, application: Application, with_history: bool, identity: Identity | None = None, request_id: str = ""
    ) -> None:
        self._application = application
        self._with_history = with_history
        self._identity = identity
        self._request_id = request_id

    def _identify(self, user: str) -> Identity:
        """Return the author: the identity, or the user of a command."""
        return self._identity or make_socket_identity(user)

    @contextmanager
    def _record(
        self, user: str, right: Right, mission: str | None, action: str, target: str, reason: str | None = None
    ) -> Iterator[Recording]:
        identity = self._identify(user)
        with self._application.access.audit.record(identity, action, target, reason, self._request_id) as recording:
            identity.check(right, mission)
            yield recording

    def _name(self, user: str) -> str:
        return self._identity.name if self._identity else user
