"""Users, sessions, the audit, rounds and messages of two replicas of one lake, and commands about them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.access.access import Access
from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.access.store import Connection
from service.application import Application
from service.cli import a4p
from service.client.rounds import RoundsClient
from service.errors import AccessError, AccessUnavailable, KeyInUse, SignInRefused
from service.lake import pool
from service.lake.access_rows import digest_rows
from service.lake.access_store import SharedStore
from service.lake.address import read_address
from service.rounds.notices import add_notice
from service.rounds.outbox import Outbox
from service.rounds.submissions import Submission, Submissions
from service.rounds.transitions import Action, State
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.access.conftest import SetClock
from tests.lake.conftest import MakeAccessSettings, MakeSettings, OpenReplica
from tests.lake.servers import PASSWORD as POSTGRES_PASSWORD
from tests.lake.servers import Postgres
from tests.lake.test_upload import list_environment
from tests.published_report import copy_report
from tests.rounds.conftest import CYCLE_6, HEADER, ROLES
from tests.rounds.test_mailer import Inbox, Serve, make_mailer
from tests.service_process import wait_for
from tests.web.browsing import PASSWORD, find_fields, sign_in

ANA = Identity("ana", (Grant(Role.ANALYST),), "password", "10.0.0.1")
OpenAccess = Callable[..., Access]
COOKIE = "a4p_session"


def read_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def open_access(make_access_settings: MakeAccessSettings) -> Iterator[OpenAccess]:
    """Opens the access of replicas of one new lake, each in a directory of its own."""
    opened: list[Access] = []

    def open_one(directory: str = "a", clock: Callable[[], datetime] = read_now) -> Access:
        opened.append(Access(make_access_settings(directory), clock))
        return opened[-1]

    yield open_one
    for access in opened:
        access.store.close()


@contextmanager
def serve_pages(settings: Settings, definitions: Definitions) -> Iterator[Application]:
    """Serve the read copy of the report, as a replica does before it has opened the lake."""
    copy_report(settings.data_dir)
    application = Application(settings, definitions, opens_warehouse=False)
    assert application.served.restore()
    yield application
    application.close()


def write_people(file: Path) -> Access:
    """Write `access.sqlite` with a user, a token, a session, an audit and a submission."""
    access = Access(Settings(data_dir=file.parent), read_now)
    access.users.add("ana", [Grant(Role.ANALYST, "UNMISS")], "test", PASSWORD, email="ana@example.org")
    access.tokens.create_for_user("ana", "test")
    access.sessions.begin("ana", "password", "10.0.0.1", "browser")
    for number in range(3):
        access.audit.note(ANA, "load", f"{number}.csv")
    Submissions(access.store).add(6, "UNMISS", "a.csv", bytes(range(256)), [], "ana")
    return access


def test_a_session_and_a_token_of_one_replica_are_valid_on_the_other(
    make_access_settings: MakeAccessSettings, definitions: Definitions
) -> None:
    first_settings, second_settings = (make_access_settings(name, anonymous="none") for name in ("a", "b"))
    with serve_pages(first_settings, definitions) as first, serve_pages(second_settings, definitions) as second:
        first.access.users.add("ana", [Grant(Role.ANALYST)], "test", PASSWORD)
        _, token = second.access.tokens.create_for_user("ana", "test")
        browser, other = make_app(first).test_client(), make_app(second).test_client()
        sign_in(browser, "ana")
        cookie = browser.get_cookie(COOKIE)
        assert cookie is not None
        assert other.get("/missions").status_code == 303
        other.set_cookie(COOKIE, cookie.value)
        assert other.get("/missions").status_code == 200
        bearer = {"Authorization": f"Bearer {token}"}
        assert make_app(first).test_client().get("/api/v1/missions", headers=bearer).status_code == 200

        fields = find_fields(browser.get("/account").text, "/sign-out")
        assert browser.post("/sign-out", data=fields).status_code == 303
        assert other.get("/missions").status_code == 303
        second.access.users.disable("ana")
        assert make_app(first).test_client().get("/api/v1/missions", headers=bearer).status_code == 401


def test_without_postgres_readers_continue_and_people_get_a_reason(
    make_access_settings: MakeAccessSettings, definitions: Definitions, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with serve_pages(make_access_settings(anonymous="read"), definitions) as application:
        application.access.users.add("ana", [Grant(Role.ANALYST)], "test", PASSWORD)
        _, token = application.access.tokens.create_for_user("ana", "test")
        bearer = {"Authorization": f"Bearer {token}"}
        app = make_app(application)
        signed_in, reader = app.test_client(), app.test_client()
        sign_in(signed_in, "ana")
        postgres.stop()
        try:
            for path in ("/", "/missions", "/sql", "/api/v1/missions", "/metrics"):
                assert reader.get(path).status_code == 200, path
            page = signed_in.get("/missions")
            assert page.status_code == 503
            assert "PostgreSQL does not answer" in page.text and "sign-ins and changes are refused" in page.text
            # Neither address nor password, which are in the log.
            assert "127.0.0.1" not in page.text and "127.0.0.1" in caplog.text and POSTGRES_PASSWORD not in caplog.text
            answer = reader.get("/api/v1/missions", headers=bearer)
            assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
            assert "PostgreSQL does not answer" in answer.get_json()["detail"]
            # A process without a connection does not try for every request.
            fresh = make_app(application).test_client()
            assert fresh.get("/missions").status_code == 200
        finally:
            postgres.start()
        wait_for(lambda: signed_in.get("/missions").status_code == 200, 60, 0.2)
        assert reader.get("/api/v1/missions", headers=bearer).status_code == 200


def test_a_restart_of_postgres_is_not_noticed_by_the_next_request(open_access: OpenAccess, postgres: Postgres) -> None:
    access = open_access()
    access.users.add("ana", [], "test")
    postgres.restart()
    assert [user.name for user in access.users.list_all()] == ["ana"]
    access.audit.note(ANA, "load", "a.csv")
    assert access.audit.verify()[0] == 1


def test_the_audit_of_replicas_that_write_at_once_is_one_chain(open_access: OpenAccess) -> None:
    replicas, failures = [open_access("a"), open_access("b")], []

    def write(access: Access) -> None:
        try:
            for number in range(15):
                with access.audit.record(ANA, "load", f"{number}.csv"):
                    pass
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=[replicas[number % 2]]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    verified = {access.audit.verify() for access in replicas}
    assert len(verified) == 1 and verified.pop()[0] == 60


def test_the_start_of_a_replica_leaves_the_writes_of_others(open_access: OpenAccess) -> None:
    clock = SetClock()
    first, second = open_access("a", clock), open_access("b", clock)
    killed = first.audit.record(ANA, "load")
    killed.__enter__()
    assert second.audit.close_interrupted() == 0
    assert open_access("a", clock).audit.close_interrupted() == 1
    lost = first.audit.record(ANA, "load")
    lost.__enter__()
    clock.now += timedelta(days=1, seconds=1)
    second.prune()
    assert [entry["result"] for entry in second.audit.list_entries()] == ["interrupted"] * 2


def test_the_link_of_each_replica_works_until_there_is_an_administrator(open_access: OpenAccess) -> None:
    first, second = open_access("a"), open_access("b")
    links = [access.offer_first_administrator() for access in (first, second)]
    assert first.users.use_link(str(links[0]), "boss", PASSWORD).name == "boss"
    with pytest.raises(SignInRefused):
        second.users.use_link(str(links[1]), "second", PASSWORD)
    assert second.offer_first_administrator() is None


def test_a_key_of_a_request_is_used_once_among_replicas(open_access: OpenAccess) -> None:
    clock = SetClock()
    first, second = (open_access(name, clock).idempotency_keys for name in ("a", "b"))
    with first.use("ana", "one", "hash"), pytest.raises(KeyInUse), second.use("ana", "one", "hash"):
        pass
    running = first.use("ana", "two", "hash")
    running.__enter__()
    # The first replica was killed.
    clock.now += timedelta(hours=1, seconds=1)
    with second.use("ana", "two", "hash") as attempt:
        assert attempt.stored is None


def test_writes_wait_for_each_other_and_for_a_server_that_hangs_for_a_limited_time(
    open_access: OpenAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 1.0)
    first, second = open_access("a"), open_access("b")
    second.users.list_all()
    started = time.monotonic()
    with first.store.write(), pytest.raises(AccessUnavailable, match="another replica is writing"):
        second.users.add("ana", [], "test")
    second.users.add("ana", [], "test")
    monkeypatch.setattr(pool, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(pool, "RETRY_SECONDS", 0.0)
    with pytest.raises(AccessUnavailable, match="PostgreSQL does not answer"), first.store.read() as connection:
        connection.execute("select pg_sleep(60)")
    assert time.monotonic() - started < 50
    assert [user.name for user in first.users.list_all()] == ["ana"]


def test_more_threads_than_connections_are_served(open_access: OpenAccess) -> None:
    access, found = open_access(), []
    access.users.add("ana", [], "test")
    threads = [threading.Thread(target=lambda: found.append(len(access.users.list_all()))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 30


def test_a_submission_of_one_replica_is_validated_on_the_other(open_access: OpenAccess) -> None:
    first, second = open_access("a"), open_access("b")
    for name, grants in ROLES.items():
        second.users.add(name, grants, "test", email=f"{name}@example.org")
    submissions, decisions = Submissions(first.store), Submissions(second.store)
    outbox = Outbox(first.store, is_enabled=True)
    submissions.add(6, "UNMISS", "unmiss.csv", b"values", [], "mary")

    def submit(connection: Connection, submission: Submission) -> None:
        add_notice(outbox, connection, submission)

    submissions.change_state(1, State.SUBMITTED, "mary", None, "digest", lambda submission: None, submit)
    assert decisions.read_content(1) == b"values"
    assert decisions.find(6, "UNMISS")[0].authors == {"mary"}
    decisions.change_state(1, State.VALIDATED, "paul", None, "digest", lambda submission: None)
    assert submissions.get(1).state == State.VALIDATED
    assert [message.recipient for message in Outbox(second.store, is_enabled=True).list_newest(5)] == ["paul@example.org"]
    with pytest.raises(AccessUnavailable, match="never deleted"), second.store.write() as connection:
        connection.execute("delete from submission_events")


@pytest.mark.long
def test_a_submission_of_one_replica_is_published_on_the_other_and_its_messages_are_sent_once(
    open_replica: OpenReplica,
    tmp_path: Path,
    inbox: Inbox,
    serve: Serve,
) -> None:
    mail = {"smtp_server": f"127.0.0.1:{serve()}", "smtp_from": "a4p@example.org", "smtp_tls": False}
    first, second = open_replica("a", **mail), open_replica("b", **mail)
    assert first.replica is not None and second.replica is not None
    assert first.replica.try_lock() and not second.replica.try_lock()
    for name, grants in ROLES.items():
        second.access.users.add(name, grants, "test", email=f"{name}@example.org")

    def act(application: Application, user: str, action: Action) -> None:
        client = RoundsClient(application, False, Identity(user, ROLES[user], "password"))
        review = client.report(1).review
        assert review is not None
        client.act(1, action, review.digest, None)

    file = tmp_path / "unmiss.csv"
    file.write_text(f"{HEADER}\nsofa_incidents_new,UNMISS,,{CYCLE_6},140,A,UNMISS return,the total follows\n")
    RoundsClient(first, False, Identity("mary", ROLES["mary"], "password")).add_draft(6, "UNMISS", file, "unmiss.csv")
    act(first, "mary", Action.SUBMIT)
    for application in (second, first, second, first):
        application._send_messages()
    assert [recipient for recipient, _ in inbox.mails] == ["paul@example.org"]
    act(second, "paul", Action.VALIDATE)
    act(first, "ruth", Action.APPROVE)
    act(second, "ruth", Action.PUBLISH)
    with second.warehouse.cursor() as cursor:
        assert cursor.execute(
            "select value, loaded_by from store.observations join store.batches using (batch_id)"
        ).fetchall() == [(140.0, "ruth")]
    assert [event.by for event in first.submissions.list_events(1)] == ["mary", "mary", "paul", "ruth", "ruth"]
    assert first.access.audit.verify() == second.access.audit.verify()


def test_two_mailers_send_each_message_once(open_access: OpenAccess, inbox: Inbox, serve: Serve) -> None:
    # As in the moment in which the lock of the scheduler moves to another replica.
    outboxes, port = [Outbox(open_access(name).store, is_enabled=True) for name in ("a", "b")], serve()
    addresses = [f"user{number}@example.org" for number in range(12)]
    with open_access("a").store.write() as connection:
        outboxes[0].add(connection, addresses, "Submitted", "UNMISS submitted 3 values.", "/submissions/1")
    threads = [threading.Thread(target=make_mailer(outbox, port).send_due) for outbox in outboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(recipient for recipient, _ in inbox.mails) == sorted(addresses)


def test_the_first_start_moves_the_file_of_a_replica_and_leaves_that_of_another(
    open_access: OpenAccess, make_access_settings: MakeAccessSettings, caplog: pytest.LogCaptureFixture
) -> None:
    file, other = (make_access_settings(name).access_file for name in ("a", "b"))
    embedded = write_people(file)
    with embedded.store.read() as connection:
        before = digest_rows(connection)
    write_people(other)
    # A replica that was started without users has made a link for the first administrator.
    assert open_access("c").offer_first_administrator()
    first = open_access("a")
    assert first.users.check_password("ana", PASSWORD, "10.0.0.1").email == "ana@example.org"
    assert "were moved to PostgreSQL" in caplog.text
    assert first.audit.verify() == embedded.audit.verify()
    with first.store.read() as connection:
        connection.execute("begin")
        after = digest_rows(connection, ["users", "grants", "tokens", "sessions", "audit", "submissions", "submission_events"])
        connection.execute("commit")
    assert after == {table: before[table] for table in after}
    # New rows continue the numbers.
    assert Submissions(first.store).add(6, "UNMISS", "b.csv", b"x", [], "ana").submission_id == 2
    assert open_access("a").users.get("ana").name == "ana"
    caplog.clear()
    assert len(open_access("b").users.list_all()) == 1
    assert f"{other} was not moved" in caplog.text


def test_a_damaged_file_of_a_replica_does_not_stop_the_shared_users(
    open_access: OpenAccess, make_access_settings: MakeAccessSettings, caplog: pytest.LogCaptureFixture
) -> None:
    torn, other = (make_access_settings(name).access_file for name in ("a", "b"))
    write_people(torn)
    # Its first page is intact: the damage is found before anything is moved.
    content = torn.read_bytes()
    torn.write_bytes(content[:4096] + bytes(len(content) - 4096))
    other.parent.mkdir()
    other.write_bytes(b"not a database" * 100)
    first = open_access("a")
    assert first.users.list_all() == []
    assert f"{torn} is damaged" in caplog.text or f"{torn} cannot be used" in caplog.text
    first.users.add("ana", [], "test")
    caplog.clear()
    assert [user.name for user in open_access("b").users.list_all()] == ["ana"]
    assert f"{other} cannot be used" in caplog.text and "Delete the file if it is not needed" in caplog.text
    # A move by command reports it.
    store = open_access("b").store
    assert isinstance(store, SharedStore)
    with pytest.raises(AccessError, match="The file was not moved"):
        store.move_file()


def test_tables_of_a_newer_release_are_not_used(open_access: OpenAccess) -> None:
    with open_access().store.write() as connection:
        connection.execute("update version set version = 999")
    with pytest.raises(AccessUnavailable, match="newer release; upgrade this replica"):
        open_access("b").users.list_all()


def test_a_move_of_a_warehouse_moves_the_users_too(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings("a")
    copy_report(settings.data_dir)
    embedded = write_people(settings.access_file)
    content = settings.access_file.read_bytes()
    for name, value in list_environment(settings).items():
        monkeypatch.setenv(name, value)
    # Users of the lake are never replaced.
    store = SharedStore(read_address(settings), settings.data_dir / "other" / "access.sqlite", read_now)
    with store.write() as connection:
        connection.execute("insert into settings values ('cookie_key', 'another')")
    done = CliRunner().invoke(a4p, ["migrate"])
    assert done.exit_code == 0, done.output
    assert "1 users, 1 tokens, 1 submissions and 3 entries of the audit moved" in done.output
    assert settings.access_file.read_bytes() == content
    assert Access(settings, read_now).audit.verify() == embedded.audit.verify()
    embedded.audit.note(ANA, "load", "later.csv")
    with pytest.raises(AccessError, match="was not moved"):
        SharedStore(read_address(settings), settings.access_file, read_now).move_file()
    store.close()


def test_commands_use_the_store_of_the_lake(
    make_access_settings: MakeAccessSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres: Postgres
) -> None:
    settings = make_access_settings("a")
    for name, value in list_environment(settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(a4p, arguments, input=f"{PASSWORD}\n{PASSWORD}\n")
        assert done.exit_code == 0, done.output
        return done.output

    run("users", "add", "ana", "--role", "administrator", "--password-stdin")
    run("tokens", "create", "--user", "ana")
    assert "ana" in run("users", "list")
    assert "add user" in run("audit")
    assert run("audit", "verify").startswith("2 entries")
    backup = tmp_path / "backup.sqlite"
    run("backup", "--access", str(backup))
    run("users", "add", "eve", "--role", "reader", "--password-stdin")
    assert "2 entries" in run("verify", str(backup))

    running = Access(make_access_settings("b"), read_now)
    running.users.list_all()
    done = CliRunner().invoke(a4p, ["restore", "--access", str(backup)])
    assert done.exit_code == 1 and "stop all replicas first" in str(done.exception)
    running.store.close()
    assert not list(settings.data_dir.glob("access.sqlite*"))
    assert "restored from" in run("restore", "--access", str(backup))
    assert "eve" not in run("users", "list")
    assert run("audit", "verify").startswith("3 entries")
    (earlier,) = settings.data_dir.glob("access.sqlite.before-restore-*")
    with closing(sqlite3.connect(earlier)) as connection:
        assert connection.execute("select name from users order by name").fetchall() == [("ana",), ("eve",)]
    assert "3 entries in the audit of the lake, none changed" in CliRunner().invoke(a4p, ["doctor"]).output
    assert "users and the audit of the lake: 3 entries" in CliRunner().invoke(a4p, ["verify"]).output
