"""The settings of a lake, and what is reported when they do not fit. Needs no servers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import LakeError, LakeUnavailable
from service.lake import address as address_module
from service.lake.address import read_address
from service.settings import Settings
from tests.service_process import run_a4p
from tests.tools import find_free_port

LAKE = "ducklake:postgres:host=127.0.0.1 dbname=lake user=a4p password=a-secret-word"


def make_settings(folder: Path, **further: object) -> Settings:
    given = {"data_dir": folder / "data", "warehouse": LAKE, "lake_data": str(folder / "lake"), **further}
    return Settings(**given)  # type: ignore[arg-type]


def test_the_embedded_warehouse_imports_nothing_of_the_lake() -> None:
    program = (
        "import sys, service.cli, service.application, service.web.app, service.commands.serve\n"
        "print([name for name in sys.modules if name.startswith(('psycopg', 'service.lake', 'duckdb_extension'))])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key-of-the-bucket\n")
    settings = make_settings(tmp_path, lake_data="s3://bucket/a4p", lake_s3_secret_file=secret)
    address = read_address(settings)
    assert address.s3 is not None and address.s3.secret == "key-of-the-bucket"
    shown = f"{settings!r} {address!r} {address} {address.redact(LAKE + ' key-of-the-bucket')}"
    assert "a-secret-word" not in shown and "key-of-the-bucket" not in shown
    assert str(address) == "PostgreSQL 127.0.0.1:5432/lake"


@pytest.mark.parametrize(
    ("further", "problem"),
    [
        ({"warehouse": "postgres:dbname=lake password=a-secret-word"}, "neither embedded nor a lake"),
        ({"warehouse": "ducklake:postgres:a-secret-word"}, "invalid connection string"),
        ({"lake_data": ""}, "A4P_LAKE_DATA is not set"),
        ({"lake_data": "s3://bucket/a4p"}, "A4P_LAKE_S3_SECRET_FILE is not set"),
        ({"lake_data": "s3://bucket/a4p", "lake_s3_secret_file": Path("/missing")}, "/missing cannot be read"),
    ],
)
def test_an_incomplete_address_names_the_setting(tmp_path: Path, further: dict[str, object], problem: str) -> None:
    with pytest.raises(LakeError, match=problem) as caught:
        read_address(make_settings(tmp_path, **further))
    assert "a-secret-word" not in str(caught.value)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_module, "find_spec", lambda name: None)
    with pytest.raises(LakeError, match=r"pip install -e '\.\[lake\]'"):
        read_address(make_settings(tmp_path))


def test_postgres_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    from service.lake.locks import Session

    port = find_free_port()
    address = read_address(make_settings(tmp_path, warehouse=f"{LAKE} port={port}"))
    with pytest.raises(LakeUnavailable, match=f"PostgreSQL 127.0.0.1:{port}/lake") as caught:
        Session(address).query("select 1")
    assert "a-secret-word" not in str(caught.value)
    assert caught.value.can_retry


def test_a_command_reports_the_error_of_a_lake(tmp_path: Path) -> None:
    shown = run_a4p(
        "snapshot", "--data-dir", str(tmp_path / "data"),
        A4P_WAREHOUSE=f"{LAKE} port={find_free_port()}", A4P_LAKE_DATA=str(tmp_path / "lake"),
    )  # fmt: skip
    assert shown.returncode == 1
    assert "the catalog of the lake (PostgreSQL 127.0.0.1:" in shown.stderr
    assert "a-secret-word" not in shown.stderr + shown.stdout
    assert "Traceback" not in shown.stderr
