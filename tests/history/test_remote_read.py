"""Remote read at its endpoint: what it answers, what it refuses, and that nothing sent to it does harm."""

from __future__ import annotations

import math
import struct
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cramjam
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.families import list_families
from metrics.remote_read_pb2 import LabelMatcher, Query, ReadHints, ReadRequest, ReadResponse
from service.application import Application
from service.errors import JobInterrupted
from service.history.series import HistoryReader
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import Definitions, read_definitions
from service.web.app import make_app
from tests.conftest import publish_report

EQ, NEQ, RE, NRE = LabelMatcher.EQ, LabelMatcher.NEQ, LabelMatcher.RE, LabelMatcher.NRE
JOB = ("job", EQ, "a4p-history")
MISCONDUCT = ("__name__", EQ, "a4p_serious_misconduct_allegations")
DAY = 86_400_000
# What rules need of now: not in the history.
ONLY_SCRAPED = {"a4p_threshold_source_info", "a4p_unreported_last_value"}
LOOKBACK = 300_000


def milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def make_query(*matchers: tuple[str, int, str], start: int = 0, end: int = 0, hints: ReadHints | None = None) -> Query:
    return Query(
        start_timestamp_ms=start,
        end_timestamp_ms=end,
        matchers=[LabelMatcher(name=name, type=kind, value=value) for name, kind, value in matchers],
        hints=hints,
    )


def at(instant: int, *matchers: tuple[str, int, str]) -> Query:
    """What Prometheus sends for an instant query."""
    start = instant - LOOKBACK
    return make_query(*matchers, start=start, end=instant, hints=ReadHints(start_ms=start, end_ms=instant))


def compress(*queries: Query, **fields: Any) -> bytes:
    return bytes(cramjam.snappy.compress_raw(ReadRequest(queries=queries, **fields).SerializeToString()))


def read(client: FlaskClient, *queries: Query) -> list[dict[frozenset[tuple[str, str]], list[tuple[int, float]]]]:
    answer = client.post("/api/v1/read", data=compress(*queries))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert answer.headers["Content-Encoding"] == "snappy"
    response = ReadResponse()
    response.ParseFromString(bytes(cramjam.snappy.decompress_raw(answer.data)))
    results = []
    for result in response.results:
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


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("data"), definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Any]:
    """Opens a service whose limits are these."""
    opened: list[Application] = []

    def open_limited(**limits: float) -> tuple[Application, FlaskClient]:
        application = Application(Settings(data_dir=tmp_path, threads=1, **limits), read_definitions(find_in_tree("metrics")))
        opened.append(application)
        application.load_shipped()
        application.refresh()
        return application, make_app(application).test_client()

    yield open_limited
    for application in opened:
        application.close()


def count_refused(application: Application, reason: str) -> float:
    labels = {"reason": reason}
    return application.self_metrics.registry.get_sample_value("a4p_remote_read_refused_total", labels) or 0


def test_what_is_read_for_now_is_what_metrics_shows(application: Application, client: FlaskClient) -> None:
    now = int(time.time() * 1000)
    (answered,) = read(client, at(now, JOB))
    families = list_families(application.definitions.catalogue, application.definitions.kpis)
    in_history = {family.name for family in families} - ONLY_SCRAPED
    shown = {
        frozenset({"__name__": sample.name, "job": "a4p-history", **sample.labels}.items()): sample.value
        for family in parse_text(client.get("/metrics").text)
        for sample in family.samples
        if sample.name in in_history
    }
    assert answered == {labels: [(now, pytest.approx(value))] for labels, value in shown.items()}
    assert len(shown) > 1300
    assert {"a4p_threshold", "a4p_reconciliation_agrees", "a4p_indicator_overdue"} < {
        dict(labels)["__name__"] for labels in answered
    }


@pytest.mark.parametrize(
    ("instant", "value"),
    [
        ("2017-12-31T23:59:59.999", None),
        ("2018-01-01", 268),
        ("2018-12-31T23:59:59", 268),
        ("2019-01-01", 286),
        ("2024-01-01", 364),
    ],
)
def test_a_figure_holds_from_the_first_instant_after_its_period(client: FlaskClient, instant: str, value: float | None) -> None:
    (answered,) = read(client, at(milliseconds(instant), MISCONDUCT, JOB))
    assert [samples[-1][1] for samples in answered.values()] == ([] if value is None else [value])


