"""Any order of exports gives the same current events."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.feeds import find_feed
from service.events.export import Export
from service.events.load import load_events
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_feeds
from tests.conftest import STORED_AT, Clock, NewWarehouse, Rows
from tests.events.exports import FATALITY, name_event, write_export
from tests.fuzz import count_examples

ROW = st.fixed_dictionaries(
    {
        "casualty_id": st.integers(1, 4).map(name_event),
        "type_of_incident": st.sampled_from(["To Be Determined", "Illness", "Accident"]),
        "gender": st.sampled_from(["M", "F", ""]),
        # Few days, so that some rows of an event were updated at the same time.
        "last_update": st.sampled_from(["2023-11-28", "2024-05-01", "2025-04-04"]),
    }
)
EXPORTS = st.lists(st.lists(ROW, min_size=1, max_size=5), min_size=2, max_size=4)


@pytest.fixture(scope="module")
def shared(
    new_warehouse: NewWarehouse, definitions: Definitions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path_factory.mktemp("events")) as warehouse:
        store_feeds(warehouse, definitions.feeds, STORED_AT)
        yield warehouse


def read_after(warehouse: Warehouse, definitions: Definitions, exports: list[list[dict[str, str]]], withdraws: bool) -> Rows:
    """Return the current events after loading exports in this order into an empty warehouse."""
    with warehouse.write() as cursor:
        for table in ("events", "event_batches", "event_faults", "batches"):
            cursor.execute(f"delete from store.{table}")
    feed = find_feed(definitions.feeds, "un_fatalities")
    assert feed is not None
    feeds = (feed.model_copy(update={"withdraws_missing": withdraws}),)
    clock, number = Clock(STORED_AT), count()
    with tempfile.TemporaryDirectory() as folder:
        for rows in exports:
            file = write_export(Path(folder) / f"{next(number)}.csv", FATALITY, *rows)
            report = load_events(warehouse, feeds, Export(file, file.name, "un_fatalities"), "the tests", clock=clock)
            assert report.new + report.changed + report.unchanged + report.older + report.conflicts + report.duplicates == len(
                rows
            )
            again = load_events(warehouse, feeds, Export(file, file.name, "un_fatalities"), "the tests", clock=clock)
            assert (again.batch_id, again.has_changes) == (None, False)
    with warehouse.cursor() as cursor:
        return cursor.execute("select * exclude (recorded_at, batch_id) from events order by event_id").fetchall()


@settings(max_examples=count_examples(4, 12), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(exports=EXPORTS, data=st.data())
def test_any_order_of_exports_gives_the_same_current_events(
    shared: Warehouse, definitions: Definitions, exports: list[list[dict[str, str]]], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(exports))
    assert read_after(shared, definitions, exports, False) == read_after(shared, definitions, other, False)


@settings(max_examples=count_examples(3, 8), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(exports=st.lists(st.lists(ROW, min_size=1, max_size=4), min_size=2, max_size=3), data=st.data())
def test_any_order_of_complete_exports_withdraws_the_same_events(
    shared: Warehouse, definitions: Definitions, exports: list[list[dict[str, str]]], data: st.DataObject
) -> None:
    dated = [[{**row, "last_update": rows[0]["last_update"]} for row in rows] for rows in exports]
    other = data.draw(st.permutations(dated))
    assert read_after(shared, definitions, dated, True) == read_after(shared, definitions, other, True)
