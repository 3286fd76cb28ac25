"""`a4p users`: users with passwords, links and roles, beside a service or without one."""

from __future__ import annotations

import getpass
import json
import stat
from pathlib import Path

import pytest

from service.commands import users as users_command
from service.errors import AccessError, SignInRefused
from tests.commands.access_commands import PASSWORD, Run, make_run, open_access


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


def read_grants(data_dir: Path, name: str) -> list[str]:
    return [str(grant) for grant in open_access(data_dir).users.get(name).grants]


def test_a_user_is_added_with_a_password_of_standard_input(run: Run, tmp_path: Path) -> None:
    added = run("users", "add", "boss", "--role", "administrator", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (added.exit_code, added.stdout) == (0, "added boss: administrator\n")
    assert open_access(tmp_path).users.check_password("boss", PASSWORD, "10.0.0.1").name == "boss"
    assert stat.S_IMODE((tmp_path / "access.sqlite").stat().st_mode) == 0o600
    (entry,) = (entry for entry in open_access(tmp_path).audit.list_entries() if entry["action"] == "add user")
    assert (entry["actor"], entry["signed_in_by"], entry["target"]) == (getpass.getuser(), "socket", "boss")


def test_a_password_is_typed_twice_and_not_shown(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_command, "has_terminal", lambda: True)
    typed = f"{PASSWORD}\nanother\n{PASSWORD}\n{PASSWORD}\n"
    added = run("users", "add", "ana", "--role", "reader", typed=typed)
    assert added.exit_code == 0, added.output
    assert "do not match" in added.output and PASSWORD not in added.output
    assert open_access(tmp_path).users.check_password("ana", PASSWORD, "10.0.0.1")


def test_without_a_terminal_the_options_for_a_password_are_named(run: Run) -> None:
    added = run("users", "add", "ana", "--role", "reader")
    assert added.exit_code == 2
    assert "no terminal for a password prompt; give --password-stdin or --link" in added.stderr


@pytest.mark.parametrize("typed", ["", "\n"])
def test_an_empty_password_is_refused(run: Run, tmp_path: Path, typed: str) -> None:
    assert run("users", "add", "ana", "--role", "reader", "--password-stdin", typed=typed).exit_code == 2
    assert not open_access(tmp_path).users.list_all()


def test_a_link_is_alone_on_standard_output_and_sets_a_password(run: Run, tmp_path: Path) -> None:
    added = run("users", "add", "ana", "--role", "reader", "--link")
    address, _, secret = added.stdout.strip().partition("/setup?link=")
    assert address == "http://127.0.0.1:8000"
    open_access(tmp_path).users.use_link(secret, "ana", PASSWORD)
    assert open_access(tmp_path).users.check_password("ana", PASSWORD, "10.0.0.1")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--role", "analyst"], ["analyst"]),
        (["--role", "analyst", "--mission", "UNMISS", "--mission", "UNIFIL"], ["analyst of UNIFIL", "analyst of UNMISS"]),
        (
            ["--role", "analyst:UNMISS,UNIFIL", "--role", "approver:UNMISS", "--role", "reader"],
            ["analyst of UNIFIL", "analyst of UNMISS", "approver of UNMISS", "reader"],
        ),
    ],
)
def test_roles_have_missions_of_their_own(run: Run, tmp_path: Path, options: list[str], expected: list[str]) -> None:
    assert run("users", "add", "ana", *options, "--link").exit_code == 0
    assert read_grants(tmp_path, "ana") == expected
    assert run("users", "roles", "ana", "--role", "contributor:UNDOF").stdout == "ana: contributor of UNDOF\n"
    assert read_grants(tmp_path, "ana") == ["contributor of UNDOF"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "Missing option '--role'"),
        (["--role", "anlyst"], "unknown role 'anlyst'; roles are reader, "),
        (["--role", "analyst:"], "no mission after the colon"),
        (["--role", "analyst:UNMISS", "--mission", "UNIFIL"], "--mission needs exactly one --role"),
        (["--role", "analyst", "--role", "approver", "--mission", "UNIFIL"], "--mission needs exactly one --role"),
        (["--role", "reader", "--link", "--password-stdin"], "not both"),
    ],
)
def test_wrong_usage_adds_nobody(run: Run, tmp_path: Path, options: list[str], problem: str) -> None:
    added = run("users", "add", "ana", *options)
    assert added.exit_code == 2 and problem in added.stderr
    assert not open_access(tmp_path).users.list_all()


