"""Events over HTTP: exports are loaded as by the command, with the right of loads, and read as a resource."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from service.application import Application
from tests.events.exports import FATALITY, name_event, write_export
from tests.web.conftest import Ask


def upload(tmp_path: Path, *rows: dict[str, str]) -> dict[str, Any]:
    file = write_export(tmp_path / "export.csv", FATALITY, *rows)
    return {"data": {"file": (io.BytesIO(file.read_bytes()), "export.csv")}}


def count_events(application: Application) -> int:
    with application.warehouse.cursor() as cursor:
        (count,) = cursor.execute("select count(*) from store.events").fetchone() or (0,)
    return int(count)


def test_an_export_is_previewed_loaded_and_read(ask: Ask, guarded: Application, tmp_path: Path) -> None:
    rows = [{"casualty_id": name_event(11)}, {"casualty_id": name_event(12), "mission_acronym": "UNAMA"}]
    before = count_events(guarded)
    preview = ask("administrator", "POST", "events?feed=un_fatalities&dry_run=true", **upload(tmp_path, *rows))
    assert (preview.status_code, preview.get_json()["new"], preview.get_json()["batch_id"]) == (200, 1, None)
    assert count_events(guarded) == before
    assert (preview.get_json()["started"], preview.get_json()["cleared"]) == ([], [])
    other = f"events?feed=un_fatalities&digest={'0' * 64}"
    refused = ask("administrator", "POST", other, **upload(tmp_path, *rows))
    assert (refused.status_code, count_events(guarded)) == (409, before)
    both = ask("administrator", "POST", f"{other}&dry_run=true", **upload(tmp_path, *rows))
    assert (both.status_code, "it confirms a preview" in both.get_json()["detail"]) == (400, True)
    confirmed = f"events?feed=un_fatalities&digest={preview.get_json()['digest']}"
    loaded = ask("administrator", "POST", confirmed, **upload(tmp_path, *rows))
    report = loaded.get_json()
    assert (loaded.status_code, report["new"], report["left_out"], report["file_name"]) == (201, 1, 1, "export.csv")
    assert report["left_out_rows"] == [{"reason": "political mission", "rows": 1, "names": ["UNAMA 1"]}]
    done = guarded.access.audit.list_entries(1)[0]
    assert (done["action"], done["target"], done["result"]) == ("load events", "export.csv", "done")
    again = ask("administrator", "POST", "events?feed=un_fatalities", **upload(tmp_path, *rows))
    assert (again.status_code, again.get_json()["batch_id"]) == (200, None)
    events = ask("reader", "GET", "events?feed=un_fatalities&mission=UNMISS&kind=Illness&from=2020-01-01").get_json()["rows"]
    assert [event["event_id"] for event in events] == [name_event(11)]
    assert events[0]["attributes"]["gender"] == "male"
    assert ask("reader", "GET", "events?state=pending").get_json()["rows"] == []
    assert [load["new_events"] for load in ask("reader", "GET", "event_loads").get_json()["rows"]] == [1]
    feeds = ask("reader", "GET", "feeds").get_json()["rows"]
    assert [feed["feed"] for feed in feeds] == ["sofa_incidents", "un_fatalities"]


def test_a_request_with_an_idempotency_key_loads_once(ask: Ask, guarded: Application, tmp_path: Path) -> None:
    row = {"casualty_id": name_event(21)}
    path, headers = "events?feed=un_fatalities", {"Idempotency-Key": "events-21"}
    first = ask("administrator", "POST", path, headers=headers, **upload(tmp_path, row))
    second = ask("administrator", "POST", path, headers=headers, **upload(tmp_path, row))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"


def test_rows_that_cannot_be_read_are_listed_and_nothing_is_loaded(ask: Ask, guarded: Application, tmp_path: Path) -> None:
    rows = [{"casualty_id": name_event(31)}, {"casualty_id": name_event(32), "incident_date": "soon"}]
    before = count_events(guarded)
    answer = ask("administrator", "POST", "events?feed=un_fatalities", **upload(tmp_path, *rows))
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["name"] == "row 3, column incident_date"
    assert count_events(guarded) == before
    path = "events?feed=un_fatalities&skip_unreadable=true"
    loaded = ask("administrator", "POST", path, **upload(tmp_path, *rows)).get_json()
    assert (loaded["new"], loaded["unreadable"], loaded["unreadable_rows"][0]["row"]) == (1, 1, 3)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("anonymous", "events?feed=un_fatalities", 401),
        ("reader", "events?feed=un_fatalities", 403),
        ("contributor", "events?feed=un_fatalities", 403),
        ("administrator", "events", 400),
        ("administrator", "events?feed=unknown", 400),
        ("administrator", "events?feed=un_fatalities&sheet=1", 400),
    ],
)
def test_a_request_without_right_or_feed_is_refused(
    ask: Ask, guarded: Application, tmp_path: Path, who: str, path: str, status: int
) -> None:
    before = count_events(guarded)
    assert ask(who, "POST", path, **upload(tmp_path, {"casualty_id": name_event(41)})).status_code == status
    assert count_events(guarded) == before
