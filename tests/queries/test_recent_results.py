"""Results of the last second, which clients with the same query share."""

from __future__ import annotations

from service.queries.sandbox.protocol import Outcome, QueryRequest, QueryResponse, QueryResult
from service.queries.sandbox.recent_results import MAX_BYTES, MAX_RESULT_BYTES, RECENT_SECONDS, RecentResults


class Clock:
    """A clock that is set by a test."""

    now = 0.0

    def read(self) -> float:
        return self.now


def make_request(sql: str, copy: str = "1.duckdb") -> QueryRequest:
    return {
        "copy": copy, "sql": sql, "as_of": None, "known_at": None, "max_rows": 10, "seconds": 1.0, "format": "json",
    }  # fmt: skip


def make_result(body: bytes = b"{}", outcome: Outcome = "succeeded") -> QueryResult:
    response: QueryResponse = {
        "outcome": outcome, "snapshot_id": 1, "detail": "", "line": None, "column": None, "row_count": 0,
        "is_truncated": False, "size": len(body),
    }  # fmt: skip
    return QueryResult(1, response, body)


def test_the_same_request_has_the_same_result_for_a_second() -> None:
    clock = Clock()
    recent = RecentResults(clock.read)
    result = make_result()
    recent.store(make_request("select 1"), result)
    assert recent.find(make_request("select 1")) is result
    clock.now = RECENT_SECONDS
    assert recent.find(make_request("select 1")) is None


def test_another_request_or_another_copy_has_no_result() -> None:
    recent = RecentResults(Clock().read)
    recent.store(make_request("select 1"), make_result())
    assert recent.find(make_request("select 2")) is None
    assert recent.find(make_request("select 1", copy="2.duckdb")) is None
    assert recent.find({**make_request("select 1"), "as_of": "2023-10-31"}) is None
    assert recent.find({**make_request("select 1"), "max_rows": 11}) is None


def test_failures_and_large_results_are_not_stored() -> None:
    recent = RecentResults(Clock().read)
    recent.store(make_request("selec"), make_result(outcome="rejected"))
    recent.store(make_request("large"), make_result(bytes(MAX_RESULT_BYTES)))
    assert recent.find(make_request("selec")) is None
    assert recent.find(make_request("large")) is None


def test_the_oldest_results_are_removed_beyond_the_maximum_size() -> None:
    recent = RecentResults(Clock().read)
    body = bytes(MAX_RESULT_BYTES - 100)
    count = MAX_BYTES // len(body) + 2
    for number in range(count):
        recent.store(make_request(str(number)), make_result(body))
    found = [recent.find(make_request(str(number))) is not None for number in range(count)]
    assert not found[0]
    assert found[-1]
    assert sum(found) * len(body) <= MAX_BYTES