@pytest.mark.parametrize(
    ("role", "problem"), [("analyst:UNMSS", "unknown mission 'UNMSS'"), ("reader:UNMISS", "not for single missions")]
)
def test_a_role_of_an_unknown_mission_is_refused_and_audited(run: Run, tmp_path: Path, role: str, problem: str) -> None:
    added = run("users", "add", "ana", "--role", role, "--link")
    assert isinstance(added.exception, AccessError) and problem in str(added.exception)
    access = open_access(tmp_path)
    assert not access.users.list_all() and access.audit.list_entries()[0]["result"] == "refused"


def test_a_disabled_user_is_listed_and_enabled_again(run: Run, tmp_path: Path) -> None:
    for name, role in (("boss", "administrator"), ("ana", "analyst:UNMISS")):
        run("users", "add", name, "--role", role, "--password-stdin", typed=PASSWORD)
    session = open_access(tmp_path).sessions.begin("ana", "password", "10.0.0.1", "browser")
    assert run("users", "disable", "ana").stdout == "disabled ana\n"
    assert open_access(tmp_path).sessions.identify(session, "10.0.0.1") is None
    ana = next(line for line in run("users", "list").stdout.splitlines() if line.startswith("ana"))
    assert ana.split()[1:5] == ["analyst", "of", "UNMISS", "disabled"]
    assert run("users", "enable", "ana").exit_code == 0
    listed = json.loads(run("users", "list", "--format", "json").stdout)
    assert [(user["name"], user["grants"], user["disabled_at"]) for user in listed] == [
        ("ana", [{"role": "analyst", "mission": "UNMISS"}], None),
        ("boss", [{"role": "administrator", "mission": ""}], None),
    ]
    assert PASSWORD not in str(listed) and "hash" not in str(listed)
    assert "only administrator" in str(run("users", "disable", "boss").exception)


def test_a_reset_password_replaces_the_old_one(run: Run, tmp_path: Path) -> None:
    run("users", "add", "ana", "--role", "reader", "--password-stdin", typed=PASSWORD)
    assert run("users", "reset", "ana", "--password-stdin", typed="another fine password").exit_code == 0
    users = open_access(tmp_path).users
    assert users.check_password("ana", "another fine password", "10.0.0.1")
    assert "/setup?link=" in run("users", "reset", "ana", "--link").stdout
    for password in (PASSWORD, "another fine password"):
        with pytest.raises(SignInRefused):
            users.check_password("ana", password, "10.0.0.1")


def test_an_unknown_user_is_one_sentence(run: Run) -> None:
    run("users", "add", "boss", "--role", "administrator", "--link")
    assert str(run("users", "disable", "nobody").exception) == "there is no user 'nobody'; 'a4p users list' lists all"


@pytest.mark.parametrize("name", ["\udcff", "", "a\0b"])
def test_a_name_that_is_no_text_is_one_sentence(run: Run, tmp_path: Path, name: str) -> None:
    run("users", "add", "boss", "--role", "administrator", "--link")
    for command in (["add", name, "--role", "reader", "--link"], ["disable", name], ["reset", name, "--link"]):
        assert isinstance(run("users", *command).exception, AccessError), command
    assert open_access(tmp_path).audit.verify()[0] == 5


def test_a_data_directory_with_a_typing_error_is_not_created(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "dta"
    for command in (["add", "ana", "--role", "reader", "--link"], ["list"]):
        failed = run("users", *command, "--data-dir", str(missing))
        assert isinstance(failed.exception, AccessError)
        assert str(failed.exception).startswith(f"the data directory {missing} does not exist; set --data-dir")
    assert not missing.exists()


def test_a_directory_of_other_programs_gets_no_users(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    failed = run("users", "add", "ana", "--role", "reader", "--link")
    assert "files of other programs" in str(failed.exception)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_of_another_user_names_the_fix(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("users", "add", "boss", "--role", "administrator", "--link")
    monkeypatch.setattr("os.access", lambda *arguments: False)
    failed = run("users", "list")
    assert isinstance(failed.exception, AccessError)
    assert str(failed.exception).endswith("run this command as the user of the service")


def test_only_a_command_that_adds_creates_the_file(run: Run, tmp_path: Path) -> None:
    for command in (["users", "list"], ["users", "disable", "ana"], ["tokens", "list"], ["audit"], ["audit", "verify"]):
        assert "there are no users" in str(run(*command).exception)
    assert not list(tmp_path.iterdir())


def test_the_address_of_a_user_is_set_and_removed(run: Run, tmp_path: Path) -> None:
    added = run("users", "add", "ana", "--role", "reader", "--email", "ana@example.org", "--link")
    assert added.exit_code == 0, added.output
    assert "ana@example.org" in run("users", "list").stdout
    assert run("users", "email", "ana", "--none").stdout == "ana: no e-mail address\n"
    assert open_access(tmp_path).users.get("ana").email is None
    assert run("users", "email", "ana").exit_code == 2
    assert isinstance(run("users", "email", "ana", "ana").exception, AccessError)
