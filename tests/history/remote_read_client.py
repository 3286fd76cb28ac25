"""A client of remote read: requests as Prometheus sends them, and decoded responses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cramjam
from flask.testing import FlaskClient

from metrics.remote_read_pb2 import LabelMatcher, Query, ReadHints, ReadRequest, ReadResponse
from service.application import Application

EQ, NEQ, RE, NRE = LabelMatcher.EQ, LabelMatcher.NEQ, LabelMatcher.RE, LabelMatcher.NRE
Labels = frozenset[tuple[str, str]]
JOB = ("job", EQ, "a4p-history")
MISCONDUCT = ("__name__", EQ, "a4p_serious_misconduct_allegations")
DAY = 86_400_000
LOOKBACK = 300_000


def milliseconds(text: str) -> int:
    """Return a UTC time as milliseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def make_query(*matchers: tuple[str, int, str], start: int = 0, end: int = 0, hints: ReadHints | None = None) -> Query:
    """Return a query; a matcher is the name of a label, a type and a value."""
    return Query(
        start_timestamp_ms=start,
        end_timestamp_ms=end,
        matchers=[LabelMatcher(name=name, type=kind, value=value) for name, kind, value in matchers],  # type: ignore[arg-type]
        hints=hints,
    )


def at(instant: int, *matchers: tuple[str, int, str]) -> Query:
    """Return the query that Prometheus sends for an instant query."""
    start = instant - LOOKBACK
    return make_query(*matchers, start=start, end=instant, hints=ReadHints(start_ms=start, end_ms=instant))


def compress(content: bytes) -> bytes:
    """Return content as the body of a request."""
    return bytes(cramjam.snappy.compress_raw(content))


def write_request(*queries: Query, **fields: Any) -> bytes:
    """Return the body of a request with these queries."""
    return compress(ReadRequest(queries=queries, **fields).SerializeToString())


def decompress(body: bytes) -> ReadResponse:
    """Return the message in the body of a response."""
    response = ReadResponse()
    response.ParseFromString(bytes(cramjam.snappy.decompress_raw(body)))
    return response


def read(client: FlaskClient, *queries: Query) -> list[dict[Labels, list[tuple[int, float]]]]:
    """Return the samples of each series by its labels, for each query."""
    answer = client.post("/api/v1/read", data=write_request(*queries))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert answer.headers["Content-Encoding"] == "snappy"
    results = []
    for result in decompress(answer.data).results:
        series = {}
        for one in result.timeseries:
            names = [label.name for label in one.labels]
            assert names == sorted(names) and len(set(names)) == len(names)
            times = [sample.timestamp for sample in one.samples]
            assert times == sorted(set(times))
            key = frozenset((label.name, label.value) for label in one.labels)
            assert key not in series
            series[key] = [(sample.timestamp, sample.value) for sample in one.samples]
        results.append(series)
    return results


def count_refused(application: Application, reason: str) -> float:
    """Return how many requests were refused for a reason."""
    labels = {"reason": reason}
    return application.self_metrics.registry.get_sample_value("a4p_remote_read_refused_total", labels) or 0
