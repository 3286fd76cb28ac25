"""Silences: set, ended and listed in the warehouse, and delivered to a real Alertmanager."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.alerting.silences import list_silences, set_silence
from service.application import Application
from service.client.local import ApplicationClient
from service.client.protocol import SilenceRequest
from service.errors import AlertError, NotAllowed, SilenceUnknown, ThresholdError
from service.settings import Settings
from service.warehouse.definitions import Definitions
from tests.conftest import Clock
from tests.service_process import wait_for
from tests.tools import find_free_port, find_tool

ANALYST = Identity("ana", (Grant(Role.ANALYST),), "password")
ANALYST_OF_UNMISS = Identity("una", (Grant(Role.ANALYST, "UNMISS"),), "password")


def make_request(application: Application, **changed: Any) -> SilenceRequest:
    given = {"mission": "UNMISS", "ends_at": application.clock() + timedelta(days=2), "note": "Known", **changed}
    return SilenceRequest(**given)


def list_all(application: Application, active_at: datetime | None = None) -> list[str]:
    with application.warehouse.cursor() as cursor:
        return [silence.silence_id for silence in list_silences(cursor, active_at)]


def test_a_silence_is_listed_until_it_ends(application: Application) -> None:
    client = ApplicationClient(application, False, ANALYST)
    change = client.set_silence(make_request(application, metric="sofa_incidents_new"))
    silence = change.silence
    assert change.warnings == () and silence.set_by == "ana"
    assert silence.labels == {"mission": "UNMISS", "metric": "a4p_sofa_incidents_new"}
    assert silence.is_active(application.clock())
    assert list_all(application, application.clock()) == [silence.silence_id]
    ended = client.end_silence(silence.silence_id, reason="Resolved")
    assert ended.silence.ended_by == "ana" and not ended.silence.is_active(application.clock())
    assert list_all(application, application.clock()) == []
    assert list_all(application) == [silence.silence_id]
    entries = application.access.audit.list_entries(2)
    assert [(entry["action"], entry["reason"]) for entry in entries] == [("end silence", "Resolved"), ("set silence", "Known")]


def test_a_silence_matches_alerts_with_all_its_labels(application: Application) -> None:
    request = make_request(application, metric="a4p_sofa_incidents_new", severity="warning")
    silence = ApplicationClient(application, False, ANALYST).set_silence(request).silence
    alert = {"alertname": "A", "metric": "a4p_sofa_incidents_new", "mission": "UNMISS", "severity": "warning"}
    assert silence.matches(alert)
    assert not silence.matches({**alert, "severity": "critical"})
    assert not silence.matches({"alertname": "A"})


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"mission": "UNMSS"}, AlertError, "Did you mean UNMISS"),
        ({"metric": "a4p_sofa_incident_new"}, ThresholdError, "Did you mean a4p_sofa_incidents_new"),
        ({"mission": "*"}, AlertError, "would silence every alert"),
        ({"dimensions": {"cause": "Illness"}}, AlertError, "labels need a metric"),
        ({"ends_at": datetime(2020, 1, 1, tzinfo=UTC)}, AlertError, "in the future"),
        ({"ends_at": datetime(2100, 1, 1, tzinfo=UTC)}, AlertError, "within 90 days"),
        ({"note": "x" * 1001}, AlertError, "at most 1,000 characters"),
    ],
)
def test_an_invalid_silence_is_refused_and_not_recorded(
    application: Application, changed: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        ApplicationClient(application, False, ANALYST).set_silence(make_request(application, **changed))
    assert list_all(application) == []
    assert application.access.audit.list_entries(1)[0]["result"] == "refused"


def test_an_analyst_of_one_mission_silences_no_other(application: Application) -> None:
    una, ana = (ApplicationClient(application, False, identity) for identity in (ANALYST_OF_UNMISS, ANALYST))
    una.set_silence(make_request(application))
    for mission in ("UNIFIL", "*"):
        with pytest.raises(NotAllowed):
            una.set_silence(make_request(application, mission=mission, metric="sofa_incidents_new"))
    other = ana.set_silence(make_request(application, mission="UNIFIL")).silence
    with pytest.raises(NotAllowed):
        una.end_silence(other.silence_id)
    assert other.silence_id in list_all(application, application.clock())


def test_a_silence_ends_once(application: Application) -> None:
    client = ApplicationClient(application, False, ANALYST)
    silence = client.set_silence(make_request(application)).silence
    client.end_silence(silence.silence_id)
    with pytest.raises(AlertError, match="ended at"):
        client.end_silence(silence.silence_id)
    with pytest.raises(SilenceUnknown):
        client.end_silence("unknown")


@contextmanager
def run_alertmanager(folder: Path, port: int) -> Iterator[str]:
    file = folder / "alertmanager.yml"
    file.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            find_tool("prometheus-alertmanager"), f"--config.file={file}", f"--storage.path={folder / 'alertmanager'}",
            "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}",
        ],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: ask(url) is not None, 60)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def ask(url: str) -> list[dict[str, Any]] | None:
    """Return the silences of Alertmanager, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/api/v2/silences", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
    except OSError:
        return None


@pytest.mark.timeout(180)
def test_a_silence_reaches_alertmanager_also_after_it_was_away(tmp_path: Path, bare: Definitions) -> None:
    port = find_free_port()
    settings = Settings(data_dir=tmp_path / "data", threads=1, alertmanager_url=f"http://127.0.0.1:{port}")
    application = Application(settings, bare, Clock(datetime.now(UTC), timedelta(milliseconds=1)))
    client = ApplicationClient(application, False, ANALYST)
    try:
        change = client.set_silence(make_request(application, severity="warning"))
        assert "the silence is recorded, but not sent yet: Alertmanager cannot be reached" in change.warnings[0]
        with run_alertmanager(tmp_path, port) as url:
            assert application.deliver_silences() == ()
            (sent,) = ask(url) or [{}]
            assert sent["status"]["state"] == "active" and sent["createdBy"] == "ana"
            assert {(matcher["name"], matcher["value"]) for matcher in sent["matchers"]} == {
                ("mission", "UNMISS"), ("severity", "warning"),
            }  # fmt: skip
            with application.warehouse.cursor() as cursor:
                (recorded,) = list_silences(cursor)
            assert (recorded.alertmanager_id, recorded.is_delivered) == (sent["id"], True)
            assert application.deliver_silences() == () and len(ask(url) or ()) == 1

            assert client.end_silence(recorded.silence_id).warnings == ()
            assert [item["status"]["state"] for item in ask(url) or ()] == ["expired"]

            # The answer to the first request was lost: the silence is found by its mark and not sent twice.
            lost = client.set_silence(make_request(application, mission="UNIFIL")).silence
            with application.warehouse.write() as cursor:
                cursor.execute("delete from store.silences where silence_id = ? and is_delivered", [lost.silence_id])
            assert application.deliver_silences() == ()
            active = [item for item in ask(url) or () if item["status"]["state"] == "active"]
            assert len(active) == 1
    finally:
        application.close()


def test_silences_are_for_sql_users_too(application: Application) -> None:
    set_silence(
        application.warehouse, application.definitions, application.clock() + timedelta(days=1), "ana", application.clock(),
        mission="UNMISS", note="Known",
    )  # fmt: skip
    with application.warehouse.cursor() as cursor:
        assert cursor.execute("select mission, note, set_by, ended_by from silences").fetchall() == [
            ("UNMISS", "Known", "ana", None)
        ]
