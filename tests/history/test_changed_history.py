"""A history with a part for the series that changed: it has the series and values of one that is read as a whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.history import Matcher, WholeHistory
from service.history import series as series_module
from service.history.series import HistoryReader
from service.history.stored_history import read_stored_history, store_history
from service.snapshots.snapshot import make_snapshot
from service.system.state_file import StateUnusable
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT
from tests.fuzz import count_examples
from tests.history.remote_read_client import Labels
from tests.random_warehouse import (
    Dates,
    Row,
    batches,
    dates,
    limits,
    record_limits,
    set_dates,
    start_warehouse,
    store_batch,
)

NOW = datetime(2024, 12, 1, 9, tzinfo=UTC)
FIRST = [Row(0, "UNMISS", 4, "A", 5), Row(0, "UNIFIL", 4, "E", 3), Row(1, "UNMISS", 4, "A", 1)]


@pytest.fixture(autouse=True)
def small_histories_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "MIN_EXTENDED_SERIES", 0)
    monkeypatch.setattr(series_module, "MAX_CHANGED_SHARE", 1)


def start(warehouse: Warehouse, definitions: Definitions, first: list[Row]) -> WholeHistory:
    start_warehouse(warehouse, definitions)
    store_batch(warehouse, 1, first)
    make_snapshot(warehouse, definitions, NOW)
    return HistoryReader(warehouse).read()


def list_all(history: WholeHistory) -> dict[Labels, list[tuple[int, str, bool]]]:
    """Return the rows of each series. A value may be NaN, so it is compared as text."""
    series: dict[Labels, list[tuple[int, str, bool]]] = {}
    for part, numbers in history.select([], lambda *_: []):
        for number in numbers:
            labels = frozenset(
                (name, column.values[column.codes[number]]) for name, column in part.labels.items() if column.codes[number]
            )
            assert labels not in series
            places = range(part.offsets[number], part.offsets[number + 1])
            series[labels] = [
                (int(part.starts[place]) * part.tick_ms, str(part.values[place]), bool(part.grows[number])) for place in places
            ]
    assert len(series) == history.series_count
    return series


@settings(max_examples=count_examples(4), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.just(FIRST) | batches.map(lambda stored: stored[0] if stored else FIRST),
    stored=batches,
    days=st.lists(st.sampled_from([0, 1, 200]), min_size=4, max_size=4),
    unmiss=dates,
    set_limits=limits,
)
def test_a_history_with_changes_is_what_reading_everything_gives(
    shared: Warehouse,
    definitions: Definitions,
    first: list[Row],
    stored: list[list[Row]],
    days: list[int],
    unmiss: Dates,
    set_limits: list[tuple[str, str, int | None]],
) -> None:
    history = start(shared, definitions, first)
    now = NOW
    for number, (batch, step) in enumerate(zip(stored, days, strict=False), 2):
        now += timedelta(days=step, minutes=1)
        store_batch(shared, number, batch)
        if number == 3:
            with shared.write() as cursor:
                record_limits(cursor, set_limits, now - timedelta(hours=1))
        if number == 5:
            definitions = set_dates(definitions, unmiss)
            store_catalogue(shared, definitions.catalogue, STORED_AT + timedelta(days=1))
        make_snapshot(shared, definitions, now)
        earlier, history = history, HistoryReader(shared).read(history)
        assert (history.reported is earlier.reported) == (number != 5)
        assert list_all(history) == list_all(HistoryReader(shared).read())


def test_only_changed_series_are_read_again(shared: Warehouse, definitions: Definitions) -> None:
    before = start(shared, definitions, FIRST)
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 7)])
    make_snapshot(shared, definitions, NOW)
    after = HistoryReader(shared).read(before)
    assert after.reported is before.reported
    assert after.changed is not None and after.replaced is not None
    matchers = [Matcher("__name__", "=", "a4p_sofa_incidents_new")]
    in_parts = [len(numbers) for _, numbers in after.select(matchers, lambda *_: [])]
    assert in_parts[0] >= 1 and in_parts[1] == 1
    # Nothing has changed since.
    assert HistoryReader(shared).read(after).changed is after.changed


def test_many_changes_are_read_with_everything(
    shared: Warehouse, definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = start(shared, definitions, FIRST)
    monkeypatch.setattr(series_module, "MAX_CHANGED_SHARE", 0)
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 7)])
    after = HistoryReader(shared).read(before)
    assert after.reported is not before.reported
    assert after.changed is None


def test_changes_are_stored_without_the_rest_of_the_history(
    shared: Warehouse, definitions: Definitions, tmp_path: Path
) -> None:
    files = tmp_path / "history.state", tmp_path / "changes.state"
    before = start(shared, definitions, FIRST)
    store_history(*files, before)
    written = files[0].stat().st_ino
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 7)])
    make_snapshot(shared, definitions, NOW)
    after = HistoryReader(shared).read(before)
    store_history(*files, after, before)
    assert files[0].stat().st_ino == written
    with shared.cursor() as cursor:
        stored = read_stored_history(*files, cursor)
        assert list_all(stored) == list_all(after)
        # A start continues from it.
        store_batch(shared, 3, [Row(0, "UNIFIL", 4, "A", 9)])
        make_snapshot(shared, definitions, NOW + timedelta(minutes=1))
        later = HistoryReader(shared).read(stored)
        assert later.reported is stored.reported
        assert list_all(later) == list_all(HistoryReader(shared).read())
        # The process was killed between the two files.
        store_history(files[0], tmp_path / "another.state", HistoryReader(shared).read())
        with pytest.raises(StateUnusable, match="different times"):
            read_stored_history(*files, cursor)