def test_a_range_selector_sees_each_figure_once(client: FlaskClient) -> None:
    start, end = milliseconds("2017-01-01"), milliseconds("2024-01-01")
    hints = ReadHints(start_ms=start, end_ms=end, range_ms=end - start, func="sum_over_time")
    (answered,) = read(client, make_query(MISCONDUCT, JOB, start=start, end=end, hints=hints))
    (samples,) = answered.values()
    assert samples == [
        (milliseconds(f"{year}-01-01"), value)
        for year, value in zip(range(2018, 2025), (268, 286, 373, 284, 340, 283, 364), strict=True)
    ]


def test_the_age_of_a_figure_is_exact_on_every_day(client: FlaskClient) -> None:
    for day, age in (("2024-05-01", 0), ("2024-05-02T13:00", 1), ("2025-05-01", 365)):
        (answered,) = read(
            client,
            at(
                milliseconds(day), JOB, ("__name__", EQ, "a4p_indicator_age_days"), ("mission", EQ, "UNMISS"),
                ("indicator", EQ, "sofa_incidents_new"),
            ),
        )  # fmt: skip
        assert [value for samples in answered.values() for _, value in samples] == [age]


@pytest.mark.parametrize(
    "matcher",
    [
        ("job", EQ, "a4p"), ("job", EQ, ""), ("job", NEQ, "a4p-history"), ("job", RE, "a4p"), ("job", NRE, "a4p-.*"),
        ("instance", EQ, "x"), ("instance", NEQ, ""), ("instance", RE, ".+"), ("nothing", RE, "a"), ("__name__", EQ, ""),
        ("__name__", EQ, "a4p_nothing"), ("__name__", RE, "a4p"), ("mission", EQ, "unmiss"), ("mission", RE, "UNMIS"),
        ("mission", RE, "NMISS"), ("mission", RE, ""),
    ],
)  # fmt: skip
def test_a_matcher_that_excludes_everything(client: FlaskClient, matcher: tuple[str, int, str]) -> None:
    named = [] if matcher[0] == "__name__" else [("__name__", EQ, "a4p_sofa_incidents_new")]
    assert read(client, at(milliseconds("2024-06-01"), *named, matcher)) == [{}]


