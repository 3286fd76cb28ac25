"""The audit: an append-only, hash-chained record of every write and every refused one."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from typing import Any

from service.access.identity import Identity
from service.access.store import AccessStore, Connection, Row
from service.errors import NotAllowed, NotSignedIn, ServiceError

# The previous hash of the first row.
FIRST_HASH = "0" * 64
ANCHOR = "audit_anchor"
MAX_TEXT = 4_000
# Refused requests without an identity that are recorded in a minute.
MAX_ANONYMOUS = 60
VERIFIED_AT_ONCE = 5_000
# Verifying so many rows takes 0.16 s of processor time. With more, those verified within these seconds are not verified again.
FEW_ROWS = 20_000
VERIFIED_SECONDS = 600.0


@dataclass(frozen=True)
class Entry:
    """One row of the audit. `before` and `after` are JSON; `result` is done, refused, failed or interrupted."""

    at: str
    actor: str
    roles: str
    signed_in_by: str
    address: str
    action: str
    target: str
    before: str | None
    after: str | None
    reason: str | None
    result: str
    detail: str | None
    request_id: str


COLUMNS = tuple(item.name for item in fields(Entry))


@dataclass
class Recording:
    """What a write adds to its entry while it runs."""

    target: str = ""
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class _Verified:
    """The rows of an intact chain: the hash before them, their number, and the number and hash of the last one."""

    anchor: str
    count: int
    last_id: int | None
    newest: str


class Audit:
    """Writes and reads the audit of an access store. `count_entry` gets action and result of each new row."""

    def __init__(self, store: AccessStore, count_entry: Callable[[str, str], None] = lambda action, result: None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._minute_began, self._in_minute, self._left_out = time.monotonic(), 0, 0
        self._count_entry = count_entry
        self._verifying = threading.Lock()
        self._verified: _Verified | None = None
        self._all_verified_at = 0.0

    @contextmanager
    def record(
        self, identity: Identity, action: str, target: str = "", reason: str | None = None, request_id: str = ""
    ) -> Iterator[Recording]:
        """Record one write, from before it begins until it ended; the block adds `before` and `after`.

        The block does not run if the audit cannot be written: AccessUnavailable. An exception is recorded as refused
        (no right, or a mistake of the caller) or failed, and raised again. A write during which the process ends is recorded
        as interrupted at the next start.
        """
        recording = Recording(target)
        entry = self._make_entry(identity, action, target, reason, request_id)
        with self._store.write() as connection:
            row = connection.execute(
                "insert into audit_begun (entry, writer, began_at) values (?, ?, ?) returning id",
                [json.dumps(asdict(entry)), self._store.writer, entry.at],
            ).fetchone()
            number = row["id"]
        try:
            yield recording
        except BaseException as error:
            result = "refused" if isinstance(error, ServiceError) and not error.can_retry else "failed"
            self._end(number, replace(entry, result=result, detail=_shorten(str(error)), **_describe(recording)))
            raise
        self._end(number, replace(entry, result="done", **_describe(recording)))

    def note(
        self,
        identity: Identity,
        action: str,
        target: str,
        result: str = "done",
        detail: str | None = None,
        request_id: str = "",
        connection: Connection | None = None,
        after: Any = None,
    ) -> None:
        """Record something that has happened, such as a refused request; in the transaction of `connection` if given.

        Of refused requests without an identity, MAX_ANONYMOUS a minute are recorded, and the number of the others with the next
        one: nobody can fill the disk from outside.
        """
        if identity.is_anonymous and result == "refused":
            left_out = self._take_anonymous()
            if left_out is None:
                self._count_entry(action, result)
                return
            if left_out:
                detail = f"{detail or ''} ({left_out:,} earlier refusals of unknown clients are not listed)".strip()
        entry = replace(
            self._make_entry(identity, action, target, None, request_id),
            result=result,
            detail=_shorten(detail),
            after=_write(after),
        )
        if connection is not None:
            _append(connection, entry)
        else:
            with self._store.write() as own:
                _append(own, entry)
        self._count_entry(action, result)

    def _take_anonymous(self) -> int | None:
        """Return how many refusals were left out since the last one that was recorded; None if this one is left out too."""
        with self._lock:
            now = time.monotonic()
            if now - self._minute_began >= 60:
                self._minute_began, self._in_minute = now, 0
            if self._in_minute >= MAX_ANONYMOUS:
                self._left_out += 1
                return None
            self._in_minute += 1
            left_out, self._left_out = self._left_out, 0
            return left_out

    def note_refusal(self, identity: Identity, action: str, target: str, error: ServiceError, request_id: str = "") -> None:
        """Record a request that was refused for want of a right."""
        assert isinstance(error, NotAllowed | NotSignedIn)
        self.note(identity, action, target, "refused", str(error), request_id)

    def close_interrupted(self) -> int:
        """Record the writes that the end of a process cut off; return their number. For the start of the service only.

        Those of other replicas of a lake may be running. `close_old` records the ones that they never end.
        """
        return self._close("where writer in ('', ?)", self._store.writer)

    def close_old(self) -> int:
        """Record the writes that began more than a day ago as interrupted; return their number."""
        return self._close("where began_at < ?", self._store.now(-timedelta(days=1)))

    def _close(self, where: str, value: str) -> int:
        with self._store.write() as connection:
            rows = connection.execute(f"select id, entry from audit_begun {where} order by id", [value]).fetchall()
            entries = [replace(Entry(**json.loads(row["entry"])), result="interrupted") for row in rows]
            for row, entry in zip(rows, entries, strict=True):
                _append(connection, entry)
                connection.execute("delete from audit_begun where id = ?", [row["id"]])
        for entry in entries:
            self._count_entry(entry.action, entry.result)
        return len(entries)

    def list_entries(
        self, limit: int = 100, before_id: int | None = None, filters: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return entries as dictionaries with `id` and `hash`, newest first.

        `filters` are `actor`, `action`, `result`, `target` (equal), `since` and `until` (times as the store holds them).
        """
        conditions, values = ["true"], []
        for name, value in (filters or {}).items():
            if name in ("actor", "action", "result", "target"):
                conditions.append(f"{name} = ?")
            else:
                conditions.append({"since": "at >= ?", "until": "at < ?"}[name])
            values.append(value)
        if before_id is not None:
            conditions.append("id < cast(? as numeric)")
            values.append(str(before_id))
        with self._store.read() as connection:
            rows = connection.execute(
                f"select id, {', '.join(COLUMNS)}, hash from audit where {' and '.join(conditions)} order by id desc limit ?",
                [*values, limit],
            ).fetchall()
        return [dict(row) for row in rows]

    def verify(self) -> tuple[int, str]:
        """Return the number of rows and the newest hash of an intact chain. Raises ServiceError with the first broken row."""
        found = self._verify(None)
        return found.count, found.newest

    def verify_new(self) -> int:
        """Return the number of rows of an intact chain.

        Of more than FEW_ROWS, those that a call verified in the last VERIFIED_SECONDS are not read again: a change of one of
        them is found later, or by `verify`, but a deletion at once. Raises as `verify` does.
        """
        with self._verifying:
            before, self._verified = self._verified, None
            if not before or before.count <= FEW_ROWS or time.monotonic() - self._all_verified_at > VERIFIED_SECONDS:
                before, self._all_verified_at = None, time.monotonic()
            self._verified = self._verify(before)
            return self._verified.count

    def _verify(self, verified: _Verified | None) -> _Verified:
        while True:
            with self._store.read() as connection:
                anchor, newest, last_id = _read_ends(connection)
                start = _Verified(anchor, 0, None, anchor)
                if verified and verified.last_id is not None and _is_there(connection, verified, anchor):
                    start = verified
                try:
                    return _verify_chain(connection, start, newest, last_id)
                except ServiceError:
                    # Old rows may have been pruned meanwhile.
                    if _read_anchor(connection) == anchor:
                        raise

    def prune(self, days: int) -> int:
        """Delete entries older than a number of days; the rest remains a verifiable chain. Returns how many."""
        oldest = self._store.now(-timedelta(days=days))
        with self._store.write() as connection:
            last = connection.execute("select id, hash from audit where at < ? order by id desc limit 1", [oldest]).fetchone()
            if last is None:
                return 0
            _set(connection, ANCHOR, last["hash"])
            return connection.execute("delete from audit where id <= ?", [last["id"]]).rowcount

    def _make_entry(self, identity: Identity, action: str, target: str, reason: str | None, request_id: str) -> Entry:
        return Entry(
            at=self._store.now(),
            actor=identity.name,
            roles=identity.roles,
            signed_in_by=identity.signed_in_by,
            address=identity.address,
            action=action,
            target=target,
            before=None,
            after=None,
            reason=_shorten(reason),
            result="done",
            detail=None,
            request_id=request_id or secrets.token_hex(8),
        )

    def _end(self, number: int | None, entry: Entry) -> None:
        with self._store.write() as connection:
            connection.execute("delete from audit_begun where id = ?", [number])
            _append(connection, entry)
        self._count_entry(entry.action, entry.result)


