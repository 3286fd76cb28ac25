"""Users that a trusted reverse proxy has authenticated, and headers that nobody else may send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app

PROXY = {"REMOTE_ADDR": "10.0.0.9"}
ANA = {"X-Remote-User": "ana", "X-Remote-Groups": "analysts, desk", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    settings = Settings(
        data_dir=tmp_path, threads=1, proxy_addresses=("10.0.0.9",), proxy_user_header="X-Remote-User",
        proxy_groups_header="X-Remote-Groups", group_roles=("analysts=analyst",),
    )  # fmt: skip
    opened = Application(settings, definitions, opens_warehouse=False)
    yield opened
    opened.close()


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def test_a_trusted_proxy_names_the_user_and_the_groups(client: FlaskClient, application: Application) -> None:
    # Allowed, but there is no snapshot yet.
    assert client.get("/missions", headers=ANA, environ_base=PROXY).status_code == 503
    user = application.access.users.get("ana")
    assert (user.origin, user.grants) == ("proxy", (Grant(Role.ANALYST),))


@pytest.mark.parametrize("address", ["127.0.0.1", "203.0.113.7", "10.0.0.90"])
def test_the_header_of_anybody_else_is_ignored(client: FlaskClient, application: Application, address: str) -> None:
    headers = {**ANA, "X-Forwarded-For": "10.0.0.9"}
    assert client.get("/missions", headers=headers, environ_base={"REMOTE_ADDR": address}).status_code == 303
    assert application.access.users.list_all() == []


def test_with_a_proxy_nobody_reads_without_a_user(client: FlaskClient) -> None:
    assert client.get("/missions", environ_base=PROXY).status_code == 303
    assert client.get("/api/v1/missions").status_code == 401


def test_addresses_of_clients_come_from_the_proxy_only(client: FlaskClient, application: Application) -> None:
    for base, address in ((PROXY, "203.0.113.7"), ({"REMOTE_ADDR": "198.51.100.1"}, "198.51.100.1")):
        headers = {"X-Forwarded-For": "203.0.113.7"}
        client.post("/sign-in", data={"name": "x", "password": "y"}, headers=headers, environ_base=base)
        assert application.access.audit.list_entries(1)[0]["address"] == address


def test_a_change_by_a_user_of_the_proxy_needs_the_token_of_its_form(client: FlaskClient, application: Application) -> None:
    answer = client.post("/sign-out", headers=ANA, environ_base=PROXY)
    assert answer.status_code == 400
    assert application.access.audit.list_entries(1)[0]["detail"].startswith("CSRF")


def test_a_user_of_the_proxy_does_not_become_a_local_user_with_a_password(
    client: FlaskClient, application: Application
) -> None:
    application.access.users.add("ana", [Grant(Role.ADMINISTRATOR)], "test", "correct horse battery")
    assert client.get("/missions", headers=ANA, environ_base=PROXY).status_code == 400
    assert application.access.users.get("ana").grants == (Grant(Role.ADMINISTRATOR),)


def test_a_user_added_beforehand_without_a_password_keeps_the_roles_without_a_groups_header(
    tmp_path: Path, definitions: Definitions
) -> None:
    settings = Settings(data_dir=tmp_path, threads=1, proxy_addresses=("10.0.0.9",), proxy_user_header="X-Remote-User")
    application = Application(settings, definitions, opens_warehouse=False)
    application.access.users.add("ana", [Grant(Role.READER)], "test")
    client = make_app(application).test_client()
    assert client.get("/missions", headers={"X-Remote-User": "ana"}, environ_base=PROXY).status_code == 503
    assert client.get("/missions", headers={"X-Remote-User": "new"}, environ_base=PROXY).status_code == 403
    application.close()
