"""The audit: a row for every write, whatever became of it, in a chain that shows changes."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta

import pytest

from service.access import audit
from service.access.access import Access
from service.access.audit import Audit
from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.errors import AccessUnavailable, ServiceError, ThresholdError
from tests.access.conftest import SetClock

ANA = Identity("ana", (Grant(Role.ANALYST, "UNMISS"),), "password", "10.0.0.1")


def record(access: Access, action: str = "set threshold") -> None:
    with access.audit.record(ANA, action, "a4p_sofa_incidents_new", "too many", "request-1") as recording:
        recording.before, recording.after = {"limit": 50}, {"limit": 100}


def test_a_write_has_who_when_from_where_and_why(access: Access) -> None:
    record(access)
    (entry,) = access.audit.list_entries()
    assert entry.pop("hash") and entry == {
        "id": 1, "at": "2026-11-26T08:00:00.000000Z", "actor": "ana", "roles": "analyst of UNMISS",
        "signed_in_by": "password", "address": "10.0.0.1", "action": "set threshold", "target": "a4p_sofa_incidents_new",
        "before": '{"limit": 50}', "after": '{"limit": 100}', "reason": "too many", "result": "done", "detail": None,
        "request_id": "request-1",
    }  # fmt: skip


@pytest.mark.parametrize(("error", "result"), [(ThresholdError("unknown metric"), "refused"), (RuntimeError("disk"), "failed")])
def test_a_write_that_fails_is_recorded_with_its_reason(access: Access, error: Exception, result: str) -> None:
    with pytest.raises(type(error)), access.audit.record(ANA, "set threshold"):
        raise error
    (entry,) = access.audit.list_entries()
    assert (entry["result"], entry["detail"]) == (result, str(error))


def test_nothing_is_written_that_the_audit_cannot_record(access: Access) -> None:
    record(access)
    access.store.file.unlink()
    is_written = False
    with pytest.raises(AccessUnavailable), access.audit.record(ANA, "set threshold"):
        is_written = True
    assert not is_written


def test_a_write_cut_off_by_a_kill_is_recorded_at_the_next_start(access: Access) -> None:
    interrupted = access.audit.record(ANA, "load")
    interrupted.__enter__()
    assert access.audit.list_entries() == []
    assert access.audit.close_interrupted() == 1
    assert [(entry["action"], entry["result"]) for entry in access.audit.list_entries()] == [("load", "interrupted")]
    assert access.audit.close_interrupted() == 0


def test_rows_do_not_change(access: Access) -> None:
    record(access)
    with pytest.raises(AccessUnavailable, match="do not change"), access.store.write() as connection:
        connection.execute("update audit set actor = 'eve'")


@pytest.mark.parametrize(
    "change",
    [
        "update audit set actor = 'eve' where id = 2",
        "update audit set after = null where id = 2",
        "delete from audit where id = 2",
        "delete from audit where id = 1",
        "delete from audit where id = 3",
        "update audit set id = 9 where id = 3",
    ],
)
def test_a_changed_chain_is_found(access: Access, change: str) -> None:
    for _ in range(3):
        record(access)
    assert access.audit.verify()[0] == 3
    with sqlite3.connect(access.store.file) as connection:
        connection.execute("drop trigger audit_rows_do_not_change")
        connection.execute(change)
    with pytest.raises(ServiceError, match="the audit was changed"):
        access.audit.verify()


def test_a_long_chain_is_verified_in_parts(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "VERIFIED_AT_ONCE", 2)
    for _ in range(5):
        record(access)
    assert access.audit.verify() == (5, access.audit.list_entries(1)[0]["hash"])
    with sqlite3.connect(access.store.file) as connection:
        connection.execute("delete from audit where id = 3")
    with pytest.raises(ServiceError, match="row 4 of"):
        access.audit.verify()


def test_of_many_rows_those_that_were_verified_lately_are_not_read_again(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "FEW_ROWS", 0)
    hashed: list[str] = []
    compute = audit._hash
    monkeypatch.setattr(audit, "_hash", lambda *values: hashed.append("row") or compute(*values))

    def verify() -> tuple[int, int]:
        hashed.clear()
        return access.audit.verify_new(), len(hashed)

    assert verify() == (0, 0)
    for _ in range(3):
        record(access)
    assert verify() == (3, 3)
    assert verify() == (3, 0)
    record(access)
    assert verify() == (4, 1)
    hashed.clear()
    assert access.audit.verify()[0] == len(hashed) == 4
    monkeypatch.setattr(audit, "VERIFIED_SECONDS", 0.0)
    assert verify() == (4, 4)


@pytest.mark.parametrize(
    "change",
    [
        "delete from audit where id = 1",
        "delete from audit where id = 2",
        "delete from audit where id = 3",
        "delete from audit where id = 5",
        "update audit set actor = 'eve' where id = 4",
        "update audit set actor = 'eve', hash = 'other' where id = 3",
    ],
)
def test_deleted_rows_and_changes_of_new_ones_are_found_by_the_next_check(
    access: Access, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "FEW_ROWS", 0)
    for _ in range(3):
        record(access)
    assert access.audit.verify_new() == 3
    for _ in range(2):
        record(access)
    with sqlite3.connect(access.store.file) as connection:
        connection.execute("drop trigger audit_rows_do_not_change")
        connection.execute(change)
    for _ in range(2):
        with pytest.raises(ServiceError, match="the audit was changed"):
            access.audit.verify_new()


def test_after_old_rows_were_deleted_the_rest_is_verified(access: Access, clock: SetClock) -> None:
    record(access, "old")
    clock.now += timedelta(days=10)
    record(access, "new")
    assert access.audit.verify_new() == 2
    access.audit.prune(days=5)
    assert access.audit.verify_new() == 1
    record(access, "newer")
    assert access.audit.verify_new() == 2


def test_old_rows_are_deleted_and_the_rest_is_a_chain(access: Access, clock: SetClock) -> None:
    record(access, "old")
    clock.now += timedelta(days=10)
    record(access, "new")
    assert access.audit.prune(days=5) == 1
    assert access.audit.verify()[0] == 1
    record(access, "newer")
    assert [entry["action"] for entry in access.audit.list_entries()] == ["newer", "new"]
    assert access.audit.verify()[0] == 2


def test_entries_are_filtered_and_paged(access: Access, clock: SetClock) -> None:
    for action in ("load", "set threshold", "load"):
        record(access, action)
        clock.now += timedelta(hours=1)
    assert [entry["id"] for entry in access.audit.list_entries(filters={"action": "load"})] == [3, 1]
    assert [entry["id"] for entry in access.audit.list_entries(limit=1, before_id=3)] == [2]
    since = {"since": "2026-11-26T09:00:00.000000Z", "until": "2026-11-26T10:00:00.000000Z"}
    assert [entry["id"] for entry in access.audit.list_entries(filters=since)] == [2]


def test_refusals_of_unknown_clients_cannot_fill_the_disk(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("service.access.audit.time.monotonic", lambda: now)
    audit, stranger = Audit(access.store), access.make_anonymous("203.0.113.9")
    for _ in range(500):
        audit.note(stranger, "sign in", "ana", "refused", "wrong name or password")
    assert len(audit.list_entries(1000)) == 60
    now += 60
    audit.note(stranger, "sign in", "ana", "refused", "wrong name or password")
    newest = audit.list_entries(1)[0]
    assert newest["detail"] == "wrong name or password (440 earlier refusals of unknown clients are not listed)"
    for _ in range(100):
        audit.note(ANA, "load", "x.csv", "refused", "no right")
    assert len(audit.list_entries(1000)) == 161, "those of users are all recorded"


def test_values_are_json(access: Access) -> None:
    record(access)
    assert json.loads(access.audit.list_entries()[0]["after"]) == {"limit": 100}