@pytest.mark.parametrize(
    ("matcher", "missions"),
    [
        (("mission", EQ, "UNMISS"), {"UNMISS"}),
        (("mission", NEQ, "UNMISS"), {"MINURSO", "MINUSCA", "MONUSCO", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA"}),
        (("mission", RE, "UN.*"), {"UNMISS", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA"}),
        (("mission", RE, "UNMISS|UNDOF"), {"UNMISS", "UNDOF"}),
        (("mission", NRE, "UN.*"), {"MINURSO", "MINUSCA", "MONUSCO"}),
        # Prometheus puts the pattern between ^(?s: and )$ without a look at it.
        (("mission", RE, "UNMISS)|(?:.*CO"), {"UNMISS", "MONUSCO"}),
        (("mission", RE, "(?i)unmiss"), {"UNMISS"}),
        (("training", EQ, ""), None),
        (("training", RE, ".*"), None),
        (("training", NEQ, "x"), None),
        (("training", NRE, ".+"), None),
    ],
)
def test_matchers(client: FlaskClient, matcher: tuple[str, int, str], missions: set[str] | None) -> None:
    (answered,) = read(client, at(milliseconds("2024-06-01"), ("__name__", EQ, "a4p_sofa_incidents_new"), JOB, matcher))
    everyone = {"UNMISS", "MINURSO", "MINUSCA", "MONUSCO", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA"}
    assert {dict(labels)["mission"] for labels in answered} == (everyone if missions is None else missions)


def test_several_queries_in_one_request_are_answered_in_order(client: FlaskClient) -> None:
    first, nothing, second = read(
        client,
        at(milliseconds("2018-06-01"), MISCONDUCT, JOB),
        at(milliseconds("2018-06-01"), MISCONDUCT, ("job", EQ, "other")),
        at(milliseconds("2019-06-01"), MISCONDUCT, JOB),
    )
    assert [[s[0][1] for s in part.values()] for part in (first, nothing, second)] == [[268], [], [286]]


def test_a_request_without_queries_is_answered_with_nothing(client: FlaskClient) -> None:
    answer = client.post("/api/v1/read", data=compress(accepted_response_types=[ReadRequest.SAMPLES]))
    assert (answer.status_code, bytes(cramjam.snappy.decompress_raw(answer.data))) == (200, b"")


def test_a_client_without_hints_gets_what_holds_and_what_changes(client: FlaskClient) -> None:
    (answered,) = read(client, make_query(MISCONDUCT, JOB, start=milliseconds("2018-06-01"), end=milliseconds("2019-06-01")))
    assert list(answered.values()) == [[(milliseconds("2018-06-01"), 268), (milliseconds("2019-01-01"), 286)]]


def test_series_are_listed_without_samples(client: FlaskClient) -> None:
    hints = ReadHints(func="series", start_ms=0, end_ms=9223309901257974999)
    (answered,) = read(client, make_query(JOB, ("mission", EQ, "UNMISS"), end=9223309901257974999, hints=hints))
    assert len(answered) > 50
    assert not any(answered.values())


def test_samples_are_chosen_among_the_accepted_types(client: FlaskClient) -> None:
    query = at(milliseconds("2018-06-01"), MISCONDUCT, JOB)
    both = [ReadRequest.STREAMED_XOR_CHUNKS, ReadRequest.SAMPLES]
    assert client.post("/api/v1/read", data=compress(query, accepted_response_types=both)).status_code == 200
    refused = client.post("/api/v1/read", data=compress(query, accepted_response_types=[ReadRequest.STREAMED_XOR_CHUNKS]))
    assert refused.status_code == 400
    assert "SAMPLES" in refused.text


def test_a_series_that_ended_is_marked_stale_before_and_after_1971(limited: Any, write_csv: Any) -> None:
    application, client = limited()
    rows = [("1950-01-01", "1950-12-31", "5", "A"), ("1951-01-01", "1951-12-31", "", "M"),
            ("2018-01-01", "2018-12-31", "0", "A"), ("2019-01-01", "2019-12-31", "", "U")]  # fmt: skip
    file = write_csv(
        "ended.csv",
        *(
            {"indicator": "serious_misconduct_allegations", "mission": "UNMISS", "period_start": start, "period_end": end,
               "value": value, "status": status}
            for start, end, value, status in rows
        ),
    )  # fmt: skip
    application.load([file], "the tests")
    application.refresh()
    for year, value in ((1951, 5.0), (2019, 0.0)):
        start = milliseconds(f"{year}-06-01")
        end = milliseconds(f"{year + 1}-06-01")
        hints = ReadHints(start_ms=start, end_ms=end, step_ms=30 * DAY)
        (answered,) = read(client, make_query(MISCONDUCT, JOB, ("mission", EQ, "UNMISS"), start=start, end=end, hints=hints))
        (samples,) = answered.values()
        assert [v for _, v in samples[:-1]] == [value] * (len(samples) - 1)
        ended, stale = samples[-1]
        assert ended == milliseconds(f"{year + 1}-01-01")
        assert struct.pack("<d", stale) == struct.pack("<Q", 0x7FF0000000000002)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty"),
        (b"\x00", "the body is empty"),
        (b"not snappy at all", "snappy"),
        (b"\xff" * 20, "snappy"),
        (compress(at(0, JOB))[:-3], "snappy"),
        (bytes(cramjam.snappy.compress_raw(b"no protobuf")), "protobuf"),
        (bytes(cramjam.snappy.compress_raw(ReadRequest(queries=[at(0, JOB)]).SerializeToString()[:-1])), "protobuf"),
        (bytes(cramjam.snappy.compress_raw(b"\x00" * 9_000_000)), "decompressed"),
        # A header that promises 4 GiB with nothing behind it.
        (b"\xff\xff\xff\xff\x0f" + b"\x00" * 10, "decompressed"),
        (b"\x00" * (1 << 20) + b"\x00", "A4P_REMOTE_READ_BODY_BYTES"),
        (compress(at(0, ("mission", 9, "x"))), "matcher type"),
        (compress(at(0, ("mission", RE, "("))), "regular expression"),
        (compress(at(0, ("mission", RE, "a{1,2000}"))), "regular expression"),
    ],
)
def test_a_body_that_is_no_request_is_refused_at_once(
    client: FlaskClient, application: Application, body: bytes, reason: str
) -> None:
    before = count_refused(application, "malformed")
    started = time.monotonic()
    answer = client.post("/api/v1/read", data=body)
    assert time.monotonic() - started < 1
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert reason in answer.text
    assert count_refused(application, "malformed") == before + 1


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "(x+x+)+y", "(" * 200 + "a" + ")*" * 200, ".*" * 500 + "z"]
)
def test_a_pattern_that_makes_backtracking_engines_hang_is_answered_at_once(client: FlaskClient, pattern: str) -> None:
    started = time.monotonic()
    answer = client.post("/api/v1/read", data=compress(at(milliseconds("2024-06-01"), JOB, ("mission", RE, pattern))))
    assert answer.status_code in (200, 400)
    assert time.monotonic() - started < 2


def test_an_alternation_of_many_values_works(client: FlaskClient) -> None:
    pattern = "|".join([f"MISSION{number}" for number in range(5000)] + ["UNMISS"])
    (answered,) = read(
        client, at(milliseconds("2024-06-01"), JOB, ("__name__", EQ, "a4p_sofa_incidents_new"), ("mission", RE, pattern))
    )
    assert len(answered) == 1


@pytest.mark.parametrize(
    ("limits", "reason", "status"),
    [
        ({"remote_read_series": 10}, "series", 422),
        ({"remote_read_samples": 1000}, "samples", 422),
        ({"remote_read_seconds": 1e-6}, "time", 504),
    ],
)
def test_a_limit_is_told_in_words_and_counted(limited: Any, limits: dict[str, float], reason: str, status: int) -> None:
    application, client = limited(**limits)
    start, end = milliseconds("2020-01-01"), milliseconds("2024-06-01")
    hints = ReadHints(start_ms=start, end_ms=end, step_ms=DAY)
    answer = client.post("/api/v1/read", data=compress(make_query(JOB, start=start, end=end, hints=hints)))
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert f"A4P_REMOTE_READ_{'SECONDS' if reason == 'time' else reason.upper()}" in answer.text
    assert count_refused(application, reason) == 1


def test_requests_beyond_those_that_may_wait_are_turned_away(limited: Any) -> None:
    application, client = limited(remote_read_concurrency=1, remote_read_seconds=0.5)
    reader = application.remote_reader
    waiting, go_on = threading.Event(), threading.Event()
    find_history = reader._find_history

    def find_slowly(timeout_seconds: float) -> Any:
        waiting.set()
        go_on.wait(10)
        return find_history(timeout_seconds)

    reader._find_history = find_slowly
    body = compress(at(milliseconds("2018-06-01"), MISCONDUCT, JOB))
    statuses: list[int] = []
    clients = [make_app(application).test_client() for _ in range(6)]
    threads = [
        threading.Thread(target=lambda c=c: statuses.append(c.post("/api/v1/read", data=body).status_code)) for c in clients
    ]
    threads[0].start()
    waiting.wait(10)
    for thread in threads[1:]:
        thread.start()
    for thread in threads[1:]:
        thread.join(10)
    # Four may wait, of one client three.
    assert sorted(statuses) == [429, 429, 503, 503, 503]
    go_on.set()
    threads[0].join(10)
    assert client.post("/api/v1/read", data=body).status_code == 200


def test_a_query_that_comes_before_the_history_is_read_waits_for_it_within_its_time(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, threads=1, remote_read_seconds=0.2)
    application = Application(settings, read_definitions(find_in_tree("metrics")))
    try:
        application.load_shipped()
        application.refresh(with_history=False)
        client = make_app(application).test_client()
        assert client.get("/-/ready").status_code == 200
        body = compress(at(milliseconds("2018-06-01"), MISCONDUCT, JOB))
        early = client.post("/api/v1/read", data=body)
        assert (early.status_code, early.text.split(";")[0]) == (503, "the history is not read from the warehouse yet")
        assert count_refused(application, "not_ready") == 1
        application.remote_reader._settings = settings.model_copy(update={"remote_read_seconds": 30})
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.append(client.post("/api/v1/read", data=body).status_code))
        asking.start()
        application.start_history()
        asking.join(30)
        assert statuses == [200]
    finally:
        application.close()


