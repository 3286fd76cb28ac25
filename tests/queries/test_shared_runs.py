"""Requests that are the same and arrive while one of them waits or runs."""

from __future__ import annotations

import threading
import time

import pytest

from service.errors import ClientGone
from service.queries.sandbox.shared_runs import SharedRuns
from service.system.time_limit import limit_time
from tests.queries.test_recent_results import make_request, make_result


def test_the_same_request_of_a_client_shares_a_run_that_waits() -> None:
    runs = SharedRuns()
    result = make_result()
    with runs.join(make_request("select 1"), "a") as (first, is_new):
        assert is_new
        with runs.join(make_request("select 1"), "a") as (second, is_second_new):
            assert not is_second_new
            first.result = result
            threading.Timer(0.05, first.has_ended.set).start()
            assert second.wait(time.monotonic() + 60) is result
    with runs.join(make_request("select 1"), "a") as (_, is_new):
        assert is_new


def test_other_clients_share_a_run_once_it_has_a_slot() -> None:
    runs = SharedRuns()
    with runs.join(make_request("select 1"), "a") as (first, _):
        with runs.join(make_request("select 1"), "b") as (_, is_new):
            assert is_new
        runs.share(first)
        with runs.join(make_request("select 1"), "b") as (shared, is_new):
            assert not is_new
            assert shared is first


def test_another_request_and_another_copy_do_not_share_a_run() -> None:
    runs = SharedRuns()
    with runs.join(make_request("select 1"), "a") as (first, _):
        runs.share(first)
        for other in (make_request("select 2"), make_request("select 1", copy="2.duckdb")):
            with runs.join(other, "a") as (_, is_new):
                assert is_new


def test_a_failed_run_has_no_result_and_the_next_request_runs_again() -> None:
    runs = SharedRuns()
    with pytest.raises(ClientGone), runs.join(make_request("select 1"), "a") as (first, _):
        raise ClientGone("the client closed its connection")
    assert first.wait(time.monotonic() + 60) is None
    with runs.join(make_request("select 1"), "a") as (_, is_new):
        assert is_new


def test_a_request_stops_to_wait_at_its_deadline_and_when_its_client_leaves() -> None:
    runs = SharedRuns()
    with runs.join(make_request("select 1"), "a") as (first, _):
        assert first.wait(time.monotonic() + 0.01) is None
        with limit_time(60, lambda: True), pytest.raises(ClientGone):
            first.wait(time.monotonic() + 60)


def test_beyond_the_maximum_requests_wait_for_a_slot_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.queries.sandbox.shared_runs.MAX_SHARING", 1)
    runs = SharedRuns()
    request = make_request("select 1")
    with runs.join(request, "a"), runs.join(request, "a") as (_, is_second), runs.join(request, "a") as (_, is_third):
        assert (is_second, is_third) == (False, True)
