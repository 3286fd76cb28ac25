"""What people see of the pages, asked through the web application itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.application import Application
from service.definitions import Definitions
from service.settings import Settings
from service.web.app import make_app


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    """The report, loaded and published."""
    opened = Application(Settings(data_dir=tmp_path_factory.mktemp("pages") / "data", threads=1), definitions)
    opened.load_shipped()
    opened.refresh()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def test_the_footer_names_the_snapshot_that_prometheus_scrapes(client: FlaskClient, application: Application) -> None:
    text = client.get("/").get_data(as_text=True)
    assert application.snapshot is not None
    told = f'a4p_snapshot_info{{id="{application.snapshot.snapshot_id}"}}'
    assert f"{told} 1" in client.get("/metrics").get_data(as_text=True)
    assert told.replace('"', "&#34;") in text or told in text
    assert f"as of {application.snapshot.as_of}" in text


def test_every_answer_tells_the_browser_to_run_nothing_inline_and_to_keep_to_itself(client: FlaskClient) -> None:
    for path in ("/", "/no-such-page", "/metrics", "/static/page.css"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST.", "127.0.0.1"])
def test_it_answers_to_the_names_of_this_machine(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "evil.example@localhost", "a4p:8000", "10.1.2.3",
     "[::2]", "localhost:8000:1", "<b>", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/read"])
def test_a_name_that_is_not_its_own_is_refused_whatever_is_asked(client: FlaskClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "a4p_" not in answer.get_data(as_text=True)
    assert answer.mimetype == "text/plain"


def test_further_names_are_allowed_by_a_setting(
    tmp_path: Path, definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A4P_ALLOWED_HOSTS", "a4p, indicators.example.org")
    monkeypatch.setenv("A4P_HOST", "0.0.0.0")
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        client = make_app(opened).test_client()
        for host in ("a4p:8000", "indicators.example.org", "10.1.2.3:8000", "localhost"):
            assert client.get("/-/healthy", headers={"Host": host}).status_code == 200, host
        assert client.get("/-/healthy", headers={"Host": "evil.example"}).status_code == 421
        before = client.get("/")
        assert before.status_code == 503 and before.headers["Retry-After"]
        assert "The first snapshot is being made" in before.get_data(as_text=True)
    finally:
        opened.close()


def test_what_is_not_there_or_cannot_be_asked_is_told_in_the_layout(client: FlaskClient) -> None:
    for path, status, told in (
        ("/no-such-page", 404, "There is no such page"),
        ("/?as_of=yesterday", 400, "as_of is &#39;yesterday&#39;, which is no date"),
        ("/?known_at=2024-13-01", 400, "which is no time"),
        ("/?known_at=0001-01-01T00:00%2B14:00", 400, "which is no time"),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert told in answer.get_data(as_text=True)
        assert 'aria-label="Pages"' in answer.get_data(as_text=True)


def test_the_moment_is_kept_in_every_link_of_a_page(client: FlaskClient) -> None:
    text = client.get("/?as_of=2023-10-31&known_at=2030-01-01T00:00Z").get_data(as_text=True)
    assert 'href="/?as_of=2023-10-31&amp;known_at=2030-01-01T00%3A00%3A00Z"' in text