def test_a_reading_of_the_history_ends_with_the_service(application: Application) -> None:
    reader = HistoryReader(application.warehouse)
    assert reader.read().series_count > 1000
    reader.stop()
    with pytest.raises(JobInterrupted, match="stopped"):
        reader.read()


def test_a_query_begun_before_a_load_ends_on_the_state_before(limited: Any, write_csv: Any) -> None:
    application, client = limited()
    held = application.history
    application.load(
        [write_csv("new.csv", {"value": "77", "period_start": "2024-05-01", "period_end": "2024-10-31"})], "the tests"
    )
    query = at(milliseconds("2024-11-02"), JOB, ("__name__", EQ, "a4p_sofa_incidents_new"), ("mission", EQ, "UNMISS"))
    assert application.history is held
    (before,) = read(client, query)
    application.refresh()
    (after,) = read(client, query)
    assert [samples[0][1] for part in (before, after) for samples in part.values()] == [125, 77]


def test_the_history_is_read_anew_only_when_something_changed(application: Application) -> None:
    held = application.history
    application.refresh()
    assert application.history is held


def test_what_was_answered_is_counted(client: FlaskClient, application: Application) -> None:
    names = ["queries_total", "series_total", "samples_total", "duration_seconds_count"]

    def tell() -> list[float]:
        return [application.self_metrics.registry.get_sample_value(f"a4p_remote_read_{name}") or 0 for name in names]

    before = tell()
    read(client, at(milliseconds("2018-06-01"), MISCONDUCT, JOB))
    assert [after - held for after, held in zip(tell(), before, strict=True)] == [1, 1, 1, 1]


