"""Feeds of events (metrics/feeds): how they are read, and the errors of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import Catalogue, CatalogueError, read_catalogue
from metrics.feeds import Feed, read_feeds
from service.settings import find_in_tree

FEED = """\
feed: incidents
title: Incidents
description: Incidents, one by one.
source: A department
licence: Internal
attribution: A department
event_id: id
kind: {column: kind}
occurred_on: {column: day}
mission: {column: mission}
state: {constant: verified}
updated_at: {column: updated}
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(find_in_tree("metrics"))


def read(folder: Path, catalogue: Catalogue, text: str, name: str = "incidents.yaml") -> tuple[Feed, ...]:
    file = folder / "feeds" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return read_feeds(folder, catalogue)


def test_a_catalogue_without_the_directory_has_no_feeds(tmp_path: Path, catalogue: Catalogue) -> None:
    assert read_feeds(tmp_path, catalogue) == ()


def test_the_shipped_feeds_have_their_kinds_and_states(catalogue: Catalogue) -> None:
    feeds = {feed.feed: feed for feed in read_feeds(find_in_tree("metrics"), catalogue)}
    assert feeds["un_fatalities"].kind.stored_values == (
        "Malicious act", "Illness", "Accident", "Self-inflicted", "To be determined", "Unknown",
    )  # fmt: skip
    assert feeds["sofa_incidents"].state.stored_values == ("pending", "verified", "archived")
    # Free texts and actors may name persons.
    assert not {"notes", "actor1", "source"} & set(feeds["sofa_incidents"].columns)


def test_a_feed_names_each_column_that_it_reads_once(tmp_path: Path, catalogue: Catalogue) -> None:
    state = "state: {column: kind, values: {Open: pending}, default: verified}"
    (feed,) = read(
        tmp_path, catalogue, FEED.replace("state: {constant: verified}", state) + "attributes: {place: {column: place}}"
    )
    assert feed.columns == ("id", "day", "mission", "updated", "kind", "place")
    assert feed.state.stored_values == ("pending", "verified")


@pytest.mark.parametrize(
    ("replaced", "by", "fault"),
    [
        ("feed: incidents", "feed: Incidents", "feed: String should match pattern"),
        ("feed: incidents", "feed: accidents", "rename the file to accidents.yaml"),
        ("event_id: id", "", "the key 'event_id' is missing"),
        ("event_id: id", "event_id: Event ID", "write the column in lower case"),
        ("kind: {column: kind}", "kind: {column: kind, constant: x}", "give either column or constant"),
        ("kind: {column: kind}", "kind: {column: kind, values: {a: x, A: y}}", "'a' is given twice in upper and lower case"),
        ("kind: {column: kind}", "kind: {column: kind, others: reject}", "others: reject needs values"),
        ("kind: {column: kind}", "kind: {column: kind, values: {a: b}, default: x, others: keep}", "remove others"),
        ("{column: day}", "{column: day, formats: ['%H:%M']}", "a format has at least %d and %Y"),
        ("{column: day}", "{column: day, formats: [epoch_seconds]}", "occurred_on is a date"),
        ("{column: mission}", "{column: mission, values: {Sudan: UNMISSX}}", "'UNMISSX', which is not in missions.yaml"),
        ("{column: mission}", "{column: mission, left_out: {UNMISS: none}}", "'UNMISS' is left out but is a mission"),
        ("{column: mission}", "{column: mission, values: {X: ALL}, left_out: {x: none}}", "is in values and in left_out"),
        ("{constant: verified}", "{constant: withdrawn}", "set by the service"),
        ("{constant: verified}", "{column: kind}", "give values, so that the possible states are known"),
        ("event_id: id", "event_id: id\nignored: {day: not needed}", "'day' is read and in ignored"),
        ("event_id: id", "event_id: id\nattributes: {A B: {column: b}}", "must be lower_snake_case"),
        ("event_id: id", "event_id: id\nnames: [x]", "the key 'names' is unknown"),
    ],
)
def test_a_wrong_feed_is_an_error_with_file_key_and_fix(
    tmp_path: Path, catalogue: Catalogue, replaced: str, by: str, fault: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, catalogue, FEED.replace(replaced, by))
    assert "incidents.yaml: " in str(caught.value)
    assert fault in str(caught.value)


def test_a_feed_that_is_no_mapping_is_an_error(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError, match=r"incidents.yaml"):
        read(tmp_path, catalogue, "- feed: incidents")
