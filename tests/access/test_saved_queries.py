"""Saved queries: limits, sharing, and who can change one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.access import saved_queries
from service.access.access import Access
from service.errors import AccessError, ChangedMeanwhile, QueryUnknown
from tests.access.conftest import SetClock


def test_a_query_is_seen_by_its_owner_and_when_shared_by_all(access: Access) -> None:
    queries = access.saved_queries
    own = queries.add("ana", "Incidents", "from latest")
    shared = queries.add("bob", "Shared", "from missions", is_shared=True)
    assert [query.id for query in queries.list_visible("ana")] == [own.id, shared.id]
    assert [query.id for query in queries.list_visible("bob")] == [shared.id]
    assert queries.get(shared.id, "ana").text == "from missions"
    with pytest.raises(QueryUnknown):
        queries.get(own.id, "bob")


def test_only_the_owner_changes_a_query(access: Access) -> None:
    queries = access.saved_queries
    shared = queries.add("bob", "Shared", "from missions", is_shared=True)
    with pytest.raises(AccessError, match="only bob can change"):
        queries.change(shared.id, "ana", "Mine", "from latest", False)
    with pytest.raises(AccessError, match="only bob can change"):
        queries.delete(shared.id, "ana")
    queries.delete(shared.id, "BOB")
    assert queries.list_visible("bob") == []


def test_a_change_of_an_earlier_revision_is_refused(access: Access, clock: SetClock) -> None:
    queries = access.saved_queries
    first = queries.add("ana", "Incidents", "from latest")
    clock.now += timedelta(seconds=1)
    second = queries.change(first.id, "ana", "Incidents", "from kpi_latest", True, first.revision)
    assert (second.text, second.is_shared) == ("from kpi_latest", True)
    with pytest.raises(ChangedMeanwhile):
        queries.change(first.id, "ana", "Incidents", "from missions", True, first.revision)
    with pytest.raises(ChangedMeanwhile):
        queries.delete(first.id, "ana", first.revision)
    assert queries.get(first.id, "ana").text == "from kpi_latest"


@pytest.mark.parametrize(
    ("name", "text"),
    [("", "from latest"), ("x" * 101, "from latest"), ("a\nb", "from latest"), ("a", " "), ("a", "x" * 100_001)],
)
def test_a_query_beyond_the_limits_is_refused(access: Access, name: str, text: str) -> None:
    with pytest.raises(AccessError, match="a query needs"):
        access.saved_queries.add("ana", name, text)


def test_a_name_is_used_once_by_an_owner(access: Access) -> None:
    first = access.saved_queries.add("ana", "Incidents", "from latest")
    with pytest.raises(AccessError, match="already"):
        access.saved_queries.add("ana", "Incidents", "from missions")
    access.saved_queries.add("bob", "Incidents", "from missions")
    access.saved_queries.change(first.id, "ana", " Incidents ", "from missions", False)


def test_an_owner_has_a_maximum_number_of_queries(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_queries, "MAX_PER_OWNER", 2)
    for name in ("a", "b"):
        access.saved_queries.add("ana", name, "from latest")
    with pytest.raises(AccessError, match="delete one first"):
        access.saved_queries.add("ana", "c", "from latest")
