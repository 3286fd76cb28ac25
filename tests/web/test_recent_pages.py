"""Pages that were requested recently are made from a new read copy before it is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from metrics.languages import ENGLISH
from service.application import Application
from service.snapshots.read_copy import ReadCopy
from service.warehouse.definitions import Definitions
from service.web import recent_pages
from service.web.app import make_app
from tests.conftest import load_value, publish_report

PAGE = "/missions/UNMISS"


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client(use_cookies=False)


def forbid_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have only cached pages answered."""
    monkeypatch.setattr(ReadCopy, "open_session", lambda *_, **__: pytest.fail("a query"))


def test_the_first_request_after_a_publication_finds_the_page(
    application: Application, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine these pages take longer than a second.
    monkeypatch.setattr(recent_pages, "MAX_SECONDS", 60)
    paths = [PAGE, "/", "/indicators?lang=fr", "/indicators/sofa_incidents_new?as_of=2024-04-30&mission=UNMISS"]
    before = {path: client.get(path).get_data(as_text=True) for path in paths}
    load_value(application, tmp_path, 7131)
    application.refresh()
    forbid_queries(monkeypatch)
    answers = {path: client.get(path) for path in paths}
    assert [answer.status_code for answer in answers.values()] == [200] * len(paths)
    for path, answer in answers.items():
        assert f"<strong>{application.find_served()}</strong>" in answer.get_data(as_text=True), path
        assert f"<strong>{application.find_served()}</strong>" not in before[path]
    assert "7,131" in answers[PAGE].get_data(as_text=True)
    assert '<html lang="fr">' in answers["/indicators?lang=fr"].get_data(as_text=True)


def test_readers_get_the_shown_copy_while_pages_are_prepared(
    application: Application, client: FlaskClient, tmp_path: Path
) -> None:
    seen: list[str] = []

    def read() -> None:
        seen.append(make_app(application).test_client().get(PAGE).get_data(as_text=True))
        seen.append(client.get(PAGE).get_data(as_text=True))

    def read_in_other_thread(copy: ReadCopy) -> None:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()

    client.get(PAGE)
    application.preparations.append(read_in_other_thread)
    load_value(application, tmp_path, 7131)
    application.refresh()
    assert len(seen) == 2
    assert not any("7,131" in text for text in seen)
    assert "7,131" in client.get(PAGE).get_data(as_text=True)


@pytest.mark.parametrize("fault", ["time", "failure"])
def test_a_page_that_cannot_be_prepared_is_made_for_its_first_reader(
    application: Application, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    client.get(PAGE)
    with monkeypatch.context() as patch:
        if fault == "time":
            patch.setattr(recent_pages, "MAX_SECONDS", 1e-6)
        else:
            patch.setattr(ReadCopy, "open_session", lambda *_, **__: 1 / 0)
        load_value(application, tmp_path, 7131)
        application.refresh()
    assert application.find_failure() is None
    assert "7,131" in client.get(PAGE).get_data(as_text=True)


def test_prepared_pages_are_answered_only_with_the_right_to_read(
    guarded: Application, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(guarded).test_client()

    def get(who: str) -> TestResponse:
        return client.get(PAGE, headers={"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {})

    monkeypatch.setattr(recent_pages, "MAX_SECONDS", 60)
    get("reader")
    guarded.refresh()
    forbid_queries(monkeypatch)
    assert get("reader").status_code == 200
    assert get("reader").get_data() == get("administrator").get_data()
    assert get("anonymous").headers["Location"].startswith("/sign-in")


def test_only_recent_pages_are_prepared_and_the_most_frequent_ones_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_pages, "MAX_PREPARED", 2)
    monkeypatch.setattr(recent_pages, "MAX_RECORDED", 3)
    now = 0.0
    app = Flask("test")
    recent = recent_pages.RecentPages(app, lambda _: ENGLISH, lambda: now)

    def record(path: str) -> None:
        with app.test_request_context(path):
            recent.record()

    for path in ("/a", "/b", "/b", "/c", "/c", "/c", "/d"):
        record(path)
    assert [path for path, *_ in recent._choose()] == ["/c", "/b"]
    assert len(recent._uses) == 3
    now = 590.0
    record("/d")
    now = 610.0
    assert [path for path, *_ in recent._choose()] == ["/d"]
