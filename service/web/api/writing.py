"""Views that change something: their right, their body, Idempotency-Key, If-Match, and the audit of refused requests."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import HTTPException

from service.access.idempotency import StoredAnswer
from service.access.roles import Right
from service.application import Application
from service.client.local import ApplicationClient
from service.errors import KeyInUse, KeyReused
from service.system.time_limit import left_seconds, limit_time
from service.web.authorization import current_identity, requires
from service.web.clients import find_client
from service.web.problems import Refused, refuse_invalid

MAX_BODY_BYTES = 1 << 20
MAX_WAIT_SECONDS = 60.0
KEY_HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
View = Callable[..., Response]
Body = TypeVar("Body", bound=BaseModel)


class Given(BaseModel):
    """The body or the parameters of a request that changes something; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """The answer to a request that changed something."""

    model_config = ConfigDict(frozen=True)


def writes(application: Application, right: Right, hash_request: Callable[[], str] | None = None) -> Callable[[View], View]:
    """Return a decorator for a view that changes something and needs a right.

    A request that the view refuses before it reaches ApplicationClient, which records the others, is in the audit. A
    successful POST with an Idempotency-Key is answered once: the same request gets the stored answer. `hash_request` returns
    a digest of the body; by default of its bytes. The time limit of pages does not apply: a committed change is also published.
    """

    def decorate(view: View) -> View:
        @requires(right)
        @functools.wraps(view)
        def answer(**path: str) -> Response:
            with application.writes.take(find_client(), left_seconds(MAX_WAIT_SECONDS)), limit_time(math.inf):
                try:
                    key = request.headers.get(KEY_HEADER)
                    if request.method != "POST" or key is None:
                        return view(**path)
                    return _answer_once(application, key, (hash_request or _hash_body)(), functools.partial(view, **path))
                except (HTTPException, KeyReused, KeyInUse) as error:
                    action = f"{request.method} {request.path}"[:200]
                    detail = error.description if isinstance(error, HTTPException) else str(error)
                    application.access.audit.note(current_identity(), action, "", "refused", detail)
                    raise

        return answer

    return decorate


def _answer_once(application: Application, key: str, body_hash: str, answer: Callable[[], Response]) -> Response:
    if not _KEY.fullmatch(key):
        raise Refused(400, f"{KEY_HEADER}: must be 1 to 255 printable ASCII characters without spaces.")
    text = "\n".join([request.method, request.full_path, body_hash])
    actor = current_identity().owner
    with application.access.idempotency_keys.use(actor, key, hashlib.sha256(text.encode()).hexdigest()) as attempt:
        stored = attempt.stored
        if stored is not None:
            headers = {REPLAYED_HEADER: "true", "Cache-Control": "no-store"}
            replayed = Response(stored.body, stored.status, headers, content_type=stored.media_type)
            _tag(replayed, json.loads(stored.body).get("revision"))
            return replayed
        response = answer()
        if response.status_code < 400:
            attempt.answer = StoredAnswer(response.status_code, str(response.content_type), response.get_data(as_text=True))
        return response


def _hash_body() -> str:
    return hashlib.sha256(_read_body()).hexdigest()


def make_client(application: Application) -> ApplicationClient:
    """Return a client that works as the identity of the request."""
    return ApplicationClient(application, with_history=True, identity=current_identity())


def read_body(model: type[Body]) -> Body:
    """Return the JSON body of the request. Raises Refused (400, 413, 415)."""
    # Forms of other sites cannot send this type without a CORS preflight.
    if request.mimetype != "application/json":
        raise Refused(415, "The body must be JSON. Send the header Content-Type: application/json")
    try:
        return model.model_validate_json(_read_body())
    except ValidationError as error:
        raise refuse_invalid(error, model.model_fields) from None


def _read_body() -> bytes:
    if (request.content_length or 0) <= MAX_BODY_BYTES:
        body = request.get_data()
        if len(body) <= MAX_BODY_BYTES:
            return body
    raise Refused(413, f"The request exceeds the maximum of {MAX_BODY_BYTES:,} bytes.")


def read_parameters(model: type[Body], label_prefix: str = "") -> Body:
    """Return the parameters of the URL. Those that begin with `label_prefix` become the field `dimensions`.

    Raises Refused (400).
    """
    given: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Refused(400, f"{name}: given more than once. Give it once.")
        if label_prefix and name.startswith(label_prefix):
            labels[name.removeprefix(label_prefix)] = values[0]
        elif name == "dimensions" and label_prefix:
            raise Refused(400, f"dimensions: unknown name. Give each as {label_prefix}NAME=VALUE.")
        else:
            given[name] = values[0]
    if labels:
        given["dimensions"] = labels
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise refuse_invalid(error, model.model_fields) from None


def read_expected() -> str | None:
    """Return the revision that If-Match expects, `*` for any, an empty string for If-None-Match: *, None without a condition.

    Raises Refused (400) for more than one tag.
    """
    if "If-None-Match" in request.headers:
        if request.headers["If-None-Match"].strip() != "*" or "If-Match" in request.headers:
            raise Refused(400, "If-None-Match: only * is possible here, and not together with If-Match.")
        return ""
    if "If-Match" not in request.headers:
        return None
    tags = request.if_match
    if tags.star_tag:
        return "*"
    strong = list(tags.as_set())
    if len(strong) > 1:
        raise Refused(400, "If-Match: give one tag.")
    # A weak tag matches nothing.
    return strong[0] if strong else "no strong tag"


def send(answer: BaseModel | None, status: int = 200) -> Response:
    """Return the answer as JSON, with its field `revision` as ETag; without an answer, 204."""
    if answer is None:
        return Response(status=204)
    response = Response(answer.model_dump_json() + "\n", status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store" if request.method != "GET" else "no-cache"
    _tag(response, getattr(answer, "revision", None))
    return response


def _tag(response: Response, revision: str | None) -> None:
    if revision is not None:
        response.set_etag(revision)
