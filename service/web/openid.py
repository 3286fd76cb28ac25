"""Sign-in by an OpenID provider: the redirect to it, and the way back."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Flask, Response, request, session

from service.access.groups import map_groups, read_group_roles
from service.application import Application
from service.errors import AccessError, SettingsError, SignInRefused
from service.settings import Settings
from service.web.authorization import begin_session, find_address, public
from service.web.pages.sign_in import check_next, go

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 10
CALLBACK = "/sign-in/openid/callback"
NEXT_KEY = "openid_next"


def is_configured(settings: Settings) -> bool:
    """Return whether users can sign in by an OpenID provider. Raises SettingsError with the setting that is missing."""
    if not settings.openid_issuer:
        return False
    if not settings.openid_client_id:
        raise SettingsError("setting A4P_OPENID_CLIENT_ID: needed with A4P_OPENID_ISSUER; the provider gives it")
    if not settings.public_url:
        raise SettingsError("setting A4P_PUBLIC_URL: needed with A4P_OPENID_ISSUER; the provider sends browsers back to it")
    return True


def add_openid(app: Flask, application: Application) -> None:
    """Add the routes of the sign-in by an OpenID provider, if one is configured.

    The code flow with PKCE; Authlib checks state, nonce, signature, issuer, audience and times of the ID token.
    """
    settings, access = application.settings, application.access
    missions = [mission.mission for mission in application.definitions.catalogue.missions]
    roles = read_group_roles(settings.group_roles, missions)
    app.jinja_env.globals["has_openid"] = is_configured(settings)
    if not is_configured(settings):
        return
    # A fifth of a start without them.
    from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
    from authlib.integrations.flask_client import OAuth  # type: ignore[import-untyped]
    from requests import RequestException

    secret_file = settings.openid_client_secret_file
    client = OAuth(app).register(
        "openid",
        client_id=settings.openid_client_id,
        client_secret=secret_file.read_text(encoding="utf-8").strip() if secret_file else None,
        server_metadata_url=f"{settings.openid_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": settings.openid_scopes, "code_challenge_method": "S256", "timeout": TIMEOUT_SECONDS},
    )
    routes = Blueprint("openid", __name__)

    @routes.get("/sign-in/openid")
    @public
    def leave() -> Response:
        session[NEXT_KEY] = check_next(request.args.get("next", ""))
        try:
            answer = client.authorize_redirect(f"{settings.public_url}{CALLBACK}")
        except (OAuthError, RequestException, RuntimeError) as error:
            log.error("the OpenID provider %s cannot be used: %s", settings.openid_issuer, error)
            raise SignInRefused("the sign-in service of your organization does not answer; try again later") from None
        assert isinstance(answer, Response)
        return answer

    @routes.get(CALLBACK)
    @public
    def come_back() -> Response:
        address = find_address()
        try:
            claims = dict(client.authorize_access_token()["userinfo"])
            name, groups = _read_claims(claims, settings)
            user = access.users.sign_in_from_outside(
                name,
                "openid",
                map_groups(groups, roles),
                settings.openid_issuer,
                str(claims["sub"]),
                _read_email(claims),
            )
        except (OAuthError, RequestException, ValueError, KeyError, AccessError) as error:
            # The text of Authlib is about the protocol: it is logged, and the browser shows a sentence.
            log.warning("a sign-in by OpenID was refused: %s", error)
            access.note_refused_sign_in("openid", address, error)
            detail = str(error) if isinstance(error, AccessError) else "the answer of the provider was not valid; sign in again"
            raise SignInRefused(detail) from None
        target = check_next(str(session.get(NEXT_KEY, "")))
        secret = access.begin_session(user, "openid", address, request.headers.get("User-Agent", ""))
        begin_session(user.name, user.grants, "openid", secret)
        return go(target)

    app.register_blueprint(routes)


def _read_email(claims: dict[str, Any]) -> str | None:
    """Return the address of a user, unless the provider states that it was not verified."""
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is not False else None


def _read_claims(claims: dict[str, Any], settings: Settings) -> tuple[str, list[str]]:
    name = claims.get("preferred_username") or claims.get("email") or claims["sub"]
    groups = claims.get(settings.openid_groups_claim) or []
    if isinstance(groups, str):
        groups = [groups]
    if not isinstance(groups, list):
        raise ValueError(f"the claim {settings.openid_groups_claim} is not a list")
    return str(name), [str(group) for group in groups]