integers = st.integers(-(2**63), 2**63 - 1)
near = st.integers(milliseconds("1890-01-01"), milliseconds("2200-01-01"))
texts = st.text(max_size=20) | st.sampled_from(
    ["a4p-history", "job", "mission", "__name__", "UNMISS", ".*", "(", "[", "\\", "a\x00b", "(?i)x"]
)
wild_matchers = st.builds(LabelMatcher, type=st.sampled_from([0, 1, 2, 3, 4, 77]), name=texts, value=texts)
wild_hints = st.builds(
    ReadHints,
    step_ms=integers | st.sampled_from([0, 1, 1000, DAY]), func=texts | st.sampled_from(["series", "max_over_time", "sum"]),
    start_ms=integers | near, end_ms=integers | near, range_ms=integers | st.sampled_from([0, DAY]),
)  # fmt: skip
wild_queries = st.builds(
    Query, start_timestamp_ms=integers | near, end_timestamp_ms=integers | near, matchers=st.lists(wild_matchers, max_size=4),
    hints=st.none() | wild_hints,
)  # fmt: skip


@pytest.fixture(scope="module")
def small_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A service that gives little to one query, so that wild ones end soon."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("small"), threads=1, remote_read_samples=5_000, remote_read_seconds=5)
    opened = Application(settings, read_definitions(find_in_tree("metrics")))
    opened.load_shipped()
    opened.refresh()
    yield make_app(opened).test_client()
    opened.close()


careful = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@careful
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_or_answered(small_client: FlaskClient, body: bytes) -> None:
    assert small_client.post("/api/v1/read", data=body).status_code in (200, 400)


@careful
@given(message=st.binary(max_size=200))
def test_any_message_is_refused_or_answered(small_client: FlaskClient, message: bytes) -> None:
    assert small_client.post("/api/v1/read", data=bytes(cramjam.snappy.compress_raw(message))).status_code in (200, 400)


@careful
@given(queries=st.lists(wild_queries, max_size=3))
def test_any_query_is_refused_or_answered(small_client: FlaskClient, queries: list[Query]) -> None:
    answer = small_client.post("/api/v1/read", data=compress(*queries))
    assert answer.status_code in (200, 400, 422, 504), answer.text
    if answer.status_code == 200:
        response = ReadResponse()
        response.ParseFromString(bytes(cramjam.snappy.decompress_raw(answer.data)))
        assert len(response.results) == len(queries)
        assert not any(math.isinf(s.value) for r in response.results for t in r.timeseries for s in t.samples)
