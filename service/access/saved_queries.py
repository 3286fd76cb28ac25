"""Saved SQL queries: named texts of an owner, for the owner alone or shared with everyone who may query."""

from __future__ import annotations

from dataclasses import dataclass

from service.access.store import AccessStore, Connection, Row
from service.errors import AccessError, ChangedMeanwhile, QueryUnknown

MAX_NAME_LENGTH = 100
MAX_TEXT_LENGTH = 100_000
MAX_PER_OWNER = 500


@dataclass(frozen=True)
class SavedQuery:
    """A saved query. Times are as the store holds them; `revision` changes with each change."""

    id: int
    owner: str
    name: str
    text: str
    is_shared: bool
    created_at: str
    changed_at: str

    @property
    def revision(self) -> str:
        return f"{self.id}-{self.changed_at}"


class SavedQueries:
    """The saved queries of an access store.

    Methods raise AccessUnavailable, QueryUnknown for a query that the caller cannot see, AccessError for one of another owner.
    With `expected`, a change raises ChangedMeanwhile unless it is the current revision.
    """

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def list_visible(self, owner: str) -> list[SavedQuery]:
        """Return the queries of an owner, then those that others share, by name."""
        with self._store.read() as connection:
            rows = connection.execute(
                "select * from saved_queries where owner = ? or is_shared = 1 order by owner <> ?, name collate nocase, id",
                [owner, owner],
            )
            return [_read(row) for row in rows]

    def get(self, number: int, owner: str) -> SavedQuery:
        """Return a query that an owner sees: an own or a shared one."""
        with self._store.read() as connection:
            return _find(connection, number, owner)

    def add(self, owner: str, name: str, text: str, is_shared: bool = False) -> SavedQuery:
        """Save a query. Raises AccessError when the name is taken, or a limit is exceeded."""
        name = _check(name, text)
        with self._store.write() as connection:
            (count,) = connection.execute("select count(*) from saved_queries where owner = ?", [owner]).fetchone()
            if count >= MAX_PER_OWNER:
                raise AccessError(f"{owner} has {count} saved queries, the maximum; delete one first")
            _check_free(connection, owner, name)
            now = self._store.now()
            row = connection.execute(
                "insert into saved_queries (owner, name, text, is_shared, created_at, changed_at) "
                "values (?, ?, ?, ?, ?, ?) returning id",
                [owner, name, text, int(is_shared), now, now],
            ).fetchone()
            return _find(connection, row["id"], owner)

    def change(
        self, number: int, owner: str, name: str, text: str, is_shared: bool, expected: str | None = None
    ) -> SavedQuery:  # fmt: skip
        """Replace name, text and sharing of an own query. Raises as `add`."""
        name = _check(name, text)
        with self._store.write() as connection:
            query = _find_own(connection, number, owner, expected)
            _check_free(connection, owner, name, query.id)
            connection.execute(
                "update saved_queries set name = ?, text = ?, is_shared = ?, changed_at = ? where id = ?",
                [name, text, int(is_shared), self._store.now(), number],
            )
            return _find(connection, number, owner)

    def delete(self, number: int, owner: str, expected: str | None = None) -> SavedQuery:
        """Delete an own query and return it."""
        with self._store.write() as connection:
            query = _find_own(connection, number, owner, expected)
            connection.execute("delete from saved_queries where id = ?", [number])
            return query


def _check(name: str, text: str) -> str:
    """Return the name without surrounding spaces. Raises AccessError."""
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise AccessError(f"a query needs a name of at most {MAX_NAME_LENGTH} printable characters")
    if not text.strip() or len(text) > MAX_TEXT_LENGTH:
        raise AccessError(f"a query needs a text of at most {MAX_TEXT_LENGTH:,} characters")
    return name


def _check_free(connection: Connection, owner: str, name: str, number: int | None = None) -> None:
    row = connection.execute("select id from saved_queries where owner = ? and name = ?", [owner, name]).fetchone()
    if row is not None and row["id"] != number:
        raise AccessError(f"there is a query {name!r} already; choose another name")


def _find(connection: Connection, number: int, owner: str) -> SavedQuery:
    row = connection.execute(
        "select * from saved_queries where id = ? and (owner = ? or is_shared = 1)", [number, owner]
    ).fetchone()
    if row is None:
        raise QueryUnknown(f"there is no saved query {number}")
    return _read(row)


def _find_own(connection: Connection, number: int, owner: str, expected: str | None) -> SavedQuery:
    query = _find(connection, number, owner)
    if query.owner.lower() != owner.lower():
        raise AccessError(f"only {query.owner} can change the query {query.name!r}; save a copy with another name")
    if expected is not None and expected != query.revision:
        raise ChangedMeanwhile(f"the query {query.name!r} was changed meanwhile; load it again")
    return query


def _read(row: Row) -> SavedQuery:
    return SavedQuery(
        row["id"], row["owner"], row["name"], row["text"], bool(row["is_shared"]), row["created_at"], row["changed_at"]
    )