def _read_ends(connection: Connection) -> tuple[str, str | None, int]:
    """Return the hash before the oldest row, the newest hash and the number of the newest row, all at one moment."""
    # One statement, which sees one state of the tables.
    anchor, newest, last_id = connection.execute(
        "select (select value from settings where name = ?), (select value from settings where name = 'audit_newest'), "
        "(select coalesce(max(id), 0) from audit)",
        [ANCHOR],
    ).fetchone()
    return anchor or FIRST_HASH, newest, last_id


def _is_there(connection: Connection, verified: _Verified, anchor: str) -> bool:
    """Return whether no verified row was deleted, and the last one is unchanged."""
    count, newest = connection.execute(
        "select (select count(*) from audit where id <= ?), (select hash from audit where id = ?)",
        [verified.last_id, verified.last_id],
    ).fetchone()
    return (anchor, count, newest) == (verified.anchor, verified.count, verified.newest)


def _verify_chain(connection: Connection, start: _Verified, newest: str | None, last_id: int) -> _Verified:
    """Verify the rows after `start`; return all verified rows. Raises ServiceError with the first broken row."""
    previous, count, number = start.newest, start.count, start.last_id
    # In parts: a write cannot commit while rows are read.
    while rows := connection.execute(
        "select * from audit where id > ? and id <= ? order by id limit ?", [number or 0, last_id, VERIFIED_AT_ONCE]
    ).fetchall():
        for row in rows:
            gap = number is not None and row["id"] != number + 1
            if gap or row["previous_hash"] != previous or row["hash"] != _hash(previous, _read_entry(row)):
                raise ServiceError(
                    f"the audit was changed: row {row['id']} of {row['at']} does not continue the rows before it; "
                    "compare with a copy made by 'a4p backup --access'"
                )
            previous, number, count = row["hash"], row["id"], count + 1
    if newest is not None and newest != previous:
        raise ServiceError(
            "the audit was changed: its newest rows are missing; compare with a copy made by 'a4p backup --access'"
        )
    return _Verified(start.anchor, count, number, previous)


