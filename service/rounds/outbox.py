"""The outbox: messages about rounds, appended in the transaction of the change that they are about, and sent by mail later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.access.roles import Right, Role, has_right
from service.access.store import AccessStore, Connection, Row, read_time
from service.access.users import read_grants

STATES = ("waiting", "sent", "failed")
MAX_RECIPIENTS = 100
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
# Messages that were sent or given up are deleted after this time.
KEPT_FOR = timedelta(days=30)
_STATE = """
    case when sent_at is not null then 'sent' when next_attempt_at is not null then 'waiting' else 'failed' end
"""


@dataclass(frozen=True)
class Message:
    """A message to one address. `state` is waiting, sent or failed (given up); `error` is that of the newest attempt."""

    message_id: int
    recipient: str
    subject: str
    text: str
    path: str
    created_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    error: str | None
    state: str


def find_recipients(connection: Connection, right: Right, mission: str, excluded: Iterable[str] = ()) -> list[str]:
    """Return the addresses of the enabled users who can act next for a mission, each once, in alphabetical order.

    They are those with the right for this mission; if there are none, those with the right for all missions; and if there are
    none of these either, the administrators. An empty `mission` is a decision about all missions. `excluded` are names of users
    who are not informed, such as the author of a change. Users without an address are left out.
    """
    left_out = {name.lower() for name in excluded}
    rows = connection.execute("select name, email from users where disabled_at is null").fetchall()
    groups: list[set[str]] = [set(), set(), set()]
    for row in rows:
        for grant in read_grants(connection, row["name"]):
            if has_right([grant], right, mission):
                nearness = 2 if grant.role == Role.ADMINISTRATOR else 1 if not grant.mission else 0
                groups[nearness].add(row["name"])
    addresses = {row["name"]: row["email"] for row in rows}
    for names in groups:
        found = sorted({addresses[name] for name in names if addresses[name] and name.lower() not in left_out})
        if found:
            return found
    return []


class Outbox:
    """The messages of an access store. Methods raise AccessUnavailable.

    Without a mail server, `is_enabled` is false and messages are not stored, as they would never be sent.
    """

    def __init__(self, store: AccessStore, is_enabled: bool) -> None:
        self._store = store
        self.is_enabled = is_enabled

    def add(self, connection: Connection, recipients: Iterable[str], subject: str, text: str, path: str) -> int:
        """Append a message to each address within a write transaction of the store; return how many were appended.

        `path` is that of the page that the message is about, such as /submissions/12.
        """
        if not self.is_enabled:
            return 0
        now = self._store.now()
        addresses = list(dict.fromkeys(recipients))[:MAX_RECIPIENTS]
        connection.executemany(
            "insert into outbox (recipient, subject, text, path, created_at, next_attempt_at) values (?, ?, ?, ?, ?, ?)",
            [[address, " ".join(subject.split()), text, path, now, now] for address in addresses],
        )
        return len(addresses)

    def take_due(self) -> Message | None:
        """Return the message whose attempt is due for the longest time, or None.

        The attempt is counted and the next one scheduled before it is made: a process that is killed between sending and
        `record_sent` sends this message once more, after its pause, and no other one twice.
        """
        now = self._store.now()
        with self._store.read() as connection:
            if _find_due(connection, now) is None:
                return None
        with self._store.write() as connection:
            row = _find_due(connection, now)
            if row is None:
                return None
            pause = min(FIRST_PAUSE * 2 ** min(row["attempts"], 20), LONGEST_PAUSE)
            connection.execute(
                "update outbox set attempts = attempts + 1, next_attempt_at = ? where message_id = ?",
                [self._store.now(pause), row["message_id"]],
            )
            return _read(row)

    def record_sent(self, message: Message) -> None:
        """Record that a message was sent."""
        with self._store.write() as connection:
            connection.execute(
                "update outbox set sent_at = ?, next_attempt_at = null, error = null where message_id = ?",
                [self._store.now(), message.message_id],
            )

    def record_failure(self, message: Message, error: str, is_permanent: bool) -> bool:
        """Record that an attempt failed; return whether the message is given up, after 3 days or if no retry can help."""
        is_given_up = is_permanent or self._store.clock() - message.created_at >= GIVEN_UP_AFTER
        with self._store.write() as connection:
            connection.execute(
                "update outbox set error = ?, next_attempt_at = case when ? = 1 then null else next_attempt_at end "
                "where message_id = ?",
                [error[:1000], int(is_given_up), message.message_id],
            )
        return is_given_up

    def count(self) -> dict[str, int]:
        """Return the numbers of messages that are waiting, and that were given up and not yet deleted."""
        counts = {"waiting": 0, "failed": 0}
        if self._store.exists():
            with self._store.read() as connection:
                for row in connection.execute(f"select {_STATE} as state, count(*) as messages from outbox group by 1"):
                    if row["state"] in counts:
                        counts[row["state"]] = row["messages"]
        return counts

    def list_newest(self, last: int, state: str | None = None) -> list[Message]:
        """Return the newest messages, of one state if given, the newest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                f"select *, {_STATE} as state from outbox where ? = '' or {_STATE} = ? order by message_id desc limit ?",
                [state or "", state or "", last],
            ).fetchall()
        return [_read(row) for row in rows]

    def prune(self) -> int:
        """Delete messages that were sent or given up more than 30 days ago; return how many."""
        if not self._store.exists():
            return 0
        with self._store.write() as connection:
            return connection.execute(
                "delete from outbox where next_attempt_at is null and created_at < ?", [self._store.now(-KEPT_FOR)]
            ).rowcount


def _find_due(connection: Connection, now: str) -> Row | None:
    row: Row | None = connection.execute(
        f"select *, {_STATE} as state from outbox where next_attempt_at <= ? order by next_attempt_at, message_id limit 1",
        [now],
    ).fetchone()
    return row


def _read(row: Row) -> Message:
    return Message(
        row["message_id"], row["recipient"], row["subject"], row["text"], row["path"], read_time(row["created_at"]),
        row["attempts"], read_time(row["next_attempt_at"]) if row["next_attempt_at"] else None,
        read_time(row["sent_at"]) if row["sent_at"] else None, row["error"], row["state"],
    )  # fmt: skip
