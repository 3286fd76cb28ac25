"""Idempotency-Key and If-Match: a repeated request changes nothing again, and nobody overwrites what they did not read."""

from __future__ import annotations

import io

import pytest

from service.access.idempotency import KEPT_FOR
from service.application import Application
from service.errors import KeyInUse, ThresholdError
from tests.web.conftest import Ask
from tests.web.test_writes import CSV, LIMIT

BODY = {**LIMIT, "mission": "MONUSCO"}


def count_changes(guarded: Application) -> int:
    with guarded.warehouse.cursor() as cursor:
        (count,) = cursor.execute("select count(*) from threshold_history").fetchone() or (0,)
    return int(count)


def test_a_repeated_request_gets_the_same_answer_and_changes_nothing(ask: Ask, guarded: Application) -> None:
    key = {"Idempotency-Key": "one"}
    first = ask("analyst", "POST", "thresholds", json=BODY, headers=key)
    before = count_changes(guarded)
    second = ask("analyst", "POST", "thresholds", json=BODY, headers=key)
    assert second.headers["ETag"] == first.headers["ETag"] == f'"{first.get_json()["revision"]}"'
    assert (second.status_code, second.get_json()) == (first.status_code, first.get_json())
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    assert count_changes(guarded) == before


def test_a_key_of_another_body_is_refused_and_audited(ask: Ask, guarded: Application) -> None:
    key = {"Idempotency-Key": "two"}
    ask("analyst", "POST", "thresholds", json=BODY, headers=key)
    before = count_changes(guarded)
    assert ask("analyst", "POST", "thresholds", json={**BODY, "limit": 7}, headers=key).status_code == 422
    assert count_changes(guarded) == before
    entry = guarded.access.audit.list_entries(1)[0]
    assert entry["result"] == "refused" and "another request" in entry["detail"]


def test_a_key_belongs_to_its_user(ask: Ask) -> None:
    key = {"Idempotency-Key": "three"}
    ask("analyst", "POST", "thresholds", json=BODY, headers=key)
    other = ask("administrator", "POST", "thresholds", json={**BODY, "limit": 8}, headers=key)
    assert other.status_code == 200 and "Idempotency-Replayed" not in other.headers


def test_a_key_is_refused_while_its_first_request_runs(ask: Ask, guarded: Application) -> None:
    with guarded.access.idempotency_keys.use("analyst", "four", "hash"):
        answer = ask("analyst", "POST", "thresholds", json=BODY, headers={"Idempotency-Key": "four"})
    assert answer.status_code == 409


def test_a_failed_request_leaves_its_key_free(ask: Ask, guarded: Application) -> None:
    key = {"Idempotency-Key": "five"}
    assert ask("analyst", "POST", "thresholds", json={**BODY, "metric": "nothing"}, headers=key).status_code == 400
    assert ask("analyst", "POST", "thresholds", json=BODY, headers=key).status_code == 200
    keys = guarded.access.idempotency_keys
    with pytest.raises(ThresholdError), keys.use("analyst", "six", "hash"):
        raise ThresholdError("failed")
    with keys.use("analyst", "six", "other hash") as attempt:
        assert attempt.stored is None


def test_a_key_that_was_cut_off_by_the_end_of_a_process_can_be_used_again(guarded: Application) -> None:
    store = guarded.access.store
    with store.write() as connection:
        connection.execute(
            "insert into idempotency_keys (actor, key, request_hash, at) values ('analyst', 'seven', 'hash', ?)", [store.now()]
        )
    with guarded.access.idempotency_keys.use("analyst", "seven", "hash") as attempt:
        assert attempt.stored is None
        with pytest.raises(KeyInUse), guarded.access.idempotency_keys.use("analyst", "seven", "hash"):
            pass


def test_keys_are_retained_for_a_day(ask: Ask, guarded: Application) -> None:
    ask("analyst", "POST", "thresholds", json=BODY, headers={"Idempotency-Key": "eight"})
    store = guarded.access.store
    with store.write() as connection:
        connection.execute("update idempotency_keys set at = ? where key = 'eight'", [store.now(-2 * KEPT_FOR)])
    answer = ask("analyst", "POST", "thresholds", json={**BODY, "limit": 9}, headers={"Idempotency-Key": "eight"})
    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_an_invalid_key_is_refused(ask: Ask, key: str) -> None:
    assert ask("analyst", "POST", "thresholds", json=BODY, headers={"Idempotency-Key": key}).status_code == 400


def test_a_load_is_repeated_by_its_file_not_by_the_bytes_of_the_form(ask: Ask) -> None:
    def load(value: int) -> int:
        data = {"file": (io.BytesIO(CSV % value), "a.csv")}
        return ask("administrator", "POST", "loads?dry_run=true", data=data, headers={"Idempotency-Key": "nine"}).status_code

    assert [load(40), load(40), load(41)] == [200, 200, 422]


def test_a_stale_threshold_is_not_overwritten(ask: Ask) -> None:
    ask("analyst", "POST", "thresholds", json=BODY)
    path = "thresholds/current?metric=sofa_incidents_new&mission=MONUSCO&severity=info"
    read = ask("reader", "GET", path)
    assert read.get_json()["limit"] == 100
    changed = ask("analyst", "POST", "thresholds", json={**BODY, "limit": 110}, headers={"If-Match": read.headers["ETag"]})
    assert changed.status_code == 200
    stale = ask("analyst", "POST", "thresholds", json={**BODY, "limit": 120}, headers={"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412 and "above 110" in stale.get_json()["detail"]
    removal = "thresholds?metric=sofa_incidents_new&mission=MONUSCO&severity=info"
    assert ask("analyst", "DELETE", removal, headers={"If-Match": read.headers["ETag"]}).status_code == 412
    assert ask("analyst", "POST", "thresholds", json=BODY, headers={"If-None-Match": "*"}).status_code == 412
    assert ask("analyst", "POST", "thresholds", json=BODY, headers={"If-Match": 'W/"x"'}).status_code == 412
    assert ask("analyst", "POST", "thresholds", json=BODY, headers={"If-Match": '"a", "b"'}).status_code == 400
    assert ask("reader", "GET", path).headers["ETag"] == changed.headers["ETag"]
    assert ask("analyst", "DELETE", removal, headers={"If-Match": changed.headers["ETag"]}).status_code == 200
    assert ask("reader", "GET", path).status_code == 404
    assert ask("analyst", "POST", "thresholds", json=BODY, headers={"If-Match": "*"}).status_code == 412
    assert ask("analyst", "POST", "thresholds", json=BODY, headers={"If-None-Match": "*"}).status_code == 201


def test_a_stale_query_is_not_overwritten(ask: Ask) -> None:
    body = {"name": "Two tabs", "text": "from latest"}
    made = ask("analyst", "POST", "queries", json=body)
    path, tag = f"queries/{made.get_json()['id']}", made.headers["ETag"]
    assert ask("analyst", "GET", path).headers["ETag"] == tag
    assert ask("analyst", "PUT", path, json={**body, "text": "from kpis"}, headers={"If-Match": tag}).status_code == 200
    assert ask("analyst", "PUT", path, json={**body, "text": "from missions"}, headers={"If-Match": tag}).status_code == 412
    assert ask("analyst", "DELETE", path, headers={"If-Match": tag}).status_code == 412
    assert ask("analyst", "GET", path).get_json()["text"] == "from kpis"
