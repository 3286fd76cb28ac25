"""What tests of the lake share: the servers, a new lake, and replicas of the service on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from service.application import Application
from service.settings import Settings
from service.warehouse.database import read_clock
from service.warehouse.definitions import Definitions
from tests.lake.servers import PASSWORD, SECRET, Bucket, Postgres, check_packages
from tests.rounds.test_mailer import inbox, serve  # noqa: F401

_numbers = count(1)

MakeSettings = Callable[..., Settings]
OpenReplica = Callable[..., Application]
MakeAccessSettings = Callable[..., Settings]


@pytest.fixture(scope="package")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of the lake."""
    check_packages()
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="package")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """An S3 server for all tests of the lake."""
    server = Bucket(tmp_path_factory.mktemp("bucket"))
    yield server
    server.stop()


@pytest.fixture
def make_settings(postgres: Postgres, bucket: Bucket, tmp_path: Path) -> MakeSettings:
    """Returns the settings of a replica of one new lake, each in a directory of its own."""
    name = f"lake{next(_numbers)}"
    connection = f"{postgres.create_database(name)} password={PASSWORD}"
    secret = tmp_path / "secret"
    secret.write_text(SECRET)

    def make(directory: str = "a", **further: object) -> Settings:
        return Settings(
            **{
                "data_dir": tmp_path / directory,
                "threads": 1,
                "warehouse": f"ducklake:postgres:{connection}",
                "lake_data": f"s3://lake/{name}",
                "lake_s3_endpoint": bucket.endpoint,
                "lake_s3_key_id": "a4p",
                "lake_s3_secret_file": secret,
                "lake_s3_tls": False,
                **further,
            }  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def make_access_settings(postgres: Postgres, tmp_path: Path) -> MakeAccessSettings:
    """Returns the settings of a replica of one new lake whose bucket is not used: for users and the audit."""
    name = f"access{next(_numbers)}"
    connection = f"{postgres.create_database(name)} password={PASSWORD}"

    def make(directory: str = "a", **further: object) -> Settings:
        return Settings(
            **{
                "data_dir": tmp_path / directory,
                "threads": 1,
                "warehouse": f"ducklake:postgres:{connection}",
                "lake_data": str(tmp_path / "lake"),
                **further,
            }  # type: ignore[arg-type]
        )

    return make


@pytest.fixture(scope="package")
def emptied(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake for users and the audit, whose tables each test empties."""
    connection = f"{postgres.create_database('emptied')} password={PASSWORD}"
    folder = tmp_path_factory.mktemp("emptied")
    return Settings(data_dir=folder / "a", warehouse=f"ducklake:postgres:{connection}", lake_data=str(folder / "lake"))  # type: ignore[arg-type]


@pytest.fixture
def open_replica(make_settings: MakeSettings, definitions: Definitions) -> Iterator[OpenReplica]:
    """Opens replicas of one new lake, each in a directory of its own, for as long as the test lasts."""
    opened: list[Application] = []

    def open_one(directory: str = "a", clock: Callable = read_clock, **further: object) -> Application:  # type: ignore[type-arg]
        application = Application(make_settings(directory, **further), definitions, clock)
        opened.append(application)
        return application

    yield open_one
    for application in opened:
        application.close()