def _append(connection: Connection, entry: Entry) -> None:
    row = connection.execute("select hash from audit order by id desc limit 1").fetchone()
    previous = row["hash"] if row else _read_anchor(connection)
    values = {name: _make_storable(text) for name, text in asdict(entry).items()}
    values["target"] = _shorten(values["target"])
    new = _hash(previous, values)
    marks = ", ".join("?" for _ in range(len(COLUMNS) + 2))
    # A sequence would leave gaps, which `verify` reports.
    connection.execute(
        f"insert into audit (id, {', '.join(COLUMNS)}, previous_hash, hash) "
        f"values ((select coalesce(max(id), 0) + 1 from audit), {marks})",
        [*(values[name] for name in COLUMNS), previous, new],
    )
    _set(connection, "audit_newest", new)


def _read_entry(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in COLUMNS}


def _hash(previous: str, values: Mapping[str, Any]) -> str:
    text = json.dumps([previous, *(values[name] for name in COLUMNS)], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_anchor(connection: Connection) -> str:
    row = connection.execute("select value from settings where name = ?", [ANCHOR]).fetchone()
    return row["value"] if row else FIRST_HASH


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute(
        "insert into settings values (?, ?) on conflict (name) do update set value = excluded.value", [name, value]
    )


def _describe(recording: Recording) -> dict[str, Any]:
    return {"target": recording.target, "before": _write(recording.before), "after": _write(recording.after)}


def _write(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _make_storable(text: str | None) -> str | None:
    # The name of a file may have bytes that are no text, which Python holds as lone surrogates.
    # PostgreSQL stores no null characters.
    return text if text is None else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _shorten(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
