"""Snapshots that reuse the blocks of the one before: their text is what rendering everything gives, whatever changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.exposition import Block
from service.snapshots import snapshot as snapshot_module
from service.snapshots.snapshot import Snapshot, make_snapshot
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT
from tests.fuzz import count_examples
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
# Steps of the clock between snapshots: none, a day, and so many that periods end; back, as a clock that is corrected.
steps = st.lists(st.sampled_from([0, 0, 1, 200, -200]), min_size=4, max_size=4)


@pytest.fixture(params=[False, True], ids=["tables", "views"])
def queries_read_views(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(snapshot_module, "TABLE_SERIES", 0)


@pytest.mark.usefixtures("queries_read_views")
@settings(max_examples=count_examples(3), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(stored=batches, days=steps, unmiss=dates, set_limits=limits)
def test_text_with_reused_blocks_is_what_rendering_everything_gives(
    shared: Warehouse,
    definitions: Definitions,
    stored: list[list[Row]],
    days: list[int],
    unmiss: Dates,
    set_limits: list[tuple[str, str, int | None]],
) -> None:
    start_warehouse(shared, definitions)
    now = NOW
    previous = make_snapshot(shared, definitions, now)
    changed = set_dates(definitions, unmiss)
    for number, (batch, step) in enumerate(zip(stored, days, strict=False), 1):
        now += timedelta(days=step, minutes=1)
        store_batch(shared, number, batch)
        if number == 2:
            with shared.write() as cursor:
                record_limits(cursor, set_limits, now - timedelta(hours=1))
        if number == 3:
            definitions = changed
            store_catalogue(shared, definitions.catalogue, STORED_AT + timedelta(days=1))
        previous = make_snapshot(shared, definitions, now, previous.rendered)
        check_equal(previous, make_snapshot(shared, definitions, now))


def check_equal(reused: Snapshot, rendered: Snapshot) -> None:
    assert reused.exposition.text.chunks == rendered.exposition.text.chunks
    assert reused.exposition == rendered.exposition
    assert reused.series_count == rendered.series_count


def find_blocks(snapshot: Snapshot, metric: str) -> dict[str, Block]:
    assert snapshot.rendered is not None
    return {mission: block for (name, mission, _), block in snapshot.rendered.blocks.items() if name == metric}


def test_only_blocks_of_changed_series_are_rendered_again(shared: Warehouse, definitions: Definitions) -> None:
    start_warehouse(shared, definitions)
    store_batch(shared, 1, [Row(0, mission, 4, "A", 1) for mission in ("UNMISS", "UNIFIL")])
    before = make_snapshot(shared, definitions, NOW)
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 2)])
    after = make_snapshot(shared, definitions, NOW, before.rendered)
    earlier, later = (find_blocks(made, "a4p_sofa_incidents_new") for made in (before, after))
    assert later["UNIFIL"] is earlier["UNIFIL"]
    assert later["UNMISS"] != earlier["UNMISS"]


def test_a_value_that_becomes_valid_with_the_day_is_rendered(shared: Warehouse, definitions: Definitions) -> None:
    start_warehouse(shared, definitions)
    store_batch(shared, 1, [Row(0, "UNMISS", 4, "A", 1)])
    before = make_snapshot(shared, definitions, datetime(2024, 1, 1, 9, tzinfo=UTC))
    assert "UNMISS" not in find_blocks(before, "a4p_sofa_incidents_new")
    after = make_snapshot(shared, definitions, NOW, before.rendered)
    assert "UNMISS" in find_blocks(after, "a4p_sofa_incidents_new")
