"""`a4p audit`: who did what, in a table, CSV or JSON, and the proof that it was not changed."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest

from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.errors import ServiceError
from tests.commands.access_commands import Run, make_run, open_access

ANA = Identity("ana", (Grant(Role.ANALYST),), "password", "10.0.0.1")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    audit = open_access(tmp_path).audit
    audit.note(ANA, "set threshold", "a4p_sofa_incidents_new", after={"limit": 100})
    audit.note(ANA, "load", "unmiss.csv", "refused", "ask an administrator")
    audit.note(
        Identity("bo\x1b[31m", (), "anonymous", "10.0.0.2"), "sign in", "=HYPERLINK(1)", "refused", "wrong name or password"
    )
    return make_run(tmp_path)


def list_ids(run: Run, *options: str) -> list[int]:
    return [entry["id"] for entry in json.loads(run("audit", *options, "--format", "json").stdout)]


def test_entries_are_listed_newest_first(run: Run) -> None:
    shown = run("audit")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["entry", "3", "2", "1"]
    assert "ask an administrator" in shown.stdout
    assert "\x1b" not in shown.stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--actor", "ana"], [2, 1]),
        (["--action", "load"], [2]),
        (["--result", "refused"], [3, 2]),
        (["--last", "1"], [3]),
        (["--since", "2020-01-01"], [3, 2, 1]),
        (["--until", "2020-01-01T12:00"], []),
        (["--actor", "nobody"], []),
    ],
)
def test_entries_are_filtered(run: Run, options: list[str], expected: list[int]) -> None:
    assert list_ids(run, *options) == expected


def test_csv_has_every_column_and_no_formula(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("audit", "--format", "csv").stdout)))
    assert rows[2]["after"] == '{"limit": 100}' and len(rows[2]["hash"]) == 64
    assert rows[0]["target"] == "'=HYPERLINK(1)"


def test_wrong_filters_are_wrong_usage(run: Run) -> None:
    assert "is not a date" in run("audit", "--since", "yesterday").stderr
    assert run("audit", "--result", "good").exit_code == 2


def test_an_intact_audit_is_verified_with_its_newest_hash(run: Run) -> None:
    newest = json.loads(run("audit", "--last", "1", "--format", "json").stdout)[0]["hash"]
    verified = run("audit", "verify")
    assert (verified.exit_code, verified.stdout) == (0, f"3 entries, newest hash {newest}\n")


def test_a_changed_audit_names_its_first_broken_row(run: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "access.sqlite") as connection:
        connection.execute("drop trigger audit_rows_do_not_change")
        connection.execute("update audit set actor = 'eve' where id = 2")
    verified = run("audit", "verify")
    assert verified.exit_code == 1 and isinstance(verified.exception, ServiceError)
    assert "row 2 of" in str(verified.exception)
