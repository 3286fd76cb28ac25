"""The catalogue as stored in the warehouse, and its versions."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue, store_feeds
from tests.conftest import STORED_AT, Read


def test_the_same_catalogue_is_stored_once(warehouse: Warehouse, definitions: Definitions, read: Read) -> None:
    store_catalogue(warehouse, definitions.catalogue, STORED_AT + timedelta(days=1))
    assert read("select catalogue_version, digest, recorded_at from store.catalogues") == [
        (1, definitions.catalogue.digest(), STORED_AT)
    ]


def test_the_catalogue_is_stored_whole(definitions: Definitions, read: Read) -> None:
    catalogue = definitions.catalogue
    assert read("select priority, title, number, cross_cutting from priorities") == [
        (entry.priority, entry.title, entry.number, entry.cross_cutting) for entry in catalogue.priorities
    ]
    assert read("from missions") == [
        (
            entry.mission, entry.name, entry.location, entry.has_political_mandate, entry.host_agreement, entry.status,
            entry.opened_on, entry.closed_on, entry.latitude, entry.longitude,
        )
        for entry in catalogue.missions
    ]  # fmt: skip
    rule = catalogue.cycles.rule
    assert read("select cycle, period_start, months, due_days from store.cycle_rules") == [
        (rule.cycle, rule.period_start, rule.months, catalogue.cycles.due_days)
    ]
    assert read("select cycle, period_start, period_end, due_days from store.cycles") == [
        (entry.cycle, entry.period_start, entry.period_end, entry.due_days) for entry in catalogue.cycles.exceptions
    ]
    assert read(
        "select priority, indicator, title, description, unit, better, frequency, source, metric, expected_missions, "
        "dimensions, minimum, maximum, whole from store.indicators order by ordinal"
    ) == [
        (
            priority, entry.indicator, entry.title, entry.description, entry.unit, entry.better, entry.frequency,
            entry.source, entry.metric, list(entry.expected_missions),
            {name: list(values) for name, values in entry.dimensions.items()}, entry.minimum, entry.maximum, entry.whole,
        )
        for priority, entry in catalogue.indicators
    ]  # fmt: skip


def test_a_changed_catalogue_is_a_second_version_and_the_one_that_holds(
    warehouse: Warehouse, definitions: Definitions, read: Read
) -> None:
    shipped = definitions.catalogue
    changed = dataclasses.replace(shipped, missions=shipped.missions[:3], indicators=shipped.indicators[1:])
    store_catalogue(warehouse, changed, STORED_AT + timedelta(days=1))
    assert read("select catalogue_version, digest from store.catalogues order by all") == [
        (1, shipped.digest()),
        (2, changed.digest()),
    ]
    assert read("select mission from missions") == [(entry.mission,) for entry in shipped.missions[:3]]
    assert read("select indicator from indicators") == [(entry.indicator,) for _, entry in shipped.indicators[1:]]
    assert read("select count(*) from store.missions where catalogue_version = 1") == [(len(shipped.missions),)]


def test_a_catalogue_that_comes_back_is_a_third_version(warehouse: Warehouse, definitions: Definitions, read: Read) -> None:
    shipped = definitions.catalogue
    store_catalogue(warehouse, dataclasses.replace(shipped, missions=shipped.missions[:3]), STORED_AT)
    store_catalogue(warehouse, shipped, STORED_AT)
    assert read("select max(catalogue_version) from store.catalogues") == [(3,)]
    assert read("select count(*) from missions") == [(len(shipped.missions),)]


def test_a_changed_feed_is_its_next_version_and_one_without_a_file_ends(
    warehouse: Warehouse, definitions: Definitions, read: Read
) -> None:
    shipped = definitions.feeds
    for _ in range(2):
        store_feeds(warehouse, shipped, STORED_AT)
    assert read("select feed, title from feeds") == sorted((feed.feed, feed.title) for feed in shipped)
    changed = shipped[0].model_copy(update={"title": "Another title"})
    store_feeds(warehouse, (changed,), STORED_AT + timedelta(days=1))
    assert read("select feed, title from feeds") == [(changed.feed, "Another title")]
    store_feeds(warehouse, shipped, STORED_AT + timedelta(days=2))
    assert read("select feed, feed_version, digest is null from store.feeds order by all") == [
        (feed.feed, version, version == 2 and feed is not shipped[0]) for feed in shipped for version in (1, 2, 3)
    ]
