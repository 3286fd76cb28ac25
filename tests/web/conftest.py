"""A service with users of each role, for tests of what each may do over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.access.roles import Grant, Role
from service.application import Application
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.published_report import publish_report
from tests.web.browsing import sign_in

PEOPLE = {
    "reader": [Grant(Role.READER)],
    "contributor": [Grant(Role.CONTRIBUTOR, "UNMISS")],
    "analyst": [Grant(Role.ANALYST)],
    "analyst of UNMISS": [Grant(Role.ANALYST, "UNMISS")],
    "approver": [Grant(Role.APPROVER)],
    "administrator": [Grant(Role.ADMINISTRATOR)],
}
# Beside them: a service with the role of an analyst, and nobody.
SERVICE, ANONYMOUS = "service", "anonymous"
EVERYONE = (*PEOPLE, SERVICE, ANONYMOUS)
Ask = Callable[..., TestResponse]
SignedIn = Callable[[str], FlaskClient]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    """The report, in a service that nobody reads without a token."""
    with publish_report(tmp_path_factory.mktemp("guarded") / "data", definitions, anonymous="none") as opened:
        yield opened


@pytest.fixture(scope="module")
def tokens(guarded: Application) -> dict[str, str]:
    """The token of each person and of the service."""
    secrets = {}
    for name, grants in PEOPLE.items():
        user = name.replace(" ", "-")
        guarded.access.users.add(user, grants, "test")
        _, secrets[name] = guarded.access.tokens.create_for_user(user, "test")
    _, secrets[SERVICE] = guarded.access.tokens.create_for_service("robot", Role.ANALYST, [], "test")
    return secrets


@pytest.fixture
def ask(guarded: Application, tokens: dict[str, str]) -> Ask:
    """Sends a request as somebody."""
    return make_ask(guarded, tokens)


@pytest.fixture(scope="module")
def ask_guarded(guarded: Application, tokens: dict[str, str]) -> Ask:
    """Sends a request as somebody, for what the tests of a module share."""
    return make_ask(guarded, tokens)


def make_ask(guarded: Application, tokens: dict[str, str]) -> Ask:
    """Return a function that sends a request as somebody."""
    client: FlaskClient = make_app(guarded).test_client()

    def send(who: str, method: str, path: str, **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if who != ANONYMOUS:
            headers["Authorization"] = f"Bearer {tokens[who]}"
        return client.open(f"/api/v1/{path}", method=method, headers=headers, **options)

    return send


@pytest.fixture
def signed_in(application: Application) -> SignedIn:
    """Returns a browser in which a user of the application of the test module has signed in."""

    def open_browser(name: str) -> FlaskClient:
        client = make_app(application).test_client()
        sign_in(client, name)
        return client

    return open_browser
