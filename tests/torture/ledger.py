"""The acknowledgements of a data directory, and the comparison of its warehouse with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from service.settings import Settings
from service.warehouse.backups.names import list_backups
from service.warehouse.backups.verify import Verification, verify_connection, verify_file
from service.warehouse.database import Connection
from service.warehouse.manifest import check_nothing_lost
from tests.torture.worker import SOURCE, count_file_rows


class Ledger:
    """Which loads were begun and which were answered, over all processes that worked on a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = Settings(data_dir=data_dir)
        self.begun: set[int] = set()
        self.answered: set[int] = set()
        self.base_rows = 0
        self._verified: set[int] = set()

    @property
    def next_number(self) -> int:
        return max(self.begun, default=0) + 1

    def record(self, messages: Iterable[tuple[str, object]]) -> None:
        """Take over what a process reported."""
        for kind, content in messages:
            if kind == "begun":
                self.begun.add(int(str(content)))
            elif kind == "answered":
                self.answered.add(int(str(content)))

    def remember_base(self) -> None:
        """Record how many revisions of other sources there are; they may grow, not shrink."""
        with duckdb.connect(str(self.settings.warehouse_file), read_only=True) as connection:
            self.base_rows = _count_others(connection)

    def check(self) -> None:
        """Compare the warehouse with the acknowledgements, and verify it, its read copy and its newest backup."""
        file = self.settings.warehouse_file
        if not file.exists():
            assert not self.answered, f"{file} is missing after {len(self.answered)} answered loads"
            return
        check_nothing_lost(file)
        with duckdb.connect(str(file), read_only=True) as connection:
            self._compare(connection)
            self._expect_whole(file, verify_connection(connection))
        # The newest backup is a second name of the read copy, unless the process was killed between the two.
        for copy in (self.settings.read_copy_file, *(backup for _, backup in list_backups(self.settings.backup_dir)[:1])):
            if copy.exists() and copy.stat().st_ino not in self._verified:
                self._verified.add(copy.stat().st_ino)
                self._expect_whole(copy, verify_file(copy))

    def _compare(self, connection: Connection) -> None:
        found = _query(
            connection, f"select value::bigint, count(*) from store.observations where source = '{SOURCE}' group by 1"
        )
        lost = sorted(self.answered - found.keys())
        assert not lost, f"answered loads are lost: {lost}"
        unknown = sorted(found.keys() - self.begun)
        assert not unknown, f"loads are there that no process began: {unknown}"
        cut = {number: rows for number, rows in found.items() if rows != count_file_rows(number)}
        assert not cut, f"loads are there in part: {cut}"
        assert _count_others(connection) >= self.base_rows, "revisions of other sources are lost"

    def _expect_whole(self, file: Path, verification: Verification) -> None:
        # A process that was killed in its first start leaves a file without tables.
        is_empty = verification.faults == ("the file is a DuckDB database but not an A4P+ warehouse",)
        assert not verification.faults or (is_empty and not self.answered), f"{file}: {verification.faults}"


def _count_others(connection: Connection) -> int:
    return _query(connection, f"select 0, count(*) from store.observations where source <> '{SOURCE}'").get(0, 0)


def _query(connection: Connection, query: str) -> dict[int, int]:
    try:
        return dict(connection.execute(query).fetchall())
    except duckdb.CatalogException:
        return {}
