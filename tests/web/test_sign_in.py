"""Signing in with a browser, and what requests may do with and without an identity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Right, Role
from service.application import Application
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from service.web.authorization import requires
from service.web.pages.sign_in import check_next
from tests.published_report import publish_report

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("sign-in") / "data", definitions, anonymous="none") as opened:
        opened.access.users.add("boss", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
        opened.access.users.add("ana", [Grant(Role.ANALYST, "UNMISS")], "boss", PASSWORD)
        yield opened


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def read_csrf_token(client: FlaskClient, path: str = "/sign-in") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, name: str = "ana", password: str = PASSWORD, **fields: str) -> int:
    form = {"name": name, "password": password, "csrf_token": read_csrf_token(client), **fields}
    return client.post("/sign-in", data=form).status_code


def test_a_page_leads_to_the_sign_in_page_and_back(client: FlaskClient) -> None:
    answer = client.get("/missions?as_of=2024-01-01")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=%2Fmissions%3Fas_of%3D2024-01-01")
    form = {"name": "ana", "password": PASSWORD, "csrf_token": read_csrf_token(client, answer.location)}
    answer = client.post("/sign-in", data={**form, "next": "/missions?as_of=2024-01-01"})
    assert (answer.status_code, answer.location) == (303, "/missions?as_of=2024-01-01")
    assert client.get(answer.location).status_code == 200


def test_what_a_proxy_has_forwarded_is_not_local(tmp_path: Path, definitions: Definitions) -> None:
    application = Application(Settings(data_dir=tmp_path, threads=1), definitions, opens_warehouse=False)
    client = make_app(application).test_client()
    # Allowed, but there is no snapshot yet.
    assert client.get("/missions").status_code == 503
    assert client.get("/missions", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 303
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 503
    application.close()


def test_the_api_answers_401_with_a_problem(client: FlaskClient) -> None:
    answer = client.get("/api/v1/missions")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_prometheus_needs_no_token_unless_set(client: FlaskClient, application: Application) -> None:
    for path in ("/metrics", "/-/healthy", "/-/ready"):
        assert client.get(path).status_code == 200
    # The cookie that a browser may send does not open the database of users.
    assert not client.get("/metrics").headers.get("Set-Cookie")


def test_the_cookie_is_not_for_scripts_and_other_sites(client: FlaskClient) -> None:
    form = {"name": "ana", "password": PASSWORD, "csrf_token": read_csrf_token(client)}
    cookie = client.post("/sign-in", data=form).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_a_wrong_password_is_refused_and_audited(client: FlaskClient, application: Application) -> None:
    form = {"name": "ana", "password": "wrong password", "csrf_token": read_csrf_token(client)}
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 401 and "Wrong name or password" in answer.text
    entry = application.access.audit.list_entries(1)[0]
    assert (entry["action"], entry["target"], entry["result"]) == ("sign in", "ana", "refused")
    assert "wrong password" not in str(entry.values()).replace("wrong name or password", "")


def test_the_answer_does_not_say_whether_a_name_exists(client: FlaskClient, application: Application) -> None:
    application.access.users.add("disabled", [Grant(Role.READER)], "boss", PASSWORD)
    application.access.users.disable("disabled")
    answers = set()
    for name in ("ana", "disabled", "unknown"):
        form = {"name": name, "password": "wrong password", "csrf_token": read_csrf_token(client)}
        answer = client.post("/sign-in", data=form)
        # The page repeats the name; the token of the form differs each time.
        text = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text).replace(name, "NAME")
        answers.add((answer.status_code, text))
    assert len(answers) == 1


def test_a_form_of_another_site_is_refused(client: FlaskClient, application: Application) -> None:
    assert client.post("/sign-in", data={"name": "ana", "password": PASSWORD}).status_code == 400
    assert sign_in(client) == 303
    assert client.post("/sign-out").status_code == 400
    assert application.access.audit.list_entries(1)[0]["detail"].startswith("CSRF")
    assert client.get("/missions").status_code == 200


def test_a_session_before_signing_in_is_not_the_one_after(client: FlaskClient) -> None:
    client.get("/sign-in")
    before = client.get_cookie("a4p_session")
    assert sign_in(client) == 303
    after = client.get_cookie("a4p_session")
    assert before and after and before.value != after.value


def test_signing_out_ends_the_session_on_the_server(client: FlaskClient, application: Application) -> None:
    assert sign_in(client) == 303
    cookie = client.get_cookie("a4p_session")
    assert cookie is not None
    assert client.post("/sign-out", data={"csrf_token": read_csrf_token(client)}).status_code == 303
    stolen = make_app(application).test_client()
    stolen.set_cookie("a4p_session", cookie.value)
    assert stolen.get("/missions").status_code == 303


def test_a_disabled_user_with_an_open_session_is_out_at_once(client: FlaskClient, application: Application) -> None:
    application.access.users.add("leaver", [Grant(Role.READER)], "boss", PASSWORD)
    assert sign_in(client, "leaver") == 303
    assert client.get("/missions").status_code == 200
    application.access.users.disable("leaver")
    assert client.get("/missions").status_code == 303


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", "", "/sign-in", "x" * 5000],
)
def test_signing_in_leads_only_to_pages_of_the_service(target: str) -> None:
    assert check_next(target) == "/"


def test_nothing_typed_is_lost_when_a_session_has_ended(application: Application) -> None:
    app = make_app(application)
    app.add_url_rule("/form", "form", requires(Right.SET_THRESHOLDS)(lambda: ""), methods=["POST"])
    form = {"metric": "a4p_x", "limit": "100", "csrf_token": "old", "password": "p"}
    answer = app.test_client().post("/form", data=form)
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=%2Fform%3Fmetric%3Da4p_x%26limit%3D100")


def test_a_token_reads_and_a_wrong_one_does_not(client: FlaskClient, application: Application) -> None:
    _, secret = application.access.tokens.create_for_user("ana", "boss")
    assert client.get("/api/v1/missions", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    for wrong in ("Bearer a4p_wrong", "Basic YTpi", "Bearer ", f"Bearer {'x' * 10_000}"):
        assert client.get("/api/v1/missions", headers={"Authorization": wrong}).status_code == 401


def test_a_token_in_the_address_is_not_taken(client: FlaskClient, application: Application) -> None:
    _, secret = application.access.tokens.create_for_user("ana", "boss")
    assert client.get(f"/api/v1/missions?token={secret}").status_code == 401


def test_every_view_that_writes_names_its_right(application: Application) -> None:
    app = make_app(application)
    for rule in app.url_map.iter_rules():
        if rule.methods - {"GET", "HEAD", "OPTIONS"}:  # type: ignore[operator]
            assert getattr(app.view_functions[rule.endpoint], "a4p_right", None), rule


def test_the_first_administrator_sets_up_the_service_by_a_link(tmp_path: Path, definitions: Definitions) -> None:
    application = Application(Settings(data_dir=tmp_path, threads=1, anonymous="none"), definitions, opens_warehouse=False)
    secret = application.access.offer_first_administrator()
    client = make_app(application).test_client()
    path = f"/setup?link={secret}"
    form = {"link": str(secret), "name": "boss", "csrf_token": read_csrf_token(client, path)}
    differing = client.post("/setup", data={**form, "password": PASSWORD, "repeated": "another password"})
    assert differing.status_code == 400 and "passwords differ" in differing.text
    assert client.post("/setup", data={**form, "password": "short", "repeated": "short"}).status_code == 400
    assert client.post("/setup", data={**form, "password": PASSWORD, "repeated": PASSWORD}).status_code == 303
    # Signed in: the overview is allowed, and not there yet.
    assert client.get("/").status_code == 503
    assert client.get(path).status_code == 410
    actions = [(entry["actor"], entry["action"]) for entry in application.access.audit.list_entries()]
    assert actions == [("boss", "sign in"), ("boss", "set password")]
    application.close()


def test_a_lost_database_of_users_does_not_open_the_door(tmp_path: Path, definitions: Definitions) -> None:
    application = Application(Settings(data_dir=tmp_path, threads=1, anonymous="none"), definitions, opens_warehouse=False)
    application.access.users.add("ana", [Grant(Role.ANALYST)], "test", PASSWORD)
    client = make_app(application).test_client()
    assert sign_in(client) == 303
    application.access.store.file.unlink()
    assert client.get("/missions").status_code == 503
    assert client.get("/missions", headers={"Authorization": "Bearer a4p_x"}).status_code == 503
    application.close()
