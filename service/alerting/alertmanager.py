"""Silences in Alertmanager: posted, found again and expired through its API, version 2."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode

from service.errors import AlertmanagerUnavailable

TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 16 << 20


def post_silence(
    url: str, labels: Mapping[str, str], starts_at: datetime, ends_at: datetime, created_by: str, comment: str
) -> str:
    """Post a silence of alerts with these labels and return its id in Alertmanager. Raises AlertmanagerUnavailable."""
    matchers = [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()]
    body = {
        "matchers": matchers,
        "startsAt": _write_time(starts_at),
        "endsAt": _write_time(ends_at),
        "createdBy": created_by,
        "comment": comment,
    }
    answer = _send(f"{url}/api/v2/silences", "POST", body)
    try:
        return str(answer["silenceID"])
    except (KeyError, TypeError):
        raise AlertmanagerUnavailable(f"Alertmanager at {url} answered without an id of the silence") from None


def find_silence(url: str, labels: Mapping[str, str], mark: str) -> str | None:
    """Return the id of a silence that has not expired and whose comment contains `mark`, or None.

    Raises AlertmanagerUnavailable.
    """
    filters = urlencode([("filter", f"{name}={json.dumps(value, ensure_ascii=False)}") for name, value in labels.items()])
    answer = _send(f"{url}/api/v2/silences?{filters}", "GET")
    for silence in answer if isinstance(answer, list) else ():
        if mark in str(silence.get("comment")) and silence.get("status", {}).get("state") != "expired":
            return str(silence["id"])
    return None


def expire_silence(url: str, silence_id: str) -> None:
    """Expire a silence; one that has expired or is unknown stays as it is. Raises AlertmanagerUnavailable."""
    path = f"{url}/api/v2/silence/{quote(silence_id, safe='')}"
    try:
        answer = _send(path, "GET")
    except _Unknown:
        return
    if answer.get("status", {}).get("state") != "expired":
        _send(path, "DELETE")


class _Unknown(AlertmanagerUnavailable):
    """Alertmanager does not have what was requested."""


def _send(url: str, method: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read(MAX_ANSWER_BYTES) or b"null")
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(500).decode("utf-8", "replace").strip()
        kind = _Unknown if error.code == 404 else AlertmanagerUnavailable
        raise kind(f"Alertmanager refused the request with status {error.code}: {text}", is_refusal=True) from None
    # ValueError: the answer is not JSON. HTTPException: it is not HTTP.
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise AlertmanagerUnavailable(f"Alertmanager cannot be reached at {url.partition('/api/')[0]}: {reason}") from None


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
