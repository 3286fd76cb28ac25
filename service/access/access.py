"""Everything about access of one data directory, opened together."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from service.access.audit import Audit
from service.access.idempotency import IdempotencyKeys
from service.access.identity import Identity, make_anonymous
from service.access.roles import Grant, Role
from service.access.saved_queries import SavedQueries
from service.access.sessions import Sessions
from service.access.store import AccessStore
from service.access.tokens import Tokens
from service.access.users import FIRST_ADMINISTRATOR, User, Users
from service.errors import AccessUnavailable, SignInDelayed, SignInRefused
from service.settings import Settings
from service.system.loopback import is_loopback

# Answers to requests with an Idempotency-Key are repeated for a day.
IDEMPOTENCY_LIFE = timedelta(days=1)


def open_access_store(settings: Settings, clock: Callable[[], datetime]) -> AccessStore:
    """Return the file of a data directory, or the store that the replicas of a lake share. Raises LakeError."""
    if not settings.has_lake:
        return AccessStore(settings.access_file, clock)
    # Imported only with a lake: its packages are optional.
    from service.lake.access_store import SharedStore
    from service.lake.address import read_address

    return SharedStore(read_address(settings), settings.access_file, clock)


class AccessMetrics(Protocol):
    """Counters of attempts to sign in (success, refused, delayed), and of rows of the audit by action and result."""

    def count_attempt(self, result: str) -> None: ...

    def count_write(self, action: str, result: str) -> None: ...


class Access:
    """Users, tokens, sessions and the audit of a data directory or a lake. Methods raise AccessUnavailable."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], metrics: AccessMetrics | None = None) -> None:
        self._settings = settings
        self._metrics = metrics
        self.store = open_access_store(settings, clock)
        self.users = Users(self.store)
        self.tokens = Tokens(self.store)
        self.sessions = Sessions(
            self.store, timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
        )
        self.audit = Audit(self.store, metrics.count_write) if metrics else Audit(self.store)
        self.saved_queries = SavedQueries(self.store)
        self.idempotency_keys = IdempotencyKeys(self.store)
        self._cookie_key = ""

    @property
    def may_read_anonymously(self) -> bool:
        """Whether requests without an identity are those of a reader.

        By default where the service is bound to a loopback address and no proxy is configured.
        """
        settings = self._settings
        if settings.anonymous is not None:
            return settings.anonymous == "read"
        return is_loopback(settings.host) and not settings.proxy_addresses

    def make_anonymous(self, address: str, is_forwarded: bool = False) -> Identity:
        """Return the identity of a request that brings none.

        A request that a proxy has forwarded may come from anywhere, also to a loopback address: it may read if A4P_ANONYMOUS
        says so.
        """
        may_read = self.may_read_anonymously and not (is_forwarded and self._settings.anonymous is None)
        return make_anonymous(address, may_read)

    def identify_token(self, secret: str, address: str) -> Identity | None:
        """Return the identity of a bearer token, or None for an unknown one. A4P_SQL_TOKEN is the token of a reader."""
        sql_token = self._settings.sql_token.get_secret_value()
        if sql_token and hmac.compare_digest(secret.encode(), sql_token.encode()):
            return Identity("A4P_SQL_TOKEN", (Grant(Role.READER),), "token", address, is_service=True)
        return self.tokens.identify(secret, address)

    def sign_in(self, name: str, password: str, address: str, user_agent: str) -> tuple[User, str]:
        """Return the user with this password, and the secret of a new session; the attempt is in the audit.

        Raises SignInRefused and SignInDelayed.
        """
        try:
            user = self.users.check_password(name, password, address)
        except (SignInRefused, SignInDelayed) as error:
            self.note_refused_sign_in(name, address, error)
            raise
        return user, self.begin_session(user, "password", address, user_agent)

    def note_refused_sign_in(self, name: str, address: str, error: Exception) -> None:
        """Record and count an attempt to sign in that was refused or must wait."""
        if self._metrics:
            self._metrics.count_attempt("delayed" if isinstance(error, SignInDelayed) else "refused")
        self.audit.note(self.make_anonymous(address), "sign in", name[:100], "refused", str(error))

    def begin_session(self, user: User, signed_in_by: str, address: str, user_agent: str) -> str:
        """Return the secret of a new session of a user who proved who they are; it is in the audit."""
        secret = self.sessions.begin(user.name, signed_in_by, address, user_agent)
        self.audit.note(Identity(user.name, user.grants, signed_in_by, address), "sign in", user.name)
        if self._metrics:
            self._metrics.count_attempt("success")
        return secret

    def offer_first_administrator(self) -> str | None:
        """Return the secret of a new link for the first administrator, or None where there is one."""
        if self.users.has_administrator():
            return None
        return self.users.make_link(FIRST_ADMINISTRATOR)

    def prune(self) -> int:
        """Delete old rows of the audit, and sessions, links and idempotency keys that have ended; return how many."""
        if not self.store.exists():
            return 0
        self.audit.close_old()
        deleted = self.audit.prune(self._settings.audit_days)
        with self.store.write() as connection:
            deleted += self.sessions.delete_ended(connection)
            deleted += connection.execute("delete from links where expires_at < ?", [self.store.now()]).rowcount
            deleted += connection.execute(
                "delete from idempotency_keys where at < ?", [self.store.now(-IDEMPOTENCY_LIFE)]
            ).rowcount
        return deleted

    def find_cookie_key(self) -> str:
        """Return the key that signs cookies. It is made at first use, and read once."""
        if not self._cookie_key:
            self._cookie_key = self._read_cookie_key()
        return self._cookie_key

    def _read_cookie_key(self) -> str:
        with self.store.read() as connection:
            row = connection.execute("select value from settings where name = 'cookie_key'").fetchone()
        if row is not None:
            return str(row["value"])
        with self.store.write() as connection:
            connection.execute("insert into settings values ('cookie_key', ?) on conflict do nothing", [secrets.token_hex(32)])
            row = connection.execute("select value from settings where name = 'cookie_key'").fetchone()
        if row is None:
            raise AccessUnavailable("the key of cookies cannot be stored")
        return str(row["value"])
