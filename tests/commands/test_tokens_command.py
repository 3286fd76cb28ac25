"""`a4p tokens`: a token is printed once, alone on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.access.roles import Right
from tests.commands.access_commands import PASSWORD, Run, make_run, open_access


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = make_run(tmp_path)
    run("users", "add", "boss", "--role", "administrator", "--password-stdin", typed=PASSWORD)
    run("users", "add", "ana", "--role", "analyst:UNMISS", "--password-stdin", typed=PASSWORD)
    return run


def test_a_token_is_alone_on_standard_output(run: Run, tmp_path: Path) -> None:
    created = run("tokens", "create", "--user", "ana", "--expires", "30")
    secret = created.stdout.strip()
    assert created.stdout == f"{secret}\n" and " " not in secret
    assert created.stderr == "token 1 of ana; it expires in 30 days and is not shown again\n"
    identity = open_access(tmp_path).identify_token(secret, "10.0.0.1")
    assert identity is not None and identity.name == "ana" and identity.may(Right.SET_THRESHOLDS, "UNMISS")
    assert secret not in str(open_access(tmp_path).audit.list_entries())


def test_a_token_of_a_service_has_one_role_for_its_missions(run: Run, tmp_path: Path) -> None:
    created = run("tokens", "create", "--service", "loader", "--role", "contributor:UNMISS,UNIFIL")
    assert "service loader: contributor of UNMISS, contributor of UNIFIL; it does not expire" in created.stderr
    identity = open_access(tmp_path).identify_token(created.stdout.strip(), "10.0.0.1")
    assert identity is not None and identity.is_service
    assert identity.may(Right.SUBMIT, "UNIFIL") and not identity.may(Right.SUBMIT, "UNDOF")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "give --user or --service"),
        (["--user", "ana", "--service", "loader"], "give --user or --service"),
        (["--user", "ana", "--role", "administrator"], "has the roles of the user"),
        (["--service", "loader"], "exactly one --role"),
        (["--service", "loader", "--role", "reader", "--role", "analyst"], "exactly one --role"),
        (["--user", "ana", "--expires", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_creates_no_token(run: Run, tmp_path: Path, options: list[str], problem: str) -> None:
    created = run("tokens", "create", *options)
    assert (created.exit_code, created.stdout) == (2, "") and problem in created.stderr
    assert not open_access(tmp_path).tokens.list_all()


def test_a_token_of_a_disabled_user_is_not_created(run: Run) -> None:
    run("users", "disable", "ana")
    assert "no enabled user 'ana'" in str(run("tokens", "create", "--user", "ana").exception)


def test_a_revoked_token_is_listed_as_such_and_refused(run: Run, tmp_path: Path) -> None:
    secret = run("tokens", "create", "--user", "ana").stdout.strip()
    run("tokens", "create", "--service", "prometheus", "--role", "reader")
    assert run("tokens", "revoke", "1").stdout == "revoked token 1 of ana\n"
    assert open_access(tmp_path).identify_token(secret, "10.0.0.1") is None
    states = {line.split()[0]: "revoked" in line for line in run("tokens", "list").stdout.splitlines()[1:]}
    assert states == {"2": False, "1": True}
    listed = json.loads(run("tokens", "list", "--user", "ana", "--format", "json").stdout)
    assert [token["id"] for token in listed] == [1] and "hash" not in str(listed)
    assert "no token 9" in str(run("tokens", "revoke", "9").exception)


def test_a_token_works_before_there_are_users(tmp_path: Path) -> None:
    secret = make_run(tmp_path)("tokens", "create", "--service", "prometheus", "--role", "reader").stdout.strip()
    assert open_access(tmp_path).identify_token(secret, "10.0.0.1")
