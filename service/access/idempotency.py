"""Stored answers of writes with an idempotency key, so that a repeated request is not carried out twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from service.access.store import AccessStore
from service.errors import KeyInUse, KeyReused

KEPT_FOR = timedelta(days=1)
# A request that another replica began so long ago was cut off by the end of that replica.
CUT_OFF_AFTER = timedelta(hours=1)
IN_USE = "the first request with this Idempotency-Key is not answered yet; try again later"


@dataclass(frozen=True)
class StoredAnswer:
    """The answer to an earlier request with the same key."""

    status: int
    media_type: str
    body: str


@dataclass
class Attempt:
    """A request with a key: `stored` is the answer to an earlier one; else `answer` is to be set, unless the request failed."""

    stored: StoredAnswer | None = None
    answer: StoredAnswer | None = None


class IdempotencyKeys:
    """The idempotency keys of an access store. A key belongs to its actor and is retained for a day."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store
        # The requests that run in this process. A key without an answer that is not among them was cut off by the end of a
        # process, and can be used again.
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def use(self, actor: str, key: str, request_hash: str) -> Iterator[Attempt]:
        """Give the attempt of a request with this key; at the end its answer is stored.

        Raises KeyReused for a key of another request, KeyInUse while the first request with it runs, AccessUnavailable.
        """
        with self._lock:
            if (actor, key) in self._running:
                raise KeyInUse(IN_USE)
            self._running.add((actor, key))
        try:
            attempt = Attempt(self._begin(actor, key, request_hash))
            try:
                yield attempt
            finally:
                if attempt.stored is None:
                    self._end(actor, key, attempt.answer)
        finally:
            with self._lock:
                self._running.discard((actor, key))

    def _begin(self, actor: str, key: str, request_hash: str) -> StoredAnswer | None:
        with self._store.write() as connection:
            connection.execute("delete from idempotency_keys where at < ?", [self._store.now(-KEPT_FOR)])
            row = connection.execute("select * from idempotency_keys where actor = ? and key = ?", [actor, key]).fetchone()
            if row is None or row["status"] is None:
                if row is not None and row["writer"] != self._store.writer and row["at"] > self._store.now(-CUT_OFF_AFTER):
                    raise KeyInUse(IN_USE)
                connection.execute(
                    "insert into idempotency_keys (actor, key, request_hash, at, writer) values (?, ?, ?, ?, ?) "
                    "on conflict (actor, key) do update set request_hash = excluded.request_hash, at = excluded.at, "
                    "writer = excluded.writer",
                    [actor, key, request_hash, self._store.now(), self._store.writer],
                )
                return None
        if row["request_hash"] != request_hash:
            raise KeyReused("this Idempotency-Key was used for another request; send a new key")
        return StoredAnswer(row["status"], row["media_type"], row["body"])

    def _end(self, actor: str, key: str, answer: StoredAnswer | None) -> None:
        with self._store.write() as connection:
            if answer is None:
                connection.execute("delete from idempotency_keys where actor = ? and key = ?", [actor, key])
            else:
                connection.execute(
                    "update idempotency_keys set status = ?, media_type = ?, body = ? where actor = ? and key = ?",
                    [answer.status, answer.media_type, answer.body, actor, key],
                )
