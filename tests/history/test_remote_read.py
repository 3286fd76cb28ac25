"""Remote read: samples, matchers, and the history that is read."""

from __future__ import annotations

import struct
from typing import Any

import cramjam
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.families import list_families
from metrics.remote_read_pb2 import ReadHints, ReadRequest
from service.application import Application
from service.loading.request import LoadRequest
from tests.history.conftest import OpenLimited
from tests.history.remote_read_client import (
    DAY,
    EQ,
    JOB,
    MISCONDUCT,
    NEQ,
    NRE,
    RE,
    at,
    make_query,
    milliseconds,
    read,
    write_request,
)

# What rules need of now: not in the history.
ONLY_SCRAPED = {"a4p_threshold_source_info", "a4p_unreported_last_value"}


def test_what_is_read_for_now_is_what_metrics_shows(application: Application, client: FlaskClient) -> None:
    # The time of the snapshot: midnight may have passed since, which changes ages.
    assert application.read_copy is not None
    now = int(application.read_copy.info.made_at.timestamp() * 1000) + 1
    (answered,) = read(client, at(now, JOB))
    families = list_families(application.definitions.catalogue, application.definitions.kpis)
    in_history = {family.name for family in families} - ONLY_SCRAPED
    shown = {
        frozenset({"__name__": sample.name, "job": "a4p-history", **sample.labels}.items()): sample.value
        for family in parse_text(client.get("/metrics").text)
        for sample in family.samples
        if sample.name in in_history
    }
    # Only what differs: pytest takes ten minutes to print two of these dictionaries.
    expected = {labels: [(now, pytest.approx(value))] for labels, value in shown.items()}
    differing = [labels for labels in answered.keys() | expected.keys() if answered.get(labels) != expected.get(labels)]
    assert [(dict(labels), answered.get(labels), expected.get(labels)) for labels in differing[:5]] == []
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
def test_a_value_holds_from_the_first_instant_after_its_period(client: FlaskClient, instant: str, value: float | None) -> None:
    (answered,) = read(client, at(milliseconds(instant), MISCONDUCT, JOB))
    assert [samples[-1][1] for samples in answered.values()] == ([] if value is None else [value])


def test_a_range_selector_sees_each_value_once(client: FlaskClient) -> None:
    start, end = milliseconds("2017-01-01"), milliseconds("2024-01-01")
    hints = ReadHints(start_ms=start, end_ms=end, range_ms=end - start, func="sum_over_time")
    (answered,) = read(client, make_query(MISCONDUCT, JOB, start=start, end=end, hints=hints))
    (samples,) = answered.values()
    assert samples == [
        (milliseconds(f"{year}-01-01"), value)
        for year, value in zip(range(2018, 2025), (268, 286, 373, 284, 340, 283, 364), strict=True)
    ]


def test_the_age_of_a_value_is_exact_on_every_day(client: FlaskClient) -> None:
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
    answer = client.post("/api/v1/read", data=write_request(accepted_response_types=[ReadRequest.SAMPLES]))
    assert (answer.status_code, bytes(cramjam.snappy.decompress_raw(answer.data))) == (200, b"")


def test_a_client_without_hints_gets_what_holds_and_what_changes(client: FlaskClient) -> None:
    (answered,) = read(client, make_query(MISCONDUCT, JOB, start=milliseconds("2018-06-01"), end=milliseconds("2019-06-01")))
    assert list(answered.values()) == [[(milliseconds("2018-06-01"), 268), (milliseconds("2019-01-01"), 286)]]


@pytest.mark.parametrize("name", ["a4p_indicator_age_days", "a4p_sofa_incidents_new"])
@pytest.mark.parametrize("begins_later_days", [1, 2, 400])
def test_a_query_that_ends_before_it_starts_has_no_samples(client: FlaskClient, name: str, begins_later_days: int) -> None:
    end = milliseconds("2024-06-01")
    start = end + begins_later_days * DAY
    # An instant query, whose hints have no step, is of its end.
    for hints in (
        None,
        ReadHints(start_ms=start, end_ms=end, step_ms=DAY),
        ReadHints(start_ms=start, end_ms=end, range_ms=DAY),
    ):
        (answered,) = read(client, make_query(JOB, ("__name__", EQ, name), start=start, end=end, hints=hints))
        assert not any(answered.values())


def test_series_are_listed_without_samples(client: FlaskClient) -> None:
    hints = ReadHints(func="series", start_ms=0, end_ms=9223309901257974999)
    (answered,) = read(client, make_query(JOB, ("mission", EQ, "UNMISS"), end=9223309901257974999, hints=hints))
    assert len(answered) > 50
    assert not any(answered.values())


def test_samples_are_chosen_among_the_accepted_types(client: FlaskClient) -> None:
    query = at(milliseconds("2018-06-01"), MISCONDUCT, JOB)
    both = [ReadRequest.STREAMED_XOR_CHUNKS, ReadRequest.SAMPLES]
    assert client.post("/api/v1/read", data=write_request(query, accepted_response_types=both)).status_code == 200
    refused = client.post("/api/v1/read", data=write_request(query, accepted_response_types=[ReadRequest.STREAMED_XOR_CHUNKS]))
    assert refused.status_code == 400
    assert "SAMPLES" in refused.text


def test_a_series_that_ended_is_marked_stale_before_and_after_1971(limited: OpenLimited, write_csv: Any) -> None:
    application, client = limited()
    rows = [("1950-01-01", "1950-12-31", "5", "A"), ("1951-01-01", "1951-12-31", "", "O"),
            ("2018-01-01", "2018-12-31", "0", "A"), ("2019-01-01", "2019-12-31", "", "V")]  # fmt: skip
    file = write_csv(
        "ended.csv",
        *(
            {"indicator": "serious_misconduct_allegations", "mission": "UNMISS", "period_start": start, "period_end": end,
               "value": value, "status": status}
            for start, end, value, status in rows
        ),
    )  # fmt: skip
    application.loads.load(LoadRequest(files=(file,), loaded_by="the tests"))
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


def test_a_query_begun_before_a_load_ends_on_the_state_before(limited: OpenLimited, write_csv: Any) -> None:
    application, client = limited()
    held = application.history
    application.loads.load(
        LoadRequest(
            files=(write_csv("new.csv", {"value": "77", "period_start": "2024-05-01", "period_end": "2024-10-31"}),),
            loaded_by="the tests",
        )
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
    assert held is not None and application.history is not None
    assert application.history.reported is held.reported
    assert application.history.recorded is held.recorded


def test_what_was_answered_is_counted(client: FlaskClient, application: Application) -> None:
    names = ["queries_total", "series_total", "samples_total", "duration_seconds_count"]

    def read_values() -> list[float]:
        return [application.self_metrics.registry.get_sample_value(f"a4p_remote_read_{name}") or 0 for name in names]

    before = read_values()
    read(client, at(milliseconds("2018-06-01"), MISCONDUCT, JOB))
    assert [after - held for after, held in zip(read_values(), before, strict=True)] == [1, 1, 1, 1]
