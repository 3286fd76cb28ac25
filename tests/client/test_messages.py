"""Errors and results that cross the socket, also between different versions."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from service.client.messages import read_messages, read_refusal, write_error, write_progress, write_result
from service.errors import (
    HandoffError,
    LoadError,
    PoolBusy,
    QueryError,
    RowError,
    ServiceError,
    ThresholdError,
    TimeLimitPassed,
    WarehouseUnwritable,
)

ROW = RowError("unmiss.csv", 3, "mission", "UNMSS", "is not a known mission", "did you mean UNMISS?")

# A row as release 0.1 writes and reads it.
OLD_ROW = {**{name: value for name, value in vars(ROW).items() if name != "fix"}, "mend": ROW.fix}


def read(lines: Iterable[str]) -> object:
    return read_messages((line.encode() for line in lines), lambda stage, share: None).data


def receive(error: ServiceError) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        read([write_error(error)])
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        LoadError("nothing was loaded: 2 errors", (ROW,), 2),
        ThresholdError("unknown metric"),
        QueryError("unknown column", 2, 8, "select valeu", 8),
        TimeLimitPassed(20),
        WarehouseUnwritable("the disk is full"),
        PoolBusy("too many queries", is_full=True),
        HandoffError("the service failed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_with_its_class_text_and_fields(error: ServiceError) -> None:
    received = receive(error)
    assert type(received) is type(error)
    assert str(received) == str(error)
    assert received.can_retry == error.can_retry
    assert {**vars(received), "can_retry": None} == {**vars(error), "can_retry": None}


def test_progress_is_reported_before_the_result() -> None:
    seen: list[tuple[str, float | None]] = []
    lines = [write_progress("reading", 0.5), write_progress("checking", None), write_result({"rows": 3})]
    result = read_messages((line.encode() for line in lines), lambda stage, share: seen.append((stage, share)))
    assert result.data == {"rows": 3}
    assert seen == [("reading", 0.5), ("checking", None)]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], "the service stopped before the operation was finished"),
        ([write_progress("reading", 0.1)], "the service stopped before the operation was finished"),
        (['{"result": [1, 2'], "the service stopped before the operation was finished"),
        (["<html>\n"], "answered a message that is not JSON; run the command with the version of the service"),
        (["[1]\n"], "answered an unknown message"),
        (['{"error": "no"}\n'], "answered with the error no"),
    ],
)
def test_an_incomplete_or_unknown_response_is_a_clear_error(lines: list[str], text: str) -> None:
    with pytest.raises(HandoffError, match=text):
        read(lines)


def test_an_error_of_a_newer_class_is_shown_with_its_text() -> None:
    line = json.dumps({"error": {"class": "FromTheFuture", "message": "no", "fields": {}, "can_retry": False}}) + "\n"
    with pytest.raises(HandoffError, match=r"^no$") as raised:
        read([line])
    assert not raised.value.can_retry


def test_errors_of_release_0_1_are_read() -> None:
    load = {"message": "nothing was loaded", "rows": [OLD_ROW], "total": 1, "is_load": True}
    threshold = {"message": "unknown metric", "is_load": False, "is_threshold": True}
    other = {"message": "the disk is full", "is_load": False, "is_threshold": False}
    for body, kind in ((load, LoadError), (threshold, ThresholdError), (other, HandoffError)):
        with pytest.raises(kind) as raised:
            read([json.dumps({"error": body}) + "\n"])
        assert str(body["message"]) in str(raised.value)


def test_clients_of_release_0_1_find_the_keys_that_they_read() -> None:
    refused = json.loads(write_error(LoadError("nothing was loaded", (ROW,), 1)))["error"]
    assert refused["is_load"] and refused["total"] == 1 and refused["rows"] == [OLD_ROW]
    assert json.loads(write_error(ThresholdError("unknown metric")))["error"]["is_threshold"]


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, write_error(HandoffError("another secret")), r"^another secret$"),
        (400, '{"error": "1 validation error"}', "answered 400: 1 validation error; run the command with the version"),
        (404, "<html>", "answered 404; run the command with the version of the service"),
        (500, "", "answered 500"),
    ],
)
def test_a_response_with_an_error_status_is_a_clear_error(status: int, body: str, text: str) -> None:
    with pytest.raises(HandoffError, match=text):
        raise read_refusal(status, body.encode())
