"""Sign-in by an OpenID provider: a real one over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.errors import SettingsError
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app

with pytest.warns(DeprecationWarning):
    from oidc_provider_mock import User, run_server_in_thread

# The provider uses functions of Authlib that are deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PUBLIC_URL = "http://localhost"
USERS = [
    User(sub="1", claims={"preferred_username": "ana@example.org", "groups": ["unmiss-analysts", "other"]}),
    User(sub="2", claims={"preferred_username": "boss", "groups": ["unmiss-analysts"]}),
    User(sub="3", claims={"email": "guest@example.org"}),
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with run_server_in_thread(user_claims=USERS) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions, issuer: str) -> Iterator[Application]:
    secret = tmp_path / "secret"
    secret.write_text("client secret\n")
    settings = Settings(
        data_dir=tmp_path / "data", threads=1, anonymous="none", public_url=PUBLIC_URL, openid_issuer=issuer,
        openid_client_id="a4p", openid_client_secret_file=secret, group_roles=("unmiss-analysts=analyst:UNMISS", "*=reader"),
    )  # fmt: skip
    opened = Application(settings, definitions, opens_warehouse=False)
    opened.access.users.add("boss", [Grant(Role.ADMINISTRATOR)], "test", "correct horse battery")
    yield opened
    opened.close()


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def authenticate(client: FlaskClient, subject: str, path: str = "/sign-in/openid?next=/thresholds") -> str:
    """Go to the provider, authenticate there as a user, and return the address it sends the browser to."""
    leaving = client.get(path)
    assert leaving.status_code == 302
    query = parse_qs(urlsplit(leaving.location).query)
    assert query["code_challenge_method"] == ["S256"] and query["state"] and query["nonce"]
    answer = requests.post(leaving.location, data={"sub": subject}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix(PUBLIC_URL)


def test_a_user_of_the_provider_has_the_roles_of_the_groups(client: FlaskClient, application: Application) -> None:
    answer = client.get(authenticate(client, "1"))
    assert (answer.status_code, answer.location) == (303, "/thresholds")
    user = application.access.users.get("ana@example.org")
    assert (user.origin, set(map(str, user.grants))) == ("openid", {"analyst of UNMISS", "reader"})
    # Signed in: allowed, but there is no snapshot yet.
    assert client.get("/thresholds").status_code == 503
    entry = application.access.audit.list_entries(1)[0]
    assert (entry["actor"], entry["action"], entry["signed_in_by"]) == ("ana@example.org", "sign in", "openid")


def test_a_user_without_groups_has_the_roles_of_everybody(client: FlaskClient, application: Application) -> None:
    client.get(authenticate(client, "3"))
    assert application.access.users.get("guest@example.org").grants == (Grant(Role.READER),)


def test_a_user_of_the_provider_does_not_become_a_local_user_of_the_same_name(
    client: FlaskClient, application: Application
) -> None:
    answer = client.get(authenticate(client, "2"))
    assert answer.status_code == 401 and "belongs to another user" in answer.text
    assert application.access.users.get("boss").grants == (Grant(Role.ADMINISTRATOR),)
    assert client.get("/thresholds").status_code == 303


def test_an_answer_without_its_state_or_used_twice_is_refused(client: FlaskClient, application: Application) -> None:
    back = authenticate(client, "1")
    stolen = make_app(application).test_client()
    assert stolen.get(back).status_code == 401
    assert client.get(re.sub("state=[^&]+", "state=forged", back)).status_code == 401
    back = authenticate(client, "1")
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 401
    assert client.get("/sign-in/openid/callback?error=access_denied").status_code == 401


def test_a_disabled_user_of_the_provider_is_refused(client: FlaskClient, application: Application) -> None:
    client.get(authenticate(client, "1"))
    application.access.users.disable("ana@example.org")
    assert client.get("/thresholds").status_code == 303
    assert client.get(authenticate(client, "1")).status_code == 401


def test_roles_follow_the_groups_at_the_next_sign_in(client: FlaskClient, application: Application) -> None:
    client.get(authenticate(client, "1"))
    application.access.users.set_grants("ana@example.org", [Grant(Role.APPROVER)])
    client.get(authenticate(client, "1"))
    assert set(map(str, application.access.users.get("ana@example.org").grants)) == {"analyst of UNMISS", "reader"}


def test_the_way_back_leads_to_pages_of_the_service_only(client: FlaskClient) -> None:
    answer = client.get(authenticate(client, "1", "/sign-in/openid?next=//evil.example"))
    assert answer.location == "/"


def test_a_provider_that_does_not_answer_is_one_sentence(tmp_path: Path, definitions: Definitions) -> None:
    settings = Settings(
        data_dir=tmp_path, threads=1, public_url=PUBLIC_URL, openid_issuer="http://127.0.0.1:9", openid_client_id="a4p"
    )
    application = Application(settings, definitions, opens_warehouse=False)
    answer = make_app(application).test_client().get("/sign-in/openid")
    assert answer.status_code == 401 and "does not answer" in answer.text
    application.close()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"openid_client_id": ""}, "A4P_OPENID_CLIENT_ID"),
        ({"public_url": ""}, "A4P_PUBLIC_URL"),
        ({"group_roles": ("desk=rader",)}, "'desk=rader' is not GROUP=ROLE"),
        ({"group_roles": ("desk=analyst:UNMSS",)}, "unknown mission UNMSS"),
        ({"group_roles": ("desk=reader:UNMISS",)}, "not for single missions"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, definitions: Definitions, changed: dict[str, object], named: str) -> None:
    given = {"public_url": PUBLIC_URL, "openid_issuer": "http://127.0.0.1:9", "openid_client_id": "a4p", **changed}
    application = Application(Settings(data_dir=tmp_path, threads=1, **given), definitions, opens_warehouse=False)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=named):
        make_app(application)
    application.close()
