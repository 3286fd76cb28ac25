"""/metrics and remote read return the same series and values now, whatever was loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import cramjam
import pytest
from hypothesis import HealthCheck, example, given, settings
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.families import INDICATOR_FAMILIES
from metrics.remote_read_pb2 import ReadResponse
from service.history.remote_read import RemoteReader
from service.history.series import HistoryReader
from service.jobs.self_metrics import SelfMetrics
from service.settings import Settings
from service.snapshots.snapshot import make_snapshot
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from tests.conftest import NewWarehouse
from tests.fuzz import count_examples
from tests.history.remote_read_client import JOB, Labels, at, write_request
from tests.history.test_remote_read import ONLY_SCRAPED
from tests.random_warehouse import (
    Dates,
    Row,
    batches,
    dates,
    days,
    limits,
    record_limits,
    set_dates,
    start_warehouse,
    store_batch,
)

# Every family about indicators: a change, a status, KPI totals, a printed total, and a limit.
COMPLETE: list[list[Row]] = [
    [
        Row(0, "UNMISS", 3, "A", 3), Row(0, "UNMISS", 4, "P", 5),
        Row(5, "UNMISS", 4, "A", 4), Row(5, "UNIFIL", 4, "A", 2), Row(5, "ALL", 4, "A", 6),
        Row(6, "UNMISS", 4, "A", 1), Row(6, "UNIFIL", 4, "A", 2),
    ]
]  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path_factory.mktemp("agreement")) as opened:
        yield opened


# Each example makes up to five snapshots.
@settings(max_examples=count_examples(5), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(stored=batches, unmiss=dates, day=days, set_limits=limits)
# Without any observation, and with one whose period has not ended yet.
@example(stored=[], unmiss=Dates(False, None, None), day=date(2024, 6, 1), set_limits=[])
@example(stored=[[Row(0, "UNMISS", 4, "A", 3)]], unmiss=Dates(False, None, None), day=date(2024, 6, 1), set_limits=[])
def test_metrics_and_remote_read_return_the_same_series_and_values(
    warehouse: Warehouse,
    definitions: Definitions,
    stored: list[list[Row]],
    unmiss: Dates,
    day: date,
    set_limits: list[tuple[str, str, int | None]],
) -> None:
    shown, history = _read_both(warehouse, definitions, stored, unmiss, day, set_limits)
    assert history == shown


def test_the_comparison_covers_every_family_about_indicators(warehouse: Warehouse, definitions: Definitions) -> None:
    """A family that no example has would be compared as nothing with nothing."""
    set_limits: list[tuple[str, str, int | None]] = [("a4p_sofa_incidents_new", "*", 1)]
    shown, history = _read_both(warehouse, definitions, COMPLETE, Dates(False, None, None), date(2025, 3, 1), set_limits)
    assert history == shown
    names = {name for labels in shown for label, name in labels if label == "__name__"}
    assert {family.name for family in INDICATOR_FAMILIES} - ONLY_SCRAPED <= names
    assert {"a4p_indicator_age_days", "a4p_sofa_incidents_new"} <= names


def _read_both(
    warehouse: Warehouse,
    definitions: Definitions,
    stored: list[list[Row]],
    unmiss: Dates,
    day: date,
    set_limits: list[tuple[str, str, int | None]],
) -> tuple[dict[Labels, float], dict[Labels, float]]:
    """Return the series of /metrics and those of remote read, for the same observations and the same instant."""
    now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    dated = set_dates(definitions, unmiss)
    start_warehouse(warehouse, dated)
    with warehouse.write() as cursor:
        record_limits(cursor, set_limits, now - timedelta(hours=1))
    # The snapshots before compute a part of the history of KPIs, as those of a service do.
    for number, batch in enumerate(stored, 1):
        store_batch(warehouse, number, batch)
        make_snapshot(warehouse, dated, now - timedelta(minutes=30 - number))
    shown = _read_metrics(make_snapshot(warehouse, dated, now).exposition.text.finish_plain(b""))
    return shown, _read_history(warehouse, now + timedelta(seconds=1))


def _read_metrics(chunks: list[bytes]) -> dict[Labels, float]:
    """Return the series of an exposition that remote read returns too."""
    return {
        frozenset({"__name__": sample.name, **sample.labels}.items()): pytest.approx(sample.value)
        for family in parse_text(b"".join(chunks).decode())
        for sample in family.samples
        if sample.name not in ONLY_SCRAPED
    }


def _read_history(warehouse: Warehouse, instant: datetime) -> dict[Labels, float]:
    """Return the newest sample of each series that remote read returns for an instant."""
    history = HistoryReader(warehouse).read()
    reader = RemoteReader(Settings(), warehouse.cursor, SelfMetrics(), lambda _: history)
    answer = b"".join(reader.answer(write_request(at(int(instant.timestamp() * 1000), JOB)), "the tests"))
    response = ReadResponse.FromString(bytes(cramjam.snappy.decompress_raw(answer)))
    return {
        frozenset((label.name, label.value) for label in series.labels if label.name != "job"): series.samples[-1].value
        for result in response.results
        for series in result.timeseries
    }
