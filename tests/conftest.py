"""What the tests share: the shipped definitions, a warehouse of their own, and files to load into it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient

from service.access import passwords
from service.application import Application
from service.errors import LoadError
from service.loading.load import load_files
from service.loading.readers.columns import KNOWN
from service.loading.report import Batch
from service.loading.request import LoadRequest
from service.warehouse.database import Connection, Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue
from service.web.app import make_app
from tests.published_report import is_unused, prepare_report, publish_report, read_shipped

STORED_AT = datetime(2025, 1, 1, tzinfo=UTC)
GOOD_ROW = {
    "indicator": "sofa_incidents_new",
    "mission": "UNMISS",
    "period_start": "2023-11-01",
    "period_end": "2024-04-30",
    "value": "40",
    "status": "A",
    "source": "A4P+ report, cycle 5",
    "page": "15",
}
Rows = list[tuple[Any, ...]]
Dump = Callable[[Warehouse], dict[str, Rows]]
Load = Callable[..., list[Batch]]
NewWarehouse = Callable[[Path], AbstractContextManager[Warehouse]]
Read = Callable[..., Rows]
Refuse = Callable[..., LoadError]
WriteCsv = Callable[..., Path]


class Clock:
    """A clock that advances by `step` each time it is read; it can be set."""

    def __init__(self, now: datetime, step: timedelta = timedelta(minutes=1)) -> None:
        self.now = now
        self._step = step

    def __call__(self) -> datetime:
        self.now += self._step
        return self.now


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """The definitions that ship with the service."""
    return read_shipped()


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords in this process with the least work: the parameters of the service take 64 MB and 0.1 s for each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def report_dir() -> Path:
    """A data directory with the read copy of the report; no service runs on it, and nobody writes in it."""
    return prepare_report()


def forget_cache(cursor: Connection) -> None:
    """Empty the cache, after a test deleted observations, which nothing else does."""
    for table in ("revisions", "reports", "states"):
        cursor.execute(f"delete from cache.{table}")


def load_value(application: Application, folder: Path, value: int) -> None:
    """Load a value of UNMISS's new SOFA incidents for the cycle after the report's."""
    file = folder / f"{value}.csv"
    header = "indicator,mission,period_start,period_end,value,source\n"
    file.write_text(f"{header}sofa_incidents_new,UNMISS,2024-05-01,2024-10-31,{value},a test\n")
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    """The report, loaded and published, for tests that only read; those that change it have one of their own."""
    with publish_report(tmp_path_factory.mktemp("published") / "data", definitions) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(application: Application) -> FlaskClient:
    """Asks the web application over the published report."""
    return make_app(application).test_client()


@pytest.fixture(scope="session")
def new_warehouse(definitions: Definitions, tmp_path_factory: pytest.TempPathFactory) -> NewWarehouse:
    """Opens a warehouse with the shipped catalogue in a directory, for as long as a `with` lasts."""
    empty = tmp_path_factory.mktemp("empty")

    @contextmanager
    def open_new(directory: Path) -> Iterator[Warehouse]:
        if directory != empty and is_unused(directory):
            # Making tables and views takes longer than most tests.
            shutil.copytree(empty, directory, dirs_exist_ok=True)
        warehouse = open_warehouse(directory / "warehouse.duckdb", threads=1, memory_limit="1GB")
        try:
            store_catalogue(warehouse, definitions.catalogue, STORED_AT)
            yield warehouse
        finally:
            warehouse.close()

    with open_new(empty):
        pass
    return open_new


@pytest.fixture(scope="module")
def shared(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return a warehouse that the examples of a module empty and fill: opening one takes longer than they do."""
    with new_warehouse(tmp_path_factory.mktemp("shared")) as opened:
        yield opened


@pytest.fixture
def warehouse(new_warehouse: NewWarehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse with the shipped catalogue."""
    with new_warehouse(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock(STORED_AT)


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    """Writes a CSV file of rows, each a good row but for what it names."""

    def write(name: str, *rows: dict[str, object]) -> Path:
        file = tmp_path / name
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, KNOWN)
            writer.writeheader()
            writer.writerows({**GOOD_ROW, **row} for row in rows)
        return file

    return write


@pytest.fixture
def load(warehouse: Warehouse, clock: Clock) -> Load:
    """Loads files into the warehouse, a minute after the load before."""

    def load_all(*files: Path, is_shipped: bool = False) -> list[Batch]:
        request = LoadRequest(files=files, loaded_by="the tests", changes=0, status_codes="sdmx")
        return load_files(warehouse, request, is_shipped=is_shipped, clock=clock)

    return load_all


@pytest.fixture(scope="session")
def dump() -> Dump:
    """Returns every row of what a load writes to."""

    def dump_tables(warehouse: Warehouse) -> dict[str, Rows]:
        with warehouse.cursor() as cursor:
            return {
                table: cursor.execute(f"select * from store.{table} order by all").fetchall()
                for table in ("observations", "series", "batches")
            }

    return dump_tables


@pytest.fixture
def refuse(warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump) -> Refuse:
    """Loads files that must be refused into a warehouse that has observations, and returns the error."""

    def load_bad(*files: Path) -> LoadError:
        load(write_csv("held before.csv", {"mission": "UNIFIL"}, {"mission": "UNISFA"}))
        before = dump(warehouse)
        with pytest.raises(LoadError) as caught:
            load(*files)
        assert dump(warehouse) == before
        return caught.value

    return load_bad


@pytest.fixture
def read(warehouse: Warehouse) -> Read:
    """Runs a query on the warehouse and returns its rows."""

    def read_rows(query: str, *parameters: object) -> Rows:
        with warehouse.cursor() as cursor:
            return cursor.execute(query, parameters or None).fetchall()

    return read_rows


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write what the golden files hold anew")


# Files that take longest, or wait for servers and processes: first, so that all processes of pytest end at about the same time.
FIRST = (
    "tests/stack/",
    "lake/test_nginx.py",
    "test_torture.py",
    "test_serve.py",
    "test_load_limits.py",
    "web/test_server.py",
    "test_manifest.py",
    "documents/test_report.py",
    "test_preview.py",
    "test_recorded_history.py",
    "test_fuzz.py",
    "test_properties.py",
    "web/test_rounds.py",
    "web/test_language.py",
    "test_submissions.py",
    "test_writes.py",
    "test_sdmx_csv.py",
    "queries/test_sandbox.py",
    "test_xlsx.py",
    "test_load_errors.py",
    "test_load_events.py",
    "test_load_warnings.py",
    "test_moments.py",
    "test_commands.py",
    "test_thresholds_command.py",
    "rounds/test_checks.py",
    "test_breaches.py",
    "test_alert_trace.py",
    "test_back_tests.py",
    "test_changed_workbooks.py",
    "test_event_properties.py",
    "test_restore.py",
    "test_kpis.py",
    "test_pages_thresholds.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def find_place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((place for place, part in enumerate(FIRST) if part in path), len(FIRST))

    items.sort(key=find_place)
