"""Identification of clients for fair scheduling, by token or address."""

from __future__ import annotations

import hashlib

from flask import request


def find_client() -> str:
    """Return an identifier of the client of the current request. Tokens are hashed."""
    if authorization := request.headers.get("Authorization"):
        return hashlib.sha256(authorization.encode("utf-8", "replace")).hexdigest()
    return request.remote_addr or "unknown"
